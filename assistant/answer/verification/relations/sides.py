"""The two sides of a relation, as sets of what can be found again."""

from collections.abc import Iterable
from dataclasses import dataclass

from assistant.answer.verification.tokens import (
    CLASSIFIERS,
    GLUE_CJK,
    SentenceText,
    Token,
    once_per_text,
)

Side = frozenset[str]

_JOINING = GLUE_CJK | CLASSIFIERS
"""Ideographs by which nothing can be found again."""


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
    # All such ideographs are single characters, which no other token has for its key.
    keys = [token.key for token in tokens if token.content or token.figure]
    return frozenset(keys) - _JOINING


@once_per_text
def keys_of_clauses(text: SentenceText) -> list[Side]:
    """Return what `keys_of` finds in each clause."""
    return [keys_of(clause) for clause in text.clauses]


def is_contained(
    claim: SentenceText, window: SentenceText, besides: frozenset[str] = frozenset()
) -> bool:
    """Return whether all that a claim says, but for some words, is in the window."""
    return keys_of(claim.tokens) - besides <= frozenset(window.keys)


@once_per_text
def spell_clauses(text: SentenceText) -> list[str]:
    """Return what `spell` makes of each clause."""
    return [spell(clause) for clause in text.clauses]


def spell(tokens: Iterable[Token]) -> str:
    """Return tokens with one character for each, for patterns: 半 for a share, # for a figure."""
    return "".join(
        [
            token.key
            if token.kind in ("ideograph", "negation")
            else "w"
            if token.figure is None
            else "半"
            if token.figure.dimension == "ratio"
            else "#"
            for token in tokens
        ]
    )
