"""On which side of an exception a claim speaks: of what is excepted, or of all the others.

"Nobody may enter except on Fridays" says of Fridays that one may: a claim about what is excepted
says the opposite of what is said of the rest, and one that excepts the same says the same of it.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.answer.verification.bounds import bounds_are_exchanged
from assistant.answer.verification.relations.sides import Side, keys_of, spell
from assistant.answer.verification.tokens import (
    JOINTS,
    NEGATION,
    STRONG_BREAK,
    SentenceText,
    Token,
    once_per_text,
)

Agreement = Literal["same", "turned"]

_ENDS = frozenset(
    re.findall(
        r"\w+",
        """
    is are was were has have had can will do does did may must need needs when which who where
    while but so as if
    """,
    )
)
"""What is behind the excepted, and no part of it."""
_ONES = frozenset(("one", "ones", "those"))
_WORDS = frozenset(("except", "excepting", "excluding", "unless"))
_MAY_EXCEPT = _WORDS | {"other", "but", "apart"}
_ALL = frozenset(("all", "any", "every", "each", "always", "everyone", "everybody", "anyone"))
MOST_EXCEPTED = 6
"""Tokens of what is excepted."""
EXCEPTED_ZH = 0.5
"""Share of the ideographs of a Chinese exception that name it in a claim."""
LEAST_IDEOGRAPHS = 2
SHORT_ZH = 3
LEAST_OF_ALL_ZH = 4
"""Ideographs that a claim about all has of what is said of the rest."""
LEAST_SHARED = 2
"""Ideographs that what is said of the rest and a claim have in common."""

_ZH = re.compile(r"除了?(?P<some>[^，。]{1,16}?)(?:以外|之外|外)，?(?P<main>[^，。]*)")
_BEHIND_ZH = re.compile(r"(?P<main>[^，。]{3,})，但?(?P<some>[^，。]{2,16}?)的?除外")
_ITEM_ZH = re.compile(r"[^和与及或]+")
_ADDS_ZH = re.compile(r"[也还又]|都有|均有")
_ALL_ZH = re.compile(r"任何|所有|一切|全部|一律|每")
_CLOSED_ZH = re.compile(r"休息|闭馆|关门|关闭|停业|歇业")
_BINDS_ZH = re.compile(r"[须需应可得]|支持|开放|适用|免")


@dataclass(frozen=True, slots=True)
class _Exception:
    some: Side
    main: Side
    is_denied: bool
    """Whether what is said of the rest is a denial."""
    excepts_from_all: bool = True
    spelt: str = ""
    """A short Chinese exception as it is written, which has to be there whole."""

    def is_named_in(self, tokens: Sequence[Token]) -> bool:
        """Return whether a claim, or a clause of it, speaks of what is excepted."""
        if self.spelt:
            return self.spelt in spell(tokens)
        own = self.some - self.main
        named = own & keys_of(tokens)
        if not named or next(iter(own)).isascii():
            return bool(own) and named == own
        return len(named) >= max(LEAST_IDEOGRAPHS, len(own) * EXCEPTED_ZH)

    def is_left_out_in(self, claim: SentenceText) -> bool:
        """Return whether a claim says of all of a kind what is said of the rest."""
        if any(token.kind == "ideograph" for token in claim.tokens):
            spelt = "".join(token.key for token in claim.tokens)
            shared = keys_of(claim.tokens) & self.main
            return bool(_ALL_ZH.search(spelt)) and len(shared) >= LEAST_OF_ALL_ZH
        return any(
            token.lower in _ALL and behind.key in self.main
            for token, behind in itertools.pairwise(claim.tokens)
        )


def exception_agreement(claim: SentenceText, window: SentenceText) -> Agreement | None:
    """Return whether the claim says of what is excepted, or of all, what the window says of it."""
    held = _exceptions(window)
    if not held:
        return None
    claimed = _exceptions(claim)
    if not claimed and "除" in claim.keys:
        return None  # 除了…，其他 and 除非, which except something, too
    # 不得超过七张 is a bound by now, and so is what is denied of it.
    is_bound = bounds_are_exchanged(claim, window)
    denied = _is_denied(claim.tokens) != is_bound
    for one in held:
        if claimed:
            same = [other for other in claimed if other.some & one.some and other.main & one.main]
            if same and all(other.is_denied != one.is_denied for other in same):
                return "turned"
        elif one.is_named_in(claim.tokens):
            # "Birds may be kept, but no other pets": the other clause is of the rest.
            clauses = [
                clause
                for clause in claim.clauses
                if one.is_named_in(clause)
                and keys_of(clause) - one.some
                and (_is_denied(clause) or _shares_main(clause, one))
            ]
            tokens = clauses[0] if clauses else claim.tokens
            if clauses or _shares_main(tokens, one):
                return "same" if (_is_denied(tokens) != is_bound) != one.is_denied else "turned"
        elif denied == one.is_denied and one.excepts_from_all and one.is_left_out_in(claim):
            return "turned"
    return None


def _shares_main(tokens: Sequence[Token], one: _Exception) -> bool:
    """Return whether tokens say what is said of the rest."""
    keys = keys_of(tokens)
    shared = one.main & keys
    return len(shared) >= LEAST_SHARED or 2 * len(shared) >= len(keys - one.some)


def _is_denied(tokens: Sequence[Token]) -> bool:
    return any(t.key == NEGATION or t.text == "closed" for t in tokens) or bool(
        _CLOSED_ZH.search(spell(tokens))
    )


@once_per_text
def _exceptions(text: SentenceText) -> list[_Exception]:
    return [*_read_exceptions(text)]


def _read_exceptions(text: SentenceText) -> Iterator[_Exception]:
    for _, run in itertools.groupby(text.tokens, key=lambda t: t.clause // STRONG_BREAK):
        tokens = list(run)
        if any(token.kind == "ideograph" for token in tokens):
            if "除" in text.keys:
                yield from _exceptions_zh(tokens)
            continue
        for at, token in enumerate(tokens):
            if width := _width(tokens, at):
                excepted = _up_to(tokens, at + width, _ENDS)[:MOST_EXCEPTED]
                # Fish, and small caged animals: each of them is excepted.
                items = itertools.groupby(
                    (t for t in excepted if t.lower not in _ONES),
                    key=lambda t: t.lower in ("and", "or"),
                )
                main = [
                    *_main_before(tokens, at),
                    *_up_to(tokens, at + width + len(excepted), JOINTS),
                ]
                # What is so "but not here" is affirmed, and "without flash" denies no more.
                denied = token.key != "but" and any(
                    t.key == NEGATION and t.lower != "without" for t in main
                )
                for is_joint, some in items:
                    if not is_joint:
                        yield _Exception(keys_of(some), keys_of(main), denied)


def _main_before(tokens: Sequence[Token], at: int) -> Sequence[Token]:
    """Return the clause that says what holds of the rest, as far as it is before the exception."""
    start = at
    while start:
        before = tokens[start - 1]
        ends = before.key in JOINTS or before.clause != tokens[start].clause
        if ends and any(token.content for token in tokens[start:at]):
            break
        start -= 1
    return tokens[start:at]


def _up_to(tokens: Sequence[Token], start: int, ends: frozenset[str]) -> list[Token]:
    """Return what follows in the clause of the token before, up to a word that ends it."""
    clause = tokens[start - 1].clause
    return [
        *itertools.takewhile(
            lambda token: token.clause == clause and token.lower not in ends, tokens[start:]
        )
    ]


def _width(tokens: Sequence[Token], at: int) -> int:
    """Return how many tokens at a place say that something is excepted; 0 if they do not."""
    word = tokens[at].lower
    if word not in _MAY_EXCEPT:
        return 0
    behind = tokens[at + 1].lower if at + 1 < len(tokens) else ""
    if word in _WORDS:
        return 2 if behind == "for" else 1
    # "No way other than by boat" has no rest.
    if word == "other" and behind == "than" and at and tokens[at - 1].content:
        return 2
    # "In the hall but not in the garden"
    if word == "but" and at + 1 < len(tokens) and tokens[at + 1].key == NEGATION:
        return 2 if behind == "not" else 0
    if word == "apart" and behind == "from" and any(t.lower in _ALL for t in tokens):
        return 2
    return 0


def _exceptions_zh(tokens: Sequence[Token]) -> Iterator[_Exception]:
    spelt, past = "", tokens[0].clause
    places: list[Token | None] = []
    for token in tokens:
        if token.clause != past:
            spelt += "，"
            places.append(None)
        spelt += token.key if token.kind in ("ideograph", "negation") else "#"
        places.append(token)
        past = token.clause
    for pattern in (_ZH, _BEHIND_ZH):
        for found in pattern.finditer(spelt):
            if _ADDS_ZH.search(found["main"]):
                continue
            main = keys_of(t for t in places[slice(*found.span("main"))] if t)
            for item in _ITEM_ZH.finditer(spelt, *found.span("some")):
                some = keys_of(t for t in places[slice(*item.span())] if t)
                if not some or not main:
                    continue
                yield _Exception(
                    some,
                    main,
                    NEGATION in found["main"],
                    excepts_from_all=bool(
                        _BINDS_ZH.search(found["main"])
                        or some & main
                        or (_ALL_ZH.search(found["main"]) and "除了" not in found[0])
                    ),
                    spelt=item[0] if len(item[0]) <= SHORT_ZH else "",
                )
