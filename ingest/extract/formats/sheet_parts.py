"""What openpyxl passes over when it reads row by row: merged cells, comments, text boxes."""

import re
from dataclasses import dataclass

from ingest.extract.formats.zip_parts import ZipParts, attribute, local_name, relation_id

MAX_MERGED = 20_000  # cells that one sheet may say are merged; a damaged file may name millions

_WORKBOOK = "xl/workbook.xml"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}):([A-Z]{1,3}\d{1,7})"')
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_COMMENTS = re.compile(r"xl/comments.*\.xml")
_DRAWING = re.compile(r"xl/drawings/drawing.*\.xml")
_THREADED = re.compile(r"\[Threaded comment\].*?Comment:\s*", re.DOTALL)
"""What Excel writes before the first comment of a thread, for its older versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedRange:
    """Cells that are one; rows and columns from 0, the last ones included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetParts:
    """What belongs to a sheet beside the values of its cells."""

    merged: tuple[MergedRange, ...]
    comments: dict[tuple[int, int], str]
    """By row and column, from 0."""
    boxes: tuple[str, ...]
    """Paragraphs of text boxes and shapes."""


def read_sheet_parts(parts: ZipParts) -> dict[str, SheetParts]:
    """Return what belongs to each sheet, by its title."""
    workbook = parts.xml(_WORKBOOK)
    related = parts.related(_WORKBOOK)
    found = {}
    for each in () if workbook is None else workbook.iter():
        if local_name(each) == "sheet":
            part = related.get(relation_id(each), "")
            found[attribute(each, "name")] = _read_parts_of(parts, part)
    return found


def _read_parts_of(parts: ZipParts, name: str) -> SheetParts:
    related = parts.related(name).values()
    comments: dict[tuple[int, int], str] = {}
    boxes: list[str] = []
    for other in related:
        if _COMMENTS.fullmatch(other):
            root = parts.xml(other)
            for each in () if root is None else root.iter():
                if local_name(each) == "comment" and _CELL.fullmatch(attribute(each, "ref")):
                    text = "".join(t.text or "" for t in each.iter() if local_name(t) == "t")
                    if bare := " ".join(_THREADED.sub("", text).split()):
                        comments[_place(attribute(each, "ref"))] = bare
        elif _DRAWING.fullmatch(other) and (root := parts.xml(other)) is not None:
            paragraphs = (each for each in root.iter() if local_name(each) == "p")
            texts = [
                "".join(t.text or "" for t in p.iter() if local_name(t) == "t") for p in paragraphs
            ]
            boxes += [" ".join(text.split()) for text in texts if text.strip()]
    merged, left = [], MAX_MERGED
    for first, last in _MERGED.findall(parts.read(name)):
        (top, start), (bottom, end) = _place(first.decode()), _place(last.decode())
        left -= max(0, bottom - top + 1) * max(0, end - start + 1)
        if left < 0:
            break
        merged.append(MergedRange(top=top, left=start, bottom=bottom, right=end))
    return SheetParts(merged=tuple(merged), comments=comments, boxes=tuple(boxes))


def _place(reference: str) -> tuple[int, int]:
    """Return row and column of a reference, from 0: "B3" is (2, 1)."""
    found = _CELL.fullmatch(reference)
    assert found is not None
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]) - 1, column - 1
