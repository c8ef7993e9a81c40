"""The pieces of a page of upright text, letter by letter as pdfium orders them.

pdfium also returns rectangles, and the text within one. Programs that place each letter by itself
(browsers that print, kerned and justified text) have a rectangle for each, and the text of one
holds halves of its neighbours: "GuGue stst" of "Guest".
"""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ingest.extract.formats.paper.columns import MIN_GUTTER_POINTS, PdfPiece, runs_leftward

MAX_PIECE_GAP = 0.9
"""Heights of a line from which on a gap parts two pieces: cells of a row, lines of two columns."""
MAX_RISE = 0.7
"""Heights by which the middle of a letter may be above or below that of its piece: an index, not
the next line of a page that is set from top to bottom."""
MAX_STEP_BACK = 1.0
"""Heights by which a letter may begin before its piece ends: accents, kerning, slanted letters."""
MIN_INK_GAP = 0.15
"""Heights between two letters as drawn from which on it is looked how far apart they are set."""
MIN_BLANK = 0.15
"""Heights of a font's box between two letters from which on there is a blank. Typesetters that
place each word (groff) draw none, and pdfium sees those behind narrow letters and marks alone:
"awk.Itcopies"."""
FIRST_WIDE = "\u2e80"
"""Ideographs and their marks begin here: between them a gap is none."""
MIN_SPACED_LETTERS = 4
MAX_BLANK_SHARE = 0.5
"""Blanks for a letter, none of them drawn, above which all letters of a text are set apart."""
MIN_WORD_GAP = 1.6
"""Usual gaps of such a text that part two words."""


@dataclass(slots=True, kw_only=True)
class GrowingPiece:
    """Letters side by side, and the box of what is drawn of them."""

    letters: list[str | float]
    """Letters and blanks that were drawn, and points of gaps in which a blank was not."""
    left: float
    bottom: float
    right: float
    top: float
    size: float

    def gap_before(self, letter: str, x0: float, x1: float) -> float:
        """Return the points between the piece and a letter, less than 0 where they overlap."""
        return self.left - x1 if runs_leftward(letter) else x0 - self.right

    def ends_before(self, gap: float, x0: float, x1: float, y0: float, y1: float) -> bool:
        """Return whether a letter with this box is not of the piece."""
        height = max(self.top - self.bottom, y1 - y0)
        return (
            gap >= max(MIN_GUTTER_POINTS, MAX_PIECE_GAP * height)
            or -gap > max(MIN_GUTTER_POINTS, x1 - x0 + MAX_STEP_BACK * height)
            or abs(y0 + y1 - self.top - self.bottom) > 2 * MAX_RISE * height
        )

    def add(self, letter: str, x0: float, x1: float, y0: float, y1: float) -> None:
        """Add a letter and its box."""
        self.letters.append(letter)
        self.left, self.right = min(self.left, x0), max(self.right, x1)
        self.bottom, self.top = min(self.bottom, y0), max(self.top, y1)

    def is_word_before(self, letter: str, gap: float) -> bool:
        """Return whether it ends in a letter which may be farther from the next than in a word."""
        before = self.letters[-1]
        if isinstance(before, float) or before.isspace():
            return False
        wide = gap > MIN_INK_GAP * (self.top - self.bottom)
        return wide and max(letter, before) < FIRST_WIDE

    def whole(self) -> PdfPiece:
        """Return the piece, with its blanks."""
        bare = with_blanks(self.letters).strip()
        # A letter beyond the first 65,536 comes as its two halves.
        text = bare.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return PdfPiece(
            left=self.left,
            right=self.right,
            top=self.top,
            bottom=self.bottom,
            text=text,
            size=self.size,
        )


def upright_pieces(text: Any, raw: Any) -> Iterator[PdfPiece]:
    """Yield the pieces of a text page of pdfium; `raw` is `pypdfium2.raw`."""
    piece: GrowingPiece | None = None
    is_apart = False
    x_min, x_max, y_min, y_max = (ctypes.c_double() for _ in range(4))
    edges = tuple(map(ctypes.byref, (x_min, x_max, y_min, y_max)))
    # Once a letter, a million times in a book: nothing is looked up twice.
    page, unicode_of, box_of = text.raw, raw.FPDFText_GetUnicode, raw.FPDFText_GetCharBox
    for place in range(text.count_chars()):
        letter = chr(unicode_of(page, place))
        if letter.isspace():
            if piece and letter in "\r\n":
                yield piece.whole()
                piece = None
            elif piece and raw.FPDFText_IsGenerated(page, place) == 1:
                is_apart = True
            elif piece:
                piece.letters.append(letter)
            continue
        box_of(page, place, *edges)
        x0, x1, y0, y1 = x_min.value, x_max.value, y_min.value, y_max.value
        gap = piece.gap_before(letter, x0, x1) if piece else 0.0
        if piece and piece.ends_before(gap, x0, x1, y0, y1):
            yield piece.whole()
            piece = None
        if piece is None:
            size = font_height(page, place, raw)
            piece = GrowingPiece(letters=[letter], left=x0, bottom=y0, right=x1, top=y1, size=size)
        else:
            if is_apart or (
                piece.is_word_before(letter, gap) and has_blank_before(page, place, raw)
            ):
                piece.letters.append(gap)
            piece.add(letter, x0, x1, y0, y1)
        is_apart = False
    if piece:
        yield piece.whole()


def font_height(page: Any, place: int, raw: Any) -> float:
    """Return the height of the box that a letter's font has for all its letters."""
    box = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(page, place, ctypes.byref(box))
    return float(box.top - box.bottom)


def has_blank_before(page: Any, place: int, raw: Any) -> bool:
    """Return whether a letter is set farther from the one before it than in a word."""
    before, own = raw.FS_RECTF(), raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(page, place - 1, ctypes.byref(before))
    raw.FPDFText_GetLooseCharBox(page, place, ctypes.byref(own))
    # Not the size of the font, which is 1 where a program scales its letters by a matrix (cairo).
    return bool(own.left - before.right >= MIN_BLANK * (own.top - own.bottom) > 0)


def with_blanks(letters: Sequence[str | float]) -> str:
    """Return letters as words: where all of them are set apart, parted by the wider gaps alone."""
    # Those of the dots that lead to the number of a page say nothing.
    gaps = [
        gap
        for before, gap, behind in zip(letters, letters[1:], letters[2:], strict=False)
        if isinstance(gap, float) and f"{before}{behind}".isalpha()
    ]
    least, count = 0.0, sum(isinstance(each, str) and each.isalpha() for each in letters)
    if count >= MIN_SPACED_LETTERS and len(gaps) > MAX_BLANK_SHARE * count:
        least = MIN_WORD_GAP * median(gaps)
    return "".join(
        each if isinstance(each, str) else " " if each >= least else "" for each in letters
    )
