"""What is in another's place although all words are there: names, first and last, of which."""

import itertools
from collections.abc import Sequence

from assistant.answer.verification.alignment import AlignedTexts, Slot
from assistant.answer.verification.opposites import (
    SURNAMES,
    is_other_kind,
    is_other_kind_zh,
    words_are_opposed,
)
from assistant.answer.verification.tokens import (
    NEGATION,
    STRONG_BREAK,
    SentenceText,
    Token,
    once_per_text,
)

PREPOSITIONS = frozenset(("for", "over", "in", "at", "on", "by", "with", "from", "to", "of"))
_ALL = frozenset(("every", "all", "each", "any", "always"))
_SOME = frozenset(("most", "many", "some", "several", "few", "last", "half", "often", "usually"))
_MODALS = frozenset(("may", "might", "can", "could", "will", "shall", "must", "should"))
_LIST_JOINTS = frozenset(("and", "or", "和", "与", "及", "或"))
_BOTH = frozenset(("both", "either", "all", "each"))
SUBJECT_TOKENS = 3
"""Tokens that begin an English sentence, among which its subject's number stands."""
NAMED_ZH = 2
"""Ideographs of a subject."""
_OF_WHICH_ZH = "其中"
_TITLES_ZH = frozenset("长员授生师任理席记手练帅士家者人总府")
"""Last ideographs of what stands before a surname: 局长周敏, 画家沈秋白."""


def slots_are_exchanged(slots: Sequence[Slot], claim: SentenceText) -> bool:
    """Return whether just two runs took each other's place: 老抽两勺、生抽半勺.

    Two such pairs are a list in another order, and so is one with nothing but marks between.
    """
    pairs = [
        (one, other)
        for one, other in itertools.combinations(slots, 2)
        if any(t.content for t in one.claimed)
        and any(t.content for t in other.claimed)
        and [t.key for t in one.claimed] == [t.key for t in other.held]
        and [t.key for t in one.held] == [t.key for t in other.claimed]
    ]
    if len(pairs) != 1:
        return False
    one, other = pairs[0]
    run = claim.tokens[one.claim_start : other.claim_start + len(other.claimed)]
    return any(
        a.clause == b.clause and _LIST_JOINTS.isdisjoint((a.key, b.key))
        for a, b in itertools.pairwise(run)
    )


def kinds_in_place(slot: Slot, texts: AlignedTexts) -> bool:
    """Return whether one of a kind stands in another's place: knee for calf, 口头 for 书面.

    Words that both texts have are a list in another order, or `slots_are_exchanged` sees them.
    """
    kinds_claimed, kinds_held = (
        {t.key for t in run if t.kind == "word"} for run in (slot.claimed, slot.held)
    )
    if kinds_claimed and kinds_claimed <= texts.window_keys and kinds_held <= texts.claim_keys:
        return False
    words, others = (
        [t.lower for t in run if t.kind == "word" and not t.is_name]
        for run in (slot.claimed, slot.held)
    )
    if is_other_kind(words, others):
        return True
    claimed, held = (
        "".join(t.key for t in run if t.kind in ("ideograph", "negation"))
        for run in (slot.claimed, slot.held)
    )
    return bool(claimed) and is_other_kind_zh(claimed, held)


def is_of_all(slot: Slot, texts: AlignedTexts) -> bool:
    """Return whether "every" stands where the window has "the first", "most" or "some".

    Unless the window says of all of the same, too: "Most shops close, all pharmacies are open".
    """
    claimed, held = ({t.lower for t in run} for run in (slot.claimed, slot.held))
    if not claimed & _ALL or not (any(map(_is_first, slot.held)) or held & _SOME):
        return False
    return not any(
        (one.lower in _ALL and noun.key == other.key)
        for every, other in itertools.pairwise(texts.claim.tokens)
        if every.lower in claimed & _ALL
        for one, noun in itertools.pairwise(texts.window.tokens)
    )


def modifiers_are_opposed(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether what is first in the claim is last in the window, wherever they stand.

    Both before the same word: "the last three months" of "the first three months".
    """
    claimed, held = _modifiers(claim), _modifiers(window)
    if claimed.keys().isdisjoint(held):
        return False
    words = {t.lower for t in claim.tokens}
    return any(
        noun in held
        and modifiers.isdisjoint(held[noun])
        and words.isdisjoint(held[noun])
        and all(
            modifier not in window.keys and words_are_opposed([modifier], [other])
            for modifier, other in itertools.product(modifiers, held[noun])
        )
        for noun, modifiers in claimed.items()
    )


@once_per_text
def _modifiers(text: SentenceText) -> dict[tuple[str, ...], set[str]]:
    """Return all plain words that stand before a noun: before a word, or a figure and a word.

    What may or must be done is no noun.
    """
    found: dict[tuple[str, ...], set[str]] = {}
    tokens = text.tokens
    for index, token in enumerate(tokens):
        if token.kind == "ideograph":
            continue
        word = "first" if _is_first(token) else token.lower
        if token.is_name or not word or word in _MODALS:
            continue
        behind: list[str] = []
        for other in tokens[index + 1 : index + 3]:
            if other.clause != token.clause or not other.content:
                break
            behind.append(other.key)
            if not other.figure or other.figure.dimension:
                found.setdefault(tuple(behind), set()).add(word)
                break
    return found


def _is_first(token: Token) -> bool:
    return token.figure is not None and token.figure.weak and token.figure.value == 1


def argument_is_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether what is behind a preposition is another's: free for visitors, for residents.

    Where the window has the claim's word elsewhere, and the same word before the preposition.
    """
    claimed = _arguments(claim)
    held = _arguments(window) if claimed else claimed
    for governor, preposition, noun in claimed - held:
        others = {n for g, p, n in held if (g, p) == (governor, preposition)}
        if (
            others
            and noun in window.keys
            and others.isdisjoint(claim.keys)
            and not any((p, n) == (preposition, noun) for _, p, n in held)
        ):
            return True
    return False


@once_per_text
def _arguments(text: SentenceText) -> set[tuple[str, str, str]]:
    """Return each preposition with the word before it and the first telling one behind."""
    found: set[tuple[str, str, str]] = set()
    tokens = () if PREPOSITIONS.isdisjoint(text.keys) else text.tokens
    for index in range(1, len(tokens) - 1):
        before, token = tokens[index - 1], tokens[index]
        if token.key not in PREPOSITIONS or before.kind != "word":
            continue
        following = tokens[index + 1 : index + 4]
        behind = (t for t in following if t.content and t.kind == "word" and t.key not in _BOTH)
        noun = next(behind, None)
        # Names are looked at by themselves: in Berlin, Germany.
        if noun and not noun.capital and noun.clause == token.clause == before.clause:
            found.add((before.key, token.key, noun.key))
    return found


def predicate_is_of_another_zh(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a Chinese claim has what is said before of another: 儿童禁用，老年人减量.

    Its subject begins a later clause, its predicate ends an earlier one with a subject of its own.
    """
    first, last = claim.tokens[0], claim.tokens[-1]
    if first.clause != last.clause or first.kind != "ideograph":
        return False
    keys = [t.key for t in claim.tokens]
    clauses = [list(c) for _, c in itertools.groupby(window.tokens, key=lambda t: t.clause)]
    spelt = [[t.key for t in clause] for clause in clauses]
    begins = any(held[:NAMED_ZH] == keys[:NAMED_ZH] for held in spelt)
    if len(spelt) < 2 or not begins:
        return False
    for cut in range(NAMED_ZH, len(keys) - 1):
        subject, predicate = keys[:cut], keys[cut:]
        starts = [i for i, held in enumerate(spelt) if held[:cut] == subject]
        ends = [
            i
            for i, held in enumerate(spelt)
            if held[-len(predicate) :] == predicate and len(held) >= len(predicate) + NAMED_ZH
        ]
        if starts and ends and max(ends) < min(starts):
            return True
    return False


def agents_are_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether the claim says of one name what the window says that another did.

    "Tanaka won the race" of "The race was won by Bekele".
    """
    claimed, held = _agents(claim), _agents(window)
    for verb, names in claimed:
        others = [other for key, other in held if key == verb]
        # "Alice hired Bob, who hired Carol": of one of them nobody says who did it.
        all_named = len(others) == window.keys.count(verb)
        # "Smith leads the team, and Jones leads the group": each is looked at with its clause.
        is_single = len({other for key, other in claimed if key == verb}) == 1
        if others and all_named and is_single and all(names.isdisjoint(other) for other in others):
            return True
    return False


@once_per_text
def _agents(text: SentenceText) -> list[tuple[str, frozenset[str]]]:
    """Return each verb with the names of who did it, before it or behind "by"."""
    found: list[tuple[str, frozenset[str]]] = []
    tokens = text.tokens if text.has_names else ()
    for index, token in enumerate(tokens):
        if token.kind != "word" or not token.content or token.capital:
            continue
        by = index + 1 < len(tokens) and tokens[index + 1].key == "by"
        run = tokens[index + 2 :] if by else tokens[index - 1 :: -1] if index else ()
        names = _run_of_names(run) if run and run[0].clause == token.clause else None
        # "Emily Chen from Stanford led": the name before the verb is where she is from.
        before = next((t for t in run if not t.capital and t.key != "and"), None)
        is_place = before and before.clause == token.clause and before.lower in PREPOSITIONS
        if names and (by or not is_place):
            found.append((token.key, names))
    return found


def _run_of_names(tokens: Sequence[Token]) -> frozenset[str]:
    """Return the names that a text begins with; a lone first word may be any word."""
    if not tokens[0].capital:
        return frozenset()
    run = [
        *itertools.takewhile(
            lambda t: (
                t.kind == "word" and (t.capital or t.key == "and") and t.clause == tokens[0].clause
            ),
            tokens,
        )
    ]
    if not any(t.is_name for t in run):
        return frozenset()
    return frozenset(t.key for t in run if t.capital and t.content)


def part_is_whole(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether what is of some is said of all, or their count is given as that of all.

    画五幅 and 十二幅均为补绘 of 画十二幅，其中五幅为补绘.
    """
    if _OF_WHICH_ZH[0] not in window.keys or _OF_WHICH_ZH in "".join(claim.keys):
        return False
    parts = [
        clause
        for clause in window.clauses
        if "".join(t.key for t in clause[:2]) == _OF_WHICH_ZH and any(t.figure for t in clause)
    ]
    figures = [figure for figure in claim.figures if not figure.weak]
    for clause in parts:
        at = next(index for index, token in enumerate(clause) if token.figure)
        count = clause[at].figure
        # What is directly behind a number counts: 幅, 册.
        others = (t for i, t in enumerate(clause) if i > 1 and i not in (at, at + 1))
        own = [t.key for t in others if t.content]
        claimed = [key for key in own if key in claim.keys]
        elsewhere = [t.figure for t in window.tokens if t.figure and t not in clause]
        if not own or count is None or any(count.equals(figure) for figure in elsewhere):
            continue
        # 其中男生22人，平均身高1.7米: what follows is of the same part.
        start = next(i for i, token in enumerate(window.tokens) if token is clause[0])
        behind = [
            t.figure for t in window.tokens[start:] if t.figure and not count.equals(t.figure)
        ]
        if figures and all(any(one.equals(other) for other in behind) for one in figures):
            continue
        is_claimed = any(figure.equals(count) for figure in figures)
        if is_claimed != bool(claimed) and (is_claimed or len(claimed) == len(own)) and figures:
            return True
    return False


def given_name_differs(claim: SentenceText, window: SentenceText, slot: Slot) -> bool:
    """Return whether a Chinese given name is another's: 局长周丽 for 局长周敏."""
    at = slot.claim_start - 1
    if len(slot.claimed) != 1 or len(slot.held) != 1 or at < 0:
        return False
    surname = claim.tokens[at]
    before = claim.tokens[at - 1] if at else None
    begins = before is None or before.clause != surname.clause or before.key in _TITLES_ZH
    return (
        surname.key in SURNAMES
        and begins
        and slot.claimed[0].kind == slot.held[0].kind == "ideograph"
        and surname.key + slot.claimed[0].key not in window.letters
    )


def name_is_turned(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether the two ideographs behind a surname are turned round: 赵海文 for 赵文海."""
    spelt = "".join(t.key if t.kind == "ideograph" else " " for t in claim.tokens)
    names = [
        spelt[at : at + 3]
        for at in range(len(spelt) - 2)
        if spelt[at] in SURNAMES and (at == 0 or spelt[at - 1] in _TITLES_ZH)
    ]
    if not names:
        return False
    held = "".join(t.key if t.kind == "ideograph" else " " for t in window.tokens)
    return any(name not in held and name[0] + name[2] + name[1] in held for name in names)


def skips_first_of_two_negations(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether the window denies a denial that the claim makes: cannot be refused."""
    if window.keys.count(NEGATION) < 2:
        return False
    held = [
        index
        for index, token in enumerate(window.tokens)
        if token.key == NEGATION
        # Only words without content of their own stand between the two.
        and any(
            t.key == NEGATION
            for t in itertools.takewhile(
                lambda t: not t.content, window.tokens[index + 1 : index + 4]
            )
        )
    ]
    for index in held:
        second = next(t for t in window.tokens[index + 1 :] if t.key == NEGATION)
        places = [
            i for i, t in enumerate(claim.tokens) if t.key == NEGATION and t.text == second.text
        ]
        if places and not any(
            t.key == NEGATION for i in places for t in claim.tokens[max(0, i - 3) : i]
        ):
            return True
    return False


def it_stands_for_other(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether "it" of a second sentence is taken for what the first compares its subject to.

    "3.10 was released in October" of "3.11 is faster than 3.10. It was released in October".
    """
    if "it" not in window.keys:
        return False
    first, *second = (
        list(run)
        for _, run in itertools.groupby(window.tokens, key=lambda t: t.clause // STRONG_BREAK)
    )
    if not second or second[0][0].key != "it":
        return False
    numbers = [t.figure for t in first if t.figure and t.figure.kind == "number"]
    begins = [t.figure for t in first[:SUBJECT_TOKENS] if t.figure]
    claimed = next((t.figure for t in claim.tokens[:SUBJECT_TOKENS] if t.figure), None)
    if claimed is None or not begins or any(claimed.equals(figure) for figure in begins):
        return False
    # What it says is all in the second sentence.
    behind = [t for t in claim.tokens if t.content and t.figure != claimed]
    held = {t.key for t in second[0]} | {t.key for t in first[:SUBJECT_TOKENS]}
    return any(claimed.equals(figure) for figure in numbers) and all(t.key in held for t in behind)
