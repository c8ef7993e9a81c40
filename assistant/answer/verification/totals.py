"""Sums that a claim makes of the figures of a passage: 3 rooms and 4 rooms are 7 in total.

Only a claim that says that it sums up, and only the sum of all figures of that unit in the
sentence or list it is compared with: which of them a writer meant cannot be told.
"""

import math
import re

from assistant.answer.verification.quantities import Quantity
from assistant.answer.verification.roles import counted_things
from assistant.answer.verification.tokens import SentenceText
from assistant.answer.verification.units import is_same_dimension

_SUMS_UP = re.compile(
    r"\b(?:together|in total|altogether|a total of|the total|in all|combined)\b"
    r"|一共|总共|合计|总计|共计|总和|加起来|共有"
)
MIN_SUMMANDS = 2


def is_total(figure: Quantity, claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a figure of the claim is what all of its kind in the window come to."""
    if figure.kind != "number" or not sums_up(claim):
        return False
    counted = frozenset().union(
        *(things for other, things in counted_things(claim.tokens) if other.equals(figure))
    )
    things_of = {id(other): things for other, things in counted_things(window.tokens)}
    summands = [
        other.base
        for token in window.tokens
        if (other := token.figure)
        and other.kind == "number"
        and is_same_dimension(figure.dimension, other.dimension)
        and bool(figure.dimension) == bool(other.dimension)
        and (not (things := things_of.get(id(other), frozenset())) or things & counted)
    ]
    return len(summands) >= MIN_SUMMANDS and math.isclose(sum(summands), figure.base)


def sums_up(claim: SentenceText) -> bool:
    """Return whether a claim says that it gives a sum."""
    spelt = "".join(
        token.key if token.kind == "ideograph" else f" {token.text.lower() or token.key}"
        for token in claim.tokens
    )
    return _SUMS_UP.search(spelt) is not None
