"""Describes each block of a page by numbers from which `blocks.block_model` judges it.

What counts is where a block stands (after the headline, amid kept text, behind the last
paragraph), what is around it (links, headings, text of its kind), what the elements around it are
called, and how it begins and ends.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lxml import etree

from ingest.extract.blocks.block_cues import (
    CAPTION_START,
    CHROME_NAMES,
    NAME_FAMILIES,
    POINTER_START,
    calls_on_reader,
    is_signed_caption,
)
from ingest.extract.blocks.page_chrome import (
    MAX_NAMES,
    PAGE_CHROME_TAGS,
    class_words,
    is_line_after_text,
    is_line_before_text,
    starts_with_pointer_label,
)
from ingest.extract.blocks.text_region import TextBlock

SENTENCE = 60  # bytes of letters from which a block is prose: 60 Latin ones, 20 ideographs
PARAGRAPH = 80  # bytes of letters from which a block is a paragraph of the text
FEW_LINKS = 0.3  # share of letters in links up to which a block is prose
SHORT = 25  # bytes of letters; menus, bylines, short headings
SHORT_CHINESE = 40  # bytes of letters; 13 ideographs
FAR = 32  # blocks; what is further away is as far
END_OF_PAGE = 0.8  # share of the blocks of a page after which the last part begins
NEAR, AROUND = 2, 5  # blocks on either side whose links count
ALIKE = 30  # letters; captions of one gallery, or teasers of one kind, begin alike
MAX_ALIKE = 4  # blocks that begin alike; more are as many
MAX_PAUSES = 2000  # characters of a block in which pauses are counted
OPENING = 300  # characters of a block in which cues and digits are looked for
LONG_PAUSED = 100  # bytes of letters that count as much as a pause, for the scores of elements
MAX_LENGTH_SCORE = 3
SCORE_LEVELS = (1.0, 0.5, 0.33)  # of the score of a block, to its parent and the two above
NAME_LEVELS = (1.0, 0.8, 0.6, 0.5, 0.4)  # by how many elements out a name stands
FAR_NAME = 0.25

_ASCII_PAUSES = (",", ";", ". ")
_PAUSES = (*_ASCII_PAUSES, "，", "；", "、", "。")
_SENTENCE_END = re.compile(r"[.!?。！？…][\"'”’」』）)\]»]*$")
_DIGIT = re.compile(r"\d")
_IDEOGRAPH = re.compile(r"[一-鿿]")
_SEPARATED = (" | ", " / ", " · ")


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What an element and those around it are called."""

    levels: dict[str, int]
    """Family of names -> how many elements out the next of its names stands."""
    in_chrome: bool
    in_main: bool
    depth: int


_NAMED = {f"named_{family}": family for family in NAME_FAMILIES}
"""Name of the feature -> family of names that it is about."""
_OUTSIDE = _Surroundings({}, in_chrome=False, in_main=False, depth=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledBlocks:
    """What the rules of `ingest.extract.main_text` made of a page."""

    found: set[TextBlock]
    """What trafilatura took."""
    inside: set[TextBlock]
    """What is in the region of the text, and in no page chrome there."""
    kept: list[TextBlock]
    """The text, in its order."""
    thread_lines: set[TextBlock]
    """Lines of a thread that stay: who speaks, and what was asked."""
    elsewhere: set[TextBlock] = field(default_factory=set)
    """What belongs to further articles below the one that was asked for."""


class BlockDescriber:
    """Describes the blocks of a page by what the model weighs: nearly all from 0 to 1."""

    def __init__(self, page: Sequence[TextBlock], ruled: RuledBlocks) -> None:
        self._page, self._found, self._inside = page, ruled.found, ruled.inside
        kept = self._kept = set(ruled.kept)
        self._surroundings: dict[etree._Element | None, _Surroundings] = {None: _OUTSIDE}
        self._links = [link_share(block) for block in page]
        # How many blocks each is from the nearest that was found, `FAR` at most.
        distances = [FAR] * len(page)
        for order in (range(len(page)), reversed(range(len(page)))):
            run = FAR
            for at in order:
                run = 0 if page[at] in ruled.found else run + 1
                if run < distances[at]:
                    distances[at] = run
        self._distances = distances
        self._openings = Counter(block.letters[:ALIKE] for block in page)
        self._names: dict[etree._Element | None, str] = {None: ""}
        self._kind_at = [self._kind_of(block.element) for block in page]
        self._kinds = Counter(self._kind_at)
        self._kept_kinds = Counter(self._kind_at[block.position] for block in kept)
        # Read how much of the page was kept, and where its text gathers, as readability does.
        prose = [block.weight * (1 - self._links[block.position]) for block in self._page]
        self._prose = sum(prose)
        whole = max(self._prose, 1.0)
        self.kept_share = sum(prose[block.position] for block in self._kept) / whole
        self._found_share = sum(prose[block.position] for block in self._found) / whole
        self._kept_weight = max(sum(block.weight for block in self._kept), 1)
        self._kept_in: Counter[etree._Element] = Counter()
        for block in self._kept:
            if (parent := block.element.getparent()) is not None:
                grandparent = parent.getparent()
                self._kept_in[parent if grandparent is None else grandparent] += block.weight
        self._scores: dict[etree._Element, float] = {}
        for block in self._page:
            if block.weight <= SHORT or self._links[block.position] >= 0.5:
                continue
            score = 1.0 + _count_pauses(block)
            score += min(block.weight / LONG_PAUSED, MAX_LENGTH_SCORE)
            for element, share in zip(_above(block.element), SCORE_LEVELS, strict=False):
                self._scores[element] = self._scores.get(element, 0) + share * score
        self._best_score = max(self._scores.values(), default=1.0)
        self._read_order()

    def describe(self, block: TextBlock) -> dict[str, float]:
        """Return the features of `block`, by the names of `block_model.COEFFICIENTS`."""
        is_kept = float(block in self._kept)
        kind = self._kind_at[block.position]
        element, is_found = block.element, float(block in self._found)
        # Each element is read once, from the outside in, or deep pages would take long.
        path = []
        inner: etree._Element | None = element
        while inner not in self._surroundings:
            path.append(inner)
            inner = None if inner is None else inner.getparent()
        around = self._surroundings[inner]
        for each in reversed(path):
            around = _enter(each, around)
            self._surroundings[each] = around
        above = list(_above(element))
        scores = [self._scores.get(each, 0.0) / self._best_score for each in above]
        is_item = element.tag == "li" or any(each.tag == "li" for each in above[:2])
        by_element = {
            "found": is_found,
            "found_in_chrome": is_found * around.in_chrome,
            "in_chrome": float(around.in_chrome),
            "in_main": float(around.in_main),
            "depth": around.depth / 20,
            "item": float(is_item),
            "kept_around": self._kept_in[above[:2][-1]] / self._kept_weight if above else 0.0,
            "score_of_parent": scores[0] if scores else 0.0,
            "score_above": max(scores, default=0.0),
            **{name: _level(around.levels.get(family)) for name, family in _NAMED.items()},
        }
        return {
            "kept": is_kept,
            "in_region": float(block in self._inside),
            "page_kept": self.kept_share,
            "page_kept_if_kept": self.kept_share * is_kept,
            "page_found": self._found_share,
            "page_weight": math.log2(1 + self._prose) / 16,
            "same_kind": float(self._kept_kinds[kind] > is_kept),
            "of_kind": math.log2(self._kinds[kind]) / 6,
            "alike": min(self._openings[block.letters[:ALIKE]], MAX_ALIKE) / MAX_ALIKE,
            **self._describe_words(block),
            **self._describe_position(block),
            **by_element,
        }

    def _describe_words(self, block: TextBlock) -> dict[str, float]:
        text, opening = block.text, block.text[:OPENING]
        links = self._links[block.position]
        is_prose = float(block.weight >= SENTENCE and links < FEW_LINKS)
        ends = float(bool(_SENTENCE_END.search(text[-4:])))
        is_short_chinese = block.weight < SHORT_CHINESE and _IDEOGRAPH.search(text[:20])
        pauses = _count_pauses(block) / (1 + block.weight / SENTENCE)
        return {
            "weight": min(math.log2(1 + block.weight) / 10, 1.2),
            "short": float(block.weight < SHORT),
            "short_chinese": float(bool(is_short_chinese)),
            "words": min(math.log2(1 + len(text.split())) / 7, 1.0),
            "digits": len(_DIGIT.findall(opening)) / max(len(opening), 1),
            "pauses": min(pauses, 2.0),
            "prose": is_prose,
            "sentence": ends,
            "sentence_in_prose": ends * is_prose,
            "separated": float(any(map(text.__contains__, _SEPARATED))),
            "links": links,
            "line_before": float(is_line_before_text(text)),
            "pointer": float(block.is_pointer),
            "caption_start": float(bool(CAPTION_START.match(opening))),
            "caption_sign": float(is_signed_caption(opening)),
            "pointer_start": float(bool(POINTER_START.match(opening))),
            "call": float(calls_on_reader(opening)),
        }

    def _describe_position(self, block: TextBlock) -> dict[str, float]:
        at, links = block.position, self._links
        following = self._page[at + 1] if at + 1 < len(self._page) else None
        near = links[max(0, at - NEAR) : at + NEAR + 1]
        around = links[max(0, at - AROUND) : at + AROUND + 1]
        is_behind = self._passed[at] >= self._paragraphs and not self._is_paragraph(block)
        return {
            "links_near": (sum(near) - links[at]) / (2 * NEAR),
            "links_around": sum(around) / len(around),
            "heading": float(block.is_heading),
            # Before another of its level: a list of titles.
            "empty_heading": float(
                block.is_heading
                and (
                    following is None
                    or (following.is_heading and following.element.tag == block.element.tag)
                )
            ),
            "before_heading": float(following is not None and following.is_heading),
            "under_pointer": float(self._under_pointer[at]),
            "below_headline": float(self._headline <= at < self._first),
            "distance": math.log2(1 + self._distances[at]) / 5,
            "late": float(at > END_OF_PAGE * len(self._page)),
            "passed": self._passed[at] / self._paragraphs,
            "behind_text": float(is_behind),
            "after_end": float(self._ended[at]),
            "behind_kept": float(at > 0 and self._page[at - 1] in self._kept),
        }

    def _read_order(self) -> None:
        """Read what comes before each block: paragraphs, headings, the end of a text."""
        positions = [block.position for block in self._kept]
        self._first = min(positions, default=0)
        self._headline = max(
            (b.position for b in self._page[: self._first + 1] if b.element.tag == "h1"),
            default=self._first,
        )
        self._passed: list[int] = []  # weight of the kept paragraphs before each block
        self._under_pointer: list[bool] = []
        self._ended: list[bool] = []
        self._paragraphs = max(sum(b.weight for b in self._kept if self._is_kept_paragraph(b)), 1)
        passed, under_pointer, has_ended = 0, False, False
        for block in self._page:
            is_paragraph = block in self._kept and self._is_kept_paragraph(block)
            has_ended = has_ended and not is_paragraph
            if block.is_heading:
                under_pointer = bool(
                    POINTER_START.match(block.text[:OPENING])
                    or calls_on_reader(block.text[:OPENING])
                    or starts_with_pointer_label(block.text)
                )
            self._passed.append(passed)
            self._under_pointer.append(under_pointer)
            self._ended.append(has_ended)
            if not has_ended and 2 * passed > self._paragraphs:
                has_ended = is_line_after_text(block.text)
            passed += block.weight if is_paragraph else 0

    def _is_paragraph(self, block: TextBlock) -> bool:
        return block.weight >= PARAGRAPH and self._links[block.position] < FEW_LINKS

    def _is_kept_paragraph(self, block: TextBlock) -> bool:
        return self._is_paragraph(block) and not block.is_heading

    def _kind_of(self, element: etree._Element) -> tuple[str, str]:
        """Return tag and class of `element` and of the element around it."""
        parent = element.getparent()
        # Read once for all children: a class may be as long as the page.
        if parent not in self._names:
            self._names[parent] = f"{parent.tag} {(parent.get('class') or '')[:MAX_NAMES]}"
        return f"{element.tag} {(element.get('class') or '')[:MAX_NAMES]}", self._names[parent]


def _count_pauses(block: TextBlock) -> int:
    text = block.text[:MAX_PAUSES]
    return sum(map(text.count, _ASCII_PAUSES if text.isascii() else _PAUSES))


def link_share(block: TextBlock) -> float:
    """Return the share of the letters of `block` that are in links."""
    return min(block.linked / len(block.letters), 1.0)  # links in links are counted twice


def _enter(element: etree._Element, outer: _Surroundings) -> _Surroundings:
    """Return what is around a block in `element`, itself included, which is in `outer`."""
    if element.tag in ("html", "body"):  # they say what the page is, not what the block is
        return _Surroundings({}, in_chrome=False, in_main=False, depth=outer.depth + 1)
    words = class_words(element)
    levels = {name: level + 1 for name, level in outer.levels.items()}
    if words:
        levels |= {
            name: 0 for name, family in NAME_FAMILIES.items() if not family.isdisjoint(words)
        }
    return _Surroundings(
        levels,
        in_chrome=(
            outer.in_chrome or element.tag in PAGE_CHROME_TAGS or not CHROME_NAMES.isdisjoint(words)
        ),
        in_main=outer.in_main or element.tag == "main",
        depth=outer.depth + 1,
    )


def _level(distance: int | None) -> float:
    if distance is None:
        return 0.0
    return NAME_LEVELS[distance] if distance < len(NAME_LEVELS) else FAR_NAME


def _above(element: etree._Element) -> Iterable[etree._Element]:
    """Yield the next elements around `element`, as many as `SCORE_LEVELS`."""
    for _ in SCORE_LEVELS:
        element = element.getparent()
        if element is None:
            return
        yield element
