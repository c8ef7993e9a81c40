"""Word files: all that a reader of the document sees, in the order in which they see it.

Tracked insertions, content controls, text boxes, formulas, footnotes and comments are text like the
rest; deletions are not.
"""

import re
from collections.abc import Iterator

from lxml import etree

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.formats.attachments import AttachmentReader, ReadPart, no_part
from ingest.extract.formats.office_text import (
    drawing_paragraphs,
    formula_text,
    read_office_properties,
    render_chart,
)
from ingest.extract.formats.table_heads import render_spanned
from ingest.extract.formats.table_rows import render_inner_table
from ingest.extract.formats.word_numbers import ListNumbers
from ingest.extract.formats.zip_parts import ZipParts, attribute, child, local_name, names_damage

_MAIN = "word/document.xml"
_LEFT_OUT = frozenset(
    {"del", "moveFrom", "delText", "instrText", "txbxContent", "pPr", "rPr", "sdtPr", "sectPr"}
    | {"rt"}
)
"""Elements whose text is deleted, a command, written elsewhere, or how to read a character."""
_BREAKS = {"tab": " ", "br": " ", "cr": " ", "noBreakHyphen": "-"}
_HEADING_STYLE = re.compile(r"(?:heading|标题) ?(\d)", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"[\W\d]*(?:page|seite|第)?[\W\d]*(?:of|von|页|共)?[\W\d]*页?", re.IGNORECASE
)
MAX_STYLE_CHAIN = 20  # styles that build on another; a damaged file may let them go in a circle
MAX_NESTED = 6  # tables within cells within tables


@names_damage
def read_word(body: bytes, _charset: str | None, *, read_part: ReadPart = no_part) -> FileContent:
    """Return the text of a .docx file; `read_part` reads what is embedded in it."""
    return _WordReader(ZipParts(body), read_part).content()


class _WordReader:
    def __init__(self, parts: ZipParts, read_part: ReadPart) -> None:
        self._parts = parts
        self._attachments = AttachmentReader(read_part)
        root = parts.xml(_MAIN)
        body = child(root, "body")
        if body is None:
            raise DamagedFileError
        self._body = body
        self._related = parts.related(_MAIN)
        styles = parts.xml("word/styles.xml")
        self._styles = {
            attribute(each, "styleId"): each
            for each in ([] if styles is None else styles)
            if local_name(each) == "style"
        }
        self._numbers = ListNumbers(parts.xml("word/numbering.xml"))
        self._notes = {
            kind: self._read_notes(f"word/{kind}s.xml", kind)
            for kind in ("footnote", "endnote", "comment")
        }

    def content(self) -> FileContent:
        blocks = list(self._blocks(self._body))
        titles = [text for level, text in blocks if level == 1]
        # Under a title all headings are one level deeper.
        has_title = any(level == 0 for level, _ in blocks)
        written = []
        for level, text in blocks:
            if level is None:
                written.append(text)
            else:
                written.append("#" * min(6, max(1, level + has_title)) + f" {text}")
        written += self._margins()
        written += [self._attachments.block(*each) for each in self._parts.embedded(_MAIN)]
        properties = read_office_properties(self._parts)
        title = next((text for level, text in blocks if level == 0), "")
        return FileContent(
            text="\n\n".join(filter(None, written)),
            title=title or ("" if titles else properties.title),
            author=properties.author,
            published=properties.created,
            modified=properties.modified,
            notes=(*self._parts.picture_notes(), *self._attachments.notes),
        )

    def _blocks(self, parent: etree._Element, depth: int = 0) -> Iterator[tuple[int | None, str]]:
        """Yield the level of a heading (0 for the title, None for text), and each block."""
        for element in parent:
            match local_name(element):
                case "p":
                    yield from self._paragraph(element)
                case "tbl":
                    rows = self._rows(element, depth)
                    yield None, render_inner_table(rows) if depth else render_spanned(rows)
                case "del" | "moveFrom" | "sectPr":
                    continue
                case "altChunk":  # a file in place of paragraphs
                    part = self._related.get(attribute(element, "id"), "")
                    yield None, self._attachments.text(part, self._parts.read(part))
                case "AlternateContent":
                    yield from self._blocks(element[:1][0] if len(element) else element, depth)
                case _:
                    yield from self._blocks(element, depth)

    def _paragraph(self, paragraph: etree._Element) -> Iterator[tuple[int | None, str]]:
        text = _paragraph_text(paragraph)
        level = self._heading_level(paragraph)
        place = self._list_place(paragraph)
        end = child(paragraph, "pPr", "rPr")
        # Where it is deleted or hidden, an empty paragraph is not seen.
        unseen = [child(end, name) for name in ("del", "moveFrom", "vanish")]
        is_seen = all(each is None or attribute(each, "val") in ("0", "false") for each in unseen)
        number = self._numbers.mark(*place) if place and (text or is_seen) else ""
        if text and level is not None:
            yield level, f"{number} {text}".lstrip()
        elif text:
            # A paragraph that begins like a heading or a list of Markdown is none.
            bare = re.sub(r"^(#{1,6}|[-*+]|>)(?=\s)", r"\\\1", text)
            is_item = place is not None or self._is_named_list(paragraph)
            yield None, f"{number or '-'} {text}" if is_item else bare
        for element in _seen_elements(paragraph):
            name = local_name(element)
            if name == "txbxContent":
                yield from self._blocks(element)
            elif name.endswith("Reference") and name[:-9] in self._notes:
                yield None, self._notes[name[:-9]].get(attribute(element, "id"), "")
            elif name == "relIds":  # SmartArt: its texts are in a part of their own
                data = self._parts.xml(self._related.get(attribute(element, "dm"), ""))
                for point in [] if data is None else drawing_paragraphs(data):
                    yield None, f"- {point}"
            elif name == "chart":
                part = self._related.get(attribute(element, "id"), "")
                yield None, render_chart(content) if (content := self._parts.read(part)) else ""

    def _rows(self, table: etree._Element, depth: int) -> list[list[tuple[str, int]]]:
        """Return the cells of each row: text, and over how many columns it stands."""
        rows: list[list[tuple[str, int]]] = []
        above: list[str] = []  # by column
        for row in (each for each in table.iter() if local_name(each) == "tr"):
            if next(each for each in row.iterancestors() if local_name(each) == "tbl") is not table:
                continue  # of a table within a cell
            texts: list[str] = []
            cells: list[tuple[str, int]] = []
            for cell in (each for each in row.iter() if local_name(each) == "tc"):
                if next(a for a in cell.iterancestors() if local_name(a) == "tr") is not row:
                    continue
                inner = self._blocks(cell, depth + 1) if depth < MAX_NESTED else ()
                text = " ".join(text for _, text in inner)
                merged = child(cell, "tcPr", "vMerge")
                # A cell over several rows is repeated: each row is read alone.
                if merged is not None and attribute(merged, "val") != "restart":
                    text = above[len(texts)] if len(texts) < len(above) else text
                span = attribute(child(cell, "tcPr", "gridSpan"), "val", "1")
                wide = min(50, int(span)) if span.isdecimal() else 1
                texts += [text, *[""] * (wide - 1)]
                cells.append((text, wide))
            rows.append(cells)
            above = texts
        return rows

    def _style_chain(self, paragraph: etree._Element) -> Iterator[etree._Element]:
        name = attribute(child(paragraph, "pPr", "pStyle"), "val")
        for _ in range(MAX_STYLE_CHAIN):
            style = self._styles.get(name)
            if style is None:
                return
            yield style
            name = attribute(child(style, "basedOn"), "val")

    def _heading_level(self, paragraph: etree._Element) -> int | None:
        for element in (paragraph, *self._style_chain(paragraph)):
            name = attribute(child(element, "name"), "val")
            if name.lower() in ("title", "标题"):
                return 0
            if found := _HEADING_STYLE.fullmatch(name):
                return int(found[1])
            level = attribute(child(element, "pPr", "outlineLvl"), "val")
            if level in set("012345678"):
                return int(level) + 1
            if level:
                return None
        return None

    def _list_place(self, paragraph: etree._Element) -> tuple[str, int] | None:
        """Return the number of the list that a paragraph is in, and its level; None if in none."""
        level = ""
        for element in (paragraph, *self._style_chain(paragraph)):
            numbering = child(element, "pPr", "numPr")
            level = level or attribute(child(numbering, "ilvl"), "val")
            if number := attribute(child(numbering, "numId"), "val"):
                # List 0 takes a paragraph out of that of its style.
                return (number, int(level) if level.isdecimal() else 0) if number != "0" else None
        return None

    def _is_named_list(self, paragraph: etree._Element) -> bool:
        names = (attribute(child(each, "name"), "val") for each in self._style_chain(paragraph))
        numbering = child(paragraph, "pPr", "numPr", "numId")
        return numbering is None and any(name.startswith("List ") for name in names)

    def _read_notes(self, part: str, kind: str) -> dict[str, str]:
        """Return the text of each note in a part of the file, by id; a comment names its author."""
        root = self._parts.xml(part)
        notes = {}
        for note in [] if root is None else root:
            text = " ".join(filter(None, map(_paragraph_text, _paragraph_elements(note))))
            author = attribute(note, "author") if kind == "comment" else ""
            if text:
                notes[attribute(note, "id")] = f"{author}: {text}" if author else text
        return notes

    def _margins(self) -> list[str]:
        """Return headers and footers, each once, without those that only number pages."""
        texts: dict[str, None] = {}
        for name in self._parts.names:
            if re.fullmatch(r"word/(?:header|footer)\d*\.xml", name):
                root = self._parts.xml(name)
                for paragraph in [] if root is None else _paragraph_elements(root):
                    text = _paragraph_text(paragraph)
                    if text and not _PAGE_NUMBER.fullmatch(text):
                        texts[text] = None
        return list(texts)


def _paragraph_elements(root: etree._Element) -> list[etree._Element]:
    return [each for each in root.iter() if local_name(each) == "p"]


def _seen_elements(element: etree._Element) -> Iterator[etree._Element]:
    """Yield what a paragraph holds, once where Word writes it for old and new versions."""
    for each in element:
        name = local_name(each)
        if name in ("del", "moveFrom"):
            continue
        if name == "AlternateContent":
            yield from _seen_elements(each[0]) if len(each) else ()
            continue
        yield each
        if name != "txbxContent":
            yield from _seen_elements(each)


def _paragraph_text(element: etree._Element) -> str:
    return " ".join("".join(_run_texts(element)).split())


def _run_texts(element: etree._Element) -> Iterator[str]:
    for each in element:
        name = local_name(each)
        if name == "t":
            yield each.text or ""
        elif name in _BREAKS:
            yield _BREAKS[name]
        elif name in ("oMath", "oMathPara"):
            yield f" {formula_text(each)} "
        elif name == "AlternateContent":
            yield from _run_texts(each[0]) if len(each) else ()
        elif name not in _LEFT_OUT:
            mark = child(each, "rPr", "vanish")
            if mark is None or attribute(mark, "val") in ("0", "false"):
                yield from _run_texts(each)
