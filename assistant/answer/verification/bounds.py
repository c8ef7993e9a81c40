"""What bounds a figure or says how often it counts: "at least 3 miles", 不超过120米, 每天20元."""

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Literal

from assistant.answer.verification.numbers.quantities import Quantity
from assistant.answer.verification.tokens import STRONG_BREAK, SentenceText, Token

Bound = Literal["least", "most"]

BEFORE, BEHIND = 5, 2
"""Tokens around a figure among which its bound stands; an ideograph is one."""

# "No more than" is "at most" by then (`assistant.answer.verification.synonyms`).
_PATTERNS: tuple[tuple[str, Bound], ...] = (
    (r"\bat least|\b(?:more|greater|longer|higher|later) than|\b(?:over|above|after)", "least"),
    (r"\bexceeding", "least"),
    (r"[至最] 少|超 过|[多高大] 于|满|足", "least"),
    (r"\bat most|\bup to|\b(?:less|fewer|lower|shorter) than|\b(?:under|below|within)", "most"),
    (r"[至最] 多|[少低小] 于|不 足|不(?: 到)+", "most"),
)
_BEFORE = [(re.compile(rf"(?:{pattern})\W*$"), bound) for pattern, bound in _PATTERNS]
_ANY_BEFORE = re.compile(rf"(?:{'|'.join(pattern for pattern, _ in _PATTERNS)})\W*$")
_BEHIND: tuple[tuple[re.Pattern[str], Bound], ...] = (
    (re.compile(r"以 [上后]|之 后|后|or more\b"), "least"),
    (re.compile(r"以 [下内]|之 内|内|or (?:less|fewer)\b"), "most"),
)


_LEAST = ("at least", "至 少", "最 少")
_AFAR = re.compile(r"\bat least\b|\bat most\b|[至最] 少|[至最] 多|至 多")
_CHANGE = re.compile(
    # Verbs as `assistant.answer.verification.synonyms` writes them, in any form.
    r"\b(?:fell|fall|fallen|falls|rise|rises|rose|risen|(?:increas|decreas|declin|reduc)\w+|drop\w*"
    r"|grow|grew|grown|grows|climb\w*|cut|raised?|lower\w*|shrank|shrink\w*|expand\w*|jump\w*|soar\w*)"
    r"\b(?:(?:\W+\w+){0,4}?\W+(?P<side>by|to))?"
    r"(?:\W+(?:about|around|roughly|nearly|almost|some|another|approximately|at least|at most|up to"
    r"|more than|less than|over))?\W*$"
)
_CHANGE_ZH = re.compile(
    r"(?:[增降减升涨跌提缩] ?[长加少低高多幅升]?|[上下] ?调 ?|下 ?[降跌滑]|上 ?[升涨]) ?"
    r"(?:(?P<to>[至到为])|(?P<by>了|幅 ?度? ?为))\W*$"
)
_Reader = Callable[[Sequence[Token], int], str | None]
Change = Literal["to", "by"]
Direction = Literal["up", "down"]
_DIRECTION = re.compile(
    r"\b(?:(?P<up>rose|rises?|risen|grew|grow\w*|increas\w*|climb\w*|jump\w*|soar\w*|raised?|up)"
    r"|(?P<down>fell|falls?|fallen|decreas\w*|declin\w*|drop\w*|shrank|shrink\w*|lower\w*|reduc\w*"
    r"|slid|down))(?: (?:to|by|from))?(?: (?:about|around|nearly|almost|a|an))?\W*$"
)
_DIRECTION_BEHIND = re.compile(r"\b(?:(?P<up>up)|(?P<down>down)) (?:from|on)\b")


_PERIODS = ("day", "hour", "week", "month", "year")
_RATE = re.compile(
    r"^(?:(?:[a-z]+ )?(?:per|each|every|an?) (?P<unit>[a-z]+)"
    rf"|(?P<slash>kg|ml|m2|{'|'.join(_PERIODS)}))\b"
)
"""With the slash of mg/kg, which is no token."""
_RATE_ZH = re.compile(r"每 (?P<unit>[天日周月年季]|小 ?时|分 ?钟|秒)")
_SAME_RATE = {"日": "天"}
CLAUSE = 8
"""Tokens before a figure among which its 每天 stands."""


_MAY_BOUND = (
    *("least", "most", "than", "over", "above", "after", "exceeding", "up to", "under", "below"),
    *("within", "or more", "or less", "or fewer", *"少多过于满足到上下后内"),
)
_MAY_CHANGE = (
    *("fell", "fall", "rise", "rose", "raise", "increas", "decreas", "declin", "reduc", "drop"),
    *("grow", "grew", "climb", "cut", "lower", "shrank", "shrink", "expand", "jump", "soar"),
    *("slid", "up", "down", *"至到为了"),
)
_MAY_BE_RATE = ("per", "each", "every", "a ", "an ", "kg", "ml", "m2", "每", *_PERIODS)
"""What a text has, anywhere, if a figure of it has a bound, was changed, or counts by a time."""


def bounds_are_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a figure is the least in the claim and everywhere the most in the window."""
    return _are_exchanged(claim, window, bound_at, _MAY_BOUND)


def rates_are_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a figure is one per day in the claim and everywhere per week in the window."""
    return _are_exchanged(claim, window, rate_at, _MAY_BE_RATE)


def changes_are_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether something changes to a figure in the claim and by it in the window."""
    return _are_exchanged(claim, window, change_at, _MAY_CHANGE)


def directions_are_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a figure is risen to in the claim and everywhere fallen to in the window."""
    return _are_exchanged(claim, window, direction_at, _MAY_CHANGE)


def _are_exchanged(
    claim: SentenceText,
    window: SentenceText,
    read: _Reader,
    signs: Sequence[str],
) -> bool:
    """Return whether what `read` finds of a figure of the claim is another wherever it is held."""
    for figure, claimed in _read_all(claim, read, signs):
        if claimed is None:
            continue
        others = [v for other, v in _read_all(window, read, signs) if figure.equals(other)]
        if others and all(found is not None and found != claimed for found in others):
            return True
    return False


def _read_all(
    text: SentenceText, read: _Reader, signs: Sequence[str]
) -> list[tuple[Quantity, str | None]]:
    """Return what `read` finds of each figure of a text, which is kept with it."""
    if read not in text.kept:
        spelt = text.spelt.lower()
        tokens = text.tokens if any(map(spelt.__contains__, signs)) else ()
        text.kept[read] = [
            (figure, read(tokens, index) if tokens else None)
            for index, figure in text.figure_places
        ]
    found: list[tuple[Quantity, str | None]] = text.kept[read]
    return found


def change_at(tokens: Sequence[Token], index: int) -> Change | None:
    """Return whether the figure at a place is what something rose to, or by how much it rose."""
    before = _text(tokens[max(0, index - BEFORE) : index])
    if found := _CHANGE.search(before):
        return "to" if found["side"] == "to" else "by"
    if found := _CHANGE_ZH.search(before):
        return "to" if found["to"] else "by"
    return None


def direction_at(tokens: Sequence[Token], index: int) -> Direction | None:
    """Return whether the figure at a place is one that something rose or fell to or by."""
    behind = itertools.takewhile(
        lambda t: (
            t.clause - tokens[index].clause < STRONG_BREAK and not (t.figure and t.figure.dimension)
        ),
        tokens[index + 1 : index + 1 + CLAUSE],
    )
    if found := _DIRECTION_BEHIND.search(_text([*behind])):
        return "up" if found["up"] else "down"
    clause = [t for t in tokens[max(0, index - BEFORE) : index] if t.clause == tokens[index].clause]
    if found := _DIRECTION.search(_text(clause)):
        return "up" if found["up"] else "down"
    return None


def rate_at(tokens: Sequence[Token], index: int) -> str | None:
    """Return the unit per which the figure at a place counts: "day" of "twice a day"."""
    if found := _RATE.match(_text(tokens[index + 1 : index + 2 + BEHIND])):
        return found["unit"] or found["slash"]
    before = [t for t in tokens[max(0, index - CLAUSE) : index] if t.clause == tokens[index].clause]
    rates = _RATE_ZH.findall(_text(before))
    return _SAME_RATE.get(rates[-1], rates[-1]) if rates else None


def bound_at(tokens: Sequence[Token], index: int) -> Bound | None:
    """Return whether the figure at a place is the least or the most of something."""
    before = _text(tokens[max(0, index - BEFORE) : index])
    if _ANY_BEFORE.search(before):
        return next(bound for pattern, bound in _BEFORE if pattern.search(before))
    behind = _text(tokens[index + 1 : index + 1 + BEHIND])
    near = [bound for pattern, bound in _BEHIND if pattern.match(behind)]
    if near:
        return near[0]
    # 至少可以办公三天: it stands before the verb.
    clause = itertools.takewhile(
        lambda t: t.clause == tokens[index].clause and not t.figure, reversed(tokens[:index])
    )
    found = _AFAR.findall(_text([*clause][::-1]))
    return ("least" if found[-1] in _LEAST else "most") if found else None


def _text(tokens: Sequence[Token]) -> str:
    return " ".join([token.lower or token.key for token in tokens])
