"""Which of two compared has more, where a passage gives both measures and compares nothing."""

from typing import Literal

from assistant.answer.verification.numbers.units import is_same_dimension
from assistant.answer.verification.relations.sides import Relation
from assistant.answer.verification.synonyms import common_word
from assistant.answer.verification.tokens import SentenceText
from assistant.answer.verification.value_segments import segments_of

Order = Literal["same", "turned"]

_GROWING = frozenset(map(common_word, ("high", "large", "great", "long", "tall", "heavy", "much")))
_GROWING |= frozenset("大高多长重贵")
_SHRINKING = frozenset(map(common_word, ("low", "small", "short", "light", "cheap")))
_SHRINKING |= frozenset("小低少短轻")


def order_of_measures(claimed: Relation, window: SentenceText) -> Order | None:
    """Return whether the measures of the two that the window has are in that order."""
    if claimed.is_denied or claimed.measure not in _GROWING | _SHRINKING:
        return None
    segments = segments_of(
        [window.tokens], lambda token: bool(token.figure and token.figure.dimension)
    )
    own, others = claimed.first - claimed.second, claimed.second - claimed.first
    more, less = (
        [
            [figure for figure in segment.figures if figure.dimension]
            for segment in segments
            if segment.keys & mine and not segment.keys & theirs
        ]
        for mine, theirs in ((own, others), (others, own))
    )
    if len(more) != 1 or len(less) != 1 or len(more[0]) != 1 or len(less[0]) != 1:
        return None
    (one,), (other,) = more[0], less[0]
    if not is_same_dimension(one.dimension, other.dimension) or one.base == other.base:
        return None
    return "same" if (one.base > other.base) == (claimed.measure in _GROWING) else "turned"
