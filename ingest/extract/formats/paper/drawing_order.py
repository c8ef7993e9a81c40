"""Columns detected by the order in which a program drew a page.

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
MAX_LEADING = 1.2
"""Heights of what is drawn of a line between two lines of a column."""
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


def split_beside(pieces: Sequence[PdfPiece]) -> list[list[PdfPiece]]:
    """Return what stands above two columns, the one drawn first, the other, and what is below.

    [] if there is no column that was drawn behind what it stands beside.

    Args:
        pieces: Of a page or of a column of it, in the order in which they were drawn.
    """
    if not 2 * MIN_COLUMN_LINES <= len(pieces) <= MAX_PIECES:
        return []
    rise = MIN_RISE * median(each.top - each.bottom for each in pieces)
    jumps = [n for n in range(1, len(pieces)) if pieces[n].top - pieces[n - 1].top > rise]
    ends = [*jumps, len(pieces)][1:]
    for jump, end in zip(jumps[:MAX_JUMPS], ends, strict=False):
        one = _level_with(pieces[:jump], pieces[jump:end])
        other = _level_with(pieces[jump:end], pieces[:jump])
        if are_beside(one, other):
            # With its first lines, which may be above the other's.
            lowest = min(each.bottom for each in other)
            column = [each for each in pieces[jump:end] if each.bottom >= lowest]
            return divide_at_gutter(pieces, one, column)
    return []


def are_beside(one: Sequence[PdfPiece], other: Sequence[PdfPiece]) -> bool:
    """Return whether lines at the same heights of a page are those of two columns."""
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


def divide_at_gutter(
    pieces: Sequence[PdfPiece], one: Sequence[PdfPiece], other: Sequence[PdfPiece]
) -> list[list[PdfPiece]]:
    """Return what is above two columns, the columns in the order of drawing, and what is below."""
    is_left = one[0].left < other[0].left
    left, right = (one, other) if is_left else (other, one)
    gutter = (max(each.right for each in left) + min(each.left for each in right)) / 2
    top = max(each.top for each in (*one, *other))
    bottom = min(each.bottom for each in (*one, *other))
    bottom = _end_below(pieces, gutter, bottom)
    middles = [(each, (each.top + each.bottom) / 2) for each in pieces]
    beside = [each for each, middle in middles if bottom <= middle <= top]
    columns = [[each for each in beside if (each.left >= gutter) is side] for side in (False, True)]
    above = [each for each, middle in middles if middle > top]
    below = [each for each, middle in middles if middle < bottom]
    return [above, *(columns if is_left else reversed(columns)), below]


def _end_below(pieces: Sequence[PdfPiece], gutter: float, bottom: float) -> float:
    """Return how far down columns go, of which one may end above the other.

    A column is whole whenever its parts were drawn: browsers draw tables behind all text. Lines on
    both sides go on in columns if they are as close to those above them as lines are; others, and
    what stands across the gutter, are below both.
    """
    upper = [each for each in pieces if each.top > bottom]
    lower = sorted((each for each in pieces if each.top <= bottom), key=lambda each: -each.top)
    ends, tops = [bottom], list[float]()
    side: bool | None = None
    for place, each in enumerate(lower):
        row = [each]
        for other in lower[place + 1 :]:
            if other.top < (each.top + each.bottom) / 2:
                break
            row.append(other)
        sides = {one.left >= gutter for one in row} | ({side} if side is not None else set())
        is_across = any(one.left < gutter < one.right for one in row)
        if is_across or (len(sides) > 1 and not all(_follows(one, upper) for one in row)):
            # A heading is closer to what it stands over than to what is above it.
            top_below = each.top
            while tops and ends[-1] - top_below < ends[-2] - tops[-1]:
                top_below = tops.pop()
                ends.pop()
            break
        side = each.left >= gutter if len(sides) == 1 else side
        upper.append(each)
        tops.append(each.top)
        ends.append(min(ends[-1], each.bottom))
    return ends[-1]


def _follows(piece: PdfPiece, upper: Sequence[PdfPiece]) -> bool:
    """Return whether a piece is the next line below another."""
    above = [p.bottom for p in upper if p.left < piece.right and p.right > piece.left]
    lines = MAX_LEADING * (piece.top - piece.bottom)
    return bool(above) and min(above) - piece.top <= lines


def _is_level(piece: PdfPiece, middles: Sequence[float]) -> bool:
    """Return whether a piece stands in a row with another; twice the heights of the middles."""
    own, slack = piece.top + piece.bottom, 2 * ALIGNED_HEIGHTS * (piece.top - piece.bottom)
    place = bisect.bisect_left(middles, own - slack)
    return place < len(middles) and middles[place] <= own + slack


def _level_with(pieces: Sequence[PdfPiece], others: Sequence[PdfPiece]) -> list[PdfPiece]:
    """Return the pieces that are not above or below all of the others."""
    top, bottom = max(each.top for each in others), min(each.bottom for each in others)
    return [each for each in pieces if each.bottom < top and each.top > bottom]
