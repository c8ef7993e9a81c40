"""What is drawn beside the lines of a page and is no cell: drop caps, line numbers, list marks.

Each is a piece of its own at an edge of the text, and would be read as a column of a table.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from itertools import pairwise
from statistics import median

from ingest.extract.formats.paper.columns import (
    COLUMN_CHARACTERS,
    MANY_COLUMN_CHARACTERS,
    SENTENCE_END,
    PdfPiece,
    letters_wide,
)
from ingest.text.cjk import CJK

MIN_CAP_HEIGHT = 1.8
"""Heights of a usual piece from which on a letter spans two lines."""
MAX_CAP_GAP = 0.8
"""The same between a drop cap and its line, or between the tops of both."""
SHORT_WORDS = "AIOYÀÉ"
"""Letters that are words by themselves in English and the Romance languages."""

MIN_NUMBERED_LINES = 20
"""Lines of a page with a number each from which on the numbers are no list."""
MIN_STEPS = 3
"""Numbers in steps of five or ten."""
MIN_NUMBERED_SHARE = 0.9
"""Share of the lines beside them that have a number, if each line is numbered."""
MIN_BROKEN_SHARE = 0.2
"""Share of the lines that begin in the middle of a sentence, unlike items of a list."""
FULL_SHARE = 0.7
"""Share of the widest line from which on a line may go on in the next one."""
MIN_FULL_SHARE = 0.8
"""Share of the lines so wide among those before one in the middle of a sentence."""
WIDE_SHARE = 0.85
"""Share of the widest line from which on a line is one within a paragraph, if most are."""
MIN_WIDE_SHARE = 0.6
MIN_STOPS_SHARE = 0.1
"""Share of the lines within which a sentence ends, as in prose and hardly in any item of a list."""
STOP_WITHIN = re.compile(
    rf"[^\W\d_]{{3}}[.!?…]['\"’”»)\]]{{0,3}}\s+['\"‘“«(\[]?(?=[^\W\d_])[^a-zß-ÿ{CJK}]"
    rf"|[{CJK}][”’」』）]?[。！？][”’」』）]?(?=[“‘「『（]?[{CJK}])"
)
"""The end of a sentence and the beginning of the next one; not behind an initial or "St."."""
MIN_NUMBER_GAP = 0.5
"""Heights of a usual piece between the numbers and the text."""
MAX_NUMBER_SHIFT = 3.0
"""Points between the edges of two numbers that stand one below the other."""

BULLETS = "•▪◦‣⁃◼➢➤▶❖❑\x88\x0f\x95\uf0b7\uf0a7\uf0d8\uf076\uf0fc"
"""Marks of a list: also what pdfium makes of those of TeX's fonts (control characters), of Symbol
and of Wingdings (for private use)."""
SIGNS = {"\uf0a8": "☐", "\uf06f": "☐", "\uf0fe": "☑", "\uf0fd": "☒", "\uf0fc": "✓", "\uf0fb": "✗"}
"""Those of Wingdings that say something, in a cell of their own as well."""
BOXES = "☐☑☒✓✔✗✘○●□■◆◇★☆"
"""Marks that may say something by their form, and are kept."""
CHECKBOXES = "☐☑☒"
DASHES = {"-": "-", "–": "-", "—": "-", "·": "•"}
"""Marks of a list that stand in empty cells of a table as well."""
DINGBATS = {"o": 2, "Ø": 2, "ü": 2, "§": 2, "n": 3, "l": 3, "q": 3, "u": 3, "v": 3}
"""Letters of fonts of pictures, and how many of a kind tell that they are marks, and no words."""
MAX_MARK_GAP = 3.5
"""Heights of a usual piece from a mark to its text: half an inch."""
MAX_DASH_GAP = 2.5
MIN_GAP_RATIO = 1.5
"""Ratio of the gap before a mark to that behind it where two lists stand side by side."""
MAX_LOOKED_AT = 16
"""Pieces right of one that are looked at: a page of letters on top of each other has thousands."""


def prepared_pieces(pieces: Sequence[PdfPiece]) -> Sequence[PdfPiece]:
    """Return the pieces of a page with what stands beside a line joined to it, or left out."""
    if not pieces:
        return pieces
    usual = median(piece.top - piece.bottom for piece in pieces)
    if usual <= 0:
        return pieces
    return with_list_marks(without_line_numbers(with_drop_caps(pieces, usual), usual), usual)


class Beside:
    """The pieces of a page by their heights, to find those right of a place."""

    def __init__(self, pieces: Sequence[PdfPiece], usual: float) -> None:
        self._usual = usual
        bands: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
        for number, piece in enumerate(pieces):
            bands[self._band((piece.top + piece.bottom) / 2)].append((piece.left, number))
        self._bands = {band: sorted(places) for band, places in bands.items()}

    def _band(self, height: float) -> int:
        return int(height // self._usual)

    def right_of(self, left: float, high: float, low: float) -> list[int]:
        """Return the places of the first pieces that begin behind `left`, the nearest first.

        Args:
            left: Where the first may begin.
            high: The upper border of where their middles are.
            low: The lower one; a few lines below the other.
        """
        found: list[tuple[float, int]] = []
        for band in range(self._band(low), self._band(high) + 1):
            places = self._bands.get(band, [])
            start = bisect_left(places, (left, -1))
            found += places[start : start + MAX_LOOKED_AT]
        return [number for _, number in sorted(found)]


def with_drop_caps(pieces: Sequence[PdfPiece], usual: float) -> Sequence[PdfPiece]:
    """Return pieces with each first letter that is some lines tall at the beginning of its line."""
    caps = [
        number
        for number, piece in enumerate(pieces)
        if piece.top - piece.bottom >= MIN_CAP_HEIGHT * usual
        and re.fullmatch(r"[\"'“”„«‘’「『]?[^\W\d_]{1,2}['’]?", piece.text)
    ]
    if not caps:
        return pieces
    kept: list[PdfPiece | None] = list(pieces)
    beside = Beside(pieces, usual)
    # Within lines: what is left of a word behind a drop cap stands at the beginning of one.
    words = {word for p in pieces for word in re.findall(r"(?<=\s)\w+", p.text.casefold())}
    for number in caps:
        cap = pieces[number]
        # A title has letters as tall, and more than lines of text has beside itself.
        height = min(cap.top - cap.bottom, 8 * usual)
        found = beside.right_of(cap.right - 0.3 * usual, cap.top, cap.top - height)
        lines = [
            n
            for n in found
            if pieces[n].left - cap.right <= MAX_CAP_GAP * usual
            and pieces[n].top - pieces[n].bottom < (cap.top - cap.bottom) / MIN_CAP_HEIGHT * 1.2
        ]
        first = max(lines, key=lambda n: pieces[n].top, default=number)
        line = kept[first]
        is_beside = line is not None and abs(cap.top - line.top) <= MAX_CAP_GAP * usual
        if not is_beside or line is None or not line.text[:1].isalpha():
            continue
        if any(pieces[n].top < (line.top + line.bottom) / 2 for n in lines):
            text = _with_cap(cap.text, line.text, words)
            kept[number], kept[first] = None, replace(line, left=cap.left, text=text)
    return [piece for piece in kept if piece is not None]


def _with_cap(cap: str, text: str, words: Set[str]) -> str:
    """Return a line with its first letter, a blank between them where that is a word."""
    first = re.match(r"\w*", text)
    word = first[0] if first else ""
    if re.match(f"[{CJK}]", text) or cap[-1] in "'’":
        return cap + text
    is_name = word[:1].isupper() and (len(word) == 1 or not word.isupper())
    whole, rest = (cap[-1:] + word).casefold(), word.casefold()
    # "A house", but "After": what else is on the page decides.
    is_word = cap.lstrip("\"'“”„«‘’「『") in SHORT_WORDS and rest in words and whole not in words
    return f"{cap} {text}" if is_name or is_word else cap + text


def without_line_numbers(pieces: Sequence[PdfPiece], usual: float) -> Sequence[PdfPiece]:
    """Return pieces without the numbers of lines at the edge of a text."""
    if sum(piece.text.isdecimal() for piece in pieces) < MIN_STEPS:
        return pieces
    dropped: set[int] = set()
    for sign in (1, -1):
        # What stands at the right edge stands at the left one of the page in a mirror.
        seen = pieces if sign == 1 else [replace(p, left=-p.right, right=-p.left) for p in pieces]
        rows: list[list[int]] = []
        for number in sorted(range(len(seen)), key=lambda n: -(seen[n].top + seen[n].bottom)):
            middle = (seen[number].top + seen[number].bottom) / 2
            if rows and middle >= seen[rows[-1][0]].bottom:
                rows[-1].append(number)
            else:
                rows.append([number])
        rows = [sorted(row, key=lambda n: seen[n].left) for row in rows]
        for run in number_runs(seen, rows):
            if are_line_numbers(seen, rows, run, usual):
                dropped.update(rows[place][0] for place in run)
    return [piece for number, piece in enumerate(pieces) if number not in dropped]


def number_runs(pieces: Sequence[PdfPiece], rows: Sequence[list[int]]) -> Iterator[list[int]]:
    """Yield the rows that begin with numbers one below the other, in steps of one, five or ten."""
    first = [pieces[row[0]] for row in rows]
    places = [n for n, piece in enumerate(first) if re.fullmatch(r"\d{1,4}", piece.text)]
    runs: list[list[int]] = []
    for edges in ([piece.right for piece in first], [piece.left for piece in first]):
        clusters: list[list[int]] = []
        for place in sorted(places, key=lambda n: edges[n]):
            if clusters and edges[place] - edges[clusters[-1][0]] <= MAX_NUMBER_SHIFT:
                clusters[-1].append(place)
            else:
                clusters.append([place])
        for cluster in clusters:
            step = 0
            for above, below in pairwise(sorted(cluster)):
                grown = int(first[below].text) - int(first[above].text)
                if step and grown == step:
                    runs[-1].append(below)
                elif grown in {1, 5, 10}:
                    runs.append([above, below])
                    step = grown
                else:
                    step = 0
    taken: set[int] = set()
    for run in sorted(runs, key=len, reverse=True):
        if len(run) >= MIN_STEPS and taken.isdisjoint(run):
            taken.update(run)
            yield run


def are_line_numbers(
    pieces: Sequence[PdfPiece], rows: Sequence[list[int]], run: Sequence[int], usual: float
) -> bool:
    """Return whether the numbers at the beginning of some rows stand beside lines of one text."""
    numbers = [pieces[rows[place][0]] for place in run]
    step = int(numbers[1].text) - int(numbers[0].text)
    if run[-1] - run[0] > 2 * step * len(run) or (step == 1 and len(run) < MIN_NUMBERED_LINES):
        return False
    edge = max(number.right for number in numbers)
    numbered = set(run)
    lines = {
        place: [pieces[n] for n in rows[place][place in numbered :]]
        for place in range(run[0], run[-1] + 1)
    }
    texts = {place: line for place, line in lines.items() if line}
    # Cells of a table, and its head, stand above and below what looks like a number of a line.
    above = [pieces[row[0]] for row in rows[max(0, run[0] - 2) : run[0]]]
    near = [p for p in above if p.bottom - numbers[0].top < 3 * usual]
    if any(p.left <= edge for p in near) or any(
        line[0].left < edge + MIN_NUMBER_GAP * usual for line in texts.values()
    ):
        return False
    wide = median([letters_wide(p.text) for line in texts.values() for p in line] or [0])
    if step > 1:
        counts = [sum(n in texts for n in range(a, b)) for a, b in pairwise(run)]
        is_even = sum(count == step for count in counts) * 3 >= 2 * len(counts)
        is_beside = all(place in texts for place in run)
        return is_even and is_beside and wide >= MANY_COLUMN_CHARACTERS
    full = edge + FULL_SHARE * (max(line[-1].right for line in texts.values()) - edge)
    broken = [
        above[-1].right >= full
        for above, below in pairwise(texts.values())
        if (below[0].text[:1].islower() or re.match(f"[{CJK}]", below[0].text))
        and not SENTENCE_END.search(above[-1].text)
    ]
    # Items of a list may begin in small letters, but end anywhere.
    is_flowing = sum(broken) >= max(MIN_BROKEN_SHARE * len(texts), MIN_FULL_SHARE * len(broken))
    is_text = wide >= COLUMN_CHARACTERS and is_prose([line[0] for line in texts.values()])
    is_each = len(numbered & texts.keys()) >= MIN_NUMBERED_SHARE * len(texts)
    return is_flowing and is_text and is_each


def is_prose(lines: Sequence[PdfPiece]) -> bool:
    """Return whether most lines are about as wide as the widest, and sentences end within some.

    Items of a list, and rows of a table without its head, do this by chance in one of the two ways;
    their numbers say which they are.
    """
    widths = [line.right - line.left for line in lines]
    full = WIDE_SHARE * max(widths, default=0)
    stops = sum(bool(STOP_WITHIN.search(line.text)) for line in lines)
    return sum(width >= full for width in widths) >= MIN_WIDE_SHARE * len(
        lines
    ) and stops >= MIN_STOPS_SHARE * len(lines)


def with_list_marks(pieces: Sequence[PdfPiece], usual: float) -> Sequence[PdfPiece]:
    """Return pieces with each mark of a list at the beginning of its text, as a bullet or box."""
    marks = {
        number: piece.text[0]
        for number, piece in enumerate(pieces)
        if (len(piece.text) == 1 or piece.text[1:2].isspace())
        and (_is_mark(piece.text[0]) or (len(piece.text) == 1 and piece.text in DASHES | DINGBATS))
    }
    if not marks:
        return pieces
    kept: list[PdfPiece | None] = list(pieces)
    usable = marks_by_their_like(pieces, marks)
    beside = Beside(pieces, usual)
    mirrored = [replace(p, left=-p.right, right=-p.left) for p in pieces]
    before = Beside(mirrored, usual)
    for number, sign in marks.items():
        piece = pieces[number]
        if len(piece.text) > 1:
            if number in usable:
                kept[number] = replace(piece, text=shown_mark(sign) + " " + piece.text[1:].lstrip())
            continue
        text = nearest_in_line(pieces, beside, number, usual)
        is_before_text = text is not None and text not in marks and kept[text] is not None
        if not is_before_text or text is None or number not in usable:
            if sign in SIGNS or sign in BULLETS:
                kept[number] = replace(piece, text=SIGNS.get(sign, "•"))
            continue
        left = nearest_in_line(mirrored, before, number, usual, reach=float("inf"))
        if not is_before(pieces[text], piece, None if left is None else pieces[left], usual):
            continue
        own = pieces[text]
        kept[number] = None
        kept[text] = PdfPiece(
            left=piece.left,
            right=own.right,
            # Of both: a text that begins with an accent or a quote may come in two pieces.
            top=max(piece.top, own.top),
            bottom=min(piece.bottom, own.bottom),
            text=f"{shown_mark(sign)} {own.text}",
        )
    return [piece for piece in kept if piece is not None]


def is_before(text: PdfPiece, mark: PdfPiece, left: PdfPiece | None, usual: float) -> bool:
    """Return whether a mark is of a list and belongs to the text behind it, or fills a cell.

    Args:
        text: What stands behind it.
        mark: Of one character.
        left: What stands before it, a cell of the same row or a line of the column beside it.
        usual: The height of a piece.
    """
    gap = text.left - mark.right
    is_after_cell = left is not None and letters_wide(left.text) < COLUMN_CHARACTERS
    if mark.text in DASHES | DINGBATS:
        is_near = gap <= MAX_DASH_GAP * usual and text.text[:1].isalpha()
        return is_near and not is_after_cell
    if left is None or not is_after_cell or SIGNS.get(mark.text, mark.text) in CHECKBOXES:
        return True
    return mark.left - left.right >= MIN_GAP_RATIO * gap


def shown_mark(sign: str) -> str:
    """Return how a mark before a text of a list is written."""
    if sign in BOXES:
        return sign
    return DASHES.get(sign) or ("•" if sign in BULLETS else SIGNS.get(sign, "•"))


def marks_by_their_like(pieces: Sequence[PdfPiece], marks: Mapping[int, str]) -> Set[int]:
    """Return those that are marks for sure, or that have others of their kind below or above."""
    like = Counter((sign, round(pieces[number].left)) for number, sign in marks.items())
    known = {*BULLETS, *BOXES, *SIGNS, *DASHES}
    return {
        number
        for number, sign in marks.items()
        if sign in known or like[sign, round(pieces[number].left)] >= DINGBATS.get(sign, 2)
    }


def nearest_in_line(
    pieces: Sequence[PdfPiece],
    beside: Beside,
    number: int,
    usual: float,
    *,
    reach: float = MAX_MARK_GAP,
) -> int | None:
    """Return the place of the piece that follows another in its line, up to some heights away."""
    piece = pieces[number]
    middle = (piece.top + piece.bottom) / 2
    found = beside.right_of(piece.right - 0.3 * usual, middle + usual, middle - usual)
    for place in found:
        other = pieces[place]
        is_in_line = other.bottom - 0.2 * usual <= middle <= other.top + 0.2 * usual
        if place != number and is_in_line and other.text:
            return place if other.left - piece.right <= reach * usual else None
    return None


def _is_mark(sign: str) -> bool:
    is_coded = unicodedata.category(sign) in {"Co", "Cc"} and sign != "\x02"  # that is a hyphen
    return is_coded or sign in BULLETS or sign in BOXES or sign in SIGNS
