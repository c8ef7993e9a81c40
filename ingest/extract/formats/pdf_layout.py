"""From pieces of text on paper to the lines, rows and sentences of a document.

Pieces come in the order in which a program drew them, which need not be that of reading. Columns
differ from tables in their width: a column holds half sentences, a cell a word or a figure.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ingest.extract.base import PAGE_MARK
from ingest.extract.formats.table_rows import render_rows
from ingest.text.cjk import CJK

_FULL_LINE = 0.6
"""Share of the longest line of a page: a line so long goes on in the next, a shorter one ends."""
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
MIN_VERTICAL_SHARE = 0.7
"""Share of the letters that stand alone or in tall pieces on a page set from top to bottom."""
MIN_VERTICAL_LETTERS = 12
MIN_ROWS = 2
MIN_PAGES = 3
"""Pages from which on a line that they share is a running head."""
MARGIN_LINES = 2
"""Lines at the top and the bottom of a page that may be running heads and feet."""
_SENTENCE_END = re.compile(r"[.。!！?？:：;；…][”’」』）\"')\]]*$")
_LIST_MARK = re.compile(r"(?:[-*•·●▪]|\d+[.)、]|[（(]?[一二三四五六七八九十]+[)）、.])\s*\S")
_LEADERS = re.compile(r"(?:\.\s?|…|·\s?|_){4,}\s*[\divxlc]+$", re.IGNORECASE)
"""The dots of a line of a table of contents."""
_CONTENTS = re.compile(r"(?:table of )?contents|目\s*录|目\s*次|inhalt(?:sverzeichnis)?", re.I)
_HYPHENS = "\ufffe\u00ad\u0002"
"""What pdfium makes of a hyphen that a program set at the end of a line, and soft hyphens."""
_ASIAN_PUNCTUATION = "，。、；：？！（）《》「」『』【】”“"


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


def page_lines(pieces: Sequence[PdfPiece]) -> list[PdfLine]:
    """Return the lines of a page in reading order; a table is one line with line ends in it."""
    if vertical := _vertical_lines(pieces):
        return vertical
    rows = _rows(pieces)
    lines: list[PdfLine] = []
    at = 0
    while at < len(rows):
        gutter, end = _find_columns(rows, at)
        if gutter is not None:
            for side in (0, 1):
                parts = (
                    [p for p in row if (p.left >= gutter) == bool(side)] for row in rows[at:end]
                )
                lines += [_row_line(part) for part in parts if part]
            at = end
            continue
        end = _table_end(rows, at)
        if end - at >= MIN_ROWS:
            lines.append(_placed(rows[at:end], render_rows(_cells(rows[at:end]))))
        else:
            end = at + 1
            lines.append(_row_line(rows[at]))
        at = end
    return [line for line in lines if line.text]


def _vertical_lines(pieces: Sequence[PdfPiece]) -> list[PdfLine]:
    """Return the lines of a page that is set from top to bottom and right to left, else none.

    There each ideograph stands alone, closer to the one below it than to the one beside it.
    """
    letters = sum(len(each.text) for each in pieces)
    single = sum(re.fullmatch(f"[{CJK}{_ASIAN_PUNCTUATION}]", p.text) is not None for p in pieces)
    # A font that is made for it draws a column in one go: a tall piece of several letters.
    tall = sum(len(p.text) for p in pieces if p.top - p.bottom > 1.5 * (p.right - p.left))
    if max(single, tall) < max(MIN_VERTICAL_LETTERS, MIN_VERTICAL_SHARE * letters):
        return []
    columns: list[list[PdfPiece]] = []
    for piece in sorted(pieces, key=lambda each: -(each.left + each.right)):
        middle = (piece.left + piece.right) / 2
        if columns and columns[-1][0].left <= middle <= columns[-1][0].right:
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
    return [_merged(sorted(row, key=lambda each: each.left)) for row in rows]


def _merged(row: list[PdfPiece]) -> list[PdfPiece]:
    """Return a row in which pieces of one line, e.g. words in bold, are one."""
    merged = row[:1]
    for piece in row[1:]:
        last = merged[-1]
        height = max(last.top - last.bottom, piece.top - piece.bottom)
        if piece.left - last.right < max(MIN_GUTTER_POINTS, 0.9 * height):
            gap = " " if piece.left - last.right > 0.12 * height else ""
            merged[-1] = PdfPiece(
                left=last.left,
                right=max(last.right, piece.right),
                top=max(last.top, piece.top),
                bottom=min(last.bottom, piece.bottom),
                text=last.text + gap + piece.text,
            )
        else:
            merged.append(piece)
    return merged


def _find_columns(rows: Sequence[list[PdfPiece]], start: int) -> tuple[float | None, int]:
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
    return len(text) + len(re.findall(f"[{CJK}{_ASIAN_PUNCTUATION}]", text))


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


def _table_end(rows: Sequence[list[PdfPiece]], start: int) -> int:
    """Return the row behind a table that begins at `start`, `start` if none does."""
    end = start
    while end < len(rows) and len(rows[end]) >= 2:
        end += 1
    widest = max((len(row) for row in rows[start:end]), default=0)
    # Two cells a row may be a number and its text; three are columns.
    return end if widest >= 3 or (widest == 2 and end - start >= MIN_COLUMN_LINES) else start


def _cells(rows: Sequence[list[PdfPiece]]) -> list[list[str]]:
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


def _row_line(row: Sequence[PdfPiece]) -> PdfLine:
    return _placed([row], " ".join(" ".join(piece.text for piece in row).split()))


def _placed(rows: Sequence[Sequence[PdfPiece]], text: str) -> PdfLine:
    pieces = [piece for row in rows for piece in row]
    top, bottom = max(each.top for each in pieces), min(each.bottom for each in pieces)
    return PdfLine(text=text, top=top, bottom=bottom)


def join_pages(pages: Sequence[list[PdfLine]]) -> str:
    """Return the lines of all pages as paragraphs, without running heads and contents pages.

    A form feed stands where a page begins, also within a paragraph that goes on over its start.
    """
    kept_pages = [_without_contents(page) for page in _without_margins(pages)]
    vocabulary = Counter(
        word.casefold()
        for page in kept_pages
        for line in page
        for word in re.findall(r"\w+(?:-\w+)*", line)
    )
    paragraphs: list[str] = []
    marks = ""
    for number, page in enumerate(kept_pages):
        marks += PAGE_MARK if number else ""  # those of empty pages, too
        full = _FULL_LINE * max((len(line) for line in page if "\n" not in line), default=0)
        before = paragraphs.pop() if paragraphs else ""
        last = before.rpartition("\n")[2].lstrip(PAGE_MARK)
        # A sentence goes on over the end of a page, too.
        is_open = bool(last) and bool(page) and _continues(last, page[0], full=0)
        text = before if is_open else ""
        if before and not is_open:
            paragraphs.append(before)
        last = last if is_open else ""
        for line in page:
            if text and last and _continues(last, line, full=full):
                text = _join_line(text, line, vocabulary)
            else:
                text += ("\n" if text else "") + line
            # Behind the join, which looks at the characters on both sides.
            border = len(text) - len(line)
            text = text[:border] + marks + text[border:]
            last, marks = line, ""
        paragraphs.append(text)
    text = "\n\n".join(filter(None, paragraphs))
    return re.sub(f"[{_HYPHENS}]", "-", text)


def _continues(before: str, line: str, *, full: float) -> bool:
    """Return whether a line ends only because the paper did."""
    if "\n" in before or "\n" in line or before.startswith("#") or line.startswith("#"):
        return False
    if before[-1:] in _HYPHENS:
        return True
    if full == 0 and not (line[:1].islower() or re.match(f"[{CJK}]", line)):
        return False
    return len(before) >= full and not _SENTENCE_END.search(before) and not _LIST_MARK.match(line)


def _join_line(text: str, line: str, vocabulary: Counter[str]) -> str:
    """Return a text with the next line behind it, a word that was broken made whole."""
    if text[-1] in _HYPHENS or (text[-1] == "-" and text[-2:-1].isalpha()):
        head = re.search(r"[\w-]*$", text[:-1])
        tail = re.match(r"\w*", line)
        start, end = (head[0] if head else ""), (tail[0] if tail else "")
        whole, hyphened = (start + end).casefold(), f"{start}-{end}".casefold()
        # Evidence first: how the word is elsewhere. Compounds of capitals keep theirs.
        is_compound = vocabulary[hyphened] > vocabulary[whole] or "-" in start
        if is_compound or not end[:1].islower():
            return f"{text[:-1]}-{line}"
        return text[:-1] + line
    asian = f"[{CJK}{_ASIAN_PUNCTUATION}]"
    if re.search(rf"{asian}$", text) and re.match(asian, line):
        return text + line  # Chinese and Japanese are written without spaces
    return f"{text} {line}"


def _shape(line: str) -> str:
    return re.sub(r"\d+|\b[ivxlc]+\b", "0", line.casefold())


def _without_margins(pages: Sequence[list[PdfLine]]) -> list[list[str]]:
    """Return the pages without lines at their edges that most of them have, numbers aside."""
    counts: Counter[str] = Counter()
    edges = [(_margin(page), _margin(page[::-1])) for page in pages]
    for page, (head, foot) in zip(pages, edges, strict=True):
        counts.update({_shape(line.text) for line in (*page[:head], *page[len(page) - foot :])})
    enough = max(MIN_PAGES, len([page for page in pages if page]) / 2)
    running = {shape for shape, count in counts.items() if count >= enough}
    kept = []
    for page, (head, foot) in zip(pages, edges, strict=True):
        body = len(page) - foot
        kept.append(
            [
                line.text
                for place, line in enumerate(page)
                if head <= place < body or _shape(line.text) not in running
            ]
        )
    return kept


def _margin(page: Sequence[PdfLine]) -> int:
    """Return how many lines at the beginning of a page stand apart from the rest.

    Pages of forms and records begin alike, too, but there the next line follows as closely as all
    others do.
    """
    gaps = [max(a.bottom - b.top, b.bottom - a.top) for a, b in pairwise(page)]
    usual = median(gaps) if gaps else 0.0
    height = median(line.top - line.bottom for line in page) if page else 0.0
    for place in range(min(MARGIN_LINES, len(gaps)), 0, -1):
        if gaps[place - 1] > usual + 0.6 * height:
            return place
    return 0


def _without_contents(page: list[str]) -> list[str]:
    entries = sum(_LEADERS.search(line) is not None for line in page)
    if entries < MIN_PAGES:
        return page
    return [line for line in page if not _LEADERS.search(line) and not _CONTENTS.fullmatch(line)]
