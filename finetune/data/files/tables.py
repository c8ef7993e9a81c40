"""Rows of CSV and TSV, as Excel, WPS and pandas write them."""

import csv
import itertools
from collections.abc import Iterable, Iterator
from typing import TextIO

from finetune.data.files.lines import Line, fits, lines_of, too_long
from finetune.data.rows import RejectedRow, RowError, shown
from finetune.errors import DataError
from finetune.records import RawRow
from ingest.foundation.messages import Message

DELIMITERS = ",\t;|"
"""Excel writes semicolons where the comma is the decimal mark."""

SHOWN_COLUMNS = 8


def table_rows(file: TextIO, name: str, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield the rows under the header line, from 1; fields in quotes may hold line ends.

    A quote that is never closed costs the line that opened it: reading goes on behind that line.

    Raises:
        DataError: the header cannot be used.
    """
    lines = lines_of(file, limit)
    first = next((line for line in lines if not line.text.isspace()), Line(0, ""))
    told, first = _told_delimiter(first, lines)
    delimiter = told or _delimiter(first.text)
    columns = _columns(first, delimiter, name)
    cells = _Cells(lines, delimiter, limit)
    csv.field_size_limit(max(csv.field_size_limit(), limit))  # of the process; rows are bounded
    for number in itertools.count(1):
        if not cells.at_row():
            return
        source = f"{name}:{number}"
        try:
            yield RawRow(source=source, fields=_fields(columns, cells.take()))
        except RowError as error:
            yield RejectedRow(source=source, reason=error.message, raw=shown(cells.taken))


class _Cells:
    """Takes rows off lines; lines that a broken row took in vain are given back."""

    def __init__(self, lines: Iterator[Line], delimiter: str, limit: int) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._limit = limit
        self._returned: list[Line] = []
        self._held: list[Line] = []

    @property
    def taken(self) -> str:
        """The text of the row that was taken last."""
        return "".join(line.text for line in self._held)

    def at_row(self) -> bool:
        """Skip blank lines; tell whether a row follows."""
        while line := self._next():
            if not line.text.isspace():
                self._returned.append(line)
                return True
        return False

    def take(self) -> list[str]:
        """Return the cells of the next row.

        Raises:
            RowError: its quotes do not match, or it is too long; its first line is lost.
        """
        self._held = []
        try:
            return next(csv.reader(self._feed(), delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            self._give_back()
            told = str(error)
            raise RowError(Message("broken CSV: {told}", told=told)) from error
        except RowError:
            self._give_back()
            raise

    def _feed(self) -> Iterator[str]:
        size = 0
        while line := self._next():
            self._held.append(line)
            size += len(line.text)
            if not line.whole or not fits(line.text, self._limit) or size > self._limit:
                raise too_long(self._limit)
            yield line.text

    def _next(self) -> Line | None:
        return self._returned.pop() if self._returned else next(self._lines, None)

    def _give_back(self) -> None:
        self._returned.extend(reversed(self._held[1:]))
        del self._held[1:]


def _told_delimiter(first: Line, lines: Iterator[Line]) -> tuple[str, Line]:
    """Return the delimiter that Excel's line "sep=;" tells, and the header behind it."""
    told = first.text.strip().strip('"')
    if told.startswith("sep=") and len(told) == len("sep=;"):
        return told[-1], next(lines, Line(0, ""))
    return "", first


def _delimiter(header: str) -> str:
    """Return the delimiter that makes the most columns of the header."""
    return max(DELIMITERS, key=lambda one: len(next(csv.reader([header], delimiter=one))))


def _columns(header: Line, delimiter: str, name: str) -> list[str]:
    cells = next(csv.reader([header.text], delimiter=delimiter), [])
    columns = [cell.strip().casefold() for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    twice = next((one for one in columns if columns.count(one) > 1), None)
    if header.whole and columns and twice is None:
        return columns
    told = (
        Message("two columns are called {twice}", twice=twice)
        if twice
        else Message("the first line names no columns")
    )
    raise DataError(
        Message("{name}: {told}", name=name, told=told),
        hint=Message("write a first line such as instruction,input,output"),
    )


def _fields(columns: list[str], cells: list[str]) -> dict[str, str]:
    """Return the cells by column; cells that are missing at the end are empty.

    Raises:
        RowError: there are more cells than columns, or nothing in any.
    """
    if _any(cells[len(columns) :]):
        found, known = len(cells), len(columns)
        raise RowError(Message("{found} cells under {known} columns", found=found, known=known))
    if not _any(cells):
        raise RowError(Message("all cells are empty"))
    cells = cells + [""] * (len(columns) - len(cells))
    return dict(zip(columns, cells, strict=False))


def _any(cells: Iterable[str]) -> bool:
    return any(cell and not cell.isspace() for cell in cells)
