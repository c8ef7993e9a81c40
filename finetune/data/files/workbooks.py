"""Rows of Excel workbooks: titles above the header, merged cells, formulas, sheets of notes."""

import itertools
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from finetune.data.files.headers import (
    COLUMN,
    LOOKED_AT,
    column_name,
    find_header,
    names_columns,
)
from finetune.data.files.json_cells import checked_row, json_cell
from finetune.data.rows import RejectedRow, UncachedFormula
from finetune.errors import DataError
from finetune.records import RawRow
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.extras import install_command
from ingest.foundation.messages import Message, describe_os_error

WHOLE_SHEETS = 32_000_000
"""Bytes of XML up to which sheets with merged cells or formulas are held whole: about 200 MB.

Larger ones are read row by row, which shows neither.
"""

_SPECIAL = re.compile(rb"<mergeCell |<f[ >]")
_BLOCK = 1 << 20
_OVERLAP = 16
"""Bytes of a block that are looked at with the next one: a mark may be cut in two."""

Cells = tuple[Any, ...]


def workbook_rows(path: Path, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield the rows of all sheets, each under the row of its sheet that names its columns.

    Rows are counted from 1 through the whole file. A cell that is merged downwards is in each
    of its rows. A formula whose value the file does not hold is an `UncachedFormula`. Where
    several sheets are there, one of a single column is notes: its rows are rejected.

    Raises:
        DataError: it is no workbook, or a damaged or encrypted one.
        MissingDependencyError: openpyxl is not installed.
    """
    is_whole = _has_merged_or_formulas(path)
    book = _load(path, read_only=not is_whole)
    formulas = _load(path, read_only=False, data_only=False) if is_whole else None
    number = 0
    try:
        for place, sheet in enumerate(book.worksheets):
            formula_sheet = formulas.worksheets[place] if formulas else None
            rows = (
                cells
                for cells in _rows_of(sheet, formula_sheet, path)
                if any(cell not in (None, "") for cell in cells)
            )
            head = list(itertools.islice(rows, LOOKED_AT))
            columns, begun = _sheet_columns(head, path)
            is_notes = len(book.worksheets) > 1 and sum(map(bool, columns)) == 1
            for cells in itertools.chain(begun, rows):
                number += 1
                source = f"{path.name}:{number}"
                fields = {name: cell for name, cell in zip(columns, cells, strict=False) if name}
                if is_notes and not names_columns(columns, least=1):
                    yield _note(source, sheet.title, fields)
                else:
                    yield checked_row(RawRow(source=source, fields=fields), limit)
    finally:
        book.close()


def _load(path: Path, *, read_only: bool, data_only: bool = True) -> Any:
    try:
        import openpyxl
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            Message("this file takes {name}", name=error.name),
            hint=Message.verbatim(install_command("tables")),
        ) from error
    try:
        return openpyxl.load_workbook(path, read_only=read_only, data_only=data_only)
    except OSError as error:
        raise _unreadable(path, describe_os_error(error)) from error
    except Exception as error:  # KeyError, BadZipFile, ParseError and others
        raise _unreadable(path, Message("it is no workbook that can be read")) from error


def _has_merged_or_formulas(path: Path) -> bool:
    """Return whether a sheet has merged cells or formulas, and all of them can be held whole."""
    try:
        with zipfile.ZipFile(path) as packed:
            sheets = [one for one in packed.infolist() if one.filename.startswith("xl/worksheets/")]
            if sum(one.file_size for one in sheets) > WHOLE_SHEETS:
                return False
            return any(_holds_mark(packed, one) for one in sheets)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError):
        return False  # openpyxl says what is wrong with it


def _holds_mark(packed: zipfile.ZipFile, sheet: zipfile.ZipInfo) -> bool:
    held = b""
    with packed.open(sheet) as file:
        while block := file.read(_BLOCK):
            if _SPECIAL.search(held + block):
                return True
            held = block[-_OVERLAP:]
    return False


def _rows_of(sheet: Any, written: Any, path: Path) -> Iterator[Cells]:
    """Yield the cells of each row; openpyxl parses a read-only sheet while it is read.

    `written` is the same sheet with its formulas, None where it is known to have none.
    """
    # By row (from 1) and column (from 0): each cell below the first of a merged range has its text.
    # To the right nothing is filled: a title over all columns is no value of each of them.
    merged = {}
    for one in () if written is None else sheet.merged_cells.ranges:
        value = sheet.cell(one.min_row, one.min_col).value
        for row in range(one.min_row + 1, one.max_row + 1):
            merged[row, one.min_col - 1] = value
    try:
        rows = sheet.iter_rows(values_only=True)
        formulas = itertools.repeat(()) if written is None else written.iter_rows(values_only=True)
        for number, (values, texts) in enumerate(zip(rows, formulas, strict=False), 1):
            cells = [json_cell(value) for value in values]
            for place, text in enumerate(texts):
                if place < len(cells) and cells[place] is None:
                    if (number, place) in merged:
                        cells[place] = json_cell(merged[number, place])
                    elif isinstance(text, str) and text.startswith("="):
                        cells[place] = UncachedFormula(text)
            yield tuple(cells)
    except Exception as error:
        raise _unreadable(path, Message("it is no workbook that can be read")) from error


def _sheet_columns(head: Sequence[Cells], path: Path) -> tuple[list[str], Sequence[Cells]]:
    """Return the columns' names, and the rows behind them that were read already.

    Raises:
        DataError: two columns have one name: which one is meant cannot be told.
    """
    texts = [["" if cell is None else str(cell) for cell in cells] for cells in head]
    found = find_header(texts)
    if found is None:
        width = max(map(len, texts))
        return [COLUMN.format(number=number + 1) for number in range(width)], head
    columns = [column_name(text) for text in texts[found]] if texts else []
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            Message(
                "{path}: {why}",
                path=path,
                why=Message("two columns are called {twice}", twice=twice),
            ),
            hint=Message("give one of them another name"),
        )
    return columns, head[found + 1 :]


def _note(source: str, sheet: str, fields: dict[str, Any]) -> RejectedRow:
    return RejectedRow(
        source=source,
        reason=Message("sheet {sheet} has one column, which is notes and no data", sheet=sheet),
        raw=str(fields),
        is_expected=True,
    )


def _unreadable(path: Path, why: Message) -> DataError:
    return DataError(
        Message("{path}: {why}", path=path, why=why),
        hint=Message("save it as JSONL or as CSV (UTF-8)"),
    )
