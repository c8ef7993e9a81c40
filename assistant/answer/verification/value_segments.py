"""Tells what each of several values is said of: 5 mg for adults, 2 mg for children."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from assistant.answer.verification.numbers.quantities import Quantity
from assistant.answer.verification.numbers.units import is_same_dimension
from assistant.answer.verification.tokens import SentenceText, Token, once_per_text

_SEPARATORS = frozenset(("and", "but", "while", "whereas", "or", "和", "而"))

_RANGES = frozenset(("and", "to", "or", "至", "到", "和"))

_WHICH = frozenset(("which", "what", "哪"))
_COUNTERS = frozenset("种个些款类位家座条只")
HEAD = 2
"""Content words of a segment that may be its subject."""
MAX_PROPER_WORDS = 3
"""Words, or ideographs, that tell one of a kind from the others in a reply."""


@dataclass(slots=True)
class ValueSegment:
    """A value of a sentence with the words around it that belong to no other value."""

    sentence: int
    before: frozenset[str] = frozenset()
    """Content words in front of its (first) value."""
    behind: list[str] = field(default_factory=list)
    """Content words behind it, in order."""
    figures: list[Quantity] = field(default_factory=list)
    head: frozenset[str] = frozenset()
    """The first of its content words: what it is about."""

    @property
    def keys(self) -> frozenset[str]:
        """Return all its content words."""
        return self.before | frozenset(self.behind)


Holds = Callable[[ValueSegment], bool]


def segments_of(
    sentences: Sequence[Sequence[Token]], has_value: Callable[[Token], bool]
) -> list[ValueSegment]:
    """Return the segments of sentences, given as their tokens, that have a value."""
    found: list[ValueSegment] = []
    waiting: list[Token] = []
    for number, sentence in enumerate(sentences):
        has_own_value = False
        for piece in _pieces(sentence):
            if any(map(has_value, piece)):
                own_tokens = [*waiting, *piece]
                at = next(index for index, token in enumerate(own_tokens) if has_value(token))
                before, behind = (
                    [t.key for t in side if t.content and not (t.figure and has_value(t))]
                    for side in (own_tokens[:at], own_tokens[at:])
                )
                segment = ValueSegment(
                    sentence=number,
                    before=frozenset(before),
                    behind=behind,
                    figures=[t.figure for t in own_tokens if t.figure],
                    head=frozenset(before[:HEAD]),
                )
                found.append(segment)
                waiting, has_own_value = [], True
            else:
                waiting += piece
        # What follows the last value of a sentence is said of it, not of the next sentence's.
        if has_own_value:
            found[-1].behind += [token.key for token in waiting if token.content]
            waiting = []
    return found


def _pieces(tokens: Iterable[Token]) -> list[list[Token]]:
    pieces: list[list[Token]] = [[]]
    clause = 0
    for token in tokens:
        if token.clause != clause or token.key in _SEPARATORS:
            pieces.append([])
            clause = token.clause
        pieces[-1].append(token)
    return [piece for piece in pieces if piece]


def is_said_of_another(
    words: frozenset[str],
    segments: Sequence[ValueSegment],
    own: Holds,
    other: Holds,
    *,
    apart: bool,
) -> bool:
    """Return whether the words go with another value than the one that they are said with.

    `own` tells the segments that hold the value, `other` those with another of its kind. True where
    each of the first is beaten by one of the second, in its sentence or, if `apart`, beside it.
    """
    holding = [segment for segment in segments if own(segment)]
    others = [segment for segment in segments if other(segment) and not own(segment)]
    return bool(holding) and all(
        any(_beats(b, a, words, apart=apart) for b in others) for a in holding
    )


def _beats(other: ValueSegment, own: ValueSegment, words: frozenset[str], *, apart: bool) -> bool:
    there = (words & other.keys) - own.keys
    mine = own.keys - other.keys
    claimed = mine & words
    if not there or not mine - words:
        return False
    if other.sentence != own.sentence:
        # Beside each other, or what is said of the second value belongs to another matter.
        if not apart or abs(other.sentence - own.sentence) > 1:
            return False
        if len(words & other.keys) < len(words & own.keys):
            return False
        if not own.keys & other.keys and (words & own.keys or len(there) < HEAD):
            return False
        subjects = there & other.head and (own.head - other.head) - words
        return len(there) > len(claimed) or bool(subjects and not claimed & own.head)
    # What the first of two says once, the second leaves out: its beginning, and what is counted.
    return not claimed - own.before - frozenset(own.behind[:1])


def figure_is_of_another(
    words: frozenset[str], figure: Quantity, segments: Sequence[ValueSegment]
) -> bool:
    """Return whether the words are said of another figure of the same kind."""

    def competes(segment: ValueSegment) -> bool:
        return any(
            g.kind == figure.kind
            and not g.weak
            and bool(g.dimension) == bool(figure.dimension)
            and is_same_dimension(figure.dimension, g.dimension)
            for g in segment.figures
        )

    return is_said_of_another(
        words,
        segments,
        lambda s: any(figure.equals(g) for g in s.figures),
        competes,
        # Years and bare numbers are of everything; degrees and euros are of one kind.
        apart=bool(figure.dimension) or figure.kind == "time",
    )


def figures_are_of_others(claim: SentenceText, window: SentenceText) -> bool:
    """Return whether what a claim says of a measure, its window says of another one."""
    if not claim.figures or len(window.figures) < 2:
        return False
    tokens = claim.tokens
    measures: list[Quantity] = []
    for at, figure in claim.figure_places:
        if figure.weak:
            continue
        is_measure = bool(figure.dimension) or figure.kind == "time"
        # The end of a range is said with its beginning: "between 2 and 8 °C".
        is_end = at > 1 and tokens[at - 2].figure is not None and tokens[at - 1].key in _RANGES
        if is_measure and not is_end:
            measures.append(figure)
    if not measures:
        return False
    claimed = _content(claim)
    segments = _segments_of_figures(window)
    own = _segments_of_figures(claim) if len(measures) > 1 else []
    return any(
        # What the claim says of another of its figures is none of this one's words.
        figure_is_of_another(
            claimed.difference(
                *(one.keys for one in own if not any(figure.equals(other) for other in one.figures))
            ),
            figure,
            segments,
        )
        for figure in measures
    )


@once_per_text
def _segments_of_figures(text: SentenceText) -> list[ValueSegment]:
    return segments_of([text.tokens], _has_figure)


def _has_figure(token: Token) -> bool:
    return token.figure is not None


def reply_is_of_another(
    question: SentenceText, reply: SentenceText, sentences: Sequence[SentenceText]
) -> bool:
    """Return whether what a question asks for is another value than the few words of a reply."""
    wanted = _content(question)
    figures = [figure for figure in reply.figures if not figure.weak]
    content = _content(reply)
    if figures:
        # Bare numbers and years are of everything, and more words tell what the figure is of.
        figure = figures[0]
        if len(figures) > 1 or content or not (figure.dimension or figure.kind == "time"):
            return False
        segments = segments_of([one.tokens for one in sentences], _has_figure)
        return figure_is_of_another(wanted, figure, segments)
    kind = content & kind_asked(question)
    proper = content - wanted
    if not kind or not 0 < len(proper) <= MAX_PROPER_WORDS:
        return False
    # "Which tea …?" "Green tea": every clause about a tea is one of a value.
    segments = segments_of([one.tokens for one in sentences], lambda token: token.key in kind)
    return is_said_of_another(
        wanted.union(figure.key() for figure in question.figures) - kind,
        segments,
        lambda s: proper <= s.keys,
        lambda s: not proper & s.keys,
        apart=True,
    )


def kind_asked(question: SentenceText) -> frozenset[str]:
    """Return the words behind "which" of which a reply names one: which tea, 哪种茶."""
    keys = question.keys
    at = next((i for i, key in enumerate(keys) if key in _WHICH), None)
    if at is None:
        return frozenset()
    place = at + 1
    while place < len(keys) and keys[place] in _COUNTERS:
        place += 1
    behind = question.tokens[place : place + 2]
    if behind and behind[0].kind == "word":
        behind = behind[:1]
    return frozenset(t.key for t in behind if t.content)


def _content(text: SentenceText) -> frozenset[str]:
    return frozenset(t.key for t in text.tokens if t.content and t.kind in ("word", "ideograph"))
