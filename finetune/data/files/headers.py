"""Which row of a table names its columns: people put titles and notes above it, or leave it out."""

import re
from collections.abc import Sequence

from finetune.data.field_names import (
    ANSWERING,
    ASKING,
    COLUMN_NAMES,
    LABELLING,
)

LOOKED_AT = 10
"""Rows at the beginning of a table among which its header is looked for."""

NAME_CHARACTERS = 24
"""Characters of a column's name; more are a sentence."""

COLUMN = "column {number}"
"""Name of a column in a table without a header, counted from 1."""

_FIELD_NOTE = re.compile(
    r"\s*[(（\[【](?:必填|选填|可选|required|optional)[)）\]】]", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[。？！?!；;]| .*\.$")


def find_header(rows: Sequence[Sequence[str]]) -> int | None:
    """Return which of the first rows names the columns; None if they begin with data.

    `rows` are the cells of the first `LOOKED_AT` rows that are not empty. Without a row that is
    known to name columns it is the first one, as in any table, unless it asks and answers itself.
    """
    for number, cells in enumerate(rows[:LOOKED_AT]):
        if names_columns(cells):
            return number
    if not rows:
        return 0
    first = [cell.strip() for cell in rows[0] if cell.strip()]
    width = max(sum(bool(cell.strip()) for cell in cells) for cells in rows)
    # Data without a header: as many cells as any row, and one of them asks.
    is_data = len(first) == width >= 2 and any(cell.endswith(("？", "?")) for cell in first)
    return None if is_data and len(rows) > 1 else 0


def column_name(cell: str) -> str:
    """Return the name in a cell of a header: in lower case, on one line, without "(required)"."""
    return _FIELD_NOTE.sub("", " ".join(cell.split())).strip(" *：:").casefold()


def names_columns(cells: Sequence[str], *, least: int = 2) -> bool:
    """Return whether cells are names, of what asks and of what answers or sorts.

    `least` is the number of names that are known by themselves from which they are.
    """
    filled = [column_name(cell) for cell in cells if cell.strip()]
    if sum(cell in COLUMN_NAMES for cell in filled) >= least:
        return True
    if len(filled) < 2:
        return False
    if any(len(cell) > NAME_CHARACTERS or _SENTENCE_END.search(cell) for cell in filled):
        return False
    asks = {cell for cell in filled if ASKING.search(cell)}
    replies = {cell for cell in filled if ANSWERING.search(cell) or LABELLING.search(cell)}
    return bool(asks and replies and len(asks | replies) >= 2)
