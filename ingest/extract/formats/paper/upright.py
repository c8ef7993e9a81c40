"""The pieces of a page of upright text, letter by letter as pdfium orders them.

pdfium also tells rectangles, and the text within one. Programs that place each letter by itself
(browsers that print, kerned and justified text) have a rectangle for each, and what is asked of one
holds halves of its neighbours: "GuGue stst" of "Guest".
"""

import ctypes
from collections.abc import Iterator
from typing import Any

from ingest.extract.formats.paper.columns import MIN_GUTTER_POINTS, PdfPiece

MAX_PIECE_GAP = 0.9
"""Heights of a line from which on a gap parts two pieces: cells of a row, lines of two columns."""
MAX_RISE = 0.7
"""Heights by which the middle of a letter may be above or below that of its piece: an index, not
the next line of a page that is set from top to bottom."""
MAX_STEP_BACK = 1.0
"""Heights by which a letter may begin before its piece ends: accents, kerning, slanted letters."""
MIN_INK_GAP = 0.15
"""Heights between two letters as drawn from which on it is looked how far apart they are set."""
MIN_BLANK = 0.18
"""Shares of the size of a font between two letters from which on there is a blank. Typesetters that
place each word (groff) draw none, and pdfium sees those behind narrow letters and marks alone:
"awk.Itcopies"."""
FIRST_WIDE = "\u2e80"
"""Ideographs and their marks begin here: between them a gap is none."""
MAX_BLANK_SHARE = 0.4
"""Such blanks for a letter, above which a text is set with space between all its letters."""


def upright_pieces(text: Any, raw: Any) -> Iterator[PdfPiece]:
    """Yield the pieces of a text page of pdfium; `raw` is `pypdfium2.raw`."""
    letters: list[str] = []
    left = bottom = right = top = 0.0
    x_min, x_max, y_min, y_max = (ctypes.c_double() for _ in range(4))
    edges = tuple(map(ctypes.byref, (x_min, x_max, y_min, y_max)))
    # Once a letter, a million times in a book: nothing is looked up twice.
    page, unicode_of, box_of = text.raw, raw.FPDFText_GetUnicode, raw.FPDFText_GetCharBox
    for place in range(text.count_chars()):
        letter = chr(unicode_of(page, place))
        if letter.isspace():
            if letter in "\r\n" and letters:
                yield _piece(letters, left, bottom, right, top)
                letters = []
            elif letters:
                letters.append(letter)
            continue
        box_of(page, place, *edges)
        x0, x1, y0, y1 = x_min.value, x_max.value, y_min.value, y_max.value
        height = max(top - bottom, y1 - y0)
        if letters and (
            x0 - right >= max(MIN_GUTTER_POINTS, MAX_PIECE_GAP * height)
            or right - x0 > max(MIN_GUTTER_POINTS, MAX_STEP_BACK * height)
            or abs(y0 + y1 - top - bottom) > 2 * MAX_RISE * height
        ):
            yield _piece(letters, left, bottom, right, top)
            letters = []
        if not letters:
            letters, left, bottom, right, top = [letter], x0, y0, x1, y1
            continue
        is_apart = x0 - right > MIN_INK_GAP * height and max(letter, letters[-1]) < FIRST_WIDE
        if is_apart and not letters[-1].isspace() and has_blank_before(page, place, raw):
            letters.append("")  # a blank, if not all letters are so far apart
        letters.append(letter)
        left, right = min(left, x0), max(right, x1)
        bottom, top = min(bottom, y0), max(top, y1)
    if letters:
        yield _piece(letters, left, bottom, right, top)


def has_blank_before(page: Any, place: int, raw: Any) -> bool:
    """Return whether a letter is set farther from the one before it than in a word."""
    before, own = raw.FS_RECTF(), raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(page, place - 1, ctypes.byref(before))
    raw.FPDFText_GetLooseCharBox(page, place, ctypes.byref(own))
    size: float = min(raw.FPDFText_GetFontSize(page, place), own.top - own.bottom)
    return bool(own.left - before.right >= MIN_BLANK * size > 0)


def _piece(letters: list[str], left: float, bottom: float, right: float, top: float) -> PdfPiece:
    blanks = letters.count("")
    blank = " " if blanks <= MAX_BLANK_SHARE * (len(letters) - blanks) else ""
    bare = "".join(letter or blank for letter in letters).strip()
    # A letter beyond the first 65,536 comes as its two halves.
    whole = bare.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return PdfPiece(left=left, right=right, top=top, bottom=bottom, text=whole)
