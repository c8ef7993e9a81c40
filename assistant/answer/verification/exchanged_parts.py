"""What is in the window of a claim, in another part: kinds, bounds, ends, counts, sides."""

from collections.abc import Iterator, Sequence

from assistant.answer.verification.bounds import (
    bounds_are_exchanged,
    changes_are_exchanged,
    directions_are_exchanged,
    rates_are_exchanged,
)
from assistant.answer.verification.exceptions import exception_is_left_out
from assistant.answer.verification.exchanges import (
    agents_are_exchanged,
    argument_is_exchanged,
    it_stands_for_other,
    modifiers_are_opposed,
    name_is_turned,
    part_is_whole,
    predicate_is_of_another_zh,
    skips_first_of_two_negations,
)
from assistant.answer.verification.opposites import kinds_are_exchanged, kinds_of_ideographs
from assistant.answer.verification.predicates import (
    date_is_of_other_verb,
    kind_has_other_predicate,
    predicates_are_exchanged,
)
from assistant.answer.verification.relations.borrowed_parts import (
    denial_is_left_out,
    name_is_of_other_role,
    only_is_added,
    side_is_of_other_copula_zh,
)
from assistant.answer.verification.relations.clause_exchanges import clauses_are_exchanged
from assistant.answer.verification.relations.excepted import Agreement
from assistant.answer.verification.relations.mixed_clauses import clauses_are_mixed
from assistant.answer.verification.relations.relation_order import RelationOrder
from assistant.answer.verification.relations.scope import modal_is_of_another, part_is_all_zh
from assistant.answer.verification.relations.verb_sides import (
    sides_are_turned_zh,
    verb_sides_are_exchanged,
)
from assistant.answer.verification.roles import (
    roles_are_exchanged,
    tuples_are_reordered,
)
from assistant.answer.verification.tokens import SentenceText, Token, once_per_text
from assistant.answer.verification.value_segments import figures_are_of_others
from assistant.values import VerdictReason

_POLARITIES = (
    *(bounds_are_exchanged, changes_are_exchanged, exception_is_left_out, directions_are_exchanged),
    *(kind_has_other_predicate, modifiers_are_opposed, skips_first_of_two_negations),
    *(part_is_all_zh, modal_is_of_another, denial_is_left_out, only_is_added),
)
_ORDERS = (
    *(roles_are_exchanged, figures_are_of_others, clauses_are_mixed, tuples_are_reordered),
    *(predicates_are_exchanged, agents_are_exchanged, argument_is_exchanged),
    *(verb_sides_are_exchanged, sides_are_turned_zh, clauses_are_exchanged, date_is_of_other_verb),
    *(predicate_is_of_another_zh, name_is_turned, it_stands_for_other),
    *(name_is_of_other_role, side_is_of_other_copula_zh),
)
"""What may be in another's place; each of them whole."""


def exchanged_parts(
    claim: SentenceText,
    window: SentenceText,
    relation: RelationOrder | None,
    agreement: Agreement | None,
) -> Iterator[VerdictReason]:
    """Yield what of a claim is in its window otherwise, although all of it is there.

    `relation` and `agreement` tell what stands in other words and is no exchange.
    """
    if relation == "compared":
        return
    if agreement != "same" and (
        kinds_are_exchanged(_kinds_in(claim), _kinds_in(window))
        or any(is_exchanged(claim, window) for is_exchanged in _POLARITIES)
    ):
        yield "polarity"
    if any(is_exchanged(claim, window) for is_exchanged in _ORDERS):
        yield "order"
    if part_is_whole(claim, window):
        yield "figure"
    if rates_are_exchanged(claim, window):
        yield "unit"


def words_of(tokens: Sequence[Token]) -> list[str]:
    """Return the words of tokens as they are written, in lower case."""
    return [token.lower for token in tokens if token.kind == "word" and token.text]


@once_per_text
def _kinds_in(text: SentenceText) -> frozenset[str]:
    return frozenset(words_of(text.tokens)) | kinds_of_ideographs(text.letters)
