"""Columns of text on a page, where programs draw row by row across all of them.

Columns differ from tables in their width: a column holds half sentences, a cell a word or a figure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ingest.text.cjk import CJK

MIN_GUTTER_POINTS = 8.0
"""Points between two columns: two blanks of the text, less than any printer leaves."""
COLUMN_CHARACTERS = 22
"""Characters of a piece from which on it is a line of a column rather than a cell."""
MIN_COLUMN_LINES = 3
FULL_COLUMN_LINE = 0.9
"""Share of the widest line of a column from which on a line is full."""
MIN_FULL_LINES = 0.4
ASIAN_COLUMN = 30
"""Latin letters as wide as the narrowest column of ideographs: 15 of them; on A4 it has 20."""
MAX_SHORT_LINES = 2
"""Rows with a short line one below the other: the last line of a paragraph and a heading."""
MIN_GUTTER_PAIRS = 6
"""Rows with a line of text on both sides that tell where a gutter is."""
MIN_ROWS_OF_MANY = 5
MANY_COLUMN_CHARACTERS = 16
"""Letters of the middle line of each of three and more columns, which are narrow; cells are shorter
in at least one of them."""
MIN_FLOWING_SHARE = 0.3
"""Share of the lines of each of them that go on in the one below, in the middle of a sentence."""
SHARED_PAUSE = 0.4
"""Share of a line's height by which rows of a table are farther apart than lines of a cell."""
MIN_SHARED_PAUSES = 2
"""Heights at which all of three and more columns pause; paragraphs end at one by chance."""
SENTENCE_END = re.compile(r"[.。!！?？:：;；…][”’」』）\"')\]]*$")
ASIAN_PUNCTUATION = "，。、；：？！（）《》「」『』【】”“"


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfPiece:
    """Text drawn in one go, and where it is, in points from the lower left corner."""

    left: float
    right: float
    top: float
    bottom: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfLine:
    """A line of a page, or a whole table, and where it is."""

    text: str
    top: float
    bottom: float


def find_columns(rows: Sequence[list[PdfPiece]], start: int) -> tuple[list[float], int]:
    """Return where each column but the first begins, and the row behind the last of all of them.

    There are none if the first is empty.
    """
    gutter, end = _two_columns(rows, start)
    if gutter is not None:
        return [gutter], end
    return _many_columns(rows, start)


def find_text_gutter(rows: Sequence[list[PdfPiece]], start: int) -> tuple[float | None, int]:
    """Return where the right one of two columns of text begins in which there is a table, too.

    Beside a line of text stand the cells of a row; what is above and below tells the columns.
    """
    pairs = [
        (row[0].right, row[1].left)
        for row in rows[start:]
        if len(row) == 2 and min(_letters_wide(each.text) for each in row) >= COLUMN_CHARACTERS
    ]
    if len(pairs) < MIN_GUTTER_PAIRS or len(rows[start]) < 2:
        return None, start
    low, high = max(right for right, _ in pairs), min(left for _, left in pairs)
    gutter, end = (low + high) / 2, start
    while end < len(rows) and not any(p.left < gutter < p.right for p in rows[end]):
        end += 1
    is_text = [any(_letters_wide(p.text) >= COLUMN_CHARACTERS for p in row) for row in rows[:end]]
    last = max((n for n in range(start, end) if is_text[n]), default=end)
    for place, (above, below) in enumerate(pairwise(rows[last:end]), last + 1):
        gap = min(p.bottom for p in above) - max(p.top for p in below)
        if gap > 2 * (below[0].top - below[0].bottom):  # a table over both columns
            end = place
            break
    block = rows[start:end]
    has_table = any(len(row) > 2 for row in block)
    stands_apart = end - start > 1 and block[0][0].bottom - block[1][0].top > 2 * (
        block[0][0].top - block[0][0].bottom
    )
    if high - low < MIN_GUTTER_POINTS / 2 or not has_table or stands_apart:
        return None, start
    for side in (False, True):
        parts = [[p for p in row if (p.left >= gutter) == side] for row in block]
        if not _is_flowing([part[0].text for part in parts if len(part) == 1]):
            return None, start
    return gutter, end


def _many_columns(rows: Sequence[list[PdfPiece]], start: int) -> tuple[list[float], int]:
    """Return the same of three and more columns, which are told from a table by their sentences."""
    if len(rows[start]) < 3:
        return [], start
    bands = [(piece.left, piece.right) for piece in rows[start]]
    columns: list[list[str]] = [[] for _ in bands]
    end = start
    for row in rows[start:]:
        places = [
            [n for n, (left, right) in enumerate(bands) if p.left < right and p.right > left]
            for p in row
        ]
        if any(len(each) != 1 for each in places):
            break  # over two columns, or beside all of them
        for piece, (place,) in zip(row, places, strict=True):
            left, right = bands[place]
            bands[place] = (min(left, piece.left), max(right, piece.right))
            columns[place].append(piece.text)
        end += 1
    neighbours = list(pairwise(rows[start:end]))
    gaps = [min(p.bottom for p in above) - max(p.top for p in below) for above, below in neighbours]
    closest = min(gaps, default=0.0)
    pauses = sum(
        len(above) == len(below) > 2
        and gap > closest + SHARED_PAUSE * (above[0].top - above[0].bottom)
        for gap, (above, below) in zip(gaps, neighbours, strict=True)
    )
    if pauses >= MIN_SHARED_PAUSES:  # between the rows of a table
        return [], start
    is_apart = all(b[0] - a[1] >= MIN_GUTTER_POINTS / 2 for a, b in pairwise(bands))
    if not is_apart or not all(map(_is_flowing, columns)):
        return [], start
    return [(a[1] + b[0]) / 2 for a, b in pairwise(bands)], end


def _is_flowing(lines: Sequence[str]) -> bool:
    """Return whether lines below each other are those of a text."""
    if len(lines) < MIN_ROWS_OF_MANY:
        return False
    goes_on = [
        not SENTENCE_END.search(a) and (b[:1].islower() or re.match(f"[{CJK}]", b) is not None)
        for a, b in pairwise(lines)
    ]
    is_wide = median(map(_letters_wide, lines)) >= MANY_COLUMN_CHARACTERS
    return is_wide and sum(goes_on) >= MIN_FLOWING_SHARE * len(goes_on)


def _two_columns(rows: Sequence[list[PdfPiece]], start: int) -> tuple[float | None, int]:
    """Return where the right one of two columns begins, and the row behind the last of both.

    Beside a long line may stand a heading or the end of a paragraph, which are short; where that
    is so row after row, the left column names what the right one says, as in a table.
    """
    gutter, end, pairs, shorts, run = None, start, 0, 0, 0
    low, high = 0.0, float("inf")
    for place in range(start, len(rows)):
        row = rows[place]
        if len(row) == 2:
            left, right = row
            shorter, longer = sorted((_letters_wide(left.text), _letters_wide(right.text)))
            is_short = shorter < COLUMN_CHARACTERS // 2
            run = run + 1 if is_short else 0
            low, high = max(low, left.right), min(high, right.left)
            if high - low < MIN_GUTTER_POINTS / 2 or run > MAX_SHORT_LINES:
                break
            shorts += is_short
            pairs += longer >= COLUMN_CHARACTERS and not is_short
            gutter = (low + high) / 2
        elif len(row) == 1 and place > start and gutter is not None:
            piece = row[0]
            if piece.left < low and piece.right > high:  # over both columns
                break
        else:
            break
        end = place + 1
    is_text = pairs >= MIN_COLUMN_LINES and shorts * 2 <= pairs
    if is_text and gutter is not None and _has_full_lines(rows[start:end], gutter):
        return gutter, end
    return None, start


def _letters_wide(text: str) -> int:
    """Return how many Latin letters are as wide as a text; an ideograph counts as two."""
    return len(text) + len(re.findall(f"[{CJK}{ASIAN_PUNCTUATION}]", text))


def _has_full_lines(rows: Sequence[list[PdfPiece]], gutter: float) -> bool:
    """Return whether most lines on both sides end where their column does, as those of text do.

    Only where the lines are of ideographs, which break anywhere: Chinese tables have cells as long
    as a line, but of any length.
    """
    pieces = [piece for row in rows for piece in row]
    for side in (False, True):
        column = [piece for piece in pieces if (piece.left >= gutter) == side]
        widths = [piece.right - piece.left for piece in column]
        is_asian = sum(_letters_wide(p.text) > 1.5 * len(p.text) for p in column) * 2 > len(column)
        full = sum(width >= FULL_COLUMN_LINE * max(widths) for width in widths)
        longest = max(_letters_wide(piece.text) for piece in column)
        if is_asian and (longest < ASIAN_COLUMN or full < MIN_FULL_LINES * len(widths)):
            return False
    return True
