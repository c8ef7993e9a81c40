"""Evidence in another language than the question's, where words cannot be compared.

What vectors find across languages is shown and not judged: a code that both have is an answer's
place in any language, and else the passage that retrieval put first is the nearest there is.
"""

from collections.abc import Sequence, Set

from assistant.answer.evidence.answer_types import (
    MEASURES,
    STRICT_TYPES,
    answer_type_fit,
)
from assistant.answer.evidence.passage_reader import Unit
from assistant.answer.evidence.scoring import TermWeights
from assistant.answer.evidence.units import split_into_units
from assistant.values import Answerability, Passage
from ingest.foundation.messages import Language
from ingest.text.language import dominant_language, language_of
from ingest.text.words import content_words, words

MIN_CODE_CHARACTERS = 3
"""Characters of a word with digits that names something: "e1234", "wh-1000"."""

MIN_WORDS = 3
"""Words of a unit that says something alone."""

SIMILAR_ACROSS_FROM = 0.14
"""Similarity of the best unit up to which a passage in another language is about something else.
With the paragraph that answers found first, 1 of 108 questions of XQuAD across its languages lies
below; with its article away 29 of 72 in English and 35 of 71 in Chinese text."""
LEGIBLE_WORDS = 2
"""Words of a question in a line of its language that make a passage legible; one may be a name."""

FIGURES = 2
"""Times as many units where figures are asked for, among which no word tells the right one."""


def choose_across_languages(
    weights: TermWeights, passages: Sequence[Passage], *, most: int
) -> tuple[list[Unit], Answerability]:
    """Return at most `most` units of passages in another language, and what they are.

    Args:
        weights: The question.
        passages: In the order of retrieval.
        most: Units, twice as many of those that hold a figure asked for.
    """
    question, terms, types = weights.question, weights.shares.keys(), weights.types
    language = language_of(question)
    foreign = [one for one in passages if dominant_language(one.text) != language]
    codes = _codes(question, terms)
    named_blocks = [
        unit
        for passage in foreign
        for unit in split_into_units(passage)
        if codes and codes <= set(words(f"{unit.heading} {unit.text}"))
    ]
    if named_blocks:
        strict = bool(types) and types[0].name in STRICT_TYPES
        is_typed = any(answer_type_fit(unit, types, (), question) for unit in named_blocks)
        return named_blocks[:most], "nearest" if strict and not is_typed else "answerable"
    is_first = bool(foreign) and foreign[0] is passages[0]
    if not foreign or (codes and not is_first) or _is_judged(question, language, passages):
        return [], "nothing"
    best = foreign[0]
    shared = terms & set(words(f"{best.title} {best.heading} {best.text}"))
    # "Paid on 3 March 2024" says nothing to 2024年的诺贝尔文学奖得主是谁.
    by_words_alone = best.ranks.words is not None and best.ranks.vectors is None
    if by_words_alone and all(term.isdigit() for term in shared):
        return [], "nothing"
    units = [unit for unit in split_into_units(foreign[0]) if len(words(unit.text)) >= MIN_WORDS]
    # Figures read alike in all languages.
    if types and types[0].name in MEASURES:
        typed = [unit for unit in units if answer_type_fit(unit, types, (), question)]
        units, most = (typed, FIGURES * most) if typed else (units, most)
    spans = (unit.span for unit in units)
    compared = [weights.similarities[span] for span in spans if span in weights.similarities]
    if compared and max(compared) < SIMILAR_ACROSS_FROM:
        return [], "nothing"
    # In the order of the text where nothing compared them.
    units.sort(key=lambda unit: -weights.similarities.get(unit.span, 0.0))
    return units[:most], "nearest" if units else "nothing"


def _codes(question: str, terms: Set[str]) -> set[str]:
    """Return the words of a question that name the same thing in any language."""
    codes = set()
    for term in terms:
        digits = sum(character.isdigit() for character in term)
        is_code = digits >= MIN_CODE_CHARACTERS or (digits > 0 and not term.isdigit())
        # Any page may have a year.
        is_code = is_code and f"{term}年" not in question
        if is_code and term.isascii() and len(term) >= MIN_CODE_CHARACTERS:
            codes.add(term)
    return codes


def _is_judged(question: str, language: Language, passages: Sequence[Passage]) -> bool:
    """Return whether words found a passage in the question's language before all foreign ones.

    Behind such a one nothing is nearest; one that vectors alone found says nothing about others.
    """
    terms = set(content_words(question))
    for passage in passages:
        if dominant_language(passage.text) != language:
            return False
        if terms & set(words(f"{passage.title} {passage.heading} {passage.text}")):
            return True
    return True


def is_legible(passage: Passage, question: str, terms: Set[str]) -> bool:
    """Return False for a passage in another language that shares only Latin names.

    One in both languages is legible where a line in the question's shares two of its words.
    """
    language = language_of(question)
    if dominant_language(passage.text) == language:
        return True
    text = f"{passage.title} {passage.heading} {passage.text}"
    if not all(word.isascii() for word in terms & set(words(text))):
        return True
    return any(
        dominant_language(line) == language and len(terms & set(words(line))) >= LEGIBLE_WORDS
        for line in passage.text.splitlines()
    )
