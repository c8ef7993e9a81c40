"""Office documents in one XML file: Excel 2003's, which many programs export, and OpenDocument."""

import re

from lxml import etree

from ingest.extract.base import DamagedFileError, FileContent, FileReader, looks_like_text
from ingest.extract.formats.open_document import flat_content
from ingest.extract.formats.table_heads import render_tables, spread_over
from ingest.extract.formats.tables.table_margins import Row
from ingest.extract.formats.zip_parts import attribute, local_name, names_damage, parse_xml

MAX_GAP = 200
"""Empty cells and rows that a file may say lie before the next one."""
_SNIFFED = 2_000
_MARK = re.compile(
    rb"<(?:\w+:)?Workbook\b[^>]*urn:schemas-microsoft-com:office:spreadsheet"
    rb"|<office:document\b",
)


def fits_flat_xml(_media_type: str, body: bytes) -> bool:
    """Return whether a body is an office document in one XML file, whatever it was sent as."""
    return looks_like_text(body) and _MARK.search(body[:_SNIFFED]) is not None


@names_damage
def _read_flat_xml(body: bytes, _charset: str | None) -> FileContent:
    root = parse_xml(body)
    if local_name(root) == "document":
        return flat_content(root)
    blocks = []
    for sheet in (each for each in root if local_name(each) == "Worksheet"):
        rows, spans = _sheet_rows(sheet)
        if table := render_tables(rows, spans):
            blocks += [f"## {attribute(sheet, 'Name')}", table]
    if not blocks and local_name(root) != "Workbook":
        raise DamagedFileError
    return FileContent(text="\n\n".join(blocks if len(blocks) > 2 else blocks[1:]))


def _sheet_rows(sheet: etree._Element) -> tuple[list[Row], set[int]]:
    """Return the rows of a sheet, and the numbers of those with cells over several columns."""
    rows: list[Row] = []
    spans: set[int] = set()
    for row in (each for each in sheet.iter() if local_name(each) == "Row"):
        number = len(rows)
        cells: list[str] = []
        for cell in (each for each in row if local_name(each) == "Cell"):
            cells += [""] * min(MAX_GAP, max(0, _number(cell, "Index", 1) - 1 - len(cells)))
            texts = (" ".join("".join(part.itertext()).split()) for part in cell)
            text = " ".join(filter(None, texts))
            over = 1 + min(MAX_GAP, _number(cell, "MergeAcross", 0))
            cells += spread_over(text, over)
            if over > 1 and len(row) > 1:
                spans.add(number)
        rows.append((number, cells))
    return rows, spans


def _number(element: etree._Element, name: str, default: int) -> int:
    value = attribute(element, name)
    return int(value) if value.isdecimal() else default


FLAT_XML = FileReader(
    suffixes=(".fodt", ".fods", ".fodp"),
    media_types=("application/vnd.oasis.opendocument.text-flat-xml",),
    fits=fits_flat_xml,
    read=_read_flat_xml,
    is_document=True,
)
