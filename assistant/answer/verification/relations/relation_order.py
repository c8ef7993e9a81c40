"""What stands on which side of a relation: before and after, cause and effect, more and less.

"The fee is paid before the room is seen" and "the room is seen before the fee is paid" have the
same words. Each relation is read with its two sides in one order, earlier or greater first, so that
"A is older than B" is also found in "B is younger than A", and is contradicted by its turned form.
"""

import itertools
from typing import Literal

from assistant.answer.verification.opposites import runs_are_opposed, words_are_opposed
from assistant.answer.verification.relations.measures import Order, order_of_measures
from assistant.answer.verification.relations.relations_en import relations_en
from assistant.answer.verification.relations.relations_zh import relations_zh
from assistant.answer.verification.relations.sides import Relation, Side, is_contained
from assistant.answer.verification.tokens import NEGATION, STRONG_BREAK, SentenceText, once_per_text

RelationOrder = Literal["same", "compared", "turned"]
"""Whether it is one of more and less, where nothing else can be exchanged, tells "compared"."""

MOST_TOKENS = 24
"""Tokens of a claim that says no more than its relation: in longer ones more can be exchanged."""
_DEGREES = frozenset((*"更还要较先再才又也随后前", "less", "les", "fewer"))


def relation_order(claim: SentenceText, window: SentenceText) -> RelationOrder | None:
    """Return whether the claim has the sides of a relation as the window has them, or turned.

    None where one of them states no relation, or the two are of other things.
    """
    claimed = read_relations(claim)
    held = read_relations(window) if claimed else []
    orders: list[Order] = []
    for one in claimed:
        found = {_order_of(one, other) for other in held} - {None}
        # Of several statements about the two one that agrees is the one that is meant.
        order: Order | None = "same" if "same" in found else "turned" if found else None
        if order := order or order_of_measures(one, window):
            orders.append(order)
    if "turned" in orders:
        return "turned"
    if (
        not orders
        or len(claim.tokens) > MOST_TOKENS
        or len(orders) < len(claimed)
        or not is_contained(claim, window, _DEGREES.union(relation.word for relation in claimed))
    ):
        return None
    if claim.keys.count(NEGATION) != window.keys.count(NEGATION):
        return None
    return "compared" if all(relation.measure for relation in claimed) else "same"


@once_per_text
def read_relations(text: SentenceText) -> list[Relation]:
    """Return the relations that a text states."""
    found: list[Relation] = []
    sentences = itertools.groupby(text.tokens, key=lambda token: token.clause // STRONG_BREAK)
    for _, run in sentences:
        tokens = list(run)
        if any(token.kind == "ideograph" for token in tokens):
            found += relations_zh(tokens)
        else:
            found += relations_en(tokens)
    return found


def _order_of(claimed: Relation, held: Relation) -> Order | None:
    first, second = held.first, held.second
    if claimed.measure != held.measure:
        # Keys have lost the "e" at their end: expensive, large.
        own, other = ((measure, f"{measure}e") for measure in (claimed.measure, held.measure))
        is_opposite = words_are_opposed(own, other) or runs_are_opposed(own[0], other[0])
        if not (claimed.measure and held.measure and is_opposite):
            return None
        first, second = second, first
    same = _common(claimed.first, claimed.second, first, second)
    turned = _common(claimed.first, claimed.second, second, first)
    if same == turned or claimed.is_denied != held.is_denied:
        return None
    return "same" if same else "turned"


def _common(first: Side, second: Side, held_first: Side, held_second: Side) -> bool:
    """Return whether something tells of both sides that they are where they are."""
    own, others = first - second, second - first
    return _is_distinctive(own & (held_first - held_second), own) and _is_distinctive(
        others & (held_second - held_first), others
    )


def _is_distinctive(common: Side, own: Side) -> bool:
    # One ideograph in common is chance, unless it is all that tells the two apart.
    return bool(common) and (len(common) > 1 or len(own) == 1 or next(iter(common)).isascii())
