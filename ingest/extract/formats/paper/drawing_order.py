"""Columns told by the order in which a program drew a page.

A program draws a column to its end and then begins the next one at its top: a side column beside
the text, a box, columns whose lines stand at different heights. It draws a table row by row.
"""

import bisect
from collections.abc import Sequence
from statistics import median

from ingest.extract.formats.paper.columns import (
    MIN_COLUMN_LINES,
    MIN_GUTTER_POINTS,
    PdfPiece,
)

MIN_RISE = 6.0
"""Heights of what is drawn of a line by which a program goes up to begin a column: four lines; from
one cell of a row to the next it seldom does."""
MAX_PIECES = 4_000
MAX_JUMPS = 60
"""Pieces of a page, and ways up, beyond which it is a drawing."""
ALIGNED_HEIGHTS = 0.3
"""Heights by which lines of one row may differ."""
COLUMN_HEIGHTS = 16.0
"""Heights of what is drawn of a line that are as wide as a column of 22 letters."""
MAX_ALIGNED = 0.8
"""Share of the shorter column's lines that are level with one of the other, from which on two
narrow columns are a table that was drawn column by column."""


def find_next_column(pieces: Sequence[PdfPiece]) -> int | None:
    """Return the place of the first piece of a column that stands beside what was drawn before it.

    Args:
        pieces: Of a page or of a column of it, in the order in which they were drawn.
    """
    if not 2 * MIN_COLUMN_LINES <= len(pieces) <= MAX_PIECES:
        return None
    rise = MIN_RISE * median(each.top - each.bottom for each in pieces)
    jumps = [n for n in range(1, len(pieces)) if pieces[n].top - pieces[n - 1].top > rise]
    if len(jumps) > MAX_JUMPS:
        return None
    ends = [*jumps, len(pieces)][1:]
    return next(
        (
            jump
            for jump, end in zip(jumps, ends, strict=True)
            if are_beside(pieces[:jump], pieces[jump:end])
        ),
        None,
    )


def are_beside(before: Sequence[PdfPiece], behind: Sequence[PdfPiece]) -> bool:
    """Return whether lines stand in a column of their own beside those that were drawn before."""
    one, other = _level_with(before, behind), _level_with(behind, before)
    if min(len(one), len(other)) < MIN_COLUMN_LINES:
        return False
    gap = max(
        min(each.left for each in other) - max(each.right for each in one),
        min(each.left for each in one) - max(each.right for each in other),
    )
    if gap < MIN_GUTTER_POINTS / 2:
        return False
    shorter, longer = sorted((one, other), key=len)
    middles = sorted(each.top + each.bottom for each in longer)
    level = sum(_is_level(each, middles) for each in shorter)
    # By the measure and not by the pieces: a justified line may be one piece a word.
    measure = max(
        max(each.right for each in side) - min(each.left for each in side) for side in (one, other)
    )
    height = median(each.top - each.bottom for each in longer)
    return measure >= COLUMN_HEIGHTS * height or level < MAX_ALIGNED * len(shorter)


def _is_level(piece: PdfPiece, middles: Sequence[float]) -> bool:
    """Return whether a piece stands in a row with another; twice the heights of the middles."""
    own, slack = piece.top + piece.bottom, 2 * ALIGNED_HEIGHTS * (piece.top - piece.bottom)
    place = bisect.bisect_left(middles, own - slack)
    return place < len(middles) and middles[place] <= own + slack


def _level_with(pieces: Sequence[PdfPiece], others: Sequence[PdfPiece]) -> list[PdfPiece]:
    """Return the pieces that are not above or below all of the others."""
    top, bottom = max(each.top for each in others), min(each.bottom for each in others)
    return [each for each in pieces if each.bottom < top and each.top > bottom]
