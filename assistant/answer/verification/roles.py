"""What part a value plays in a sentence: where something comes from, how many, by how much more.

Each of these exchanges leaves all words and figures of a passage in place, so that nothing is
missing: from 3 to 5 for from 5 to 3, four cables for two, 17 m tall for 17 m more than another.
"""

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from assistant.answer.verification.numbers.quantities import Quantity
from assistant.answer.verification.numbers.units import is_same_dimension
from assistant.answer.verification.tokens import (
    CLASSIFIERS,
    JOINTS,
    NEGATION,
    SentenceText,
    Token,
    join_words,
    once_per_text,
)

End = Literal["from", "to"]

_FROM, _TO = frozenset(("from", "从", "由", "自")), frozenset(("to", "until", "till", "至", "到"))
_ARTICLES = frozenset(("the", "a", "an"))
_NAMED_ZH = 2
"""Ideographs behind 从 and 到 that tell one end from another: 周二, 北京."""
_MIN_TUPLE_NUMBERS = 2
COUNTED_WITHIN = 3
"""Tokens behind a number in which stands what it counts: "four full AA batteries"."""
COMPARED_WITHIN_ZH = 10
"""Ideographs before a number among which its 比 stands."""
_ANYBODY = frozenset(("people", "peopl", "person", "other", "item", "piec"))
"""Words that stand for what was named before: "of the 1,200 respondents, 396 people"."""

_SUMS_UP = re.compile(
    r"\b(?:together|in total|altogether|a total of|the total|in all)\b"
    r"|一共|总共|合计|总计|共计|总和|加起来|共有"
)
MIN_SUMMANDS = 2
"""Figures that make a sum."""

_COMPARATIVES = (
    r"(?:more|less|fewer|taller|longer|shorter|higher|lower|heavier|lighter|wider|narrower|deeper"
    r"|older|younger|bigger|larger|smaller|faster|slower|later|earlier|closer|farther|further"
    r"|thicker|thinner|warmer|colder|hotter|cooler|cheaper|dearer|greater|stronger|weaker)"
)
_COMPARED = re.compile(rf"{_COMPARATIVES}\b(?! (?:or|and)\b)")
_COMPARED_ZH = re.compile(r"比.*[多少高低重轻长短大小快慢贵早晚] ?$")
_HALF_ZH = re.compile("[上下]半场")
_COMPARES = re.compile(rf"\b(?:{_COMPARATIVES}|than|by)\b|比|多|少")


def roles_are_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a value plays another part in the claim than everywhere in the window."""
    return (
        _ends_are_exchanged(claim, window)
        or _counts_are_exchanged(claim, window)
        or _difference_is_amount(claim, window)
    )


def is_total(figure: Quantity, claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a figure of the claim is what all of its kind in the window come to.

    Only where the claim says that it sums up, and only the sum of all: which of them a writer meant
    cannot be told.
    """
    if figure.kind != "number" or not _sums_up(claim):
        return False
    counted = frozenset().union(
        *(things for other, things in _counted_things(claim) if other.equals(figure))
    )
    things_of = {id(other): things for other, things in _counted_things(window)}
    summands = [
        (index, other.base)
        for index, token in enumerate(window.tokens)
        if (other := token.figure)
        and other.kind == "number"
        and is_same_dimension(figure.dimension, other.dimension)
        and bool(figure.dimension) == bool(other.dimension)
        and (not (things := things_of.get(id(other), frozenset())) or things & counted)
    ]
    if figure.dimension and _names_one_alone(claim, window, [index for index, _ in summands]):
        return False
    total = sum(value for _, value in summands)
    return len(summands) >= MIN_SUMMANDS and math.isclose(total, figure.base)


def _names_one_alone(claim: SentenceText, window: SentenceText, places: Sequence[int]) -> bool:
    """Return whether a claim has words of one figure's own and none of another: adults pay 14."""
    claimed = {token.key for token in claim.tokens if token.content and not token.figure}
    parts = window.clauses
    behind, before = [], []
    for token in (window.tokens[place] for place in places):
        part = next(part for part in parts if any(one is token for one in part))
        at = next(index for index, one in enumerate(part) if one is token)
        behind.append({t.key for t in part[at + 1 : at + 1 + COUNTED_WITHIN] if _is_word(t)})
        before.append({t.key for t in part[max(0, at - COUNTED_WITHIN) : at] if _is_word(t)})
    for beside in (behind, before):
        shared = set.intersection(*beside) if beside else set()
        own = [words - shared for words in beside]
        if own and all(own):
            named = [bool(words & claimed) for words in own]
            return any(named) and not all(named)
    return False


def _is_word(token: Token) -> bool:
    return token.content and not token.figure


@once_per_text
def _sums_up(claim: SentenceText) -> bool:
    """Return whether a claim says that it gives a sum."""
    spelt = "".join(
        token.key if token.kind == "ideograph" else f" {token.lower or token.key}"
        for token in claim.tokens
    )
    return _SUMS_UP.search(spelt) is not None


def _ends_are_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether what is "from" in the claim is "to" in the window, or the other way round."""
    claimed, held = _ends(claim), _ends(window)
    return any(
        (key, "to" if end == "from" else "from") in held and (key, end) not in held
        for key, end in claimed
    )


@once_per_text
def _ends(text: SentenceText) -> set[tuple[str, End]]:
    if _FROM.isdisjoint(text.keys) and _TO.isdisjoint(text.keys):
        return set()
    return set(_read_ends(text.tokens))


def _read_ends(tokens: Sequence[Token]) -> Iterator[tuple[str, End]]:
    for index, token in enumerate(tokens[:-1]):
        end: End | None = "from" if token.key in _FROM else "to" if token.key in _TO else None
        if end is None:
            continue
        place = index + 1 + (tokens[index + 1].key in _ARTICLES)
        behind = tokens[place : place + _NAMED_ZH]
        if behind and behind[0].kind == "ideograph":
            yield "".join(one.key for one in behind if one.kind == "ideograph"), end
        elif behind and (behind[0].figure or behind[0].content):
            yield behind[0].key, end


def _counts_are_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether what the claim counts with one number the window counts with others alone."""
    held = _counted_things(window) if claim.figures else []
    for figure, counted in _counted_things(claim) if held else ():
        beside = [other for other, things in held if things & counted]
        elsewhere = any(
            figure.equals(other) and things and not things & counted for other, things in held
        ) or any(other.dimension and figure.equals(other) for other in window.figures)
        if beside and elsewhere and not any(figure.equals(other) for other in beside):
            return True
    return False


@once_per_text
def _counted_things(text: SentenceText) -> list[tuple[Quantity, frozenset[str]]]:
    """Return each bare number with the words for what it counts."""
    tokens = text.tokens
    found: list[tuple[Quantity, frozenset[str]]] = []
    for index, figure in text.figure_places:
        if figure.kind != "number" or figure.dimension or figure.rounded:
            continue
        things = []
        for other in tokens[index + 1 : index + 1 + COUNTED_WITHIN]:
            if other.figure and other.figure.dimension:
                continue  # two 500 mg tablets
            if other.clause != tokens[index].clause or other.figure or other.key == NEGATION:
                break
            if other.kind == "word" and not other.content:
                break
            things.append(other)
        # The last is the noun: what is before it tells it from others of its kind.
        ideographs = [t.key for t in things if t.kind == "ideograph" and t.key not in CLASSIFIERS]
        if ideographs:
            if len(ideographs) >= _NAMED_ZH:
                found.append((figure, frozenset(("".join(ideographs[:_NAMED_ZH]),))))
        elif things:
            found.append((figure, frozenset(t.key for t in things) - _ANYBODY))
    return found


def _difference_is_amount(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether the claim gives as an amount what the window gives as a difference alone."""
    measures = [figure for figure in claim.figures if figure.dimension]
    if not measures or _COMPARES.search(claim.spelt.lower()):
        return False
    for figure in measures:
        places = [index for index, other in window.figure_places if figure.equals(other)]
        if places and all(_is_difference(window.tokens, p) for p in places):
            return True
    return False


def _is_difference(tokens: Sequence[Token], index: int) -> bool:
    if _COMPARED.match(join_words(tokens[index + 1 : index + 3]).lower()):
        return True
    before = [
        t
        for t in tokens[max(0, index - COMPARED_WITHIN_ZH) : index]
        if t.clause == tokens[index].clause
    ]
    return bool(_COMPARED_ZH.search("".join(t.key for t in before)))


def _clauses(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    return (list(run) for _, run in itertools.groupby(tokens, key=lambda token: token.clause))


def tuples_are_reordered(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether the claim has the numbers of a tuple of the window in another order.

    "Chelsea lost 1-3 to Arsenal" says what "Arsenal beat Chelsea 3-1" says: where the words around
    are in another order, too, nothing is known.
    """
    reordered = any(
        one not in window.number_tuples
        and any(sorted(one) == sorted(other) for other in window.number_tuples)
        for one in claim.number_tuples
    )
    if reordered and not _is_rearranged(claim, window):
        return True
    if _tuples_are_of_others(claim, window):
        return True
    # A half of a match with another score: 上半场3比2 of 上半场2比2.
    claimed, held = _scores_of_halves(claim), _scores_of_halves(window)
    return any(half in held and not scores & held[half] for half, scores in claimed.items())


def _scores_of_halves(text: SentenceText) -> dict[str, set[tuple[str, ...]]]:
    """Return the scores, without their order, in the clauses that name a half of a match."""
    scores: dict[str, set[tuple[str, ...]]] = {}
    for clause in _clauses(text.tokens) if text.number_tuples else ():
        half = _HALF_ZH.search("".join(token.key for token in clause))
        for is_number, run in itertools.groupby(clause, key=lambda t: t.figure is not None):
            numbers = tuple(sorted(token.key for token in run))
            if half and is_number and len(numbers) >= _MIN_TUPLE_NUMBERS:
                scores.setdefault(half[0], set()).add(numbers)
    return scores


def _tuples_are_of_others(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a tuple of the window has in the claim what is behind another one there.

    "3-2 at half-time" of "2-2 at half-time and 3-2 at full time".
    """
    held = list(_tuples_with_words_behind(window))
    for numbers, behind in _tuples_with_words_behind(claim):
        own = [words for other, words in held if other == numbers]
        is_of_other = any(words == behind for other, words in held if other != numbers)
        if own and is_of_other and not any(set(behind) <= set(words) for words in own):
            return True
    return False


def _tuples_with_words_behind(
    text: SentenceText,
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield each tuple with the words behind it, to the next number or the end of its clause."""
    if not text.number_tuples:
        return
    for clause in _clauses(text.tokens):
        runs = [
            (is_number, tuple(token.key for token in run))
            for is_number, run in itertools.groupby(clause, key=lambda t: t.figure is not None)
        ]
        for (is_number, numbers), (_, behind) in itertools.pairwise(runs):
            words = tuple(itertools.takewhile(lambda key: key not in JOINTS, behind))
            if is_number and len(numbers) >= _MIN_TUPLE_NUMBERS and words:
                yield numbers, words


def _is_rearranged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether words that both have once are in another order."""
    claimed, held = (
        Counter(token.key for token in text.tokens if token.content and not token.figure)
        for text in (claim, window)
    )
    common = [key for key, count in claimed.items() if count == 1 == held[key]]
    places = [window.keys.index(key) for key in common]
    return places != sorted(places)
