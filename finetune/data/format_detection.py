"""Which format a row is in, found from its fields."""

from finetune.data.formats.registry import FORMATS
from finetune.data.rows import RowFields
from finetune.recipe import DataTable, ReaderName


def detect_format(fields: RowFields) -> ReaderName | None:
    """Return the first format that the row's fields match, None if it is in none that we know."""
    return next((name for name, one in FORMATS.items() if one.matches(fields)), None)


def choose_format(fields: RowFields, data: DataTable) -> ReaderName | None:
    """Return the format that the recipe names, else the one that the row is in."""
    return detect_format(fields) if data.reader == "auto" else data.reader
