"""What a claim has of two parallel clauses: one's subject with the other's predicate."""

import itertools
import re
from collections.abc import Sequence

from assistant.answer.verification.tokens import (
    JOINTS,
    STRONG_BREAK,
    SentenceText,
    Token,
    once_per_text,
)

_Run = tuple[list[Token], set[str]]
"""Tokens of a sentence or a clause, and their keys."""

PARALLEL_ZH = 0.2
"""Share of a Chinese clause's tokens that a parallel one has, too."""
_LOOSE = frozenset(
    re.findall(r"\w+", "the a an in on at of for by with from that as 的 在 于 有 了")
)
"""Words that clauses share by chance."""
_ADVERBIAL = frozenset(
    re.findall(
        r"\w+",
        "in on at by after before during since until from with then later soon also today now when"
        " if originally again often 在 于 从 后 又 也 还 当 如 每",
    )
)
"""What begins a clause that has its subject from the one before."""


def clauses_are_mixed(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether a claim says of one of two parallel clauses what the other says of its own.

    "Blue wires are live" of "Red wires are live, blue wires are neutral". Each clause is known by
    the first word that the other lacks: the claim has that of one clause, lacks that of the other,
    and yet says something that only the other says. A clause that begins with when or how it is
    ("and later moved") has its subject from the one before, so it is left alone.
    """
    splits = [_BY_SENTENCES, _BY_MARKS]
    if not (JOINTS.isdisjoint(claim.keys) and JOINTS.isdisjoint(window.keys)):
        splits.append(_BY_CLAUSES)  # else these are the same
    for split in splits:
        clauses = split(window)
        if len(clauses) < 2:
            continue
        parts = split(claim)
        for part, _ in parts:
            claimed = frozenset(token.key for token in part if token.content or token.figure)
            common = [claimed & keys for _, keys in clauses]
            if claimed in common:
                if len(parts) == 1:
                    return False  # it is one of the clauses
                continue
            # Most clauses of a long window have none of its words: only those that do are compared.
            touched = [at for at, keys in enumerate(common) if keys]
            if any(
                _mixes(claimed, clauses[a][0], clauses[b][0])
                for a, b in itertools.permutations(touched, 2)
                if not common[a] <= common[b] and not common[b] <= common[a]
            ):
                return True
    return False


def _mixes(claimed: frozenset[str], own: Sequence[Token], other: Sequence[Token]) -> bool:
    """Return whether `claimed` has the subject of one clause and the predicate of the other."""
    own_keys, other_keys = [t.key for t in own], [t.key for t in other]
    shared = set(own_keys) & set(other_keys)
    common = [t for t in other if t.key in shared - _LOOSE]
    # One ideograph in common is chance: 部 of 行政部 and 部门.
    is_parallel = len(common) > (common[0].kind == "ideograph") if common else False
    if common and common[0].kind == "ideograph":
        # 在夜间飞行的，应当开灯 is one statement in two clauses: 应当 alone makes none parallel.
        is_parallel = is_parallel and len(common) >= PARALLEL_ZH * len(other)
    # "If it flashes …; if it stays on …" are parallel for all that.
    begins = other_keys[0] in _ADVERBIAL and other_keys[0] != own_keys[0]
    if not is_parallel or begins or other_keys[0].endswith("ly"):
        return False
    mine = [
        t
        for t in own
        if _is_informative(t) and t.key not in shared and not _ends_name(t, own, shared)
    ]
    theirs = [t for t in other if _is_informative(t) and t.key not in shared]
    if not mine or not theirs or bool(mine[0].figure) != bool(theirs[0].figure):
        return False
    has_subject = mine[0].key in claimed and theirs[0].key not in claimed
    left_out = any(t.key not in claimed for t in mine)
    return has_subject and left_out and any(t.key in claimed for t in theirs)


def _ends_name(token: Token, clause: Sequence[Token], shared: set[str]) -> bool:
    """Return whether a word is the rest of a name that both have: United of Dunmore United."""
    before = next((one for one, two in itertools.pairwise(clause) if two is token), None)
    return token.capital and before is not None and before.capital and before.key in shared


def _is_informative(token: Token) -> bool:
    return token.content or token.figure is not None


def _split(tokens: Sequence[Token], least_break: int) -> list[_Run]:
    """Return the runs of tokens between marks that count as much, each with its keys."""
    runs: list[list[Token]] = [[*tokens[:1]]]
    clause = tokens[0].clause if tokens else 0
    for token in tokens[1:]:
        if token.clause - clause >= least_break:
            runs.append([])
        clause = token.clause
        if token.key not in JOINTS:
            runs[-1].append(token)
    return [(run, {token.key for token in run}) for run in runs if run]


_BY_SENTENCES = once_per_text(lambda text: _split(text.tokens, STRONG_BREAK))
_BY_MARKS = once_per_text(lambda text: _split(text.tokens, 1))
_BY_CLAUSES = once_per_text(
    lambda text: [(clause, {token.key for token in clause}) for clause in text.clauses]
)
