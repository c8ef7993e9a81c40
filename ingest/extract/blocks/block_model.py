"""Checks block by block what the rules chose as the text, against what the page holds.

The rules of `ingest.extract.main_text` were learnt on English news. Here each block is weighed once
more, by features that no language or kind of page owns (`ingest.extract.blocks.block_features`): a
logistic regression says how likely it is text. Blocks that the rules kept and that are unlikely
go; leads, paragraphs and short lines that they left out and that are likely come back.
"""

import math
import operator
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set

from lxml import etree

from ingest.extract.blocks.block_features import (
    ALIKE,
    FEW_LINKS,
    PARAGRAPH,
    SENTENCE,
    BlockDescriber,
    RuledBlocks,
)
from ingest.extract.blocks.page_chrome import (
    is_line_after_text,
    is_line_before_text,
    labels_fact,
)
from ingest.extract.blocks.text_region import MOSTLY_LINKS, TextBlock

INTERCEPT = -4.689
COEFFICIENTS = {
    "kept": 0.573,
    "in_region": 0.398,
    "page_kept": -0.649,
    "page_kept_if_kept": 0.709,
    "page_found": -0.587,
    "page_weight": 2.842,
    "same_kind": 0.458,
    "of_kind": 0.234,
    "alike": 0.183,
    "weight": 0.629,
    "short": 0.251,
    "short_chinese": -0.230,
    "words": 0.582,
    "digits": -0.452,
    "pauses": 0.455,
    "prose": 0.363,
    "sentence": 0.340,
    "sentence_in_prose": 0.187,
    "separated": -0.901,
    "links": -0.316,
    "line_before": -0.794,
    "pointer": -0.584,
    "caption_start": -2.368,
    "caption_sign": -0.832,
    "pointer_start": -0.517,
    "call": -0.654,
    "links_near": -0.264,
    "links_around": -0.199,
    "heading": -0.477,
    "empty_heading": -0.930,
    "before_heading": -0.473,
    "under_pointer": -0.446,
    "below_headline": 0.652,
    "distance": -0.891,
    "late": -0.358,
    "passed": -0.429,
    "behind_text": -0.216,
    "after_end": -0.785,
    "behind_kept": 0.376,
    "found": 1.240,
    "found_in_chrome": 0.922,
    "in_chrome": -0.685,
    "in_main": 0.521,
    "depth": 0.396,
    "item": 0.189,
    "kept_around": 0.474,
    "score_of_parent": 0.652,
    "score_above": 0.386,
    "named_lead": 0.828,
    "named_text": 0.518,
    "named_caption": -0.922,
    "named_comment": -0.582,
    "named_call": -0.658,
}
"""Fitted by `python -m bench.fit_blocks` (scikit-learn, L2) on the even pages of the three sets of
bench/extraction.py; bench/README.md says what the odd pages say."""

MIN_KEPT = 0.55  # probability below which a block that the rules kept goes
MIN_INNER = 0.3  # the same of a heading with text below it, and of a list amid paragraphs
MIN_PLAIN = 0.1  # the same of a list amid paragraphs that holds no link
MIN_ADDED = 0.5  # probability from which one that they left out comes back
MAX_ALIKE = 2  # blocks of a page that may begin alike, of those behind the text
_FIGURES = frozenset({"pre", "table", "dt", "dd"})


def review_blocks(
    page: Sequence[TextBlock], ruled: RuledBlocks
) -> tuple[set[TextBlock], set[TextBlock]]:
    """Return the blocks that the rules kept and are hardly text, and others that likely are."""
    describer = BlockDescriber(page, ruled)
    unlikely = _find_unlikely(ruled.kept, describer)
    texts = {block.position: block.element for block in ruled.kept}
    lost = {
        block
        for block in _find_candidates(page, ruled)
        if text_probability(describer.describe(block))
        > (MIN_INNER if _is_amid(block, texts) else MIN_ADDED)
    }
    return unlikely, lost


def _is_amid(block: TextBlock, texts: Mapping[int, etree._Element]) -> bool:
    """Return whether a line without a link stands between two blocks of the text, `texts`.

    One of them is of its kind: another paragraph of the same element.
    """
    beside = [texts.get(block.position + step) for step in (-1, 1)]
    parent = block.element.getparent()
    return (
        None not in beside
        and any(
            e.tag == block.element.tag and e.getparent() is parent for e in beside if e is not None
        )
        and not (
            block.linked
            or block.is_heading
            or (is_line_before_text(block.text) and not labels_fact(block.text))
        )
    )


def _find_unlikely(kept: Sequence[TextBlock], describer: BlockDescriber) -> set[TextBlock]:
    """Return the blocks of `kept` that go.

    Entries of a list are judged together: half a list is worse than none. So are a heading and
    what is below it: "Related work" may head a section.
    """
    likely = {block: text_probability(describer.describe(block)) for block in kept}
    entries: defaultdict[etree._Element, list[float]] = defaultdict(list)
    for block in kept:
        if (around := _list_around(block)) is not None:
            entries[around].append(likely[block])
    sure = {
        block.position: block.element
        for block in kept
        if likely[block] >= MIN_KEPT or block.element.tag in _FIGURES
    }
    texts = {block.element for block in kept if likely[block] >= MIN_KEPT}
    amid = {
        around for around in entries if around.getprevious() in texts and around.getnext() in texts
    }
    plain = _find_plain_lists(kept, beside=texts)
    unlikely: set[TextBlock] = set()
    heads_text = False  # whether text follows

    def is_amid_text(block: TextBlock, around: etree._Element | None) -> bool:
        is_title = block.is_heading or block.is_bold_line or block.element.tag == "summary"
        is_amid = around in amid or (heads_text and is_title)
        return is_amid or (around is None and _is_amid(block, sure))

    for block in reversed(kept):
        around = _list_around(block)
        chance = likely[block] if around is None else statistics.fmean(entries[around])
        is_unlikely = (
            chance < MIN_KEPT
            # A figure or a term says little by its punctuation.
            and block.element.tag not in _FIGURES
            and not (chance >= MIN_INNER and is_amid_text(block, around))
            and not (chance >= MIN_PLAIN and around in plain)
            and not block.holds_fact
        )
        if is_unlikely:
            unlikely.add(block)
        else:
            heads_text = not block.is_heading
    return unlikely


def _find_plain_lists(
    kept: Sequence[TextBlock], *, beside: Set[etree._Element]
) -> set[etree._Element]:
    """Return the lists in `kept` without a link that stand right before or after a text.

    Words of a few letters look like a menu wherever they stand; one of links would be one.
    """
    lists = {around for block in kept if (around := _list_around(block)) is not None}
    dated = {_list_around(block) for block in kept if is_line_before_text(block.text)}
    return {
        around
        for around in lists - dated
        if not beside.isdisjoint((around.getprevious(), around.getnext()))
        and next(around.iterdescendants("a"), None) is None
    }


def _list_around(block: TextBlock) -> etree._Element | None:
    # The entry itself: old portals lay out whole pages by lists, with paragraphs in the entries.
    return block.element.getparent() if block.element.tag == "li" else None


def _find_candidates(page: Sequence[TextBlock], ruled: RuledBlocks) -> list[TextBlock]:
    """Return the blocks that may come back.

    What the rules left out amid the text they left out on purpose, short lines apart. Behind it, an
    <h1> begins another article, and blocks that begin alike are teasers.
    """
    if not ruled.kept:
        return [block for block in page if not block.has_links(MOSTLY_LINKS)]
    kept = set(ruled.kept)
    first, last = ruled.kept[0].position, ruled.kept[-1].position
    end = next((b.position for b in page[last + 1 :] if b.element.tag == "h1"), len(page))
    openings = Counter(block.letters[:ALIKE] for block in page)
    # In the region of the text, a sentence before its first block is its beginning.
    leads = {b for b in ruled.inside if b.weight >= SENTENCE and not b.has_links(FEW_LINKS)}
    candidates = []
    for block in page[:end]:
        if block in kept or block in ruled.elsewhere:
            continue
        is_paragraph = block.weight >= PARAGRAPH and not block.has_links(FEW_LINKS)
        if first < block.position < last:
            is_candidate = not (block.is_heading or is_paragraph or block.has_links(MOSTLY_LINKS))
        elif block.is_heading:
            is_candidate = block.position < first and block not in ruled.found
        else:
            is_lead = block.position < first and block in leads
            is_unique = openings[block.letters[:ALIKE]] <= MAX_ALIKE
            is_candidate = (
                (is_paragraph or is_lead) and is_unique and not is_line_after_text(block.text)
            )
        if is_candidate:
            candidates.append(block)
    return candidates


def text_probability(features: dict[str, float]) -> float:
    """Return how likely a block with these features is text, from 0 to 1."""
    weights = map(COEFFICIENTS.__getitem__, features)
    score = INTERCEPT + sum(map(operator.mul, weights, features.values()))
    return 1 / (1 + math.exp(-score))
