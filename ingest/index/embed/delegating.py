"""An encoder that stands before another one."""

from collections.abc import Sequence

from ingest.foundation.messages import Language
from ingest.index.embed.base import Embedder, Vector


class DelegatingEmbedder:
    """An `Embedder` that asks the one in `_embedder`; a subclass says what differs.

    Args:
        embedder: The one that is asked.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def space(self) -> str:
        """The space of the encoder that is asked."""
        return self._embedder.space

    def language_coverage(self, text: str) -> float:
        """Return how well that encoder knows the language of `text`."""
        return self._embedder.language_coverage(text)

    def pair_weight(self, *, question: Language, text: Language) -> float:
        """Return what that encoder's ranking is worth for two languages."""
        return self._embedder.pair_weight(question=question, text=text)

    def noise_floor(self, *, question: Language, text: Language) -> float:
        """Return up to which cosine that encoder's ranking says nothing for two languages."""
        return self._embedder.noise_floor(question=question, text=text)

    def preload(self, *, documents: bool = True) -> None:
        """Load that encoder."""
        self._embedder.preload(documents=documents)

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return its vectors of `texts`, or raise `EmbedError`."""
        return await self._embedder.embed_documents(texts)

    async def embed_query(self, text: str) -> Vector:
        """Return its vector of a question, or raise `EmbedError`."""
        return await self._embedder.embed_query(text)

    async def close(self) -> None:
        """Close that encoder."""
        await self._embedder.close()
