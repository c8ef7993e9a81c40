"""The protocol of rerankers."""

from collections.abc import Sequence
from typing import Protocol

from ingest.documents import ScoredChunk


class Reranker(Protocol):
    """Orders what both legs of retrieval found by reading question and chunk together.

    A cross-encoder or a language model judges a pair better than two vectors do (Nogueira and Cho,
    "Passage Re-ranking with BERT", 2019), and costs a forward pass for each chunk.
    """

    @property
    def name(self) -> str:
        """The reranker's name in settings and notices."""
        ...

    def preload(self) -> None:
        """Load what it judges with, before the first question needs it. Blocks.

        Raises:
            RerankError: it cannot be loaded.
        """
        ...

    async def rerank(self, question: str, chunks: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        """Return the same chunks, each once, best first, with scores that fall.

        Raises:
            QiuzhengError: it cannot judge now; retrieval keeps its own order and says so.
        """
        ...

    async def close(self) -> None:
        """Release what it holds. May be called twice."""
        ...
