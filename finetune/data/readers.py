"""Data files of every format to records, one by one; nothing is dropped uncounted."""

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from finetune.data.files.opening import raw_rows
from finetune.data.format_detection import chosen
from finetune.data.formats.registry import FORMATS
from finetune.data.rows import Content, Fields, RejectedRow, RowError, as_record, shown
from finetune.errors import DataError
from finetune.recipe import DataTable
from finetune.records import RawRow, Record
from ingest.foundation.messages import Message

NAMES_SHOWN = 8
NAME_SHOWN = 40  # characters


def read_records(
    path: Path, data: DataTable, *, system: str = ""
) -> Iterator[Record | RejectedRow]:
    """Yield for each row of a file the record that it becomes, or why it does not.

    Memory stays flat. With the reader "auto" each row is read in the format that its fields show.
    `system` is the system message of rows that bring none.

    Raises:
        DataError: the file cannot be read at all, or holds no row.
    """
    row = None
    for row in raw_rows(path, encoding=data.encoding, limit=data.max_row_bytes):
        yield row if isinstance(row, RejectedRow) else validators_of(row, data, system=system)
    if row is None:
        raise _no_rows(path)


def validators_of(row: RawRow, data: DataTable, *, system: str = "") -> Record | RejectedRow:
    """Return the record that a row becomes, or why it does not."""
    fields = Fields(row.fields, data)
    try:
        return as_record(
            _content(fields, data),
            source=row.source,
            system=system,
            group=fields.text("group", "group"),
        )
    except RowError as error:
        return RejectedRow(source=row.source, reason=error.message, raw=shown(_raw(row.fields)))


def _content(fields: Fields, data: DataTable) -> Content:
    name = chosen(fields, data)
    if name is None or name not in FORMATS:
        raise RowError(_strange(fields.row))
    return FORMATS[name].read(fields)


def _strange(row: Mapping[str, Any]) -> Message:
    """Say which fields a row has that is in no format that we know."""
    named = ", ".join(str(name)[:NAME_SHOWN] for name in itertools.islice(row, NAMES_SHOWN))
    return Message(
        "no known format: fields {named} (name them in data.map)",
        named=named or Message("none"),
    )


def _raw(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)


def _no_rows(path: Path) -> DataError:
    return DataError(
        Message("{path}: the file holds no row", path=path),
        hint=Message("name another file in data.files"),
    )
