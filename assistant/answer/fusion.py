"""One ranking out of two legs: a convex combination of what words and vectors score.

Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023: it beats
reciprocal rank fusion, which forgets by how much a leg prefers its first. Ours, too: recall@1 in
Chinese .955 against .942, and .924 against .493 with an encoder that ranks Chinese near chance
(bench/README.md has all that was tried).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ingest.documents import Chunk, ScoredChunk
from ingest.foundation.messages import Language
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR, Embedder
from ingest.text.language import language_of
from ingest.text.words import words

VECTORS_SHARE = 0.55
"""Of the score, for an encoder whose weight for the pair of languages is 1. Flat from .45 to .6."""

CONSENT_DEPTH = 10
"""Legs agree when the first of one is so far up in the other: in Chinese and English they do for 96
of 100 questions with a good encoder, and for 20 to 40 with one that ranks near chance."""

DISSENT = 0.5
"""What is left of the share of vectors where the legs disagree. It costs a good encoder .002 of
recall@1 at most, and gives .08 back where the encoder is bad and nobody has said so."""

LAST = 0.02
"""Of a leg's last candidate: to be the worst of those that were found is not to be irrelevant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    """What the two legs found for one question, each best first."""

    language: Language
    """Of the question."""
    wanted: Collection[str]
    """The words by which a chunk is relevant."""
    by_words: Sequence[ScoredChunk]
    by_vector: Sequence[ScoredChunk]


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
        pair: dict[str, Language] = {"question": language, "text": language_of(text)}
        if (
            embedder.pair_weight(**pair) > 0
            and scored.score > embedder.noise_floor(**pair)
            and embedder.language_coverage(text) >= LANGUAGE_COVERAGE_FLOOR
        ):
            known.append(scored)
    return known


def fuse_legs(legs: Legs, *, weigh: Callable[[Language], float]) -> list[ScoredChunk]:
    """Return all candidates, best first, with scores from 0 to 1.

    1 is the score of a chunk that both legs put first, or the one leg that found anything.

    Args:
        legs: What was found.
        weigh: What the encoder's ranking of texts in a language is worth for this question.
    """
    chunks = {scored.chunk.id: scored.chunk for scored in [*legs.by_words, *legs.by_vector]}
    languages = {id_: language_of(chunk.text) for id_, chunk in chunks.items()}
    by_words = _rescaled(legs.by_words)
    for id_ in by_words:
        if languages[id_] != legs.language:
            # Names and numbers are all that two languages share, and the best of a few such hits
            # would have the full score: it has the share of the question that it holds.
            by_words[id_] *= _share_of(legs.wanted, chunks[id_])
    by_vector = _rescaled(legs.by_vector)
    share = VECTORS_SHARE
    if by_words and by_vector and not _agree(by_words, by_vector):
        first = next(iter(by_words))
        # Across languages words are expected to find something else.
        share *= DISSENT if languages[first] == legs.language else 1.0
    weights = {id_: share * weigh(languages[id_]) for id_ in by_vector}
    of_words = 1.0 - max(weights.values(), default=0.0)
    scores = {
        id_: of_words * by_words.get(id_, 0.0) + weights.get(id_, 0.0) * by_vector.get(id_, 0.0)
        for id_ in chunks
    }
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


def _agree(by_words: Mapping[str, float], by_vector: Mapping[str, float]) -> bool:
    """Return whether the first of one leg is among the first `CONSENT_DEPTH` of the other."""
    words_first, vectors_first = list(by_words), list(by_vector)
    return (
        words_first[0] in vectors_first[:CONSENT_DEPTH]
        or vectors_first[0] in words_first[:CONSENT_DEPTH]
    )


def _share_of(wanted: Collection[str], chunk: Chunk) -> float:
    """Return which share of the wanted words the chunk holds, 0 to 1."""
    held = set(words(f"{chunk.title} {chunk.heading} {chunk.text}"))
    return len(held.intersection(wanted)) / len(wanted) if wanted else 0.0
