"""Cells of binary tables as JSON would have them, and rows checked for their length."""

import datetime
from typing import Any

from finetune.data.files.lines import is_within_limit, too_long_error
from finetune.data.rows import RejectedRow, RowError, raw_excerpt
from finetune.records import RawRow


def json_cell(value: Any) -> Any:
    """Return a value as JSON would have it: days and times as text, whole numbers whole."""
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)  # Excel keeps each number as a float: 7 is no "7.0"
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def checked_row(row: RawRow, limit: int) -> RawRow | RejectedRow:
    """Return the row, or why it is rejected if it is longer than `limit` bytes."""
    raw = str(dict(row.fields))
    if is_within_limit(raw, limit):
        return row
    reason: RowError = too_long_error(limit)
    return RejectedRow(source=row.source, reason=reason.message, raw=raw_excerpt(raw))
