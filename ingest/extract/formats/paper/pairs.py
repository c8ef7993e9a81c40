"""Tables of two columns on paper, where only its words distinguish a head from the first row."""

import re
from collections.abc import Sequence
from statistics import median

from ingest.extract.formats.paper.columns import ASIAN_PUNCTUATION
from ingest.extract.formats.table_rows import is_head, render_rows
from ingest.text.cjk import CJK

MIN_LENGTH_RATIO = 2.5
"""Letters of the cells of a column over those of its name: "Description", and what describes."""
MAX_WIDE_ROWS = 0.1
"""Share of the rows with more than two cells up to which a table is one of two columns."""
MIN_FIGURES = 0.6
"""Share of the cells of a column that hold a figure, where its name has none."""


def render_cells(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows of a table; those of two columns without a head as "- first: second".

    Most of two columns are lists: options and what they do, terms and their meaning. With the first
    row taken for a head, "-n" and "count" would stand before what every other option does.
    """
    kept = [row for row in rows if any(row)]
    # A blank in the middle of a long cell, far from its words, is no column of its own.
    wide = sum(sum(map(bool, row)) > 2 for row in kept)
    if wide > MAX_WIDE_ROWS * len(kept):
        return render_rows(rows)
    filled = [[cell for cell in row if cell] for row in kept]
    if len(kept) < 2 or names_columns(filled[0], filled[1:]):
        return render_rows(rows)
    pairs = ([cell.rstrip(":：") for cell in row] for row in filled)
    return "\n".join(f"- {('：' if is_wide(pair[0]) else ': ').join(pair)}" for pair in pairs)


def is_wide(text: str) -> bool:
    """Return whether a text ends in an ideograph or one of its marks."""
    return re.search(f"[{CJK}{ASIAN_PUNCTUATION}]$", text) is not None


def names_columns(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Return whether a first row of two cells differs from the rows below it as a head does.

    Args:
        first: Its cells.
        others: Those of the rows below, without the empty ones.
    """
    if not is_head(first):
        return False
    for place, name in enumerate(first[:2]):
        filled = [row[place] for row in others if len(row) > place]
        if not filled or any(map(str.isdigit, name)):
            continue
        figures = sum(any(map(str.isdigit, cell)) for cell in filled)
        # In the first column "-V" may stand over "-absolute".
        longer = place > 0 and median(map(len, filled)) >= MIN_LENGTH_RATIO * len(name)
        if longer or figures >= MIN_FIGURES * len(filled):
            return True
    return False
