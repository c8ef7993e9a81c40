"""The blocks of a page, and the element that holds its text."""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from lxml import etree

from ingest.extract.blocks.page_chrome import (
    class_words,
    is_line_with_fact,
    is_page_chrome,
    is_pointer_label,
    names_author,
    starts_with_pointer_label,
)
from ingest.extract.dom import HEADINGS, letters_of, split_blocks, text_of

# Set with bench/extraction.py, as those in `ingest.extract.main_text`.
CORE_SHARE = 0.85  # of the found text; what the core element must hold at least
MOSTLY_LINKS = 0.5  # share of letters in links that makes a block one of links
POINTER = 0.8  # share of letters in links from which a block only points elsewhere
ANOTHER_PIECE = 200  # bytes of letters outside links in a sibling that continues the text
MANY_PIECES = 0.2  # of the letters of a piece must be in the siblings that continue it
MIN_ARTICLE = 200  # bytes of letters outside links
SERIES_LEVELS = 3  # steps up from the core element to look for such siblings
MAX_CHROME = 0.3  # share of the text; what holds more is no page chrome, whatever its class is
_PIECES = frozenset({"article", "section"})
_ARTICLE_NAMES = frozenset({"article", "entry", "hentry", "post", "story"})
_DRAWN = frozenset({"pre", "table", "td", "th", "tr"})
"""Blocks in which signs are a drawing, or keep a column in its place."""
_ROWS = frozenset({"div", "li"})
_FIRST_IDEOGRAPH = "\u2e80"
ENTRIES = frozenset({"li", "pre", "table", "dd", "dt"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextBlock:
    """A block of the page and what it is judged by."""

    element: etree._Element
    position: int
    text: str
    letters: str
    """`letters_of` the text."""
    linked: int
    """How many of the letters are in links."""
    weight: int
    """Bytes of letters: an ideograph says as much as three letters."""
    is_heading: bool
    """Whether it is a heading, or is in one."""

    @property
    def is_bold_line(self) -> bool:
        """Whether all of it is in bold type: a heading of those who know no other."""
        bold = [text_of(each) for each in self.element.iterchildren("b", "strong")]
        return bool(bold) and letters_of("".join(bold)) == self.letters

    def has_links(self, share: float) -> bool:
        """Return whether more than `share` of the letters are in links."""
        return self.linked > share * len(self.letters)

    @property
    def holds_fact(self) -> bool:
        """Whether it is a line like those after a text that says whom to call, or until when."""
        return is_line_with_fact(self.text)

    @property
    def is_pointer(self) -> bool:
        """Whether it only points to other pages. Entries of lists may: they are content."""
        if is_pointer_label(self.text):
            return True
        if self.has_links(MOSTLY_LINKS) and starts_with_pointer_label(self.text):
            return True
        return self.has_links(POINTER) and not (self.element.tag in ENTRIES or self.is_heading)


def read_blocks(body: etree._Element) -> tuple[list[TextBlock], list[etree._Element]]:
    """Return every block that has letters, and the elements that hold signs alone: "‹ › ×"."""
    signs: list[etree._Element] = []
    found: list[TextBlock] = []
    blocks, boxes = split_blocks(body)
    # Most pages have no card that is one link, and none of their blocks needs to look for it.
    has_cards = any(box.tag == "a" for box in boxes)
    for element in blocks:
        if len(element) > 1 and element.tag in _ROWS:
            _part_columns(element)
        text = text_of(element)
        if letters := letters_of(text):
            if _is_link(element) or (
                has_cards and next(element.iterancestors("a"), None) is not None
            ):
                linked = len(letters)
            else:
                # Most blocks have no element inside, and so no link.
                links = element.iter("a") if len(element) else ()
                linked = sum(len(letters_of(text_of(link))) for link in links)
            found.append(
                TextBlock(
                    element=element,
                    position=len(found),
                    text=" ".join(text.split()),
                    letters=letters,
                    linked=linked,
                    weight=len(letters.encode()),
                    is_heading=element.tag in HEADINGS or element.getparent().tag in HEADINGS,
                )
            )
        # A rule of underscores parts two sections of a report of an agency.
        elif element.tag not in _DRAWN and not (text.isspace() or "_" in text):
            signs.append(element)
    return found, signs


def _part_columns(row: etree._Element) -> None:
    """Put a blank between elements that a style sheet sets apart: <span>Monday</span><span>8–12.

    Only where a row is made of such elements alone, each of a class: in a sentence they part
    letters of one word, and ideographs need no blank.
    """
    parts = list(row)
    if (row.text or "").strip() or any(p.tag != "span" or not p.get("class") for p in parts):
        return
    for left, right in itertools.pairwise(parts):
        ends = (text_of(left)[-1:], text_of(right)[:1])
        # A large first letter: <span>T</span><span>he first
        is_initial = text_of(left).isupper() and text_of(left) == ends[0] and ends[1].islower()
        is_glued = not left.tail and not is_initial and all(map(str.isalnum, ends))
        if is_glued and min(ends) < _FIRST_IDEOGRAPH:
            left.tail = " "


def _is_link(element: etree._Element) -> bool:
    """Return whether `element` holds nothing but a link of bare text: an entry of a menu."""
    if len(element) != 1 or (element.text and not element.text.isspace()):
        return False
    inner = element[0]
    return bool(inner.tag == "a" and len(inner) == 0 and not (inner.tail or "").strip())


class TextRegion:
    """The element of the page that holds the text, without the page chrome in it."""

    def __init__(self, page: list[TextBlock], found: list[TextBlock]) -> None:
        self._weights = _weigh_ancestors(found)
        self._total = max(self._weights.values(), default=0)
        # The core is the innermost element that holds nearly all of what was found. Not all: a
        # stray line in the footer would make it the <body>.
        core = min(
            (each for each, weight in self._weights.items() if weight > CORE_SHARE * self._total),
            key=lambda element: self._weights[element],
            default=None,
        )
        series = core if core is None else _enclose_series(core, page)
        self.is_series = series is not None
        """Whether the text comes in pieces of one kind, of which trafilatura found the first."""
        region = core if series is None else series
        children = [] if region is None else list(region)
        kinds = Counter(map(_tag_and_class, children))
        signed = Counter(
            _tag_and_class(child)
            for child in children
            # One of its kind makes no thread.
            if kinds[_tag_and_class(child)] > 1
            and any(map(names_author, child.iterdescendants(etree.Element)))
        )
        self.is_thread = any(count > 1 for count in signed.values())
        """Whether several children of the region, all of one kind, name an author each."""
        # Each element is judged once, from the outside in: without this memory, deep pages would
        # take quadratic time. None is the parent of the root, outside the region.
        self._is_outside: dict[etree._Element | None, bool] = {None: True, region: False}

    def holds(self, block: TextBlock) -> bool:
        """Return whether `block` is in the region, and in no page chrome there."""
        path = []
        element = block.element
        while element not in self._is_outside:
            path.append(element)
            element = element.getparent()
        is_outside = self._is_outside[element]
        for element in reversed(path):
            is_outside = is_outside or (
                self._weights[element] < MAX_CHROME * self._total and is_page_chrome(element)
            )
            self._is_outside[element] = is_outside
        return not is_outside


def _tag_and_class(element: etree._Element) -> tuple[str, str | None]:
    return str(element.tag), element.get("class")


def _weigh_ancestors(blocks: Iterable[TextBlock]) -> Counter[etree._Element]:
    """Return for each element the weight of the blocks in it, inner elements first."""
    inner: Counter[etree._Element] = Counter()
    for block in blocks:
        inner[block.element.getparent()] += block.weight
    weights: Counter[etree._Element] = Counter()
    for parent, weight in inner.items():
        weights[parent] += weight
        for element in parent.iterancestors():
            weights[element] += weight
    return weights


def _enclose_series(core: etree._Element, page: list[TextBlock]) -> etree._Element | None:
    """Return what holds `core` and siblings of its kind that continue the text, if any do.

    Templates cut long articles at their advertisements, and threads into posts; trafilatura
    takes the first.
    """
    prose: Counter[etree._Element] | None = None
    for piece in itertools.islice((core, *core.iterancestors()), SERIES_LEVELS):
        parent = piece.getparent()
        if parent is None:
            return None
        kind = piece.get("class")
        has_kind = piece.tag in _PIECES or bool(kind)  # a <div> without class may be anything
        siblings = [
            sibling
            for sibling in (parent.iterchildren(piece.tag) if has_kind else ())
            if sibling is not piece and sibling.get("class") == kind
        ]
        if not siblings:
            continue
        if prose is None:  # most texts have no sibling of their kind
            prose = _weigh_ancestors(block for block in page if not block.has_links(MOSTLY_LINKS))
        others = [
            sibling
            for sibling in siblings
            if prose[sibling] >= ANOTHER_PIECE
            and sibling.find(".//h1") is None  # a sibling with an <h1> is another article
            and not is_page_chrome(sibling)
        ]
        if sum(prose[other] for other in others) > MANY_PIECES * prose[piece]:
            return parent
    return None


def find_further_articles(page: list[TextBlock], headlines: Collection[str]) -> set[TextBlock]:
    """Return the blocks of further articles that stand, in full, below the one of this page.

    Blogs show their newest posts below the one that was asked for. All have the same element around
    them; the title of one is the page's (`headlines` are `letters_of` its versions), those of the
    others are links to their own pages.
    """
    others: set[etree._Element] = set()
    for block in page:
        if not block.is_heading or not any(block.letters in headline for headline in headlines):
            continue
        for piece in itertools.islice(block.element.iterancestors(), SERIES_LEVELS):
            # Not every box is an article: gift guides link the titles of their sections, too.
            if piece.tag == "article" or not _ARTICLE_NAMES.isdisjoint(class_words(piece)):
                others.update(
                    sibling
                    for sibling in piece.itersiblings(piece.tag)
                    if sibling.get("class") == piece.get("class") and _heads_another_page(sibling)
                )
    if not others:
        return others
    further = {b for b in page if not others.isdisjoint(b.element.iterancestors())}
    # What is left is an article as well, or the page is a list of teasers.
    left = sum(b.weight for b in page if b not in further and not b.has_links(MOSTLY_LINKS))
    return further if left >= MIN_ARTICLE else set()


def _heads_another_page(place: etree._Element) -> bool:
    """Return whether the first heading in `place` is nothing but a link to another page."""
    heading = next(place.iterdescendants(*HEADINGS), None)
    link = None if heading is None else next(heading.iterdescendants("a"), None)
    return (
        heading is not None
        and link is not None
        and "#" not in link.get("href", "#")
        and letters_of(text_of(link)) == letters_of(text_of(heading))
    )
