"""What a statement is bound by: of all or of some, must or may of whom."""

import itertools
import re
from collections.abc import Iterator, Sequence

from assistant.answer.verification.relations.sides import (
    Side,
    keys_of,
    keys_of_clauses,
    spell,
    spell_clauses,
)
from assistant.answer.verification.tokens import NEGATION, SentenceText, Token, once_per_text

_MUST, _MAY = frozenset(("must", "shall")), frozenset(("may", "can", "could", "might"))
_MODAL_ZH = re.compile("(?P<must>必须|应当|[须应])|(?P<may>可以|允许|可(?![能靠见是以]))")
_WHOLE_ZH = re.compile("全额|全部|全数|所有|任何|一切|一律|都|均|每")
_PART_ZH = re.compile("(?<![这该那])(?:一半|半数|部分|多数|少数|有些|某些|若干|半)|仅|只")
_WHOLE_SAID_ZH = re.compile("全额|全部|全数|所有|任何|一切|一律")
_WHOLE_BEGINS = frozenset("全所任一")
_PASSIVE = "be"
_BY_ZH = ("由", "被")
SHARED_ZH = 3
"""Ideographs of a clause about a part that a claim about the whole has, too."""


def part_is_all_zh(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a Chinese claim is of the whole, and the window of a part: 全额, 一半."""
    if _WHOLE_BEGINS.isdisjoint(claim.keys):
        return False
    claimed = spell(claim.tokens)
    if not _WHOLE_SAID_ZH.search(claimed) or _PART_ZH.search(claimed):
        return False
    if _WHOLE_ZH.search(spell(window.tokens)):
        return False
    keys = keys_of(claim.tokens)
    return any(
        _PART_ZH.search(spelt) and len(held & keys) >= SHARED_ZH
        for spelt, held in zip(spell_clauses(window), keys_of_clauses(window), strict=True)
    )


def modal_is_of_another(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether what the claim's subject must do, it may in the window, or the other way.

    A modal without subject of its own ("and may then enter") may be of any.
    """
    if NEGATION in claim.keys:
        return False
    for subject, modal in itertools.chain(*modals_of_clauses(claim)):
        if not subject:
            continue
        held = [*itertools.chain(*modals_of_clauses(window))]
        same = {other for one, other in held if subject <= one}
        free = {other for one, other in held if not one}
        if same and modal not in same | free:
            return True
    return False


@once_per_text
def modals_of_clauses(text: SentenceText) -> list[list[tuple[Side, str]]]:
    """Return of each clause each "must" and "may" with what is before it."""
    return [
        [*(_modals_zh(clause, spelt) if clause[0].kind == "ideograph" else _modals_en(clause))]
        for clause, spelt in zip(text.clauses, spell_clauses(text), strict=True)
    ]


def _modals_zh(clause: Sequence[Token], spelt: str) -> Iterator[tuple[Side, str]]:
    for found in _MODAL_ZH.finditer(spelt):
        passive = spelt[found.end() : found.end() + 1] in _BY_ZH
        subject = _subject(clause[: found.start()], passive=passive)
        yield subject, "must" if found["must"] else "may"


def _modals_en(clause: Sequence[Token]) -> Iterator[tuple[Side, str]]:
    for at, token in enumerate(clause):
        if token.lower in _MUST or token.lower in _MAY:
            passive = [t.lower for t in clause[at + 1 : at + 2]] == [_PASSIVE]
            subject = _subject(clause[:at], passive=passive)
            yield subject, "must" if token.lower in _MUST else "may"


def _subject(tokens: Sequence[Token], *, passive: bool) -> Side:
    """Return what is before a modal, marked where something is done to it, not by it."""
    subject = keys_of(tokens)
    return subject | {_PASSIVE} if subject and passive else subject
