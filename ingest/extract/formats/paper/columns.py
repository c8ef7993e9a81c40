"""Columns of text on a page, where programs draw row by row across all of them.

Columns differ from tables in their width: a column holds half sentences, a cell a word or a figure.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
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
MIN_MARGIN_GAP = 1.0
"""Heights of a line by which a running head is farther from the text than a line is."""
MIN_MARGIN_RATIO = 2.5
"""The same gap over the usual one of the page: rows of a table may all be far apart."""
MAX_ROWS = 150
"""Rows of a page that are looked at together; more than any sheet of a printer has."""
MAX_EDGES = 4
"""Places where most lines begin, of which one is the right column's: each column has a second one
for first lines of paragraphs."""
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
MIN_SHARED_SHARE = 0.9
"""Share of the pauses of the column that has fewer of them at which the other pauses as well, from
which on they are two columns of a table; paragraphs end beside each other now and then."""
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
    size: float = 0.0
    """Height of its font's box, 0 where that is not known: what is drawn of "sea" is lower than of
    "Sky" in the same size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfLine:
    """A line of a page, or a whole table, and where it is."""

    text: str
    top: float
    bottom: float
    longest: int = 0
    """Letters of the longest line of its column, 0 on a page of one column."""
    size: float = 0.0
    """That of most of its letters, 0 where it is not known."""


def runs_leftward(text: str) -> bool:
    """Return whether a text begins in Hebrew or Arabic letters."""
    first = text[:1]
    return "\u0590" <= first <= "\u08ff" or "\ufb1d" <= first <= "\ufefc"


def is_margin(rows: Sequence[list[PdfPiece]], place: int) -> bool:
    """Return whether the first or the last row stands apart from all others: a running head.

    It is as often as not in two pieces, and would be read as the first lines of two columns.
    """
    if len(rows) <= MIN_COLUMN_LINES or len(rows[place]) > 3:
        return False
    gaps = [
        min(p.bottom for p in above) - max(p.top for p in below) for above, below in pairwise(rows)
    ]
    height = rows[place][0].top - rows[place][0].bottom
    own = gaps[0 if place == 0 else -1]
    return own > max(MIN_MARGIN_GAP * height, MIN_MARGIN_RATIO * median(gaps))


def find_columns(rows: Sequence[list[PdfPiece]], start: int) -> tuple[list[float], int]:
    """Return where each column but the first begins, and the row behind the last of all of them.

    There are none if the first is empty.
    """
    gutter, end = _two_columns(rows, start)
    if gutter is not None:
        return [gutter], end
    return _many_columns(rows, start)


def find_text_gutter(rows: Sequence[list[PdfPiece]], start: int) -> tuple[float | None, int]:
    """Return where the right one of two columns of text begins that are no pairs of lines.

    Lines of the two stand at different heights, one begins above the other, or there is a table in
    one: beside a line of text stand the cells of a row.
    """
    gutter = _gutter_between(rows[start : start + MAX_ROWS])
    if gutter is None:
        return None, start
    end = start
    while end < len(rows) and not any(p.left < gutter < p.right for p in rows[end]):
        end += 1
    texts_at = (
        place
        for place in range(end - 1, start - 1, -1)
        if any(letters_wide(piece.text) >= COLUMN_CHARACTERS for piece in rows[place])
    )
    last = next(texts_at, end)
    for place, (above, below) in enumerate(pairwise(rows[last:end]), last + 1):
        gap = min(p.bottom for p in above) - max(p.top for p in below)
        if gap > 2 * (below[0].top - below[0].bottom):  # a table over both columns
            end = place
            break
    if end == len(rows) and is_margin(rows, end - 1):
        end -= 1
    block = rows[start:end]
    # Lines that are pairs are found by `find_columns`, which knows headings and tables beside text.
    has_table = any(len(row) > 2 for row in block)
    alone = sum(len(row) == 1 and letters_wide(row[0].text) >= COLUMN_CHARACTERS for row in block)
    is_uneven = bool(block) and (len(block[0]) == 1 or alone >= MIN_GUTTER_PAIRS)
    if not (has_table or is_uneven):
        return None, start
    texts = [
        [piece.text for piece in side if letters_wide(piece.text) >= COLUMN_CHARACTERS]
        for side in _beside_gutter(block, gutter)
    ]
    is_text_beside = all(len(each) >= MIN_GUTTER_PAIRS and _is_flowing(each) for each in texts)
    return (gutter, end) if is_text_beside and not cell_tops(block, gutter) else (None, start)


def _gutter_between(rows: Sequence[list[PdfPiece]]) -> float | None:
    """Return a place from the left that long lines end before, and that as many begin behind."""
    long = [p for row in rows for p in row if letters_wide(p.text) >= COLUMN_CHARACTERS]
    edges = Counter(round(piece.left / MIN_GUTTER_POINTS) for piece in long)
    for edge, count in edges.most_common(MAX_EDGES):
        begin = (edge - 0.5) * MIN_GUTTER_POINTS
        before = [piece for piece in long if piece.right <= begin]
        behind = [piece for piece in long if piece.left >= begin]
        if count < MIN_COLUMN_LINES or not before or not behind:
            continue
        low, high = max(p.right for p in before), min(p.left for p in behind)
        top = min(max(p.top for p in side) for side in (before, behind))
        bottom = max(min(p.bottom for p in side) for side in (before, behind))
        beside = (sum(bottom < p.top and p.bottom < top for p in side) for side in (before, behind))
        if high - low >= MIN_GUTTER_POINTS / 2 and min(beside) >= MIN_GUTTER_PAIRS:
            return (low + high) / 2
    return None


def _beside_gutter(rows: Sequence[list[PdfPiece]], gutter: float) -> list[list[PdfPiece]]:
    pieces = [piece for row in rows for piece in row]
    return [[piece for piece in pieces if (piece.left >= gutter) == side] for side in (False, True)]


def cell_tops(rows: Sequence[list[PdfPiece]], gutter: float) -> list[float]:
    """Return where the rows of a table of two columns begin, but its first; [] if it is text.

    Cells of different length begin together.
    """
    pauses: list[list[tuple[float, float]]] = []
    for column in _beside_gutter(rows, gutter):
        ordered = sorted(column, key=lambda piece: -piece.top)
        # A side may hold several cells of a row: what counts is the lowest so far.
        lowest = accumulate((piece.bottom for piece in ordered), min)
        gaps = [
            (upper, below.top)
            for upper, below in zip(lowest, ordered[1:], strict=False)
            if below.top < upper
        ]
        usual = median([upper - lower for upper, lower in gaps] or [0.0])
        height = median(piece.top - piece.bottom for piece in column)
        least = usual + SHARED_PAUSE * height
        pauses.append([(upper, lower) for upper, lower in gaps if upper - lower > least])
    shared = [
        (max(lower, below), abs(upper - other))
        for upper, lower in pauses[0]
        for other, below in pauses[1]
        if abs(lower - below) <= SHARED_PAUSE * height
    ]
    # Paragraphs of equal length, one beside the other, pause together as well.
    uneven = sum(difference > height for _, difference in shared)
    enough = max(MIN_SHARED_PAUSES, MIN_SHARED_SHARE * min(map(len, pauses)))
    is_table = uneven >= MIN_SHARED_PAUSES and len(shared) >= enough
    return [top for top, _ in shared] if is_table else []


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
    is_wide = median(map(letters_wide, lines)) >= MANY_COLUMN_CHARACTERS
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
            shorter, longer = sorted((letters_wide(left.text), letters_wide(right.text)))
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
    if gutter is None or not is_text or not _has_full_lines(rows[start:end], gutter):
        return None, start
    return gutter, end


def letters_wide(text: str) -> int:
    """Return how many Latin letters are as wide as a text; an ideograph counts as two."""
    return len(text) + len(re.findall(f"[{CJK}{ASIAN_PUNCTUATION}]", text))


def _has_full_lines(rows: Sequence[list[PdfPiece]], gutter: float) -> bool:
    """Return whether most lines on both sides end where their column does, as those of text do.

    Only where the lines are of ideographs, which break anywhere: Chinese tables have cells as long
    as a line, but of any length.
    """
    for column in _beside_gutter(rows, gutter):
        widths = [piece.right - piece.left for piece in column]
        is_asian = sum(letters_wide(p.text) > 1.5 * len(p.text) for p in column) * 2 > len(column)
        full = sum(width >= FULL_COLUMN_LINE * max(widths) for width in widths)
        longest = max(letters_wide(piece.text) for piece in column)
        if is_asian and (longest < ASIAN_COLUMN or full < MIN_FULL_LINES * len(widths)):
            return False
    return True
