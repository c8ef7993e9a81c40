"""Chinese relations with their two sides: 先…后, 因为, 比, 高于."""

import itertools
import re
from collections.abc import Iterator, Sequence

from assistant.answer.verification.relations.sides import Relation, Side, keys_of, spell
from assistant.answer.verification.tokens import NEGATION, Token

_MEASURES = "大小高低多少长短快慢早晚重轻强弱好差贵厚薄宽窄深浅远近热冷"
_THAN = re.compile(
    rf"(?<![对同环相之占百])比(?![例赛如率重分较方])(?P<other>.{{1,16}}?)[更还要较]?(?P<measure>[{_MEASURES}])"
)
_THAN_ALONE = re.compile("(?<![对同环相之占百])比(?![例赛如率重分较方])")
_THAN_BEHIND = re.compile(rf"(?<![专擅所年])(?P<measure>[{_MEASURES}先])于(?=[^#])")
_IMPLIED = re.compile(rf"[更较](?P<measure>[{_MEASURES}])$")
_THEREUPON = re.compile(r"(?:可以?|须|应当|会|能|[都也再])随后")
_AFTER_AT = re.compile(r"在(?P<other>.{2,}?)(?:随后|以后|之后|后)(?P<verb>.{2,})")
_BEFORE_AT = re.compile(r"在(?P<other>.{2,}?)(?:以前|之前|前)(?P<verb>.{2,})")
_AFTER = re.compile(r"(?:[随以之]后|(?<![最今售落先背前#])后)(?![者台来果期半面续方天年门#三两几])")
_BEFORE = re.compile(
    r"(?:[以之]前|(?<![目提此当眼日先向空#])前)(?![者台来期半面方天年门往提#三两几述])"
)
_CAUSES = re.compile("导致|引发|造成|引起|致使")
_FROM_CAUSE = re.compile(r"由(?P<cause>.{2,})$")
_THEN = ("随后", "再", "才", "后")
_MARKS = frozenset("比于后前因导引造致先更较")
"""Ideographs one of which is in all that states a relation."""
LEAST_SIDE = 2
"""Ideographs of a clause that is earlier or later than another."""
_SEQUENTIAL = {"先": "早", "早": "早", "晚": "晚"}


def relations_zh(tokens: Sequence[Token]) -> Iterator[Relation]:
    """Yield the relations that a Chinese sentence states."""
    if _MARKS.isdisjoint([token.key for token in tokens]):
        return
    clauses = [list(run) for _, run in itertools.groupby(tokens, key=lambda t: t.clause)]
    spelt = [spell(clause) for clause in clauses]
    last: tuple[Side, Side] | None = None
    for index in range(len(clauses)):
        if _MARKS.isdisjoint(spelt[index]):
            continue
        before = clauses[index - 1] if index else ()
        compared = _compared(clauses[index], spelt[index], last or (keys_of(before), frozenset()))
        if compared:
            last = compared.sides
            if compared.word:
                yield compared
            continue
        yield from _sequences(clauses, spelt, index)


def _relation(
    first: Side, second: Side, measure: str, tokens: Sequence[Token], word: str
) -> Relation:
    denied = any(token.key == NEGATION for token in tokens)
    return Relation(first, second, measure, word, is_denied=denied)


def _compared(tokens: Sequence[Token], spelt: str, last: tuple[Side, Side]) -> Relation | None:
    """Return the comparison in a clause; its subject may be that of the clause before."""
    measure = ""
    if found := _THAN.search(spelt):
        before, (start, end), measure = found.start(), found.span("other"), found["measure"]
    elif found := _THAN_BEHIND.search(spelt):
        before, start, end, measure = found.start(), found.end(), len(tokens), found["measure"]
    elif found := _THAN_ALONE.search(spelt):
        before, start, end = found.start(), found.end(), len(tokens)
    elif all(last) and (found := _IMPLIED.search(spelt)):
        subject, other, measure = *last, found["measure"]
        return _of(subject, other, measure, tokens)
    else:
        return None
    subject, other = keys_of(tokens[:before]), keys_of(tokens[start:end])
    subject = subject or last[0]
    return _of(subject, other, measure, tokens) if subject and other else None


def _of(subject: Side, other: Side, measure: str, tokens: Sequence[Token]) -> Relation:
    denied = any(token.key == NEGATION for token in tokens)
    sides = (subject, other)
    if measure in _SEQUENTIAL:
        first, second = sides if _SEQUENTIAL[measure] == "早" else sides[::-1]
        return Relation(first, second, "", measure, is_denied=denied, sides=sides)
    return Relation(*sides, measure, measure, is_denied=denied, sides=sides)


def _sequences(
    clauses: Sequence[Sequence[Token]], spelt: Sequence[str], index: int
) -> Iterator[Relation]:
    tokens, text = clauses[index], spelt[index]
    behind = keys_of(clauses[index + 1]) if index + 1 < len(clauses) else frozenset()
    if found := _CAUSES.search(text):
        yield from _caused(tokens, text, found)
    elif text.startswith("因为") and behind:
        yield _relation(keys_of(tokens[2:]), behind, "", tokens, "因为")
    elif _THEREUPON.search(text):
        # 证明可以随后补交: after what the clause before says.
        if index:
            yield _relation(keys_of(clauses[index - 1]), keys_of(tokens), "", tokens, "后")
    elif found := _AFTER_AT.search(text) or _BEFORE_AT.search(text):
        yield from _placed(tokens, found)
    elif "先" in text and behind and spelt[index + 1].startswith(_THEN):
        yield _relation(keys_of(tokens) - {"先"}, behind - {*"随后再才"}, "", tokens, "先")
    elif (found := _AFTER.search(text) or _BEFORE.search(text)) and found.start() >= LEAST_SIDE:
        yield from _divided(tokens, found, behind)


def _caused(tokens: Sequence[Token], text: str, found: re.Match[str]) -> Iterator[Relation]:
    """Yield what leads to what: A导致B, B由A引起."""
    cause, effect = tokens[: found.start()], tokens[found.end() :]
    by = _FROM_CAUSE.search(text[: found.start()])
    if by and len(effect) < LEAST_SIDE:
        cause, effect = tokens[by.start("cause") : found.start()], tokens[: by.start()]
    first, second = keys_of(cause) - {"因"}, keys_of(effect)
    if first and second:
        yield _relation(first, second, "", tokens, found[0])


def _placed(tokens: Sequence[Token], found: re.Match[str]) -> Iterator[Relation]:
    """Yield what happens 在…后 or 在…前: the subject is before 在."""
    other = keys_of(tokens[slice(*found.span("other"))])
    main = keys_of([*tokens[: found.start()], *tokens[slice(*found.span("verb"))]])
    if other and main:
        first, second = (other, main) if found.re is _AFTER_AT else (main, other)
        yield _relation(first, second, "", tokens, "后" if found.re is _AFTER_AT else "前")


def _divided(tokens: Sequence[Token], found: re.Match[str], behind: Side) -> Iterator[Relation]:
    """Yield what is before and behind 后 or 前 in a clause; at its end the next clause counts."""
    one = keys_of(tokens[: found.start()])
    rest = tokens[found.end() :]
    other = keys_of(rest) if len(rest) >= LEAST_SIDE else behind
    if one and other:
        first, second = (one, other) if found.re is _AFTER else (other, one)
        yield _relation(first, second, "", tokens, "后" if found.re is _AFTER else "前")
