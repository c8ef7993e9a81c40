"""Checks block by block what the rules chose as the text, against what the page holds.

The rules of `ingest.extract.main_text` were learnt on English news. Here each block is weighed once
more, by features that no language or kind of page owns: a logistic regression says how likely it
is text. Blocks that the rules kept and that are unlikely go; prose that they left out and that is
likely comes back, where so much of the prose of the page was left out that the choice is doubtful.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence

from lxml import etree

from ingest.extract.page_chrome import MAX_NAMES, is_line_before_text, is_page_chrome
from ingest.extract.text_region import TextBlock

INTERCEPT = -4.06
COEFFICIENTS = {
    "found": 1.02,
    "kept": 1.33,
    "weight": 3.80,
    "short": 0.84,
    "links": -1.46,
    "pauses": 0.69,
    "chrome": -1.09,
    "before": 0.50,
    "distance": -1.59,
    "late": -0.83,
    "same_kind": 0.85,
    "links_near": -0.37,
    "line_before": -1.37,
    "kept_share_if_kept": 0.93,
    "chrome_unless_kept": -0.27,
    "links_unless_kept": 0.75,
    "sentence_in_prose": 1.45,
    "found_in_chrome": 1.59,
}
"""Fitted by scikit-learn (L2, C = 0.05) on the even pages of the three sets of bench/extraction.py,
marked blocks only; bench/README.md says how, and what the odd pages say."""

MIN_KEPT = 0.6  # probability below which a block that the rules kept goes
MIN_ADDED = 0.5  # probability above which prose that they left out comes back
DOUBTFUL = 0.6  # share of the prose of a page that was kept, below which blocks come back
MAX_BEHIND = 8  # blocks behind the last that was kept, among which prose comes back
MIN_PROSE = 120  # bytes of letters of a block that comes back; teasers have fewer
FEW_LINKS = 0.3  # share of letters in links up to which a block is prose
SENTENCE = 60  # bytes of letters from which a block is prose at all
SHORT = 25  # bytes of letters; menus, bylines, short headings
FAR = 32  # blocks; what is further away is as far
END_OF_PAGE = 0.8  # share of the blocks of a page after which the last part begins
NEAR = 2  # blocks on either side whose links count
ALIKE = 30  # letters; captions of one gallery, or teasers of one kind, begin alike
MAX_ALIKE = 2  # blocks of a page that may begin alike
MAX_PAUSES = 2000  # characters of a block in which pauses are counted
_PAUSE = re.compile(r"[,;，；、。]|\. ")
_SENTENCE_END = re.compile(r"[.!?。！？…:：][\"'”’」』）)\]]*$")
_FIGURES = frozenset({"pre", "table", "dt", "dd"})


def review_blocks(
    page: Sequence[TextBlock], found: Collection[TextBlock], kept: Collection[TextBlock]
) -> tuple[set[TextBlock], set[TextBlock]]:
    """Return the blocks of `kept` that are hardly text, and prose outside that likely is.

    `found` are the blocks that trafilatura found, `kept` those that the rules made of them.
    """
    describer = BlockDescriber(page, found, kept)
    # A figure or a term says little by its punctuation.
    unlikely = {
        block
        for block in kept
        if block.element.tag not in _FIGURES
        and text_probability(describer.describe(block)) < MIN_KEPT
    }
    if describer.kept_share >= DOUBTFUL:
        return unlikely, set()
    last = max((block.position for block in kept), default=-1)
    # An <h1> behind the text begins another article; what is far behind is a teaser of one.
    reach = last + 1 + MAX_BEHIND
    end = next((b.position for b in page[last + 1 : reach] if b.element.tag == "h1"), reach)
    openings = Counter(block.letters[:ALIKE] for block in page)
    lost = {
        block
        for block in page[:end]
        if block not in kept
        and block.weight >= MIN_PROSE
        and not block.has_links(FEW_LINKS)
        and openings[block.letters[:ALIKE]] <= MAX_ALIKE
        and text_probability(describer.describe(block)) > MIN_ADDED
    }
    return unlikely, lost


def text_probability(features: dict[str, float]) -> float:
    """Return how likely a block with these features is text, from 0 to 1."""
    score = INTERCEPT + sum(COEFFICIENTS[name] * value for name, value in features.items())
    return 1 / (1 + math.exp(-score))


class BlockDescriber:
    """Describes the blocks of a page by what the model weighs: all from 0 to about 2."""

    def __init__(
        self,
        page: Sequence[TextBlock],
        found: Collection[TextBlock],
        kept: Collection[TextBlock],
    ) -> None:
        self._found, self._kept = found, kept
        self._links = [_link_share(block) for block in page]
        self._distances = _distances_to(page, found)
        self._names: dict[etree._Element | None, str] = {None: ""}
        self._kinds = Counter(self._kind_of(block.element) for block in kept)
        self._first = min((block.position for block in kept), default=0)
        self._in_chrome: dict[etree._Element | None, bool] = {None: False}
        self.kept_share = sum(map(_prose_of, kept)) / max(sum(map(_prose_of, page)), 1.0)
        """Of the prose of the page, how much was kept."""

    def describe(self, block: TextBlock) -> dict[str, float]:
        """Return the features of `block`, by the names of `COEFFICIENTS`."""
        at = block.position
        links = self._links[at]
        is_found, is_kept = float(block in self._found), float(block in self._kept)
        in_chrome = float(self._stands_in_chrome(block.element))
        near = self._links[max(0, at - NEAR) : at + NEAR + 1]
        is_prose = block.weight >= SENTENCE and links < FEW_LINKS
        pauses = len(_PAUSE.findall(block.text[:MAX_PAUSES])) / (1 + block.weight / SENTENCE)
        return {
            "found": is_found,
            "kept": is_kept,
            "weight": min(math.log2(1 + block.weight) / 10, 1.0),
            "short": float(block.weight < SHORT),
            "links": links,
            "pauses": min(pauses, 2.0),
            "chrome": in_chrome,
            "before": float(at < self._first),
            "distance": math.log2(1 + self._distances[at]) / 5,
            "late": float(at > END_OF_PAGE * len(self._links)),
            "same_kind": float(self._kinds[self._kind_of(block.element)] > is_kept),
            "links_near": (sum(near) - links) / (2 * NEAR),
            "line_before": float(is_line_before_text(block.text)),
            "kept_share_if_kept": self.kept_share * is_kept,
            "chrome_unless_kept": in_chrome * (1 - is_kept),
            "links_unless_kept": links * (1 - is_kept),
            "sentence_in_prose": float(is_prose and bool(_SENTENCE_END.search(block.text[-4:]))),
            "found_in_chrome": is_found * in_chrome,
        }

    def _kind_of(self, element: etree._Element) -> tuple[str, str]:
        """Return tag and class of `element` and of the element around it."""
        parent = element.getparent()
        # Read once for all children: a class may be as long as the page.
        if parent not in self._names:
            self._names[parent] = f"{parent.tag} {(parent.get('class') or '')[:MAX_NAMES]}"
        return f"{element.tag} {(element.get('class') or '')[:MAX_NAMES]}", self._names[parent]

    def _stands_in_chrome(self, element: etree._Element) -> bool:
        # Each element is judged once, from the outside in, or deep pages would take long.
        path = []
        inner: etree._Element | None = element
        while inner not in self._in_chrome:
            path.append(inner)
            inner = None if inner is None else inner.getparent()
        is_inside = self._in_chrome[inner]
        for each in reversed(path):
            is_root = each.tag in ("html", "body")
            is_inside = is_inside or (not is_root and is_page_chrome(each))
            self._in_chrome[each] = is_inside
        return is_inside


def _link_share(block: TextBlock) -> float:
    return min(block.linked / len(block.letters), 1.0)  # links in links are counted twice


def _prose_of(block: TextBlock) -> float:
    return block.weight * (1 - _link_share(block))


def _distances_to(page: Sequence[TextBlock], found: Collection[TextBlock]) -> list[int]:
    """Return how many blocks each is from the nearest that was found, `FAR` at most."""
    distances = [FAR] * len(page)
    for order in (range(len(page)), reversed(range(len(page)))):
        run = FAR
        for at in order:
            run = 0 if page[at] in found else min(run + 1, FAR)
            distances[at] = min(distances[at], run)
    return distances
