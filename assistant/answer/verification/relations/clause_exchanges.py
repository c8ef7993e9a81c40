"""What two clauses have in each other's place: words, polarity, "may" and "must".

"He gives two bricks and receives one wool" of "he gives one wool and receives two bricks": each
clause of the claim has something of its own from either clause of the passage. Where each has only
what one of them says, the two are the same, in any order.
"""

import itertools
from collections.abc import Iterator, Sequence

from assistant.answer.verification.relations.scope import modals_of
from assistant.answer.verification.relations.sides import keys_of
from assistant.answer.verification.tokens import NEGATION, SentenceText, Token

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
    claimed, held = (text.clauses[:MOST_CLAUSES] for text in (claim, window))
    if len(claimed) < 2 or len(held) < 2:
        return False
    pairs = list(_pairs(held))
    for nth, (first, second) in enumerate(_pairs(claimed)):
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


def _pairs(clauses: Sequence[Sequence[Token]]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield what each of two neighbouring clauses has and the other has not, in order."""
    for one, other in itertools.pairwise(clauses):
        keys, others = _keys(one), _keys(other)
        if (NEGATION in keys) != (NEGATION in others):
            (others if NEGATION in keys else keys)[AFFIRMED] = None
        yield [k for k in keys if k not in others], [k for k in others if k not in keys]


def _keys(clause: Sequence[Token]) -> dict[str, None]:
    relevant = keys_of(clause)
    keys: dict[str, None] = {}
    for token in clause:
        word = token.text.lower()
        if (token.key in relevant and token.key not in _LIGHT) or token.key == NEGATION:
            keys[token.key] = None
        elif word in _OPERATORS:
            keys[_OPERATORS[word] or word] = None
    if clause[0].kind == "ideograph":
        keys.update(dict.fromkeys(modal for _, modal in modals_of([clause])))
    return keys
