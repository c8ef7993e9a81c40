"""Lines of pages that are no text of theirs: running heads and feet, tables of contents."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from ingest.extract.formats.paper.columns import PdfLine

MIN_PAGES = 3
"""Pages from which on a line that they share is a running head."""
PAIR = 2
"""Pages of which the head of the first and the foot of the last are kept: what both have may be
the title of a form."""
MARGIN_LINES = 2
"""Lines at the top and the bottom of a page that may be running heads and feet."""
_LEADERS = re.compile(r"(?:\.\s?|…|·\s?|_){4,}\s*[\divxlc]+$", re.IGNORECASE)
"""The dots of a line of a table of contents."""
_PRINTED_HEAD = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\.?,?\s+\D{0,3}\d{1,2}:\d\d")
_PRINTED_FOOT = re.compile(r"(?:(?:https?|file|about|data):\S+\s+\d+\s?/\s?\d+)")
_CONTENTS = re.compile(r"(?:table of )?contents|目\s*录|目\s*次|inhalt(?:sverzeichnis)?", re.I)


def _shape(line: str) -> str:
    return re.sub(r"\d+|\b[ivxlc]+\b", "0", line.casefold())


def without_margins(pages: Sequence[list[PdfLine]]) -> list[list[PdfLine]]:
    """Return the pages without lines at their edges that most of them have, numbers aside."""
    counts: Counter[str] = Counter()
    edges = [(_margin(page), _margin(page[::-1])) for page in pages]
    for page, (head, foot) in zip(pages, edges, strict=True):
        counts.update({_shape(line.text) for line in (*page[:head], *page[len(page) - foot :])})
    filled = len([page for page in pages if page])
    enough = PAIR if filled == PAIR else max(MIN_PAGES, filled / 2)
    running = {shape for shape, count in counts.items() if count >= enough}
    kept: list[list[PdfLine]] = [[] for _ in pages]
    for number, page in enumerate(pages):
        lines = _without_print_marks(page)
        last = len(lines) - MARGIN_LINES
        for place, line in enumerate(lines):
            shape = _shape(line.text)
            # Of a page of few lines no gap tells; what is at its edge is there on others, too.
            is_edge = place < MARGIN_LINES or place >= last
            is_title = filled == PAIR and (place < MARGIN_LINES if number == 0 else place >= last)
            if shape not in running or not is_edge or (is_title and any(map(str.isalpha, shape))):
                kept[number].append(line)
    return kept


def _without_print_marks(page: Sequence[PdfLine]) -> Sequence[PdfLine]:
    """Return a page without date, title, address and number that a browser prints at its edges."""
    if len(page) < MIN_PAGES or not _PRINTED_FOOT.fullmatch(page[-1].text):
        return page
    return page[1 if _PRINTED_HEAD.match(page[0].text) else 0 : -1]


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


def without_contents(page: list[PdfLine]) -> list[PdfLine]:
    """Return a page without the lines of a table of contents."""
    entries = sum(_LEADERS.search(line.text) is not None for line in page)
    if entries < MIN_PAGES:
        return page
    return [
        line
        for line in page
        if not _LEADERS.search(line.text) and not _CONTENTS.fullmatch(line.text)
    ]
