"""What is said of whom, where all words of a claim are in the passage, but not together.

"Born in Lund" of "born in Uppsala and studied in Lund", "open on Sundays" of "open on Saturdays,
closed on Sundays", "unlike the Pro, the S2 cannot fly in rain" said of the Pro, and a chain:
"Alice taught Carol" of "Alice taught Bob. Bob taught Carol".
"""

import itertools
import re
from collections.abc import Iterator, Sequence

from assistant.answer.verification.numbers.quantities import Quantity
from assistant.answer.verification.numbers.quantity_scanner import LEAST_YEAR, MOST_YEAR
from assistant.answer.verification.opposites import (
    kind_words,
    opposed_words_zh,
    words_are_opposed,
)
from assistant.answer.verification.tokens import (
    NEGATION,
    STRONG_BREAK,
    SentenceText,
    Token,
    once_per_text,
)

PAIR = 2
"""Ideographs of a word that is looked for."""
_PREPOSITIONS = frozenset(("in", "at", "from", "to"))
_RELATIVES = frozenset(("who", "which", "whom"))
_UNLIKE = re.compile(
    r"\b(?:unlike|in contrast (?:to|with)|as opposed to|not like) (?P<other>[^,;.]+)", re.IGNORECASE
)
_UNLIKE_ZH = re.compile(
    r"(?:与|和|跟)(?P<other>[^，。,]{1,12}?)(?:不同|相反)|(?:¬像|有别于|不同于)(?P<behind>[^，。,]{1,12})"
)
_SAME_ZH = re.compile(r"不同|相反|有别|¬像")
_CONTRASTS = ("like", "contrast", "opposed", "同", "反", "别", "像")
"""What is in all that contrasts: only such a text is spelt for the patterns."""


def predicates_are_exchanged(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a claim says of one what its window says of another alone."""
    return (
        _argument_is_of_other_verb(claim, window)
        or _skips_link_of_chain(claim, window)
        or _says_of_contrasted(claim, window)
        or _subject_is_object_zh(claim, window)
    )


def kind_has_other_predicate(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether what a claim says of a day, a colour or a sex is denied of it in the window.

    商店周日营业 of 商店周六营业，周日休息. Only clauses that name the kind count, each of which has
    to have an opposite of the claim's words and not these themselves.
    """
    if len(claim.clauses) > 1 or NEGATION in claim.keys:
        return False
    kinds = kind_words(claim.tokens)
    if not kinds:
        return False
    claimed = [token.lower for token in claim.tokens if token.content and token.text]
    letters = spell_ideographs(claim.tokens)
    answers = []
    for clause in _with_times_joined(window.clauses):
        if kinds.isdisjoint(kind_words(clause)) or any(t.key == NEGATION for t in clause):
            continue
        held = [token.lower for token in clause if token.content and token.text]
        agrees = {t.key for t in clause if t.kind == "word" and t.content} & {
            t.key for t in claim.tokens if t.kind == "word" and t.content
        }
        opposed = words_are_opposed(set(claimed) - set(held), set(held) - set(claimed))
        answers.append(
            (opposed and bool(agrees)) or opposed_words_zh(letters, spell_ideographs(clause))
        )
    return bool(answers) and all(answers)


def _with_times_joined(clauses: Sequence[Sequence[Token]]) -> Iterator[list[Token]]:
    """Yield clauses with those that begin with a figure: 工作日9点开门，20点关门."""
    joined: list[Token] = []
    for clause in clauses:
        goes_on = (
            clause[0].figure and joined and clause[0].clause - joined[-1].clause < STRONG_BREAK
        )
        if joined and not goes_on:
            yield joined
            joined = []
        joined += clause
    if joined:
        yield joined


def spell_ideographs(tokens: Sequence[Token]) -> str:
    """Return the keys of tokens as one text: 周6营业."""
    return "".join([token.key.lstrip("#") for token in tokens])


def _argument_is_of_other_verb(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a name has another verb's preposition: born in Lund, who studied in Lund."""
    clauses = window.clauses
    for verb, name in _placed_names(claim.tokens) if claim.has_names else ():
        own = [clause for clause in clauses if any(t.key == name for t in clause)]
        # A clause without a verb of its own ("and in Lund") has that of the one before.
        has_own_verb = own and all(_has_verb_before(name, clause) for clause in own)
        if not has_own_verb or any(t.key == verb for clause in own for t in clause):
            continue
        if any(other == verb for clause in clauses for other, _ in _placed_names(clause)):
            return True
    return False


def _has_verb_before(name: str, clause: Sequence[Token]) -> bool:
    at = next(place for place, token in enumerate(clause) if token.key == name)
    plain = any(t.kind == "word" and t.content and not t.capital for t in clause[:at])
    return plain and at > 0 and clause[at - 1].key in _PREPOSITIONS


def _placed_names(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield each name behind a preposition with the plain word before that."""
    for verb, preposition, name in zip(tokens, tokens[1:], tokens[2:], strict=False):
        is_plain = verb.kind == "word" and verb.content and not verb.capital
        if is_plain and preposition.key in _PREPOSITIONS and name.is_name:
            yield verb.key, name.key


def _skips_link_of_chain(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a claim joins the first of a chain with the last: Alice, Bob, Carol."""
    clauses = window.clauses
    if len(claim.clauses) > 1 or len(clauses) < 2:
        return False
    claimed = [token.key for token in claim.tokens if token.content]
    if any(set(claimed) <= {t.key for t in clause} for clause in clauses):
        return False
    return any(_is_chain(claimed, one, other) for one, other in itertools.pairwise(clauses))


def _is_chain(claimed: Sequence[str], one: Sequence[Token], other: Sequence[Token]) -> bool:
    """Return whether `claimed` is the first of one clause and the last of the next."""
    first = [token for token in one if token.content]
    second = [token for token in other if token.content]
    if not first or not second:
        return False
    link = first[-1] if other[0].key in _RELATIVES else second[0]
    keys, other_keys = {t.key for t in first}, {t.key for t in second}
    if link.key in claimed or link.key not in keys or first[0].key not in claimed:
        return False
    verbs = [key for key in claimed if key in keys & other_keys]
    begins = [key for key in claimed if key in keys - other_keys]
    ends = [key for key in claimed if key in other_keys - keys]
    if not begins or not ends:
        return False
    if not verbs:
        # "The pump is made of steel" of "The pump feeds the tank. The tank is made of steel."
        beside = [token.key for token in first[:2]]
        return claimed == [first[0].key, *ends] and link.kind == "word" and link.key not in beside
    return claimed.index(begins[0]) < claimed.index(verbs[0]) < claimed.index(ends[-1])


def _subject_is_object_zh(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a Chinese claim has its two sides of a verb in each other's place.

    用人单位…通知劳动者 of 劳动者…通知用人单位: behind the same two ideographs stands in each what
    begins the other.
    """
    clauses, other_clauses = (text.clauses for text in (claim, window))
    if not clauses or not other_clauses:
        return False
    claimed, held = spell_ideographs(clauses[0]), spell_ideographs(other_clauses[0])
    # What begins the claim is behind a verb of the window, or nothing is exchanged.
    if claimed[:PAIR] not in held[2 * PAIR :]:
        return False
    whole = spell_ideographs(window.tokens)
    for place in range(PAIR, len(claimed) - PAIR):
        verb, object_claimed = (
            claimed[place : place + PAIR],
            claimed[place + PAIR : place + 2 * PAIR],
        )
        at = held.find(verb, PAIR)
        if len(object_claimed) < PAIR or at < 0:
            continue
        object_held = held[at + PAIR : at + 2 * PAIR]
        if object_claimed == object_held or len(object_held) < PAIR:
            continue
        # Of the window the subject may be in the sentence before: 师从潘云山.
        is_elided = verb.isalpha() and not verb.isascii() and object_claimed not in whole
        is_swapped = held.startswith(object_claimed) or (is_elided and claimed not in whole)
        if claimed.startswith(object_held) and is_swapped:
            return True
    return False


def _says_of_contrasted(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a claim says of the other what a window says of one, "unlike the other"."""
    if not any(map(window.spelt.lower().__contains__, _CONTRASTS)):
        return False
    held = _spell_words(window)
    if not (_UNLIKE.search(held) or _SAME_ZH.search(held)):
        return False
    claimed = _spell_words(claim)
    if _UNLIKE.search(claimed) or _SAME_ZH.search(claimed):
        return False
    for sentence in held.split("."):
        for pattern in (_UNLIKE, _UNLIKE_ZH):
            for found in pattern.finditer(sentence):
                other = next(part for part in found.groups() if part)
                main = sentence[: found.start()] + sentence[found.end() :]
                chinese = not other.isascii()
                units = _ideograph_pairs if chinese else _long_words
                others, mains, claims = units(other), units(main), units(claimed)
                proper = others - mains
                subject = mains - others - claims
                is_of_other = proper & claims and mains & claims and subject
                # Of which it says the opposite, that is what "unlike" means.
                if is_of_other and ("¬" in claimed) == ("¬" in main):
                    return True
    return False


def _long_words(text: str) -> set[str]:
    return {word for word in re.findall(r"[\w.&-]+", text.lower()) if word not in ("the", "a")}


def _ideograph_pairs(text: str) -> set[str]:
    return {one + two for one, two in itertools.pairwise(re.sub(r"[，。, ]", "", text))}


@once_per_text
def _spell_words(text: SentenceText) -> str:
    """Return the words of a text, and marks where its clauses end."""
    spelt = ""
    past = 0
    for before, token in zip([None, *text.tokens], text.tokens, strict=False):
        if token.clause != past:
            spelt += ". " if token.clause - past >= STRONG_BREAK else ", "
        elif spelt and not (before and before.kind == token.kind == "ideograph"):
            spelt += "" if "ideograph" in (token.kind, before.kind if before else "") else " "
        spelt += NEGATION if token.kind == "negation" else token.text or token.key
        past = token.clause
    return spelt


def date_is_of_other_verb(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a year is another verb's: opened in 1871, when it was only begun."""
    clauses = window.clauses
    for index, figure in claim.figure_places:
        if not _is_date(figure):
            continue
        before = (t for t in reversed(claim.tokens[:index]) if t.content)
        verb = next(before, None)
        if verb is None or verb.kind != "word" or verb.capital:
            continue
        own = [c for c in clauses if any(t.figure and figure.equals(t.figure) for t in c)]
        others = [
            c for c in clauses if c not in own and any(t.figure and _is_date(t.figure) for t in c)
        ]
        if (
            own
            and not any(t.key == verb.key for c in own for t in c)
            and any(t.key == verb.key for c in others for t in c)
            and all(_has_plain_word(c, claim.keys) for c in own)
        ):
            return True
    return False


def _is_date(figure: Quantity) -> bool:
    is_year = figure.kind == "number" and LEAST_YEAR <= figure.value <= MOST_YEAR
    return figure.kind == "date" or (is_year and not figure.dimension)


def _has_plain_word(clause: Sequence[Token], claimed: Sequence[str]) -> bool:
    """Return whether a clause has a verb of its own: a word that the claim lacks."""
    return any(
        t.kind == "word" and t.content and not t.capital and t.key not in claimed for t in clause
    )
