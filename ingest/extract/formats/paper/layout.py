"""From pieces of text on paper to the lines, rows and sentences of a document.

Pieces come in the order in which a program drew them, which need not be that of reading. Columns
differ from tables in their width: a column holds half sentences, a cell a word or a figure.
"""

import re
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import pairwise
from statistics import median

from ingest.extract.base import PAGE_MARK
from ingest.extract.formats.paper.columns import (
    ASIAN_PUNCTUATION,
    MIN_GUTTER_POINTS,
    SENTENCE_END,
    PdfLine,
    PdfPiece,
    cell_tops,
    find_columns,
    find_text_gutter,
    is_margin,
    letters_wide,
    runs_leftward,
)
from ingest.extract.formats.paper.drawing_order import split_beside
from ingest.extract.formats.paper.line_ends import HYPHENS, join_line
from ingest.extract.formats.paper.margins import without_contents, without_margins
from ingest.extract.formats.paper.marks import prepared_pieces
from ingest.extract.formats.paper.pairs import render_cells
from ingest.extract.formats.paper.tables import (
    MIN_ROWS,
    is_head_of,
    table_end,
    two_cells,
    whole_rows,
)
from ingest.text.cjk import CJK

_FULL_LINE = 0.6
"""Share of the longest line of a page: a line so long goes on in the next, a shorter one ends."""
MAX_ENTRY_CHARACTERS = 21
"""Letters of the longest line of a column of names, skills or addresses."""
FULL_ASIAN_LINE = 0.72
"""The same where ideographs stand on both sides of its end."""
MIN_FONT_RATIO = 1.12
"""Ratio of the heights of two fonts from which on one is that of a heading; of one font, the boxes
of some letters are smaller by a twentieth."""
LONG_LINES = 0.9
"""Share of the lines of a column that are no longer than its measure."""
MIN_VERTICAL_SHARE = 0.7
"""Share of the letters that stand alone or in tall pieces on a page set from top to bottom."""
MIN_VERTICAL_LETTERS = 12
MAX_INK_SHIFT = 0.7
"""Widths of a letter between the middles of two that stand one below the other in a column."""
MIN_SIZE_RATIO = 1.5
"""Ratio of the heights of two lines from which on one is a title and the other text."""
MIN_BLOCK_GAP = 1.0
"""Heights of a line by which a gap is wider than the usual one, where it parts two blocks."""
_ITEM_NUMBER = re.compile(
    r"(?:\d{1,3}(?:\.\d{1,2}){0,3}[.)、]|[（(]?(?:\d{1,2}|[a-z]|[ivx]{1,5}|[一二三四五六七八九十]{1,3})[)）]"
    r"|[一二三四五六七八九十]{1,3}、|§\s?\d{1,3}|第[一二三四五六七八九十\d]{1,4}[条章节])"
)
"""What numbers a clause, a step or an item."""
MAX_NUMBER_GAP = 5.0
"""Heights of a line up to which it stands before its item."""
_LIST_MARK = re.compile(r"(?:[-*•·●▪]|\d+[.)、]|[（(]?[一二三四五六七八九十]+[)）、.])\s*\S")


def page_lines(pieces: Sequence[PdfPiece]) -> list[PdfLine]:
    """Return the lines of a page in reading order; a table is one line with line ends in it.

    Args:
        pieces: In the order in which they were drawn.
    """
    if vertical := _vertical_lines(pieces):
        return vertical
    pieces = prepared_pieces(pieces)
    return [line for line in _lines_of(pieces) if line.text]


def _lines_of(pieces: Sequence[PdfPiece]) -> list[PdfLine]:
    if divided := split_beside(pieces):
        above, *columns, below = divided
        beside = [line for column in columns for line in _in_column(_lines_of(column))]
        return [*_lines_of(above), *beside, *_lines_of(below)]
    rows = _rows(pieces)
    lines: list[PdfLine] = []
    at = 0
    while at < len(rows):
        # A running head is no line of the columns below it.
        first = at + int(at == 0 and is_margin(rows, 0))
        gutter, end = find_text_gutter(rows, first)
        if gutter is not None:
            lines += map(_row_line, rows[at:first])
            # The pieces anew: a line of one column may join two rows of the other's table.
            block = _placed(rows[first:end], "")
            within = [p for p in pieces if block.bottom <= (p.top + p.bottom) / 2 <= block.top]
            for side in (False, True):
                lines += _in_column(_lines_of([p for p in within if (p.left >= gutter) == side]))
            at = end
            continue
        gutters, end = find_columns(rows, at)
        if len(gutters) == 1 and (tops := cell_tops(rows[at:end], gutters[0])):
            cells = two_cells(rows[at:end], gutters[0], tops)
            lines.append(_placed(rows[at:end], render_cells(cells)))
            at = end
            continue
        if gutters:
            lines += map(_row_line, rows[at:first])
            for place in range(len(gutters) + 1):
                parts = (
                    [p for p in row if sum(p.left >= gutter for gutter in gutters) == place]
                    for row in rows[first:end]
                )
                lines += _in_column([_row_line(part) for part in parts if part])
            at = end
            continue
        end = table_end(rows, first)
        if first > at and end > first and is_head_of(rows[at], rows[first:end]):
            first = at
        if end - first >= MIN_ROWS:
            lines += map(_row_line, rows[at:first])
            lines.append(_placed(rows[first:end], render_cells(whole_rows(rows[first:end]))))
        else:
            end = at + 1
            lines.append(_row_line(rows[at]))
        at = end
    return lines


def _in_column(lines: Sequence[PdfLine]) -> list[PdfLine]:
    """Return the lines of a column, which tell how long a line of it is that goes on below."""
    lengths = sorted(letters_wide(each.text) for each in lines if "\n" not in each.text)
    # Not the very longest: an address at the foot of the page may have come with the column.
    longest = lengths[int(LONG_LINES * (len(lengths) - 1))] if lengths else 0
    return [replace(each, longest=each.longest or longest) for each in lines]


def _vertical_lines(pieces: Sequence[PdfPiece]) -> list[PdfLine]:
    """Return the lines of a page that is set from top to bottom and right to left, else none.

    There each ideograph stands alone, closer to the one below it than to the one beside it.
    """
    letters = sum(len(each.text) for each in pieces)
    single = sum(re.fullmatch(f"[{CJK}{ASIAN_PUNCTUATION}]", p.text) is not None for p in pieces)
    # A font that is made for it draws a column in one go: a tall piece of several letters.
    tall = sum(len(p.text) for p in pieces if p.top - p.bottom > 1.5 * (p.right - p.left))
    if max(single, tall) < max(MIN_VERTICAL_LETTERS, MIN_VERTICAL_SHARE * letters):
        return []
    columns: list[list[PdfPiece]] = []
    # The ink of a mark like 。 is in a corner of its place, that of the letters in the middle.
    reach = MAX_INK_SHIFT * median(piece.right - piece.left for piece in pieces)
    for piece in sorted(pieces, key=lambda each: -(each.left + each.right)):
        middle = (piece.left + piece.right) / 2
        if columns and (columns[-1][0].left + columns[-1][0].right) / 2 - middle <= reach:
            columns[-1].append(piece)
        else:
            columns.append([piece])
    ordered = [sorted(column, key=lambda each: -each.top) for column in columns]
    steps = [a.top - b.top for column in ordered for a, b in pairwise(column)]
    gaps = [a[0].left - b[0].left for a, b in pairwise(ordered)]
    if tall < single and (not steps or (gaps and median(steps) >= median(gaps))):
        return []
    top, bottom = max(each.top for each in pieces), min(each.bottom for each in pieces)
    texts = ("".join(piece.text for piece in column) for column in ordered)
    return [PdfLine(text=text, top=top, bottom=bottom) for text in texts]


def _rows(pieces: Sequence[PdfPiece]) -> list[list[PdfPiece]]:
    """Return pieces that stand side by side, from the top, each row from the left."""
    rows: list[list[PdfPiece]] = []
    for piece in sorted(pieces, key=lambda each: (-(each.top + each.bottom), each.left)):
        middle = (piece.top + piece.bottom) / 2
        if rows and rows[-1][0].bottom <= middle <= rows[-1][0].top:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    merged = (_merged(sorted(row, key=lambda each: each.left)) for row in rows)
    return [_with_number(row) for row in merged]


def _with_number(row: list[PdfPiece]) -> list[PdfPiece]:
    """Return the line of an item with its number, which stands apart from it: "3." and "(a)"."""
    if len(row) != 2 or not _ITEM_NUMBER.fullmatch(row[0].text):
        return row
    number, item = row
    height = max(each.top - each.bottom for each in row)
    if item.left - number.right > MAX_NUMBER_GAP * height:
        return row
    top, bottom = max(each.top for each in row), min(each.bottom for each in row)
    text = f"{number.text} {item.text}"
    return [replace(item, left=number.left, top=top, bottom=bottom, text=text)]


def _merged(row: list[PdfPiece]) -> list[PdfPiece]:
    """Return a row in which pieces of one line, e.g. words in bold, are one."""
    merged = row[:1]
    for piece in row[1:]:
        last = merged[-1]
        height = max(last.top - last.bottom, piece.top - piece.bottom)
        if piece.left - last.right < max(MIN_GUTTER_POINTS, 0.9 * height):
            gap = " " if piece.left - last.right > 0.12 * height else ""
            parts = [last.text, piece.text]
            if all(map(runs_leftward, parts)):
                parts.reverse()
            merged[-1] = replace(
                max(last, piece, key=lambda each: len(each.text)),
                left=last.left,
                right=max(last.right, piece.right),
                top=max(last.top, piece.top),
                bottom=min(last.bottom, piece.bottom),
                text=gap.join(parts),
            )
        else:
            merged.append(piece)
    return merged


def _row_line(row: Sequence[PdfPiece]) -> PdfLine:
    return _placed([row], " ".join(" ".join(piece.text for piece in row).split()))


def _placed(rows: Sequence[Sequence[PdfPiece]], text: str) -> PdfLine:
    pieces = [piece for row in rows for piece in row]
    top, bottom = max(each.top for each in pieces), min(each.bottom for each in pieces)
    size = max(pieces, key=lambda each: len(each.text)).size
    return PdfLine(text=text, top=top, bottom=bottom, size=size)


def join_pages(pages: Sequence[list[PdfLine]], beside: Sequence[list[str]] = ()) -> str:
    """Return the lines of all pages as paragraphs, without running heads and contents pages.

    A form feed stands where a page begins, also within a paragraph that goes on over its start.

    Args:
        pages: The lines of each.
        beside: What stands beside the text of each page: it follows it, in paragraphs of its own.
    """
    kept_pages = [without_contents(page) for page in without_margins(pages)]
    vocabulary = Counter(
        word.casefold()
        for page in kept_pages
        for line in page
        for word in re.findall(r"\w+(?:-\w+)*", line.text)
    )
    paragraphs: list[str] = []
    marks = ""
    waiting: list[str] = []
    for number, page in enumerate(kept_pages):
        marks += PAGE_MARK if number else ""  # those of empty pages, too
        texts = [line.text for line in page]
        longest = max((letters_wide(line) for line in texts if "\n" not in line), default=0)
        starts = _block_starts(page)
        before = paragraphs.pop() if paragraphs else ""
        last = before.rpartition("\n")[2].lstrip(PAGE_MARK)
        # A sentence goes on over the end of a page, too.
        is_open = bool(last and page) and goes_on_over(kept_pages[:number], last, page[0])
        text = before if is_open else ""
        if not is_open:
            paragraphs += [before, *waiting]
            waiting = []
        last = last if is_open else ""
        for place, line in enumerate(texts):
            measure = page[place - 1].longest or longest
            # In so narrow a column are entries: what goes on of them begins in small letters.
            full = _FULL_LINE * measure if place and measure > MAX_ENTRY_CHARACTERS else 0.0
            if text and last and place not in starts and _continues(last, line, full=full):
                text = join_line(text, line, vocabulary)
            else:
                text += ("\n" if text else "") + line
            if marks:  # behind the join, which looks at the characters on both sides
                border = len(text) - len(line)
                text, marks = text[:border] + marks + text[border:], ""
            last = line
        paragraphs.append(text)
        waiting += beside[number] if beside else []
    paragraphs += waiting
    text = "\n\n".join(filter(None, paragraphs))
    return re.sub(f"[{HYPHENS}]", "-", text)


def _block_starts(page: Sequence[PdfLine]) -> Set[int]:
    """Return the places of lines that stand apart from the one above, or are of another size."""
    gaps = [above.bottom - below.top for above, below in pairwise(page)]
    usual = median(gaps) if gaps else 0.0
    height = median(line.top - line.bottom for line in page) if page else 0.0
    starts = set()
    for place, (above, below) in enumerate(pairwise(page), 1):
        sizes = sorted((above.top - above.bottom, below.top - below.bottom))
        # A line of small letters alone is lower than one with capitals, by a third.
        is_other_size = sizes[1] > MIN_SIZE_RATIO * sizes[0] or _differ_in_size(above, below)
        if gaps[place - 1] > usual + MIN_BLOCK_GAP * height or is_other_size:
            starts.add(place)
    return starts


def goes_on_over(before: Sequence[Sequence[PdfLine]], last: str, first: PdfLine) -> bool:
    """Return whether the last line of the pages before goes on in the first one of a page."""
    above = next((page[-1] for page in reversed(before) if page), first)
    return _continues(last, first.text, full=0) and not _differ_in_size(above, first)


def _differ_in_size(one: PdfLine, other: PdfLine) -> bool:
    smaller, larger = sorted((one.size, other.size))
    return smaller > 0 and larger > MIN_FONT_RATIO * smaller


def _continues(before: str, line: str, *, full: float) -> bool:
    """Return whether a line ends only because the paper did."""
    if "\n" in before or "\n" in line or before.startswith("#") or line.startswith("#"):
        return False
    if before[-1:] in HYPHENS:
        return True
    if full == 0 and not (line[:1].islower() or re.match(f"[{CJK}]", line)):
        return False
    # Ideographs break anywhere: a line of them that goes on is full.
    if re.match(f"[{CJK}]", line) and re.match(f"[{CJK}]", before[-1:]):
        full *= FULL_ASIAN_LINE / _FULL_LINE
    return (
        letters_wide(before) >= full
        and not SENTENCE_END.search(before)
        and not _LIST_MARK.match(line)
    )
