"""Tables: Excel files, and text with separated values. Each row is understood alone."""

import csv
import datetime
import io
import itertools
import re
from collections.abc import Iterable
from typing import Any

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.formats.table_rows import render_rows
from ingest.extract.formats.zip_parts import ZipParts, names_damage
from ingest.foundation.messages import Message
from ingest.text.encodings import decode

MAX_ROWS = 50_000  # of a sheet; beyond them the text is longer than what is kept of a file
MAX_COLUMNS = 200
SNIFFED = 20_000  # characters in which the separator of a file shows
_SEPARATORS = ",;\t|"

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
    has_formulas = False
    for name in parts.names:  # openpyxl unfolds whatever it is given
        if name.startswith("xl/") and name.endswith(".xml"):
            has_formulas |= b"<f" in parts.read(name)
    book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
    # Values and formulas come from two readings: openpyxl gives one or the other.
    written = openpyxl.load_workbook(io.BytesIO(body), read_only=True) if has_formulas else book
    blocks, notes = [], []
    for sheet, formulas in zip(book.worksheets, written.worksheets, strict=True):
        rows = sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS)
        cells = [[_cell_text(value) for value in row] for row in itertools.islice(rows, MAX_ROWS)]
        if has_formulas and (count := _fill_in_formulas(cells, formulas)):
            notes.append(
                Message(
                    "{count} formulas of sheet {name} have no value yet: open the file in its own"
                    " program and save it again",
                    count=count,
                    name=sheet.title,
                )
            )
        if next(iter(rows), None) is not None:
            notes.append(
                Message(
                    "of sheet {name} the first {count:,} rows", name=sheet.title, count=MAX_ROWS
                )
            )
        if table := _render_table(_without_edges(cells)):
            blocks += [f"## {sheet.title}", table]
    properties = book.properties
    book.close()
    if not blocks:
        return FileContent(text="")
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


def _render_table(rows: list[list[str]]) -> str:
    """Return rows as a table, under the lines of one cell that people write above its head."""
    wide = next((place for place, row in enumerate(rows) if sum(map(bool, row)) > 1), 0)
    lines = [next(filter(None, row)) for row in rows[:wide]]
    return "\n\n".join(filter(None, [*lines, render_rows(_without_edges(rows[wide:]))]))


def _cell_text(value: object) -> str:
    match value:
        case None:
            return ""
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case float():
            return f"{value:.10g}"
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime():
            return value.isoformat(" ", "minutes")
        case _:
            return str(value)


def _without_edges(rows: Iterable[list[str]]) -> list[list[str]]:
    """Return rows without the columns that are empty in all of them."""
    kept = [row for row in rows if any(row)]
    used = [any(column) for column in itertools.zip_longest(*kept, fillvalue="")]
    return [list(itertools.compress(row, used)) for row in kept]


@names_damage
def read_separated(body: bytes, charset: str | None) -> FileContent:
    """Return the rows of a .csv or .tsv file, whatever separates its values."""
    text = decode(body, claimed=charset)
    if not text.strip():
        raise DamagedFileError
    start = text[:SNIFFED].splitlines()[:20]
    counts = {mark: [line.count(mark) for line in start if line.strip()] for mark in _SEPARATORS}
    # The separator is in every line, as often in each; commas in sentences do not.
    separator = max(_SEPARATORS, key=lambda mark: (min(counts[mark], default=0), sum(counts[mark])))
    csv.field_size_limit(1_000_000)
    rows = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    return FileContent(text=_render_table(_without_edges(rows)))
