"""The main text of a page, as Markdown with its structure.

Two readers agree on it. trafilatura, the best open extractor measured, in its fast mode says where
the text is. We find its words in our own tree again and decide block by block: what it took from
the frame of the page goes (headline, pointers to other pages, share and copyright lines); what it
lost inside the text comes back (quotes, tables, code, the other half of a page in two pieces). So
headings, lists, tables and code are written as the page has them (bench/extraction.py).
"""

import functools
import itertools
import logging
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from ingest.extract.dom import HEADINGS, blocks, hide, key_of, remove_unseen, text_of
from ingest.extract.markdown import markdown
from ingest.extract.page_chrome import (
    belongs_after,
    belongs_before,
    is_author,
    is_label,
    is_page_chrome,
    starts_with_label,
)

MAX_TAGS = 25_000  # "<" in a page; trafilatura takes 2 s for so many, a long article has 3,000
MAX_TEXT = 300_000  # characters; a longer text is a book, and is not compared block by block

THIN = 250  # bytes of letters; a text with less is not told from the frame around it
GRAM = 12  # letters; so many in a row are the same words in the same place
STEP = 4  # letters from one gram that is looked up to the next
MIDDLE = 0.85  # share of the found text that the element in the middle must hold
POINTER = 0.8  # share of letters in links from which a block only points elsewhere
MOSTLY = 0.5  # share of letters in links that makes a block one of links
MANY_LINKS = 0.3  # share of letters in links up to which a block that trafilatura lost is prose
SENTENCE = 60  # bytes of letters: 60 Latin ones, 20 ideographs
ANOTHER_PIECE = 200  # bytes of letters outside links in a sibling that goes on with the text
MANY_PIECES = 0.2  # of the letters of a piece must be in the siblings that go on with it
LEVELS = 3  # steps up from the middle to look for such siblings
PAGE_CHROME = 0.3  # share of the text; what holds more is no page_chrome, whatever it is called
HEADLINE_REACH = 3  # blocks from the first in which the headline may come again
EDGE = 5  # blocks at either end that are looked at for lines of the frame

_BROKEN_BY = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError),
    *(AssertionError, etree.LxmlError),
)
"""What trafilatura has been seen to raise, or may, on broken pages."""
_PIECES = frozenset({"article", "section"})
_ENTRIES = frozenset({"li", "pre", "table", "dd", "dt"})
_FIGURES = frozenset({"pre", "table"})
_LISTS = ("ul", "ol", "dl")
_position = operator.attrgetter("position")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Block:
    """A block of the page and what it is judged by."""

    element: etree._Element
    position: int
    text: str
    key: str
    linked: int
    """Letters in links, of those in `key`."""

    @property
    def weight(self) -> int:
        """Bytes of letters: an ideograph says as much as three letters."""
        return len(self.key.encode())

    def is_linked(self, share: float) -> bool:
        return self.linked > share * len(self.key)

    @property
    def is_heading(self) -> bool:
        parent = self.element.getparent()
        return self.element.tag in HEADINGS or (parent is not None and parent.tag in HEADINGS)


def preload() -> None:
    """Import what the first page would wait for. Any thread may call."""
    _trafilatura()


def main_text(root: etree._Element, *, url: str, headlines: Iterable[str]) -> str:
    """Return the main text of a parsed page as Markdown, "" if none stands out.

    `headlines` are known beside the text and not repeated in it. The call uses `root` up: scripts
    and hidden elements go, and where a text is found, all else does.
    """
    everything = list(root.iter())  # lxml makes an element anew at each visit unless it is held
    remove_unseen(root)
    page = _blocks(root.find("body"))
    found = _found(root, url=url)
    if sum(map(len, found)) > MAX_TEXT:
        return markdown(root.find("body"))
    taken = _taken(page, found)
    kept = _chosen(page, taken, {key_of(headline) for headline in headlines})
    del everything
    if sum(block.weight for block in kept) < THIN:
        return ""
    for block in set(page).difference(kept):
        hide(block.element)
    return markdown(root.find("body"))


def _blocks(body: etree._Element) -> list[_Block]:
    """Return every block that says something."""
    found: list[_Block] = []
    for element in blocks(body):
        text = text_of(element)
        if key := key_of(text):
            linked = _linked(element, len(key))
            found.append(
                _Block(
                    element=element,
                    position=len(found),
                    text=" ".join(text.split()),
                    key=key,
                    linked=linked,
                )
            )
    return found


def _linked(element: etree._Element, letters: int) -> int:
    """Return how many of the `letters` of a block are in links, inside or around it."""
    if any(outer.tag == "a" for outer in element.iterancestors("a")):
        return letters
    return sum(len(key_of(text_of(link))) for link in element.iter("a"))


# ---------------------------------------------------------------- what trafilatura found


def _found(root: etree._Element, *, url: str) -> list[str]:
    """Return the pieces of text that trafilatura takes for the main text, none if it fails."""
    try:
        found = _trafilatura()(
            root, url=url, fast=True, include_comments=False, include_formatting=False
        )
    except _BROKEN_BY:
        return []
    return [] if found is None else list(found.body.itertext())


@functools.cache
def _trafilatura() -> Callable[..., Any]:
    from trafilatura import bare_extraction  # heavy: 0.6 s

    for name in ("trafilatura", "htmldate", "justext", "courlan"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they log addresses of pages
    return bare_extraction


def _taken(page: list[_Block], pieces: list[str]) -> list[_Block]:
    """Return the blocks whose words are among `pieces`."""
    lines = Counter(map(key_of, pieces))
    whole = key_of("".join(pieces))
    grams = {whole[at : at + GRAM] for at in range(len(whole) - GRAM + 1)}
    return [block for block in page if _is_among(block.key, lines, grams)]


def _is_among(key: str, lines: Counter[str], grams: set[str]) -> bool:
    if lines[key]:
        lines[key] -= 1  # a name that was taken once is not taken wherever it stands
        return True
    looked_up = [key[at : at + GRAM] in grams for at in range(0, len(key) - GRAM + 1, STEP)]
    return sum(looked_up) * 2 > len(looked_up)


# ---------------------------------------------------------------- what is kept


def _chosen(page: list[_Block], taken: list[_Block], headlines: set[str]) -> list[_Block]:
    """Return the blocks that are the text, in their order."""
    place = _Place(page, taken)
    inside = [block for block in page if place.holds(block)]
    kept = sorted({*inside}.intersection(taken), key=_position)
    if not kept:
        return []
    authors = set(filter(_is_author_line, inside)) if place.is_thread else set()
    kept = sorted({*kept, *_lost(inside, kept, is_series=place.is_series), *authors}, key=_position)
    first = kept[0]
    kept = [b for b in kept if b in authors or not _is_beside(b, first, headlines)]
    return kept if place.is_thread else _without_edges(kept)


class _Place:
    """Where the text is: an element of the page, without the page_chrome in it."""

    def __init__(self, page: list[_Block], taken: list[_Block]) -> None:
        self._weights = _weights(taken)
        self._total = max(self._weights.values(), default=0)
        middle = self._middle()
        series = middle if middle is None else _series(middle, page)
        self.is_series = series is not None
        """Whether the text comes in pieces of one kind, of which trafilatura took the first."""
        self._element = middle if series is None else series
        self.is_thread = self._element is not None and _is_thread(self._element)
        self._framed: dict[etree._Element | None, bool] = {None: True, self._element: False}

    def holds(self, block: _Block) -> bool:
        path = []
        element = block.element
        while element not in self._framed:
            path.append(element)
            element = element.getparent()
        framed = self._framed[element]
        for element in reversed(path):
            framed = framed or self._is_page_chrome(element)
            self._framed[element] = framed
        return not framed

    def _is_page_chrome(self, element: etree._Element) -> bool:
        return self._weights[element] < PAGE_CHROME * self._total and is_page_chrome(element)

    def _middle(self) -> etree._Element | None:
        """Return the innermost element that holds nearly all of what was taken."""
        wide = (each for each, weight in self._weights.items() if weight > MIDDLE * self._total)
        return min(wide, key=lambda element: self._weights[element], default=None)


def _weights(page: Iterable[_Block]) -> Counter[etree._Element]:
    """Return for each element the weight of the blocks in it, inner elements first."""
    weights: Counter[etree._Element] = Counter()
    for block in page:
        for element in block.element.iterancestors():
            weights[element] += block.weight
    return weights


def _series(middle: etree._Element, page: list[_Block]) -> etree._Element | None:
    """Return what holds `middle` and siblings of its kind that go on with the text, if any do.

    Templates cut long articles at their advertisements, and threads into posts; trafilatura
    takes the first. A sibling with an <h1> is another article.
    """
    prose = _weights(block for block in page if not block.is_linked(MOSTLY))
    for piece in itertools.islice((middle, *middle.iterancestors()), LEVELS):
        holder = piece.getparent()
        if holder is None:
            return None
        others = [
            sibling
            for sibling in holder.iterchildren(piece.tag)
            if sibling is not piece and _goes_on(sibling, piece, prose)
        ]
        if sum(prose[other] for other in others) > MANY_PIECES * prose[piece]:
            return holder
    return None


def _goes_on(
    sibling: etree._Element, piece: etree._Element, prose: Counter[etree._Element]
) -> bool:
    kind = piece.get("class")
    return (
        (piece.tag in _PIECES or bool(kind))
        and sibling.get("class") == kind
        and prose[sibling] >= ANOTHER_PIECE
        and sibling.find(".//h1") is None
        and not is_page_chrome(sibling)
    )


def _lost(inside: list[_Block], kept: list[_Block], *, is_series: bool) -> Iterator[_Block]:
    """Yield the blocks in the text that trafilatura left out and a reader would not."""
    first, last = kept[0].position, kept[-1].position
    lists = {_list_of(block) for block in kept} - {None}
    for block in set(inside).difference(kept):
        if block.position < first:
            continue
        is_between = is_series or block.position < last
        if block.is_linked(MOSTLY):
            continue
        if block.element.tag in _FIGURES:
            is_lost = is_between or block.position == last + 1
        elif _list_of(block) in lists:
            is_lost = True
        else:
            is_lost = is_between and _is_prose(block)
        if is_lost:
            yield block


def _is_prose(block: _Block) -> bool:
    is_long = block.weight >= SENTENCE and not block.is_linked(MANY_LINKS)
    return is_long or block.is_heading or _is_bold(block)


def _is_bold(block: _Block) -> bool:
    """Tell a heading of those who know only bold type."""
    return any(
        key_of(text_of(bold)) == block.key for bold in block.element.iterchildren("b", "strong")
    )


def _is_thread(holder: etree._Element) -> bool:
    """Tell whether several of the elements in `holder`, all of one kind, name an author each."""
    signed = Counter(
        (child.tag, child.get("class"))
        for child in holder
        if any(map(is_author, child.iterdescendants(etree.Element)))
    )
    return any(count > 1 for count in signed.values())


def _is_author_line(block: _Block) -> bool:
    """Tell whether `block` says who wrote what follows, and perhaps when."""
    if block.weight > SENTENCE:
        return False
    return belongs_before(block.text) or any(map(is_author, block.element.iter(etree.Element)))


def _list_of(block: _Block) -> etree._Element | None:
    return next(block.element.iterancestors(*_LISTS), None)


def _is_beside(block: _Block, first: _Block, headlines: set[str]) -> bool:
    return _is_pointer(block) or _is_headline(block, first, headlines)


def _is_pointer(block: _Block) -> bool:
    """Tell whether `block` only points to other pages. Entries of lists may: they are asked for."""
    if is_label(block.text):
        return True
    if block.is_linked(MOSTLY) and starts_with_label(block.text):
        return True
    is_entry = block.element.tag in _ENTRIES or block.is_heading
    return block.is_linked(POINTER) and not is_entry


def _is_headline(block: _Block, first: _Block, headlines: set[str]) -> bool:
    """Tell whether `block` is the headline once more, perhaps without the name of the site."""
    if block.is_heading:
        return any(
            block.key == line or (len(block.key) >= GRAM and block.key in line)
            for line in headlines
        )
    return block.key in headlines and block.position < first.position + HEADLINE_REACH


def _without_edges(kept: list[_Block]) -> list[_Block]:
    """Return `kept` without the lines of the frame before and after the text."""
    end = len(kept)
    while end and (
        kept[end - 1].is_heading or (_is_last_line(kept[end - 1]) and len(kept) - end < EDGE)
    ):
        end -= 1
    edge = itertools.takewhile(
        lambda block: block.is_heading or belongs_before(block.text), kept[:EDGE]
    )
    before = {block for block in edge if not block.is_heading}
    return [block for block in kept[:end] if block not in before]


def _is_last_line(block: _Block) -> bool:
    """Tell a line of the frame after a text. Entries of lists are none: "Tags: a list of words"."""
    return block.element.tag not in _ENTRIES and belongs_after(block.text)
