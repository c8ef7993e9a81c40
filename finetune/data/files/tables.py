"""Rows of CSV and TSV, as Excel, WPS and pandas write them."""

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import TextIO

from finetune.data.files.headers import COLUMN, LOOKED_AT, column_name, find_header, names_columns
from finetune.data.files.lines import Line, is_within_limit, read_lines, too_long_error
from finetune.data.rows import RejectedRow, RowError, raw_excerpt
from finetune.errors import DataError
from finetune.records import RawRow
from ingest.foundation.messages import Message

DELIMITERS = ",\t;|"
_OWN_BAR = "\ue000"
"""Stands for a bar that ends no cell while a row is read: csv knows no such bars."""
"""Excel writes semicolons where the comma is the decimal mark."""

HEADER_LINES = 8
"""Lines that a header may take whose names hold line ends."""

_RULE = re.compile(r":?-{2,}:?")


def table_rows(file: TextIO, name: str, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield the rows under the header line, from 1; fields in quotes may hold line ends.

    A quote that is never closed costs the line that opened it: reading goes on behind that line.

    Raises:
        DataError: the header cannot be used.
    """
    # Of the whole process, so it is only ever raised; rows are bounded by `limit` besides.
    csv.field_size_limit(max(csv.field_size_limit(), limit))
    lines = read_lines(file, limit)
    first = next((line for line in lines if not line.text.isspace()), Line(0, ""))
    # Excel's own way to name the delimiter, which it also reads: a first line "sep=;".
    declared = first.text.strip().strip('"')
    if declared.startswith("sep=") and len(declared) == len("sep=;"):
        delimiter, head = declared[-1], list(itertools.islice(lines, LOOKED_AT))
    else:
        head = [first, *itertools.islice(lines, LOOKED_AT - 1)]
        head = _with_whole_header(head)
        delimiter = _find_delimiter(head)
    columns, begun = _find_columns(head, delimiter, name)
    rows = _RowReader(lines=itertools.chain(begun, lines), delimiter=delimiter, limit=limit)
    for number in itertools.count(1):
        if not rows.find_row():
            return
        source = f"{name}:{number}"
        try:
            cells = rows.read_row()
            if delimiter == "|":
                cells = [cell.replace(_OWN_BAR, "|") for cell in _strip_edges(cells)]
                if cells and all(map(_RULE.fullmatch, cells)):
                    continue  # the line under the header of a table in Markdown
            filled = [bool(cell) and not cell.isspace() for cell in cells]
            # A text with an unquoted delimiter: zipped, all behind it would be one column off.
            if any(filled[len(columns) :]):
                raise RowError(
                    Message(
                        "{found} {found:?cell|cells} under {known} {known:?column|columns}",
                        found=len(cells),
                        known=len(columns),
                    )
                )
            if not any(filled):
                raise RowError(Message("all cells are empty"))
            # Cells that are missing at the end are empty.
            padded = itertools.chain(cells, itertools.repeat(""))
            yield RawRow(source=source, fields=dict(zip(columns, padded, strict=False)))
        except RowError as error:
            raw = raw_excerpt(rows.raw)
            yield RejectedRow(source=source, reason=error.message, raw=raw)


class _RowReader:
    """Reads rows from lines; the lines behind the first of a broken row are read again."""

    def __init__(self, *, lines: Iterator[Line], delimiter: str, limit: int) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._limit = limit
        self._returned: list[Line] = []  # a stack: the next line is the last one
        self._held: list[Line] = []

    @property
    def raw(self) -> str:
        """The text of the row that was read last."""
        return "".join(line.text for line in self._held)

    def find_row(self) -> bool:
        """Skip blank lines; return whether a row follows."""
        while line := self._next_line():
            if not line.text.isspace():
                self._returned.append(line)
                return True
        return False

    def read_row(self) -> list[str]:
        """Return the cells of the next row.

        Raises:
            RowError: its quotes do not match, or it is too long; its first line is lost.
        """
        self._held = []
        try:
            return next(csv.reader(self._row_lines(), delimiter=self._delimiter, strict=True))
        except (csv.Error, RowError) as error:
            # A quote that is never closed swallows all rows up to the next quote: all lines but
            # its own are given back.
            self._returned.extend(reversed(self._held[1:]))
            del self._held[1:]
            if isinstance(error, RowError):
                raise
            raise RowError(Message("broken CSV: {error}", error=str(error))) from error

    def _row_lines(self) -> Iterator[str]:
        """Yield lines for as long as the parser asks for more of this row."""
        size = 0
        while line := self._next_line():
            self._held.append(line)
            size += len(line.text)
            if not line.whole or not is_within_limit(line.text, self._limit) or size > self._limit:
                raise too_long_error(self._limit)
            # In Markdown, a bar of the cell's own has a backslash before it.
            is_markdown = self._delimiter == "|"
            yield line.text.replace("\\|", _OWN_BAR) if is_markdown else line.text

    def _next_line(self) -> Line | None:
        return self._returned.pop() if self._returned else next(self._lines, None)


def _split_line(line: str, delimiter: str) -> list[str]:
    # In lines again: outside of quotes, which another delimiter may make, no line may end.
    cells = next(csv.reader(line.splitlines(keepends=True), delimiter=delimiter), [])
    return _strip_edges(cells) if delimiter == "|" else cells


def _strip_edges(cells: list[str]) -> list[str]:
    """Return the cells of a row of Markdown without those outside of its first and last bar."""
    cells = [cell.strip() for cell in cells]
    if len(cells) > 2 and not cells[0] and not cells[-1]:
        return cells[1:-1]
    return cells


def _with_whole_header(head: list[Line]) -> list[Line]:
    """Return the lines with a header whose quoted names hold line ends as one of them.

    Only what names columns is put together: a quote that is never closed costs its own line.
    """
    for at, line in enumerate(head):
        if line.text.count('"') % 2 == 0:
            continue
        for end in range(at + 2, min(at + HEADER_LINES, len(head)) + 1):
            text = "".join(one.text for one in head[at:end])
            if text.count('"') % 2 == 0 and any(
                names_columns(_split_line(text, one)) for one in DELIMITERS
            ):
                return [*head[:at], Line(line.number, text), *head[end:]]
    return head


def _find_delimiter(head: Sequence[Line]) -> str:
    """Return the delimiter that makes the most columns in a line.

    csv.Sniffer guesses from text in the cells, too, and takes the letter that is as frequent in
    each line.
    """
    best = max(DELIMITERS, key=lambda one: len(_split_line(head[0].text, one)))
    # A title above the header holds none of them, or one by chance.
    for line in head:
        for delimiter in DELIMITERS:
            if names_columns(_split_line(line.text, delimiter)):
                return delimiter if line is not head[0] else best
    return best


def _find_columns(
    head: Sequence[Line], delimiter: str, name: str
) -> tuple[list[str], Sequence[Line]]:
    """Return the columns' names in lower case, and the lines behind them that were read already.

    Raises:
        DataError: there are none, or two are the same.
    """
    rows = [(line, _split_line(line.text, delimiter)) for line in head]
    filled = [(line, cells) for line, cells in rows if any(cell.strip() for cell in cells)]
    found = find_header([cells for _, cells in filled])
    if found is None:
        width = max(len(cells) for _, cells in filled)
        return [COLUMN.format(number=number + 1) for number in range(width)], head
    # A first line of delimiters alone names no columns, unless what is below it surely does.
    header = filled[found][0] if filled and names_columns(filled[found][1]) else head[0]
    behind = head[head.index(header) + 1 :]
    return _parse_header(header, delimiter, name), behind


def _parse_header(header: Line, delimiter: str, name: str) -> list[str]:
    """Return the columns' names in lower case.

    Raises:
        DataError: there are none, or two are the same.
    """
    columns = [column_name(cell) for cell in _split_line(header.text, delimiter)]
    # Excel writes a delimiter for each column that was ever touched.
    while columns and not columns[-1]:
        columns.pop()
    twice = next((one for one in columns if columns.count(one) > 1), None)
    if header.whole and columns and twice is None:
        return columns
    reason = (
        Message("two columns are called {twice}", twice=twice)
        if twice
        else Message("the first line names no columns")
    )
    raise DataError(
        Message("{name}: {reason}", name=name, reason=reason),
        hint=Message("write a first line such as instruction,input,output"),
    )
