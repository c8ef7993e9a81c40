"""How many of a claim's words a window of a passage has."""

from collections.abc import Iterable

from assistant.answer.verification.tokens import SentenceText

OVERLAP_FLOOR = 0.6
"""Share of a claim's content words that must be in the sentences compared with it."""

IDEOGRAPH_FLOOR = 0.8
"""Share of a Chinese claim's ideographs that is as good as `OVERLAP_FLOOR` of its words."""
LEAST_IDEOGRAPHS = 5
"""Different ideographs of a claim under which they are there by chance."""


Vocabulary = tuple[frozenset[str], frozenset[str]]
"""Words and ideographs of a text."""


def word_shares(
    claim: SentenceText, windows: Iterable[Vocabulary], context: frozenset[str]
) -> list[float]:
    """Return the share of the claim's words that each window, or the heading above it, has.

    Chinese words are pairs of ideographs, half of which span two words: in another order most are
    gone, though each ideograph is there.
    """
    # All sentences of all passages are asked for it, so that what is the claim's is read once.
    words, own, ideographs = claim.words, claim.own_words, claim.ideographs
    above = own & context
    only_joins = bool(claim.glue) and words.isdisjoint(context)
    shares: list[float] = []
    for held, spelt in windows:
        if not words:
            shares.append(1.0)
            continue
        there = own & held | above if above else own & held
        share = 1 - (len(own) - len(there)) / len(words)
        if only_joins and not there and words.isdisjoint(held):
            share = 0.0  # none of them but such as join words
        if share < OVERLAP_FLOOR and len(ideographs) >= LEAST_IDEOGRAPHS:
            spelt_share = len(ideographs & spelt) / len(ideographs)
            if spelt_share >= IDEOGRAPH_FLOOR:
                share = max(share, spelt_share * OVERLAP_FLOOR / IDEOGRAPH_FLOOR)
        shares.append(share)
    return shares
