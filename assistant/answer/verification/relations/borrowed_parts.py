"""What a claim has from another statement of the passage: one's role with another's name.

All its words are in the passage, and most in one sentence, so that nothing is missing.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

from assistant.answer.verification.exchanges import PREPOSITIONS
from assistant.answer.verification.relations.sides import (
    keys_of,
    keys_of_clauses,
    spell,
    spell_clauses,
)
from assistant.answer.verification.synonyms import common_word
from assistant.answer.verification.tokens import (
    NEGATION,
    STRONG_BREAK,
    SentenceText,
    Token,
)

_ARTICLES = frozenset(("the", "a", "an"))
_COPULAS = frozenset(("is", "was", "are", "were"))
_COPULA_ZH = re.compile(r"^(?P<left>[^¬]{2,}?)[是为叫](?P<right>[^¬]{2,})$")
_COPULAS_ZH = frozenset("是为叫")
_PRONOUNS = frozenset(
    [
        "it",
        "its",
        "they",
        "them",
        "their",
        "this",
        "these",
        "both",
        "he",
        "his",
        "him",
        "she",
        "her",
    ]
)
_ONLY = common_word("only")
SUBJECT_TOKENS = 2
"""First tokens of a claim, which name what it speaks of: that may be told from elsewhere."""
LONGEST_SUBJECT = 5
"""Tokens of a claim's beginning among which its "is" stands."""
LONGEST_ELLIPSIS = 6
"""Tokens of a clause that only denies of one thing what was said of another."""


def name_is_of_other_role(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a claim gives one's role to a name that has another in the window.

    "The CEO is Blom" of "The CEO is de Wit; Blom is the CFO": the name's clause has none of the
    claim's other words and says something of its own, and the one that has them has another name.
    """
    names = frozenset(_names_beside_copula(claim.tokens))
    if not names or len(claim.clauses) > 1:
        return False
    claimed = keys_of(claim.tokens)
    of_name: set[str] = set()
    others: list[Sequence[Token]] = []
    for clause, keys in zip(window.clauses, keys_of_clauses(window), strict=True):
        if names & keys:
            of_name |= keys
        else:
            others.append(clause)
    named = names & of_name
    if not named or (claimed - named) & of_name:
        return False
    says_more = any(
        t.content
        and (not t.capital or t.text.isupper())
        and t.key in of_name
        and t.key not in claimed
        for t in window.tokens
    )
    return says_more and any(
        claimed & keys_of(clause) and any(t.is_name and t.key not in claimed for t in clause)
        for clause in others
    )


def _names_beside_copula(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the words of names before or behind "is": the CEO is Erik Blom."""
    for at, token in enumerate(tokens):
        if token.key not in _COPULAS:
            continue
        behind = [*itertools.takewhile(lambda t: t.capital, tokens[at + 1 :])]
        if at + 1 + len(behind) == len(tokens):
            yield from (t.key for t in behind)
        elif tokens[at + 1].key in _ARTICLES:
            yield from (t.key for t in itertools.takewhile(lambda t: t.capital, tokens[:at]))


def side_is_of_other_copula_zh(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a Chinese claim has the left of one "A是B" and the right of another."""
    if len(claim.clauses) > 1 or _COPULAS_ZH.isdisjoint(claim.keys):
        return False
    if not (own := _COPULA_ZH.match(spell(claim.tokens))):
        return False
    pairs = [found for one in spell_clauses(window) if (found := _COPULA_ZH.match(one))]
    of_left = [one for one in pairs if own["left"].endswith(one["left"])]
    return any(
        one["right"] == own["right"] and not own["left"].endswith(one["left"]) and of_left
        for one in pairs
    ) and not any(one["right"] == own["right"] for one in of_left)


def only_is_added(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a claim begins with "only" and nothing in its window says so."""
    first = claim.tokens[0]
    if first.kind == "ideograph":
        begins = spell(claim.tokens).startswith(("只有", "仅有", "唯有"))
        return begins and not any(t.key in "只仅唯独" for t in window.tokens)
    return first.key == _ONLY and _ONLY not in window.keys


def denial_is_left_out(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a claim says of one thing what its window denies of it in short.

    "A restore can be made" of "A backup can be made, but a restore cannot".
    """
    if NEGATION in claim.keys or NEGATION not in window.keys:
        return False
    claimed = keys_of(claim.tokens)
    for before, clause in itertools.pairwise(window.clauses):
        if clause[-1].key != NEGATION or len(clause) > LONGEST_ELLIPSIS:
            continue
        denied = keys_of(clause)
        main = keys_of(before)
        if denied and denied <= claimed and not denied & main and main & claimed:
            return True
    return False


def argument_is_of_elsewhere(
    claim: SentenceText, window: SentenceText, passage: frozenset[str]
) -> bool:
    """Return whether a noun of another sentence stands in the place of one of the window.

    "The key is on the fridge" of "Key: under the flowerpot", where the fridge is spoken of, too.
    """
    own, held = frozenset(claim.keys), frozenset(window.keys)
    if not any(
        token.key in passage and token.key not in held
        for token in _arguments(claim.tokens[SUBJECT_TOKENS - 1 :])
    ):
        return False
    # What is behind the words that both have: what is before speaks of something else.
    shared = [
        len({t.key for t in clause if t.content and t.key in own}) for clause in window.clauses
    ]
    if not any(shared):
        return False
    first = window.clauses[shared.index(max(shared))][0]
    behind = [
        t
        for t in window.tokens
        if t.clause >= first.clause and t.clause - first.clause < STRONG_BREAK
    ]
    if any(t.key in _PRONOUNS for t in behind):
        return False  # for which the claim may have what they stand for
    return any(token.key not in own for token in _arguments(behind))


def subject_is_of_elsewhere(
    claim: SentenceText, window: SentenceText, passage: frozenset[str]
) -> bool:
    """Return whether a claim says of what another sentence speaks of what this one says.

    "The boiler switch is under the pot" of "Spare key: under the pot. Boiler switch: …".
    """
    at = next((i for i, t in enumerate(claim.tokens[:LONGEST_SUBJECT]) if t.key in _COPULAS), 0)
    subject = {t.key for t in claim.tokens[:at] if t.content and t.kind == "word"}
    if not subject or not subject <= passage - frozenset(window.keys):
        return False
    first = [t for t in window.tokens if t.content][:SUBJECT_TOKENS]
    return (
        len(first) == SUBJECT_TOKENS
        and all(t.kind == "word" and t.key not in claim.keys for t in first)
        and not any(t.key in _PRONOUNS for t in window.tokens)
    )


def _arguments(tokens: Sequence[Token]) -> list[Token]:
    """Return the plain words behind articles and prepositions."""
    return [
        token
        for before, token in itertools.pairwise(tokens)
        if before.kind == token.kind == "word"
        and token.content
        and not token.capital
        and (before.key in _ARTICLES or before.key in PREPOSITIONS)
    ]
