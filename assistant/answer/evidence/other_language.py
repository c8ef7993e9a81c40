"""Evidence in another language than the question's, where words cannot be compared.

What vectors find across languages is shown and not judged: a code that both have is an answer's
place in any language, and else the passage that retrieval put first is the nearest there is.
"""

from collections.abc import Sequence, Set

from assistant.answer.evidence.passage_reader import Unit
from assistant.answer.evidence.units import split_into_units
from assistant.values import Answerability, Passage
from ingest.foundation.messages import Language
from ingest.text.language import language_of
from ingest.text.words import words

SHORTEST_CODE = 3
"""Characters of a word with digits that names something: "e1234", "2001"; years are such words."""

LEAST_WORDS = 3
"""Of a unit that says something alone."""


def choose_across_languages(
    terms: frozenset[str], language: Language, passages: Sequence[Passage], *, most: int
) -> tuple[list[Unit], Answerability]:
    """Return at most `most` units of passages in another language, and what they are.

    Args:
        terms: The words of the question.
        language: Of the question.
        passages: In the order of retrieval.
        most: Units.
    """
    foreign = [one for one in passages if language_of(one.text) != language]
    codes = set()
    for term in terms:
        digits = sum(character.isdigit() for character in term)
        is_code = digits >= SHORTEST_CODE or (digits > 0 and not term.isdigit())
        if is_code and term.isascii() and len(term) >= SHORTEST_CODE:
            codes.add(term)
    named = [
        unit
        for passage in foreign
        for unit in split_into_units(passage)
        if codes and codes <= set(words(f"{unit.heading} {unit.text}"))
    ]
    if named:
        return named[:most], "answerable"
    # Behind a passage in the question's own language, which words have judged, nothing is nearest.
    if not foreign or foreign[0] is not passages[0]:
        return [], "nothing"
    units = [unit for unit in split_into_units(foreign[0]) if len(words(unit.text)) >= LEAST_WORDS]
    return units[:most], "nearest" if units else "nothing"


def is_legible(passage: Passage, question: str, terms: Set[str]) -> bool:
    """Return False for a passage in another language that shares only Latin names."""
    text = f"{passage.title} {passage.heading} {passage.text}"
    if language_of(passage.text) == language_of(question):
        return True
    return not all(word.isascii() for word in terms & set(words(text)))
