"""Rows of Excel workbooks and Parquet files, which are no text."""

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from finetune.data.files.lines import is_within_limit, too_long_error
from finetune.data.rows import RejectedRow, RowError, raw_excerpt
from finetune.errors import DataError
from finetune.records import RawRow
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.extras import install_command
from ingest.foundation.messages import Message, describe_os_error

PARQUET_BATCH = 1_000
"""Rows of a Parquet file that are in memory at once."""

WORKBOOK_MARK = b"PK\x03\x04"
PARQUET_MARK = b"PAR1"


def workbook_rows(path: Path, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield the rows of all sheets, each under the first line of its sheet that is not empty.

    Rows are counted from 1 through the whole file. A sheet without columns is passed over.

    Raises:
        DataError: it is no workbook, or a damaged or encrypted one.
        MissingDependencyError: openpyxl is not installed.
    """
    try:
        import openpyxl
    except ModuleNotFoundError as error:
        raise _needs(error) from error
    try:
        # Values, not formulas; read-only holds one row of a sheet at a time.
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except OSError as error:
        raise _unreadable(path, describe_os_error(error)) from error
    except Exception as error:
        raise _unreadable(path, Message("it is no workbook that can be read")) from error
    number = 0
    try:
        for sheet in book.worksheets:
            columns: list[str] = []
            for cells in _rows_of(sheet, path):
                texts = [_cell(value) for value in cells]
                if not any(text not in (None, "") for text in texts):
                    continue
                if not columns:
                    columns = [str(text or "").strip().casefold() for text in texts]
                    _refuse_twins(path, columns)
                    continue
                number += 1
                fields = {name: text for name, text in zip(columns, texts, strict=False) if name}
                yield _checked(RawRow(source=f"{path.name}:{number}", fields=fields), limit)
    finally:
        book.close()


def _rows_of(sheet: Any, path: Path) -> Iterator[tuple[Any, ...]]:
    """Yield the cells of each row; openpyxl parses a sheet while it is read."""
    try:
        yield from sheet.iter_rows(values_only=True)
    except Exception as error:
        raise _unreadable(path, Message("it is no workbook that can be read")) from error


def _refuse_twins(path: Path, columns: Sequence[str]) -> None:
    """Raise `DataError` for two columns of one name: which one is meant, nobody can tell."""
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


def parquet_rows(path: Path, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield the rows of a Parquet file, counted from 1.

    Raises:
        DataError: it is damaged.
        MissingDependencyError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise _needs(error) from error
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=PARQUET_BATCH):
                for fields in batch.to_pylist():
                    number += 1
                    fields = {name: _cell(value) for name, value in fields.items()}
                    yield _checked(RawRow(source=f"{path.name}:{number}", fields=fields), limit)
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(path, Message("it is no Parquet file that can be read")) from error


def _cell(value: Any) -> Any:
    """Return a value as JSON would have it: days and times as text, whole numbers whole."""
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)  # Excel keeps each number as a float: 7 is no "7.0"
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _checked(row: RawRow, limit: int) -> RawRow | RejectedRow:
    raw = str(dict(row.fields))
    if is_within_limit(raw, limit):
        return row
    reason: RowError = too_long_error(limit)
    return RejectedRow(source=row.source, reason=reason.message, raw=raw_excerpt(raw))


def _needs(error: ModuleNotFoundError) -> MissingDependencyError:
    return MissingDependencyError(
        Message("this file takes {name}", name=error.name),
        hint=Message.verbatim(install_command("tables")),
    )


def _unreadable(path: Path, why: Message) -> DataError:
    return DataError(
        Message("{path}: {why}", path=path, why=why),
        hint=Message("save it as JSONL or as CSV (UTF-8)"),
    )
