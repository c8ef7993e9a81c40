"""Tables of Excel files. Each row is understood alone."""

import datetime
import io
import itertools
import re
from collections.abc import Sequence
from typing import Any

from ingest.extract.base import FileContent
from ingest.extract.formats.sheet_parts import MergedRange, SheetParts, read_sheet_parts
from ingest.extract.formats.table_heads import DAY_OR_YEAR, render_tables
from ingest.extract.formats.table_rows import is_figure
from ingest.extract.formats.tables.number_formats import shown_number
from ingest.extract.formats.zip_parts import ZipParts, names_damage
from ingest.foundation.messages import Message

MAX_ROWS = 50_000  # of a sheet; beyond them the text is longer than what is kept of a file
MAX_COLUMNS = 200
_UNNAMED = re.compile(
    r"(?:sheet|工作表|工作頁|表|シート|시트|tabelle|feuil|hoja|foglio|planilha|лист)[ _]?\d*",
    re.IGNORECASE,
)
"""What programs call a sheet that was given no name."""


@names_damage
def read_workbook(body: bytes, _charset: str | None) -> FileContent:
    """Return the sheets of an .xlsx file, each under its name, formulas by their last values.

    A formula that no program has computed yet is shown as it is written, and counted in a note.
    """
    import openpyxl

    parts = ZipParts(body)
    # All are read, also behind the first formula: a bomb raises here, and openpyxl unfolds it.
    names = [name for name in parts.names if name.startswith("xl/") and name.endswith(".xml")]
    found = [b"<f" in parts.read(name) for name in names]
    has_formulas = any(found)
    # Anew: what has been read of `parts` counts against its bound.
    beside = read_sheet_parts(ZipParts(body))
    book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
    # Values and formulas come from two readings: openpyxl gives one or the other.
    written = openpyxl.load_workbook(io.BytesIO(body), read_only=True) if has_formulas else book
    blocks, notes = [], []
    for sheet, formulas in zip(book.worksheets, written.worksheets, strict=True):
        rows = sheet.iter_rows(max_col=MAX_COLUMNS)
        cells = [[_shown_value(cell) for cell in row] for row in itertools.islice(rows, MAX_ROWS)]
        if has_formulas and (count := _fill_in_formulas(cells, formulas)):
            notes.append(
                Message(
                    "{count} {count:?formula|formulas} of sheet {name} {count:?has|have} "
                    "no value yet: open the file in its own program and save it again",
                    count=count,
                    name=sheet.title,
                )
            )
        if next(iter(rows), None) is not None:
            notes.append(
                Message("of sheet {name} the first {most:,} rows", name=sheet.title, most=MAX_ROWS)
            )
        if tables := _render_sheet(cells, beside.get(sheet.title)):
            blocks += [f"## {sheet.title}", tables]
    properties = book.properties
    book.close()
    notes += parts.picture_notes()
    if not blocks:
        return FileContent(text="", notes=tuple(notes))
    title = properties.title or ""
    sheet = blocks[0].strip("# ")
    return FileContent(
        text="\n\n".join(blocks if len(blocks) > 2 else blocks[1:]),
        title=title or ("" if len(blocks) > 2 or _UNNAMED.fullmatch(sheet) else sheet),
        author=(properties.creator or "").replace("openpyxl", ""),
        modified=properties.modified.date() if properties.modified else None,
        notes=tuple(notes),
    )


def _fill_in_formulas(cells: list[list[str]], sheet: Any) -> int:
    """Put formulas into the cells that have no value, and return how many those are."""
    count = 0
    for row, written in zip(
        cells, sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS), strict=False
    ):
        for place, (text, formula) in enumerate(zip(row, written, strict=False)):
            if not text and isinstance(formula, str) and formula.startswith("="):
                row[place] = formula
                count += 1
    return count


def _render_sheet(cells: list[list[str]], beside: SheetParts | None) -> str:
    """Return the tables of a sheet, each with its head, and what its text boxes say."""
    spans = _fill_in_merged(cells, beside.merged) if beside else frozenset()
    for (row, column), text in (beside.comments if beside else {}).items():
        if row < len(cells) and column < len(cells[row]):
            cells[row][column] = f"{cells[row][column]} ({text})".strip()
    tables = render_tables(enumerate(cells), spans)
    return "\n\n".join(filter(None, [tables, *(beside.boxes if beside else ())]))


def _fill_in_merged(cells: list[list[str]], merged: Sequence[MergedRange]) -> frozenset[int]:
    """Repeat what merged cells say in each row and column: a row is understood alone.

    Return the rows with cells over several columns of a table, which head the row below them. A
    title over the whole table, alone in its row, stays one cell.
    """
    spans = set()
    for each in merged:
        if each.top >= len(cells) or each.left >= len(cells[each.top]):
            continue
        text, row = cells[each.top][each.left], cells[each.top]
        # An amount that is said twice is twice as much. In the first column it is a number of rows.
        if is_figure(text) and not DAY_OR_YEAR.match(text) and any(row[: each.left]):
            continue
        others = any(cell for n, cell in enumerate(row) if not each.left <= n <= each.right)
        right = each.right if others else each.left
        if text and right > each.left:
            spans.add(each.top)
        for line in cells[each.top : each.bottom + 1]:
            for column in range(each.left, min(right + 1, len(line))):
                line[column] = text
    return frozenset(spans)


def _shown_value(cell: Any) -> str:
    """Return the value of a cell of openpyxl as people see it: .035 as 3.5% where it is one."""
    value = cell.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return shown_number(value, cell.number_format or "")
    return _cell_text(value)


def _cell_text(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime():
            return value.isoformat(" ", "minutes")
        case datetime.timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
        case datetime.time() if not value.second:
            return value.isoformat("minutes")
        case _:
            return str(value)
