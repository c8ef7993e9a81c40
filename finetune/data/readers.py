"""Data files of every format to records, one by one; nothing is dropped uncounted."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from finetune.data.field_names import SIMILAR_NAMES
from finetune.data.files.opening import raw_rows
from finetune.data.format_detection import choose_format
from finetune.data.formats.registry import FORMATS
from finetune.data.formats.wordings import other_wordings, reworded
from finetune.data.rows import (
    NothingToLearnError,
    ReadingNotes,
    RejectedRow,
    RowError,
    RowFields,
    build_record,
    raw_excerpt,
)
from finetune.errors import DataError
from finetune.recipe import DataTable
from finetune.records import RawRow, Record
from ingest.foundation.messages import Message

NAMES_SHOWN = 8
"""Fields that a message lists of a row in no known format."""

NAME_CHARACTERS = 40
"""Characters of each of them: a text without a header line can end up as a field's name."""


def read_records(
    path: Path, data: DataTable, *, system: str = "", notes: ReadingNotes | None = None
) -> Iterator[Record | RejectedRow]:
    """Yield for each row of a file the record that it becomes, or why it is rejected.

    Memory stays flat. With the reader "auto" each row is read in the format that its fields show.
    `system` is the system message of rows that bring none; `notes` counts what happened to rows.

    Raises:
        DataError: the file cannot be read at all, or holds no row.
    """
    row = None
    for row in raw_rows(path, encoding=data.encoding, limit=data.max_row_bytes):
        if isinstance(row, RejectedRow):
            yield row
        else:
            record = parse_row(row, data, system=system, notes=notes)
            yield record
            if isinstance(record, Record):
                for wording in other_wordings(row.fields):
                    yield reworded(record, wording)
    if row is None:
        raise DataError(
            Message("{path}: the file holds no row", path=path),
            hint=Message("name another file in data.files"),
        )


def parse_row(
    row: RawRow, data: DataTable, *, system: str = "", notes: ReadingNotes | None = None
) -> Record | RejectedRow:
    """Return the record that a row becomes, or why it is rejected."""
    fields = RowFields(row.fields, data)
    try:
        name = choose_format(fields, data)
        if name is None or name not in FORMATS:
            first = itertools.islice(row.fields, NAMES_SHOWN)
            names = (str(one)[:NAME_CHARACTERS] for one in first)
            raise RowError(
                Message(
                    "no known format: fields {named} (name them in data.map)",
                    named=", ".join(names) or Message("none"),
                )
            )
        form = FORMATS[name]
        # Anew: to find the format, fields were asked for that it does not use.
        fields = RowFields(row.fields, data)
        parsed = form.parse(fields)
        # Other wordings of a question are not held out where the question itself is learnt.
        group = fields.text("group", *form.groups) or (
            parsed.turns[-1].user if other_wordings(row.fields) else ""
        )
        record = build_record(parsed, source=row.source, system=system, group=group)
        if notes is not None:
            unused = fields.unused()
            notes.add(parsed, [one for one in unused if one not in (*form.known, *SIMILAR_NAMES)])
        return record
    except RowError as error:
        raw = json.dumps(row.fields, ensure_ascii=False)
        return RejectedRow(
            source=row.source,
            reason=error.message,
            raw=raw_excerpt(raw),
            is_expected=isinstance(error, NothingToLearnError),
        )
