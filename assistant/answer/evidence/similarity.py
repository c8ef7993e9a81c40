"""How near the units of passages are to a question in meaning: what no common word tells.

"How much water was in the cellar?" has no word of "The basement was flooded to 40 cm", and is near
it for an encoder. Passages are found by vectors already; here the sentences, rows and items that
may be shown are compared one by one.
"""

from collections.abc import Sequence
from operator import mul

from assistant.answer.evidence.other_language import is_legible
from assistant.answer.evidence.passage_reader import Span, Unit, columns_of
from assistant.answer.evidence.scoring import TermWeights, score_units
from assistant.answer.evidence.units import split_into_units
from assistant.values import Passage, UnitSimilarity
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR, Embedder
from ingest.text.language import language_of

MAX_COMPARED = 24
MAX_COMPARED_COLUMNS = 2_000
"""Units whose vectors are made for one question, the best by words, of which there are always some,
and their text together: about 80 ms of one processor. Without the second bound the same evidence is
chosen, at 1,500 columns a hundredth less of it (bench/README.md)."""
MAX_COMPARED_FOREIGN = 12
"""Units of the first passage in another language, whose words cannot be compared."""


async def compare_units(
    question: str, passages: Sequence[Passage], *, embedder: Embedder
) -> tuple[UnitSimilarity, ...]:
    """Return how near the units of the passages are that may be evidence, in no order.

    () where the encoder does not know the question's language, or where it was not measured up to
    which cosine its texts are unrelated: its figures would mean nothing.

    Raises:
        EmbedError: the encoder cannot answer.
    """
    if embedder.language_coverage(question) < LANGUAGE_COVERAGE_FLOOR:
        return ()
    language = language_of(question)
    floors = {
        passage.number: embedder.noise_floor(question=language, text=language_of(passage.text))
        for passage in passages
    }
    units = [unit for unit in _candidates(question, passages) if floors[unit.passage] > 0]
    if not units:
        return ()
    # Each under what it stands under: "- 40 cm" alone says nothing.
    texts = [" ".join(filter(None, (one.heading, one.context, one.text))) for one in units]
    vectors = await embedder.embed_documents(texts)
    query = await embedder.embed_query(question)
    compared: dict[Span, UnitSimilarity] = {}
    for unit, vector in zip(units, vectors, strict=True):
        passage, start, end = unit.span
        cosine = sum(map(mul, query, vector))
        floor = floors[passage]
        similarity = min(1.0, max(0.0, (cosine - floor) / (1 - floor)))
        # A list of one item is a unit twice.
        if unit.span not in compared or compared[unit.span].similarity < similarity:
            compared[unit.span] = UnitSimilarity(
                passage=passage, start=start, end=end, similarity=similarity
            )
    return tuple(compared.values())


def _candidates(question: str, passages: Sequence[Passage]) -> list[Unit]:
    """Return the units to compare: the best by words, and the first of a passage they do not read.

    Where no word is common the order is that of the passages, which vectors found.
    """
    weights = TermWeights.of(question)
    terms = weights.shares.keys()
    legible = [passage for passage in passages if is_legible(passage, question, terms)]
    scored = score_units(weights, legible, [split_into_units(passage) for passage in legible])
    chosen: list[Unit] = []
    columns = 0
    for one in scored[:MAX_COMPARED]:
        columns += columns_of(f"{one.unit.heading}{one.unit.context}{one.unit.text}")
        if chosen and columns > MAX_COMPARED_COLUMNS:
            break
        chosen.append(one.unit)
    foreign = next((one for one in passages if one not in legible), None)
    if foreign is not None:
        chosen += split_into_units(foreign)[:MAX_COMPARED_FOREIGN]
    return chosen
