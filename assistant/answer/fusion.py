"""One ranking out of two legs: a convex combination of what words and vectors score.

Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023: it beats
reciprocal rank fusion, which forgets by how much a leg prefers its first. Here, too: recall@1 in
Chinese .950 against .942, in English .964 against .956, and with an encoder that ranks Chinese near
chance and that was not measured .930 against .688 (bench/README.md has all that was tried).
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from assistant.values import LegRanks, Passage
from ingest.documents import Chunk, ScoredChunk
from ingest.foundation.messages import Language
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR, Embedder
from ingest.index.regions import excerpt_bodies
from ingest.text.language import dominant_language
from ingest.text.words import words

VECTORS_SHARE = 0.45
"""Share of the score that vectors give, for an encoder whose weight for the languages is 1. From
.45 to .55 XQuAD is flat in English and falls by .01 in Chinese; Python's FAQ rises by .03."""

CONSENT_DEPTH = 10
"""Legs agree when the first of one is so far up in the other."""

DISSENT = 0.5
"""What is left of the share of vectors where the legs disagree and words are sure, for an encoder
that was not measured. It gives .07 of recall@1 back where such a one is bad; a good one would
lose .03 by it where questions and pages share few words (Python's FAQ)."""

MEASURED = 0.9
"""Weight from which on an encoder is known to be good for a pair of languages."""

SURE = 0.7
"""Share of the question's information that a page of the first three has when words are sure. In
XQuAD they are; "What is Debian?" put to Debian's FAQ is half in each of its pages, and there words
alone find .25 of the answers and vectors .46."""

FIRST = 3  # hits by words of which one must hold that share

LAST = 0.02
"""Score of a leg's last candidate: to be the worst of those that were found is not to be
irrelevant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    """What the two legs found for one question, each best first."""

    language: Language
    """Language of the question."""
    wanted: Collection[str]
    """The words by which a chunk is relevant."""
    by_words: Sequence[ScoredChunk]
    by_vector: Sequence[ScoredChunk]

    def ranks_of(self, passage: Passage) -> LegRanks:
        """Return where each leg had the best of the chunks that a passage was made of."""

        def best(leg: Sequence[ScoredChunk]) -> tuple[int | None, float | None]:
            for rank, one in enumerate(leg, start=1):
                # By text and not by place: the page may have been stored again since it was found.
                chunk = one.chunk
                if chunk.url == passage.url and any(
                    body in passage.text
                    for body in excerpt_bodies(chunk.text, chunk.end - chunk.start)
                ):
                    return rank, one.score
            return None, None

        by_words, bm25 = best(self.by_words)
        by_vector, cosine = best(self.by_vector)
        return LegRanks(words=by_words, vectors=by_vector, bm25=bm25, cosine=cosine)


def weight_of(embedder: Embedder | None, question: Language, text: Language) -> float:
    """Return what the encoder's ranking is worth for a question and texts of two languages."""
    return embedder.pair_weight(question=question, text=text) if embedder else 0.0


def known_hits(
    found: Sequence[ScoredChunk], *, embedder: Embedder, language: Language
) -> list[ScoredChunk]:
    """Return the hits of the vector leg that mean something, in their order.

    Left out are chunks in a language that the encoder does not know, or whose pair with the
    question's has no weight, and cosines that unrelated texts reach: six of them would be shown to
    the chat model for a question that no page answers.
    """
    known = []
    for scored in found:
        text = scored.chunk.text
        pair: dict[str, Language] = {"question": language, "text": dominant_language(text)}
        if (
            embedder.pair_weight(**pair) > 0
            and scored.score > embedder.noise_floor(**pair)
            and embedder.language_coverage(text) >= LANGUAGE_COVERAGE_FLOOR
        ):
            known.append(scored)
    return known


def doubtful_hits(
    found: Sequence[ScoredChunk], *, embedder: Embedder, language: Language
) -> list[ScoredChunk]:
    """Return the hits in the question's language that are as similar to it as unrelated texts are.

    [] of an encoder that was not measured: it has no such line.
    """
    floor = embedder.noise_floor(question=language, text=language)
    return [
        scored
        for scored in found
        if scored.score <= floor and dominant_language(scored.chunk.text) == language
    ]


def fuse_legs(legs: Legs, *, weigh: Callable[[Language], float]) -> list[ScoredChunk]:
    """Return all candidates, best first, with scores from 0 to 1.

    1 is the score of a chunk that both legs put first, or the one leg that found anything.

    Args:
        legs: What was found.
        weigh: What the encoder's ranking of texts in a language is worth for this question.
    """
    chunks = {scored.chunk.id: scored.chunk for scored in [*legs.by_words, *legs.by_vector]}
    languages = {id_: dominant_language(chunk.text) for id_, chunk in chunks.items()}
    weights = {one.chunk.id: weigh(languages[one.chunk.id]) for one in legs.by_vector}
    held_shares = _held_information(legs.wanted, chunks.values())
    by_words, by_vector = _rescaled(legs.by_words), _rescaled(legs.by_vector)
    weight = max(weights.values(), default=0.0)
    words_first, vectors_first = list(by_words), list(by_vector)
    best = max((held_shares[id_] for id_ in words_first[:FIRST]), default=0.0)
    # An encoder that was not measured gains nothing from what words lack.
    sure = 1.0 - weight * (1.0 - min(1.0, best / SURE))
    share = VECTORS_SHARE
    # Across languages words are expected to find something else.
    is_doubtful = weight < MEASURED and words_first and languages[words_first[0]] == legs.language
    # They agree where the first of one leg is among the first of the other.
    agree = not (words_first and vectors_first) or (
        words_first[0] in vectors_first[:CONSENT_DEPTH]
        or vectors_first[0] in words_first[:CONSENT_DEPTH]
    )
    if is_doubtful and not agree:
        share *= 1.0 - (1.0 - DISSENT) * sure
    scores = dict.fromkeys(chunks, 0.0)
    for id_, score in by_words.items():
        # Names and numbers are all that two languages share, and the best of a few such hits would
        # have the full score: it has the share of the question that it holds.
        certainty = sure if languages[id_] == legs.language else held_shares[id_]
        scores[id_] += (1.0 - share * weight) * score * certainty
    for id_, score in by_vector.items():
        scores[id_] += share * weights[id_] * score
    # Words first where both are worth the same: they can be seen and checked. Then ids: two runs
    # over the same index must show the same passages.
    ranked = sorted(chunks, key=lambda id_: (-scores[id_], -by_words.get(id_, 0.0), id_))
    return [ScoredChunk(chunk=chunks[id_], score=scores[id_]) for id_ in ranked]


def _rescaled(found: Sequence[ScoredChunk]) -> dict[str, float]:
    """Return id -> score from `LAST` to 1 (the first), in order; all 1 if all are equal.

    Min-max over the candidates of one question: BM25 has no upper end, and all cosines of some
    models lie between .7 and .9.
    """
    if not found:
        return {}
    scores = [scored.score for scored in found]
    lowest, highest = min(scores), max(scores)
    span = highest - lowest
    if span <= 0:
        return {scored.chunk.id: 1.0 for scored in found}
    return {
        scored.chunk.id: LAST + (1.0 - LAST) * (scored.score - lowest) / span for scored in found
    }


def _held_information(wanted: Collection[str], chunks: Collection[Chunk]) -> dict[str, float]:
    """Return id -> share of the wanted words that the chunk holds, 0 to 1, weighed by their idf.

    Counted among the candidates, not in the index: a word that all of them hold tells none of them
    apart, however rare it is elsewhere.
    """
    held = {chunk.id: set(words(f"{chunk.title} {chunk.heading} {chunk.text}")) for chunk in chunks}
    counts = Counter(word for of_chunk in held.values() for word in of_chunk.intersection(wanted))
    idf = {
        word: math.log(1 + (len(held) - counts[word] + 0.5) / (counts[word] + 0.5))
        for word in wanted
    }
    total = math.fsum(idf.values()) or 1.0
    return {
        id_: math.fsum(idf[word] for word in of_chunk.intersection(wanted)) / total
        for id_, of_chunk in held.items()
    }
