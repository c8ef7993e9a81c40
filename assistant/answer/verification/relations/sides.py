"""The two sides of a relation, as sets of what can be found again."""

from collections.abc import Iterable
from dataclasses import dataclass

from assistant.answer.verification.tokens import CLASSIFIERS, GLUE_CJK, SentenceText, Token

Side = frozenset[str]


@dataclass(frozen=True, slots=True)
class Relation:
    """What is earlier or more than what."""

    first: Side
    """The earlier, the cause, or what has more of it."""
    second: Side
    measure: str
    """What is compared; empty for what comes before what."""
    word: str
    """Key of the word that states it, for which another may stand."""
    is_denied: bool = False
    sides: tuple[Side, Side] = (frozenset(), frozenset())
    """Subject and other, as they are written."""


def keys_of(tokens: Iterable[Token]) -> Side:
    """Return the keys of what carries meaning: words, figures, ideographs that do not only join."""
    return frozenset(
        token.key
        for token in tokens
        if (token.content or token.figure)
        and not (token.kind == "ideograph" and token.key in GLUE_CJK | CLASSIFIERS)
    )


def is_contained(
    claim: SentenceText, window: SentenceText, besides: frozenset[str] = frozenset()
) -> bool:
    """Return whether all that a claim says, but for some words, is in the window."""
    return keys_of(claim.tokens) - besides <= frozenset(window.keys)


def spell(tokens: Iterable[Token]) -> str:
    """Return tokens with one character for each, for patterns: 半 for a share, # for a figure."""
    return "".join(
        token.key
        if token.kind in ("ideograph", "negation")
        else "w"
        if token.figure is None
        else "半"
        if token.figure.dimension == "ratio"
        else "#"
        for token in tokens
    )
