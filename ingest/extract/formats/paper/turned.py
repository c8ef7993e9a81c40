"""Pages whose lines run upward or downward: wide tables on upright paper, scans laid sideways.

pdfium joins what stands side by side on the paper, which here are letters of different lines.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ingest.extract.formats.paper.columns import PdfPiece

SAMPLED = 200
"""Letters whose direction is looked at: a page of upright text has a label or two that are not."""
MIN_TURNED_SHARE = 0.7
MAX_WORD_GAP = 0.6
"""Share of the height of a letter; a wider gap parts cells. A blank is a third."""


def is_turned(text: Any, raw: Any) -> bool:
    """Return whether most letters of a text page run upward or downward."""
    return _quarter_turns(text, raw) in (1, 3)


def turned_pieces(text: Any, raw: Any) -> Iterator[PdfPiece]:
    """Yield the pieces of such a page as they are when it is turned to be read."""
    turns = _quarter_turns(text, raw)
    last: PdfPiece | None = None
    for place in range(text.count_chars()):
        letter = text.get_text_range(place, 1)
        box = text.get_charbox(place, loose=True)
        piece = _turned(box, turns, letter)
        if not letter.strip():
            continue
        if last is None or not _goes_on(last, piece):
            if last is not None:
                yield last
            last = piece
            continue
        gap = " " if piece.left - last.right > 0.15 * (last.top - last.bottom) else ""
        last = replace(last, right=piece.right, text=f"{last.text}{gap}{letter}")
    if last is not None:
        yield last


def _quarter_turns(text: Any, raw: Any) -> int:
    """Return by how many quarters of a circle most letters are turned clockwise."""
    count = text.count_chars()
    step = max(1, count // SAMPLED)
    turns = Counter(
        round(raw.FPDFText_GetCharAngle(text, place) / (math.pi / 2)) % 4
        for place in range(0, count, step)
        if text.get_text_range(place, 1).strip()
    )
    most, number = max(turns.items(), key=lambda pair: pair[1], default=(0, 0))
    return most if number >= MIN_TURNED_SHARE * turns.total() else 0


def _turned(box: tuple[float, float, float, float], turns: int, letter: str) -> PdfPiece:
    left, bottom, right, top = box
    if turns == 3:  # they run upward: what is above on the paper is further right
        return PdfPiece(left=bottom, right=top, top=-left, bottom=-right, text=letter)
    return PdfPiece(left=-top, right=-bottom, top=right, bottom=left, text=letter)


def _goes_on(last: PdfPiece, piece: PdfPiece) -> bool:
    height = last.top - last.bottom
    middle = (piece.top + piece.bottom) / 2
    is_beside = -0.3 * height <= piece.left - last.right <= MAX_WORD_GAP * height
    return last.bottom <= middle <= last.top and is_beside
