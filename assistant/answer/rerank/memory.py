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

    def preload(self) -> None:
        """Load nothing: it counts words."""

    async def rerank(self, question: str, chunks: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        """Return the chunks by the share of content words that they hold, 0 to 1."""
        wanted = set(content_words(question) or words(question))
        scored = [
            ScoredChunk(
                chunk=one.chunk,
                score=len(wanted.intersection(words(one.chunk.text))) / max(len(wanted), 1),
            )
            for one in chunks
        ]
        # Python's sort is stable: chunks with equal overlap keep the order of retrieval.
        return sorted(scored, key=lambda one: -one.score)

    async def close(self) -> None:
        """Hold nothing, release nothing."""
