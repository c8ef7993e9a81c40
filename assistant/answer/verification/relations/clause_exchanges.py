"""What two clauses have in each other's place: words, polarity, "may" and "must".

"He gives two bricks and receives one wool" of "he gives one wool and receives two bricks": each
clause of the claim has something of its own from either clause of the passage. Where each has only
what one of them says, the two are the same, in any order.
"""

import itertools
from collections.abc import Sequence

from assistant.answer.verification.relations.scope import modals_of_clauses
from assistant.answer.verification.relations.sides import Side, keys_of_clauses
from assistant.answer.verification.tokens import NEGATION, SentenceText, Token, once_per_text

_OPERATORS = {
    **dict.fromkeys(("may", "can", "could", "might"), "may"),
    **dict.fromkeys(("must", "shall"), "must"),
    **dict.fromkeys(("every", "all", "each"), "all"),
    **dict.fromkeys(("some", "most", "few", "only", "before", "after", "first", "last")),
}
_LIGHT = frozenset(("mak",))
"""Keys of verbs that any clause may have."""
AFFIRMED = "+"
MOST_CLAUSES = 5
"""Clauses of a text that are compared by twos."""


def clauses_are_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether two clauses of the claim have what either of two of the window has.

    Each has the first or the last of its own words from one of them, its subject or its object, and
    something else from the other.
    """
    claimed = claim.clauses[:MOST_CLAUSES]
    if len(claimed) < 2 or len(window.clauses) < 2:
        return False
    pairs = _pairs(window)
    for nth, (first, second) in enumerate(_pairs(claim)):
        # Of several pairs the one that has most of the claim's is the one it tells of.
        own = {*first, *second}
        one, two = max(pairs, key=lambda pair: len(own.intersection((*pair[0], *pair[1]))))
        is_list = claimed[nth][-1].clause == claimed[nth + 1][0].clause
        if not all(not {*a}.isdisjoint(b) for a in (first, second) for b in (one, two)):
            continue
        # "Sand and cement" is a list in another order.
        if not (is_list and one[-1:] == second[:1] and two[:1] == first[-1:]) and any(
            (first[at] in one and second[place] in two)
            or (first[at] in two and second[place] in one)
            for at, place in itertools.product((0, -1), repeat=2)
        ):
            return True
    return False


@once_per_text
def _pairs(text: SentenceText) -> list[tuple[list[str], list[str]]]:
    """Return what each of two neighbouring clauses has and the other has not, in order."""
    found = []
    clauses = zip(
        text.clauses[:MOST_CLAUSES], keys_of_clauses(text), modals_of_clauses(text), strict=False
    )
    for keys, others in itertools.pairwise(itertools.starmap(_keys, clauses)):
        one, other = [k for k in keys if k not in others], [k for k in others if k not in keys]
        if (NEGATION in keys) != (NEGATION in others):
            (other if NEGATION in keys else one).append(AFFIRMED)
        found.append((one, other))
    return found


def _keys(
    clause: Sequence[Token], relevant: Side, modals: Sequence[tuple[Side, str]]
) -> dict[str, None]:
    keys: dict[str, None] = {}
    for token in clause:
        if (token.key in relevant and token.key not in _LIGHT) or token.key == NEGATION:
            keys[token.key] = None
        elif token.lower in _OPERATORS:
            keys[_OPERATORS[token.lower] or token.lower] = None
    if clause[0].kind == "ideograph":
        keys.update(dict.fromkeys(modal for _, modal in modals))
    return keys
