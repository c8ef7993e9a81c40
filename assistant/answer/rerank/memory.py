"""A reranker without a model: the deterministic twin of real ones, for tests and demos."""

from collections.abc import Sequence

from ingest.documents import ScoredChunk
from ingest.text.words import content_words, words


class OverlapReranker:
    """Orders chunks by the share of the question's content words that they hold."""

    @property
    def name(self) -> str:
        """Return "overlap"."""
        return "overlap"

    async def rerank(self, question: str, chunks: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        """Return the chunks by the share of content words that they hold, 0 to 1."""
        wanted = set(content_words(question) or words(question))
        scored = [
            ScoredChunk(chunk=one.chunk, score=_overlap(wanted, one.chunk.text)) for one in chunks
        ]
        # Python's sort is stable: chunks with equal overlap keep the order of retrieval.
        return sorted(scored, key=lambda one: -one.score)

    async def close(self) -> None:
        """Hold nothing, release nothing."""


def _overlap(wanted: set[str], text: str) -> float:
    return len(wanted.intersection(words(text))) / len(wanted) if wanted else 0.0
