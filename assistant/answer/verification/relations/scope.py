"""What a statement is bound by: of all or of some, must or may of whom."""

import re
from collections.abc import Iterator, Sequence

from assistant.answer.verification.relations.sides import Side, keys_of, spell
from assistant.answer.verification.tokens import NEGATION, SentenceText, Token

_MUST, _MAY = frozenset(("must", "shall")), frozenset(("may", "can", "could", "might"))
_MODAL_ZH = re.compile("(?P<must>必须|应当|[须应])|(?P<may>可以|允许|可(?![能靠见是以]))")
_WHOLE_ZH = re.compile("全额|全部|全数|所有|任何|一切|一律|都|均|每")
_PART_ZH = re.compile("(?<![这该那])(?:一半|半数|部分|多数|少数|有些|某些|若干|半)|仅|只")
_WHOLE_SAID_ZH = re.compile("全额|全部|全数|所有|任何|一切|一律")
_PASSIVE = "be"
_BY_ZH = ("由", "被")
SHARED_ZH = 3
"""Ideographs of a clause about a part that a claim about the whole has, too."""


def part_is_all_zh(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a Chinese claim is of the whole, and the window of a part: 全额, 一半."""
    claimed = spell(claim.tokens)
    if not _WHOLE_SAID_ZH.search(claimed) or _PART_ZH.search(claimed):
        return False
    if _WHOLE_ZH.search(spell(window.tokens)):
        return False
    keys = keys_of(claim.tokens)
    return any(
        _PART_ZH.search(spell(clause)) and len(keys_of(clause) & keys) >= SHARED_ZH
        for clause in window.clauses
    )


def modal_is_of_another(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether what the claim's subject must do, it may in the window, or the other way.

    A modal without subject of its own ("and may then enter") may be of any.
    """
    if NEGATION in claim.keys:
        return False
    held: list[tuple[Side, str]] | None = None
    for subject, modal in modals_of(claim.clauses):
        if not subject:
            continue
        held = list(modals_of(window.clauses)) if held is None else held
        same = {other for one, other in held if subject <= one}
        free = {other for one, other in held if not one}
        if same and modal not in same | free:
            return True
    return False


def modals_of(clauses: Sequence[Sequence[Token]]) -> Iterator[tuple[Side, str]]:
    """Yield each "must" and "may" with what is before it in its clause."""
    for clause in clauses:
        if clause[0].kind == "ideograph":
            for found in _MODAL_ZH.finditer(spell(clause)):
                passive = spell(clause[found.end() : found.end() + 1]) in _BY_ZH
                yield (
                    _subject(clause[: found.start()], passive=passive),
                    "must" if found["must"] else "may",
                )
            continue
        for at, token in enumerate(clause):
            word = token.text.lower()
            if word in _MUST or word in _MAY:
                passive = [t.text.lower() for t in clause[at + 1 : at + 2]] == [_PASSIVE]
                yield (
                    _subject(clause[:at], passive=passive),
                    "must" if word in _MUST else "may",
                )


def _subject(tokens: Sequence[Token], *, passive: bool) -> Side:
    """Return what is before a modal, marked where something is done to it, not by it."""
    subject = keys_of(tokens)
    return subject | {_PASSIVE} if subject and passive else subject
