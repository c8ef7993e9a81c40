"""English relations with their two sides: before, because, older than, more slowly."""

from collections.abc import Iterator, Sequence

from assistant.answer.verification.exchanges import PREPOSITIONS
from assistant.answer.verification.relations.sides import Relation, Side, keys_of
from assistant.answer.verification.synonyms import common_word
from assistant.answer.verification.tokens import NEGATION, Token

_SEQUENCE = frozenset(("before", "after", "because"))
_CAUSES = frozenset(("cause", "causes", "caused", "causing"))
_LEADS = frozenset(("lead", "leads", "led", "leading"))
_MORE, _LESS = frozenset(("more",)), frozenset(("less", "fewer"))
_LATER, _EARLIER = frozenset(("later",)), frozenset(("earlier", "sooner"))
_BASES = {"better": "good", "worse": "bad", "further": "far", "farther": "far"}
_NOT_COMPARED = frozenset(("rather", "other", "either", "neither", "whether", "number", "never"))
_BEFORE_COMPARATIVE = frozenset(
    ("a", "an", "no", "much", "far", "even", "is", "are", "was", "were")
)
_BREAKS = frozenset(("but", "while", "whereas", "although", "though"))
_MARKERS = _SEQUENCE | frozenset(("than", "more", "less", "fewer"))
COMPARED_BEFORE = 8
"""Tokens before "than" among which its comparative stands: "lower for drivers over 25 than"."""
MIN_ENGLISH = 5
"""Letters of a comparative in -er: older, bigger."""


def relations_en(tokens: Sequence[Token]) -> Iterator[Relation]:
    """Yield what an English sentence states; a clause without subject has that of the last."""
    if not any(_is_marker(token) for token in tokens):
        return
    pieces = _relation_clauses(tokens)
    last: tuple[Side, Side] | None = None
    for index in range(len(pieces)):
        for relation in (*_sequences(pieces, index), *_comparisons(pieces, index, last)):
            last = relation.sides
            yield relation


def _relation_clauses(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the clauses of a sentence; "and" ends one where both its sides state a relation."""
    pieces: list[list[Token]] = [[]]
    for index, token in enumerate(tokens):
        clause = pieces[-1][-1].clause if pieces[-1] else token.clause
        word = token.lower
        joins = word == "and" and all(
            any(_is_marker(t) and t.clause == token.clause for t in side)
            for side in (pieces[-1], tokens[index + 1 :])
        )
        if pieces[-1] and (token.clause != clause or word in _BREAKS or joins):
            pieces.append([])
        if word not in _BREAKS and not joins:
            pieces[-1].append(token)
    return [piece for piece in pieces if piece]


def _is_marker(token: Token) -> bool:
    word = token.lower
    return word in _MARKERS or word in _LEADS or word in _CAUSES


def _sequences(pieces: Sequence[Sequence[Token]], index: int) -> Iterator[Relation]:
    piece = pieces[index]
    for at, token in enumerate(piece):
        word = token.lower
        if word in _SEQUENCE:
            main, behind = keys_of(piece[:at]), keys_of(piece[at + 1 :])
            if not any(t.content and not t.figure for t in piece[:at]):
                # What it belongs to is the clause before, or the next of a sentence.
                main |= keys_of(pieces[index - 1] if index else [*pieces, (), ()][1])
            if main and behind:
                order = (main, behind) if word == "before" else (behind, main)
                yield Relation(*order, "", word, is_denied=_denies(piece))
        elif word in _CAUSES or (
            word in _LEADS and piece[at + 1 : at + 2] and piece[at + 1].key == "to"
        ):
            before, behind = keys_of(piece[:at]), keys_of(piece[at + 1 :])
            by = word in _CAUSES and any(t.key == "by" for t in piece[at + 1 : at + 2])
            if before and behind:
                first, second = (behind, before) if by else (before, behind)
                yield Relation(first, second, "", token.key, is_denied=_denies(piece))


def _comparisons(
    pieces: Sequence[Sequence[Token]], index: int, last: tuple[Side, Side] | None
) -> Iterator[Relation]:
    piece = pieces[index]
    than = next((i for i, t in enumerate(piece) if t.lower == "than"), None)
    end = len(piece) if than is None else than
    at = _comparative_at(piece, end, alone=than is None)
    if at is None or (than is not None and piece[than + 1 :] and piece[than + 1].figure):
        return
    word = piece[at].lower
    measure, is_more = _measure(piece, at, end)
    before = pieces[index - 1] if index else ()
    subject, other = _compared(piece, at, than, last or (keys_of(before), frozenset()))
    if not subject or not other:
        return
    sides, turned = (subject, other), (other, subject)
    denied = _denies(piece)
    if word in _LATER | _EARLIER:
        order = sides if word in _EARLIER else turned
        yield Relation(*order, "", word, is_denied=denied, sides=sides)
        return
    stated = measure if word in _MORE | _LESS else piece[at].key
    yield Relation(*(sides if is_more else turned), measure, stated, is_denied=denied, sides=sides)


def _compared(
    piece: Sequence[Token], at: int, than: int | None, last: tuple[Side, Side]
) -> tuple[Side, Side]:
    """Return what a clause compares with what; what it leaves out is as in the last comparison."""
    subject = keys_of(piece[:at])
    if than is None:
        # "… and warms up more slowly", "although b is heavier": than what was compared before.
        return last if not subject & (last[1] - last[0]) else last[::-1]
    if piece[at + 1 : than] and piece[at + 1].key in PREPOSITIONS:
        subject |= keys_of(piece[at + 1 : than])  # lower for drivers over 25 than
    if not any(token.content and not token.figure for token in piece[:at]):
        subject |= last[0]
    return subject, keys_of(piece[than + 1 :])


def _comparative_at(piece: Sequence[Token], end: int, *, alone: bool) -> int | None:
    """Return where "older" or "more" stands, directly before "than" or with a noun behind it."""
    places = range(end - 1, max(-1, end - 1 - (end if alone else COMPARED_BEFORE)), -1)
    words = [token.lower for token in piece]
    for place in places:
        if words[place] in _MORE | _LESS | _LATER | _EARLIER or words[place] in _BASES:
            return place
    for place in places:
        is_form = words[place].endswith("er") and len(words[place]) >= MIN_ENGLISH
        # "Than" tells a comparative from a noun: older than, a smaller fee than; water.
        is_comparative = place == (0 if alone else end - 1) or (
            place and words[place - 1] in _BEFORE_COMPARATIVE
        )
        if is_form and is_comparative and words[place] not in _NOT_COMPARED:
            return place
    return None


def _measure(piece: Sequence[Token], at: int, end: int) -> tuple[str, bool]:
    """Return what is compared, in its plain form, and whether the subject has more of it."""
    word = piece[at].lower
    if word in _MORE | _LESS:
        measured = (t.key for t in piece[at + 1 : end] if t.content)
        return next(measured, "much"), word in _MORE
    stem = word.removesuffix("er")
    if stem.endswith("i"):
        stem = stem[:-1] + "y"
    elif stem[-1:] == stem[-2:-1] and stem[-1] not in "ls":
        stem = stem[:-1]
    return _BASES.get(word) or common_word(stem), True


def _denies(tokens: Sequence[Token]) -> bool:
    return any(token.key == NEGATION for token in tokens)
