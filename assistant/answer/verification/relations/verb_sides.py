"""Who does it to whom: "the landlord pays the tenant" of "the tenant pays the landlord"."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.answer.verification.exchanges import PREPOSITIONS
from assistant.answer.verification.relations.sides import spell_clauses
from assistant.answer.verification.tokens import SentenceText, Token, once_per_text

_PRONOUNS = {
    "i": "i",
    "me": "i",
    "we": "we",
    "us": "we",
    "you": "you",
    "they": "they",
    "them": "they",
    "he": "he",
    "him": "he",
    "she": "she",
    "her": "she",
}
"""Subjects and objects, one key for both."""
_SAME_ZH = frozenset("是为即叫和与跟同似如等邻")
"""Ideographs of what is true in both directions."""
LONGEST_TURNED = 16
"""Ideographs of a clause that is looked for turned round."""
NEAR = 2
"""Content words on a side of a verb that may be its subject or object."""
_BEFORE_NOUN = PREPOSITIONS | frozenset(
    ("the", "a", "an", "this", "that", "these", "those", "its", "their", "his", "her", "our", "my")
)
_LINKS = PREPOSITIONS | frozenset(("before", "after", "than", "as"))
_BE = frozenset(("is", "are", "was", "were", "be", "been", "being", "get", "gets", "got"))
_MUTUAL = frozenset(
    (
        "meet",
        "marry",
        "wed",
        "border",
        "equal",
        "resemble",
        "near",
        "like",
        "join",
        "mean",
        "differ",
    )
)


@dataclass(frozen=True, slots=True)
class _Sides:
    verb: str
    left: frozenset[str]
    right: frozenset[str]
    form: tuple[bool, tuple[str, ...]]
    """Whether it is passive, and the prepositions between verb and object."""


def verb_sides_are_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether two words stand on each other's side of a verb that both texts have."""
    own = _sides(claim)
    if not own:
        return False
    held: dict[str, list[_Sides]] = {}
    for sides in _sides(window):
        held.setdefault(sides.verb, []).append(sides)
    for claimed in own:
        others = held.get(claimed.verb, ())
        agrees = any(claimed.left & other.left and claimed.right & other.right for other in others)
        if not agrees and any(
            claimed.form == other.form
            and (claimed.left & other.right) - other.left - claimed.right
            and (claimed.right & other.left) - other.right - claimed.left
            for other in others
        ):
            return True
    return False


@once_per_text
def _sides(text: SentenceText) -> list[_Sides]:
    found = []
    for clause in text.clauses:
        places = [
            i for i, t in enumerate(clause) if (t.content and not t.figure) or t.lower in _PRONOUNS
        ]
        for nth, at in enumerate(places):
            verb, before = clause[at], clause[at - 1].lower
            if verb.kind != "word" or not verb.content or verb.capital or verb.key in _MUTUAL:
                continue
            # Behind "the" it is a noun.
            if nth and before not in _BEFORE_NOUN and (sides := _sides_of(clause, places, nth)):
                found.append(sides)
    return found


def _sides_of(clause: Sequence[Token], places: Sequence[int], nth: int) -> _Sides | None:
    """Return what is on the sides of a verb: who does it, and whom or what it is done to."""
    at = places[nth]
    left, right = places[max(0, nth - NEAR) : nth], places[nth + 1 : nth + 1 + NEAR]
    if not right:
        return None
    passive = any(t.lower in _BE for t in clause[left[-1] : at])
    form = (passive, tuple(t.key for t in clause[at + 1 : right[0]] if t.key in _LINKS))
    by = next((i for i in range(at + 1, len(clause)) if clause[i].key == "by"), None)
    if by is not None:
        agents = [i for i in places if i > by][:NEAR]
        if not passive or not agents:
            return None  # "returned by Sunday", or the verb of a participle
        left, right = agents, [*left, *(i for i in right if i < by)]
        form = (False, ())
    one, other = (
        frozenset(_PRONOUNS.get(clause[i].lower, clause[i].key) for i in side)
        for side in (left, right)
    )
    return _Sides(clause[at].key, one, other, form)


def sides_are_turned_zh(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a clause of the window is the claim's turned round: 红胜蓝 of 蓝胜红."""
    claimed = [
        spelt
        for spelt, clause in zip(spell_clauses(claim), claim.clauses, strict=True)
        if clause[0].kind == "ideograph" and len(spelt) <= LONGEST_TURNED
    ]
    held = spell_clauses(window)
    lengths = set(map(len, held))
    return any(
        one[end:] + one[start:end] + one[:start] in held
        for one in claimed
        if len(one) in lengths and one not in held
        for start in range(2, len(one) - 2)
        for end in range(start + 1, min(start + 3, len(one) - 1))
        if one[:start] != one[end:] and _SAME_ZH.isdisjoint(one[start:end])
    )
