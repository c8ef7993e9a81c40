"""Tables on paper: rows of pieces whose gaps stand one below the other."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from statistics import fmean, median

from ingest.extract.formats.paper.columns import (
    COLUMN_CHARACTERS,
    MIN_COLUMN_LINES,
    PdfPiece,
    letters_wide,
)
from ingest.extract.formats.paper.line_ends import join_line
from ingest.extract.formats.table_rows import is_figure

MIN_ROWS = 2
MIN_TABLE_GAP = 2.0
"""Heights of a line from which on a gap parts two tables, if no gap within one is half as wide."""
MIN_ROW_GAP = 0.4
"""Heights of a line by which rows are further apart than lines of one cell."""
MAX_LINE_GAP = 0.9
"""Heights of what is drawn of a line up to which the next may be the next line of a cell."""
MIN_OVERLAP = 0.04
"""Heights by which two rows overlap that are lines of cells side by side."""
MIN_LEAD = 0.15
"""Heights by which the first line of a cell is nearer to its next line than to the row above."""
MAX_CELL_SLACK = 1.5
"""Heights by which a full line of a cell may end before the next word would not have fitted: the
margins within cells."""
MIN_ALIGNED = 0.5
"""Share of the other rows that have nothing where a gap of a row ends or begins, on average: in
text whose blanks are wide, because it fills its measure, one in five does by chance."""
NEAR_ROWS = 8
"""Rows above and below that are compared with a row."""
ALIGNED_POINTS = 3.0
"""Points by which what stands one below the other may differ."""


def table_end(rows: Sequence[list[PdfPiece]], start: int) -> int:
    """Return the row behind a table that begins at `start`, `start` if none does."""
    # A few rows first: a thousand that are no table would be gone through from each of them.
    few = rows[start : start + 2 * NEAR_ROWS]
    if len(rows) - start > len(few) and table_end(few, 0) == 0:
        return start
    if fills_measure(rows, start):
        return start
    end, widest_gap = start, 0.0
    while end < len(rows) and is_row_or_part(rows, start, end):
        if end > start:
            gap, height = gap_between(rows[end - 1], rows[end]), height_of(rows[end])
            # Two blocks that stand apart are two tables: an address, and what is to be paid.
            least = MIN_TABLE_GAP if end - start > 1 else 2 * MIN_TABLE_GAP
            if gap > max(least * height, 2 * widest_gap):
                break
            widest_gap = max(widest_gap, gap)
        end += 1
    widest = max((len(row) for row in rows[start:end]), default=0)
    # Two cells a row may be a number and its text; three are columns.
    is_wide = widest >= 3 or (widest == 2 and end - start >= MIN_COLUMN_LINES)
    return end if is_wide and is_aligned(rows[start:end]) else start


def is_row_or_part(rows: Sequence[list[PdfPiece]], start: int, place: int) -> bool:
    """Return whether a row has cells, or is a line of a cell of the row above or below it."""
    return (
        len(rows[place]) > 1
        or goes_on_in_cell(rows, start, place)
        or leads_into_cell(rows, place)
        or (place > start and stands_between(rows[place - 1], rows[place]))
    )


def stands_between(above: Sequence[PdfPiece], below: Sequence[PdfPiece]) -> bool:
    """Return whether two rows are lines of cells that stand in the middle of one height.

    Lines of a cell of two lines are half a line above and below what has one line beside it.
    """
    is_level = gap_between(above, below) < -MIN_OVERLAP * height_of(below)
    return is_level and not any(
        one.left < other.right and one.right > other.left for one in above for other in below
    )


def leads_into_cell(rows: Sequence[list[PdfPiece]], place: int) -> bool:
    """Return whether a row is the first line of a cell whose next line is in the row below it."""
    if place + 1 >= len(rows):
        return False
    own, below = rows[place], rows[place + 1]
    if stands_between(own, below):
        return True
    gap = gap_between(own, below)
    is_nearer = place == 0 or gap_between(rows[place - 1], own) > gap + MIN_LEAD * height_of(own)
    if len(own) > 1 or len(below) < 2 or gap > MAX_LINE_GAP * height_of(own) or not is_nearer:
        return False
    (piece,) = own
    same = next((n for n, p in enumerate(below) if abs(p.left - piece.left) < ALIGNED_POINTS), None)
    if same is None or same + 1 == len(below):
        return False
    # A title over a part of the table would have space for another word.
    limit, word = below[same + 1].left, first_word_width(below[same])
    return piece.right <= limit < piece.right + word + MAX_CELL_SLACK * height_of(own)


def fills_measure(rows: Sequence[list[PdfPiece]], place: int) -> bool:
    """Return whether a row is a line of justified text, whose blanks are as wide as gaps.

    It is as close to a line of text above or below it as lines are, and begins and ends with it;
    between the two may be others of its kind.
    """
    upward = ((rows[n - 1], rows[n]) for n in range(place, 0, -1))
    downward = ((rows[n], rows[n + 1]) for n in range(place, len(rows) - 1))
    return _reaches_line(islice(upward, NEAR_ROWS)) or _reaches_line(islice(downward, NEAR_ROWS))


def _reaches_line(pairs: Iterable[tuple[list[PdfPiece], list[PdfPiece]]]) -> bool:
    for above, below in pairs:
        ends = abs(above[0].left - below[0].left), abs(above[-1].right - below[-1].right)
        is_close = gap_between(above, below) <= MAX_LINE_GAP * height_of(below)
        if not is_close or max(ends) > ALIGNED_POINTS:
            return False
        if any(
            len(row) == 1 and letters_wide(row[0].text) >= COLUMN_CHARACTERS
            for row in (above, below)
        ):
            return True
    return False


def is_head_of(row: Sequence[PdfPiece], table: Sequence[list[PdfPiece]]) -> bool:
    """Return whether a row that stands apart has a piece for each column of the table below it."""
    return len(row) >= median(len(each) for each in table if len(each) > 1)


def is_aligned(rows: Sequence[list[PdfPiece]]) -> bool:
    """Return whether most rows have nothing where the gaps of the others are."""
    wide = [row for row in rows if len(row) > 1]
    shares = []
    for place, own in enumerate(wide):
        others = wide[max(0, place - NEAR_ROWS) : place] + wide[place + 1 : place + 1 + NEAR_ROWS]
        for left, right in pairwise(own):
            # Cells of a column begin together, or they end together.
            edges = (left.right + ALIGNED_POINTS, right.left - ALIGNED_POINTS)
            free = (sum(_is_free(row, edge) for row in others) for edge in edges)
            shares.append(max(free) / max(len(others), 1))
    return not shares or len(wide) < MIN_ROWS or fmean(shares) >= MIN_ALIGNED


def _is_free(row: Sequence[PdfPiece], place: float) -> bool:
    return not any(piece.left <= place <= piece.right for piece in row)


def whole_rows(rows: Sequence[list[PdfPiece]]) -> list[list[str]]:
    """Return the rows of a table, the lines of a cell of several lines as one.

    They follow more closely than rows do, and beside them cells of fewer lines are empty, or they
    go on in the middle of a sentence; or the next word did not fit into the line of a cell.
    """
    cells = texts_by_column(rows)
    gaps = [gap_between(above, below) for above, below in pairwise(rows)]
    closest = min(gaps, default=0.0)
    is_spaced = max(gaps, default=0.0) > closest + MIN_ROW_GAP * height_of(rows[0])
    whole = [list(cells[0])]
    for place, (gap, row) in enumerate(zip(gaps, cells[1:], strict=True), 1):
        filled = [cell for cell in row if cell]
        goes_on = len(filled) < len(row) or all(cell[0].islower() for cell in filled)
        # "Discount" and an amount, without the number that other rows have between them.
        goes_on = goes_on and not (row[0] and len(filled) > 1 and is_figure(filled[-1]))
        is_close = is_spaced and gap <= closest + MIN_ROW_GAP / 2 * height_of(rows[0])
        is_line = (goes_on and is_close) or (len(filled) == 1 and goes_on_in_cell(rows, 0, place))
        # The first holds for two rows that stand between each other, too.
        if leads_into_cell(rows, place - 1) or (is_line and not leads_into_cell(rows, place)):
            whole[-1] = [
                join_line(above, cell, Counter()) if above and cell else above or cell
                for above, cell in zip(whole[-1], row, strict=True)
            ]
        else:
            whole.append(list(row))
    return whole


def texts_by_column(rows: Sequence[list[PdfPiece]]) -> list[list[str]]:
    """Return the texts of a table, an empty cell where a row has nothing under a column."""
    columns: list[tuple[float, float]] = []
    for row in rows:
        for piece in row:
            near = [
                n
                for n, (left, right) in enumerate(columns)
                if piece.left < right and piece.right > left
            ]
            if near:
                left, right = columns[near[0]]
                columns[near[0]] = (min(left, piece.left), max(right, piece.right))
            else:
                columns.append((piece.left, piece.right))
    columns.sort()
    table = []
    for row in rows:
        cells = [""] * len(columns)
        for piece in row:
            overlaps = [min(piece.right, right) - max(piece.left, left) for left, right in columns]
            place = overlaps.index(max(overlaps))
            cells[place] = f"{cells[place]} {piece.text}".strip()
        table.append(cells)
    return table


def goes_on_in_cell(rows: Sequence[list[PdfPiece]], start: int, place: int) -> bool:
    """Return whether a row of one piece is the next line of a cell in the row above it.

    It begins where that begins and leaves the next column free; it goes on in small letters, or
    its first word did not fit above.
    """
    if place == start or len(rows[place]) > 1 or len(rows[start]) < 2:
        return False
    if leads_into_cell(rows, place):
        return False
    (piece,) = rows[place]
    same = (each for each in rows[place - 1] if abs(each.left - piece.left) < ALIGNED_POINTS)
    above = next(same, None)
    is_close = gap_between(rows[place - 1], rows[place]) <= MAX_LINE_GAP * height_of(rows[place])
    if above is None or not is_close:
        return False
    wide = [row for row in rows[start:place] if len(row) > 1]
    behind = [each.left for row in wide for each in row if each.left >= above.left + ALIGNED_POINTS]
    starts = [left for left in behind if left >= above.right]
    if piece.text[:1].islower() and (not starts or piece.right <= min(starts)):
        return True
    # The last column is as wide as its longest cell.
    limit = min(starts) if starts else max(row[-1].right for row in wide) + ALIGNED_POINTS
    return piece.right <= limit < above.right + first_word_width(piece) + ALIGNED_POINTS


def first_word_width(piece: PdfPiece) -> float:
    """Return the points that the first word of a piece takes, all letters being as wide."""
    return len(piece.text.split()[0]) / len(piece.text) * (piece.right - piece.left)


def two_cells(
    rows: Sequence[list[PdfPiece]], gutter: float, tops: Sequence[float]
) -> list[list[str]]:
    """Return the rows of a table of two columns of text; they begin at these heights."""
    cells = [["", ""] for _ in range(len(tops) + 1)]
    for piece in (piece for row in rows for piece in row):
        place, side = sum(piece.top <= top + 1 for top in tops), int(piece.left >= gutter)
        above = cells[place][side]
        cells[place][side] = join_line(above, piece.text, Counter()) if above else piece.text
    return cells


def gap_between(above: Sequence[PdfPiece], below: Sequence[PdfPiece]) -> float:
    """Return the points between two rows."""
    return min(piece.bottom for piece in above) - max(piece.top for piece in below)


def height_of(row: Sequence[PdfPiece]) -> float:
    """Return the usual height of the pieces of a row."""
    return median(piece.top - piece.bottom for piece in row)
