"""PowerPoint files: titles, points, tables, charts and what the speaker notes say."""

import re
from collections.abc import Iterator

from lxml import etree

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.formats.office_text import read_office_properties, render_chart
from ingest.extract.formats.table_rows import render_rows
from ingest.extract.formats.zip_parts import (
    ZipParts,
    attribute,
    child,
    local_name,
    names_damage,
    relation_id,
)

_MAIN = "ppt/presentation.xml"
_TITLES = frozenset({"title", "ctrTitle"})
_MARGINS = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
"""Placeholders of page numbers, days and the picture of the slide."""


@names_damage
def read_slides(body: bytes, _charset: str | None) -> FileContent:
    """Return the text of a .pptx file, a heading for each slide with a title."""
    parts = ZipParts(body)
    root = parts.xml(_MAIN)
    if root is None:
        raise DamagedFileError
    related = parts.related(_MAIN)
    order = [each for each in root.iter() if local_name(each) == "sldId"]
    names = [related.get(relation_id(each), "") for each in order]
    blocks = [block for name in names for block in _slide_blocks(parts, name)]
    properties = read_office_properties(parts)
    title = "" if any(block.startswith("# ") for block in blocks) else properties.title
    return FileContent(
        text="\n\n".join(filter(None, blocks)),
        title=title,
        author=properties.author,
        published=properties.created,
        modified=properties.modified,
        notes=parts.picture_notes(),
    )


def _slide_blocks(parts: ZipParts, name: str) -> Iterator[str]:
    root = parts.xml(name)
    if root is None or attribute(root, "show") == "0":
        return
    related = parts.related(name)
    tree = child(root, "cSld", "spTree")
    shapes = [] if tree is None else list(_shapes(tree))
    # The title may have been drawn last.
    shapes.sort(key=lambda shape: _placeholder(shape) not in _TITLES)
    for shape in shapes:
        yield from _shape_blocks(shape, parts, related)
    for other in related.values():
        if re.fullmatch(r"ppt/notesSlides/.*\.xml", other):
            notes = parts.xml(other)
            for shape in () if notes is None else notes.iter():
                if local_name(shape) == "sp" and _placeholder(shape) not in _MARGINS:
                    yield "\n\n".join(_shape_paragraphs(shape))


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
        if title := " ".join(_shape_paragraphs(shape)):
            yield f"# {title}"
        return
    for element in shape.iter():
        match local_name(element):
            case "tbl":
                rows = [each for each in element if local_name(each) == "tr"]
                cells = [[c for c in row if local_name(c) == "tc"] for row in rows]
                yield render_rows([[" ".join(_shape_paragraphs(c)) for c in row] for row in cells])
                return
            case "chart":
                content = parts.read(related.get(attribute(element, "id"), ""))
                yield render_chart(content) if content else ""
            case "relIds":  # SmartArt: its texts are in a part of their own
                data = parts.xml(related.get(attribute(element, "dm"), ""))
                yield from () if data is None else (f"- {text}" for text in _shape_paragraphs(data))
    yield from (f"- {text}" for text in _shape_paragraphs(shape))


def _shape_paragraphs(root: etree._Element) -> list[str]:
    texts = []
    for paragraph in root.iter():
        if local_name(paragraph) != "p":
            continue
        pieces = [
            (each.text or "") if local_name(each) == "t" else " "
            for each in paragraph.iter()
            if local_name(each) in ("t", "br")
        ]
        texts.append(" ".join("".join(pieces).split()))
    return [text for text in texts if text]
