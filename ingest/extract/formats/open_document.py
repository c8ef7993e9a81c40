"""OpenDocument: texts (.odt), sheets (.ods) and slides (.odp), with all that their readers see.

Notes, comments, text boxes and formulas stand behind the paragraph that they belong to; headers and
footers at the end. What tracked changes have deleted is left out.
"""

import posixpath
from collections.abc import Iterator

from lxml import etree

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.formats.office_text import mathml_text, parse_day
from ingest.extract.formats.table_heads import render_spanned
from ingest.extract.formats.table_rows import render_inner_table
from ingest.extract.formats.zip_parts import ZipParts, attribute, child, local_name, names_damage
from ingest.foundation.messages import Message

MAX_REPEATED = 50  # cells that a file may say stand side by side
_BESIDE = frozenset({"note", "annotation", "text-box", "tracked-changes", "ruby-text", "object"})
"""Within a paragraph, but no part of its sentences."""
_MARGINS = frozenset({"header", "header-first", "header-left", "footer", "footer-first"})


@names_damage
def read_open_document(body: bytes, _charset: str | None) -> FileContent:
    """Return the text of an .odt file (also of .odp and .ods), with headings, tables and notes."""
    parts = ZipParts(body)
    text = child(parts.xml("content.xml"), "body")
    if text is None:
        raise DamagedFileError
    blocks = [*_OpenReader(parts).blocks(text), *_margins(parts.xml("styles.xml"))]
    return _content(blocks, parts.xml("meta.xml"), parts.picture_notes())


def flat_content(root: etree._Element) -> FileContent:
    """Return the content of a document that is one XML file: .fodt, .fods, .fodp."""
    text = child(root, "body")
    if text is None:
        raise DamagedFileError
    return _content([*_OpenReader(None).blocks(text), *_margins(root)], child(root, "meta"), ())


def _content(
    blocks: list[str], meta: etree._Element | None, notes: tuple[Message, ...]
) -> FileContent:
    found = {local_name(e): (e.text or "").strip() for e in ([] if meta is None else meta.iter())}
    return FileContent(
        text="\n\n".join(block for block in blocks if block.strip()),
        title=found.get("title", ""),
        author=found.get("creator", "") or found.get("initial-creator", ""),
        published=parse_day(found.get("creation-date", "")),
        modified=parse_day(found.get("date", "")),
        notes=notes,
    )


class _OpenReader:
    def __init__(self, parts: ZipParts | None) -> None:
        self._parts = parts

    def blocks(self, parent: etree._Element) -> Iterator[str]:
        """Yield headings, paragraphs, items and tables in their order."""
        for each in parent:
            yield from self.block(each)

    def block(self, element: etree._Element) -> Iterator[str]:
        """Yield one of them, with what is anchored in it."""
        match local_name(element):
            case "h":
                level = attribute(element, "outline-level", "1")
                mark = "#" * min(6, int(level) if level.isdecimal() else 1)
                yield f"{mark} {_text_of(element)}"
                yield from self._beside(element)
            case "p":
                yield _text_of(element)
                yield from self._beside(element)
            case "list-item" | "list-header":
                yield from self._item(element)
            case "table":
                # Of a text the name is the program's ("Table1"), of a sheet its author's.
                is_sheet = local_name(element.getparent()) == "spreadsheet"
                if is_sheet and (name := attribute(element, "name")):
                    yield f"## {name}"
                yield from self._table(element)
            case "annotation" | "object":
                yield self._aside(element)
            case "frame" if attribute(element, "class") == "title":
                if title := " ".join(filter(None, self.blocks(element))):
                    yield f"# {title}"
            case "tracked-changes" | "creator" | "date" | "forms":
                return
            case _:
                yield from self.blocks(element)

    def _item(self, item: etree._Element) -> Iterator[str]:
        """Yield an item, and the items below it each for itself."""
        first = "- "
        for each in item:
            inner = filter(None, self.blocks(each) if local_name(each) == "list" else ())
            yield from inner
            if local_name(each) in ("p", "h"):
                if text := _text_of(each):
                    yield f"{first}{text}"
                    first = ""
                yield from self._beside(each)

    def _beside(self, paragraph: etree._Element) -> Iterator[str]:
        """Yield what is anchored in a paragraph: notes, comments, text boxes, formulas."""
        for each in paragraph:
            match local_name(each):
                case "note" | "text-box":
                    yield from self.blocks(each)
                case "annotation" | "object":
                    yield self._aside(each)
                case "tracked-changes":
                    continue
                case _:
                    yield from self._beside(each)

    def _table(self, table: etree._Element) -> Iterator[str]:
        rows: list[list[tuple[str, int]]] = []
        below: dict[int, tuple[int, str]] = {}  # column -> (rows that its cell still covers, text)
        for row in (each for each in table.iter() if local_name(each) == "table-row"):
            if next(a for a in row.iterancestors() if local_name(a) == "table") is not table:
                continue  # of a table within a cell
            cells: list[tuple[str, int]] = []
            at = 0
            for cell in row:
                if local_name(cell) not in ("table-cell", "covered-table-cell"):
                    continue
                # The comment on a cell stands before what it is about.
                inner = sorted(cell, key=lambda each: local_name(each) == "annotation")
                text = " ".join(block for one in inner for block in self.block(one) if block)
                is_covered = local_name(cell) == "covered-table-cell"
                rest, above = below.get(at, (0, ""))
                if is_covered and rest:
                    # A cell over several rows is repeated: each row is read alone.
                    text, below[at] = above, (rest - 1, above)
                if (spanned := _count(cell, "number-rows-spanned")) > 1:
                    below[at] = (spanned - 1, text)
                times = _count(cell, "number-columns-repeated")
                at += times
                if is_covered and not rest:  # it belongs to the cell on its left
                    continue
                wide = _count(cell, "number-columns-spanned")
                cells += [(text, wide)] if wide > 1 else [(text, 1)] * times
            rows.append(cells)
        is_inner = any(local_name(each) == "table-cell" for each in table.iterancestors())
        yield render_inner_table(rows) if is_inner else render_spanned(rows)

    def _aside(self, element: etree._Element) -> str:
        """Return a comment, or a formula as people type it."""
        if local_name(element) == "annotation":
            author = next((e.text for e in element if local_name(e) == "creator"), "") or ""
            texts = (_text_of(each) for each in element.iter() if local_name(each) in ("p", "h"))
            text = " ".join(filter(None, texts))
            return f"{author}: {text}" if author and text else text
        # A formula may be a document of its own within the file.
        math = next((each for each in element.iter() if local_name(each) == "math"), None)
        name = posixpath.normpath(attribute(element, "href"))
        if math is None and self._parts and name not in ("", "."):
            root = self._parts.xml(f"{name}/content.xml")
            math = root if root is not None and local_name(root) == "math" else None
        return "" if math is None else mathml_text(math)


def _count(cell: etree._Element, name: str) -> int:
    number = attribute(cell, name, "1")
    return max(1, min(MAX_REPEATED, int(number))) if number.isdecimal() else 1


def _margins(root: etree._Element | None) -> list[str]:
    """Return headers and footers, each once, without those that only number pages."""
    texts: dict[str, None] = {}
    for margin in () if root is None else root.iter():
        if local_name(margin) in _MARGINS:
            for paragraph in (each for each in margin.iter() if local_name(each) == "p"):
                fields = {local_name(each) for each in paragraph}
                text = _text_of(paragraph)
                if any(map(str.isalpha, text)) and not fields & {"page-number", "page-count"}:
                    texts[text] = None
    return list(texts)


def _text_of(element: etree._Element) -> str:
    return " ".join("".join(_text_pieces(element)).split())


def _text_pieces(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for each in element:
        name = local_name(each)
        if name in ("s", "tab", "line-break"):
            yield " "
        elif name not in _BESIDE:
            yield from _text_pieces(each)
        yield each.tail or ""
