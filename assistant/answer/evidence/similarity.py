"""Semantic similarity of a question and the units of its passages, by the vectors of an encoder.

"How much water was in the cellar?" has no word of "The basement was flooded to 40 cm". Retrieval
finds the passage by its vector; here the sentences, rows and items in it are compared one by one.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from operator import mul

from assistant.answer.evidence.answerability import (
    SIMILARITY_ALONE_FROM,
    answer_fit,
    of_language,
)
from assistant.answer.evidence.other_language import is_legible
from assistant.answer.evidence.passage_reader import Span, Unit, columns_of
from assistant.answer.evidence.scoring import TermWeights, score_units
from assistant.answer.evidence.units import split_into_units
from assistant.values import Passage, UnitSimilarity
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR, Embedder, Vector
from ingest.index.embed.vectors import vector_fault
from ingest.text.language import dominant_language, language_of

MAX_COMPARED = 32
MAX_COMPARED_COLUMNS = 2_600
"""Units compared for one question, and columns of all their texts: up to 200 ms of one processor.
24 and 2,000 lose a hundredth of the answers in own documents, more gain none (bench/README.md)."""
MAX_CHARACTERS = 380
"""Characters of a unit that are compared: longer ones load a tokenizer of 131,000 pieces (.3 s)."""
ENOUGH_BY_WORDS = 0.5
FEW_COMPARED = 10
"""Units compared where words alone fit so well: there only the order of the first ones can change.
The evidence of seven sets is the same."""
FIRST_PASSAGE_TURNS = 10
"""Units of the first passage, among those that share no word with the question, that are compared
for one of each other passage: it is the right one nine times of ten. 4 lose .07 of the Chinese
answers in own documents."""


async def compare_units(
    question: str,
    passages: Sequence[Passage],
    *,
    embedder: Embedder,
    vector: Vector | None = None,
) -> tuple[UnitSimilarity, ...]:
    """Return the similarity of the units that are likeliest to be evidence, in no order.

    () where the encoder does not know the question's language, where it was not measured up to
    which cosine its texts are unrelated (its figures would mean nothing), and where what it
    returns are no vectors.

    Args:
        question: What they were found by.
        passages: Best first.
        embedder: Encodes what is compared.
        vector: The question's, None to encode it.

    Raises:
        EmbedError: the encoder cannot answer.
    """
    if embedder.language_coverage(question) < LANGUAGE_COVERAGE_FLOOR:
        return ()
    languages = {passage.number: dominant_language(passage.text) for passage in passages}
    floors, units = dict[Span, float](), list[Unit]()
    for unit in _candidates(question, passages):
        # A Chinese line on an English page has the cosines of Chinese texts, and a name in Latin
        # letters on a Chinese page those of its page: the higher floor is the right one.
        both = {languages[unit.passage], language_of(unit.text)}
        known = [embedder.noise_floor(question=language_of(question), text=one) for one in both]
        if min(known) > 0:
            floors[unit.span] = max(known)
            units.append(unit)
    # Each under what it stands under: "- 40 cm" alone says nothing.
    texts = (" ".join(filter(None, (one.heading, one.context, one.text))) for one in units)
    vectors = await embedder.embed_documents([text[:MAX_CHARACTERS] for text in texts])
    query = await embedder.embed_query(question) if vector is None else vector
    faults = (vector_fault(each, dimensions=len(query)) for each in (query, *vectors))
    if len(vectors) != len(units) or any(faults):
        return ()
    compared: dict[Span, UnitSimilarity] = {}
    for unit, own in zip(units, vectors, strict=True):
        passage, start, end = span = unit.span
        above = sum(map(mul, query, own)) - floors[span]
        similarity = min(1.0, max(0.0, above / (1 - floors[span])))
        one = UnitSimilarity(passage=passage, start=start, end=end, similarity=similarity)
        # A list of one item is a unit twice.
        compared[span] = max(one, compared.get(span, one), key=lambda each: each.similarity)
    return tuple(compared.values())


def similar_passages(question: str, compared: Sequence[UnitSimilarity]) -> set[int]:
    """Return the numbers of the passages that are related to a question without sharing a word."""
    least = of_language(SIMILARITY_ALONE_FROM, language_of(question))
    return {one.passage for one in compared if one.similarity >= least}


def _candidates(question: str, passages: Sequence[Passage]) -> list[Unit]:
    """Return the units to compare: the best by words, and the first of a passage they do not read.

    Units without a word of the question come last, in turn from each passage, most of the first.
    """
    weights = TermWeights.of(question)
    terms = weights.shares.keys()
    legible = [passage for passage in passages if is_legible(passage, question, terms)]
    scored = score_units(weights, legible, [split_into_units(passage) for passage in legible])
    ranked = [one.unit for one in scored if one.score > 0]
    seen: Counter[int] = Counter()
    turns: list[tuple[float, Unit]] = []
    for one in scored[len(ranked) :]:
        number = one.unit.passage
        step = 1 if passages[0].number == number else FIRST_PASSAGE_TURNS
        turns.append((seen[number] * step, one.unit))
        seen[number] += 1
    ranked += [unit for _, unit in sorted(turns, key=lambda turn: turn[0])]
    foreign = next((one for one in passages if one not in legible), None)
    others = split_into_units(foreign) if foreign is not None else ()
    # Only where it is the best passage can it be evidence that others do not come before.
    kept = min(len(others), MAX_COMPARED // 2) if foreign and foreign is passages[0] else 0
    suffices = bool(scored) and answer_fit(weights, legible, scored) >= ENOUGH_BY_WORDS
    chosen = ranked[: FEW_COMPARED if suffices else MAX_COMPARED - kept]
    if not suffices:
        chosen += others[: MAX_COMPARED - len(chosen)]
    columns = accumulate(columns_of(f"{unit.heading}{unit.context}{unit.text}") for unit in chosen)
    return [
        unit
        for at, (unit, total) in enumerate(zip(chosen, columns, strict=True))
        if at == 0 or total <= MAX_COMPARED_COLUMNS
    ]
