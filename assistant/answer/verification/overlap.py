"""How many of a claim's words a window of a passage has."""

from assistant.answer.verification.tokens import SentenceText

OVERLAP_FLOOR = 0.6
"""Share of a claim's content words that must be in the sentences compared with it."""

IDEOGRAPH_FLOOR = 0.8
"""Share of a Chinese claim's ideographs that is as good as `OVERLAP_FLOOR` of its words."""
LEAST_IDEOGRAPHS = 5
"""Different ideographs of a claim under which they are there by chance."""


def word_share(
    claim: SentenceText, held: frozenset[str], context: frozenset[str], spelt: frozenset[str]
) -> float:
    """Return the share of the claim's words that a window, or the heading above it, has.

    Chinese words are pairs of ideographs, half of which span two words: in another order most are
    gone, though each ideograph is there. `spelt` are the window's ideographs.
    """
    if not claim.words:
        return 1.0
    # As common parts of sets, which are small: it is asked of every sentence of every passage.
    there = claim.own_words & held | claim.own_words & context
    share = 1 - (len(claim.own_words) - len(there)) / len(claim.words)
    if claim.glue and not there and claim.words.isdisjoint(held | context):
        share = 0.0  # none of them but such as join words
    if len(claim.ideographs) < LEAST_IDEOGRAPHS or share >= OVERLAP_FLOOR:
        return share
    spelt_share = len(claim.ideographs & spelt) / len(claim.ideographs)
    if spelt_share < IDEOGRAPH_FLOOR:
        return share
    return max(share, spelt_share * OVERLAP_FLOOR / IDEOGRAPH_FLOOR)
