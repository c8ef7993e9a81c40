"""PowerPoint files: titles, points, tables, charts and what the speaker notes say."""

import re
from collections.abc import Iterator

from lxml import etree

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.formats.attachments import AttachmentReader, ReadPart, no_part
from ingest.extract.formats.office_text import (
    drawing_paragraphs,
    read_office_properties,
    render_chart,
)
from ingest.extract.formats.table_heads import render_spanned
from ingest.extract.formats.zip_parts import (
    ZipParts,
    attribute,
    child,
    local_name,
    names_damage,
    relation_id,
)

_MAIN = "ppt/presentation.xml"
MAX_SPAN = 50  # columns that one cell may claim
_TITLES = frozenset({"title", "ctrTitle"})
_MARGINS = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
"""Placeholders of page numbers, days and the picture of the slide."""


@names_damage
def read_slides(body: bytes, _charset: str | None, *, read_part: ReadPart = no_part) -> FileContent:
    """Return the text of a .pptx file, a heading for each slide with a title.

    `read_part` reads what is embedded in it.
    """
    parts = ZipParts(body)
    root = parts.xml(_MAIN)
    if root is None:
        raise DamagedFileError
    related = parts.related(_MAIN)
    order = [each for each in root.iter() if local_name(each) == "sldId"]
    names = [related.get(relation_id(each), "") for each in order]
    reader = AttachmentReader(read_part)
    blocks: list[str] = []
    for name in names:
        blocks += _slide_blocks(parts, name)
        blocks += [reader.block(*embedded) for embedded in parts.embedded(name)]
    properties = read_office_properties(parts)
    title = "" if any(block.startswith("# ") for block in blocks) else properties.title
    return FileContent(
        text="\n\n".join(filter(None, blocks)),
        title=title,
        author=properties.author,
        published=properties.created,
        modified=properties.modified,
        notes=(*parts.picture_notes(), *reader.notes),
    )


def _slide_blocks(parts: ZipParts, name: str) -> Iterator[str]:
    root = parts.xml(name)
    if root is None:
        return
    related = parts.related(name)
    tree = child(root, "cSld", "spTree")
    shapes = [] if tree is None else list(_shapes(tree))
    # The title may have been drawn last.
    shapes.sort(key=lambda shape: _placeholder(shape) not in _TITLES)
    for shape in shapes:
        yield from _shape_blocks(shape, parts, related)
    for other in related.values():
        if re.fullmatch(r"ppt/comments/.*\.xml", other):
            comments = parts.xml(other)
            yield from () if comments is None else _comments(comments)
        if re.fullmatch(r"ppt/notesSlides/.*\.xml", other):
            notes = parts.xml(other)
            for shape in () if notes is None else notes.iter():
                if local_name(shape) == "sp" and _placeholder(shape) not in _MARGINS:
                    yield "\n\n".join(drawing_paragraphs(shape))


def _comments(root: etree._Element) -> Iterator[str]:
    """Yield what was commented on a slide, in both notations: p:text of old, a:t of new ones."""
    for each in root.iter():
        if local_name(each) == "text" and each.text:
            yield " ".join(each.text.split())
        elif local_name(each) == "txBody":
            yield " ".join(drawing_paragraphs(each))


def _shapes(parent: etree._Element) -> Iterator[etree._Element]:
    for each in parent:
        name = local_name(each)
        if name in ("grpSp", "AlternateContent", "Choice"):
            yield from _shapes(each)
        elif name in ("sp", "graphicFrame", "pic"):
            yield each


def _placeholder(shape: etree._Element) -> str:
    mark = next((each for each in shape.iter() if local_name(each) == "ph"), None)
    return "" if mark is None else attribute(mark, "type", "body")


def _shape_blocks(shape: etree._Element, parts: ZipParts, related: dict[str, str]) -> Iterator[str]:
    kind = _placeholder(shape)
    if kind in _MARGINS:
        return
    if kind in _TITLES:
        if title := " ".join(drawing_paragraphs(shape)):
            yield f"# {title}"
        return
    for element in shape.iter():
        match local_name(element):
            case "tbl":
                yield render_spanned(_rows_of_table(element))
                return
            case "chart":
                content = parts.read(related.get(attribute(element, "id"), ""))
                yield render_chart(content) if content else ""
            case "relIds":  # SmartArt: its texts are in a part of their own
                data = parts.xml(related.get(attribute(element, "dm"), ""))
                yield from (
                    () if data is None else (f"- {text}" for text in drawing_paragraphs(data))
                )
    yield from (f"- {text}" for text in drawing_paragraphs(shape))


def _rows_of_table(table: etree._Element) -> list[list[tuple[str, int]]]:
    """Return the cells of each row: text, and over how many columns it stands."""
    rows: list[list[tuple[str, int]]] = []
    above: list[str] = []
    for row in (each for each in table if local_name(each) == "tr"):
        cells: list[tuple[str, int]] = []
        texts: list[str] = []
        for cell in (each for each in row if local_name(each) == "tc"):
            text = " ".join(drawing_paragraphs(cell))
            # A cell over several rows is repeated: each row is read alone.
            if attribute(cell, "vMerge") in ("1", "true") and len(texts) < len(above):
                text = above[len(texts)]
            texts.append(text)
            if attribute(cell, "hMerge") not in ("1", "true"):
                span = attribute(cell, "gridSpan", "1")
                cells.append((text, min(MAX_SPAN, int(span)) if span.isdecimal() else 1))
        rows.append(cells)
        above = texts
    return rows
