"""Embedding several texts at once, where one that cannot be embedded costs itself alone.

A server refuses a whole request for one text of it, and seldom says which: the request is halved
until the text stands alone. One bad text among n costs 2 log2 n requests more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.errors import EmbedError
from ingest.foundation.messages import Message
from ingest.index.embed.base import Embedder, Vector
from ingest.index.embed.vectors import vector_fault

PROBE = "Water boils at 100 degrees. 水在一百度沸腾。"
"""A text that every model can embed: whoever fails here fails for all."""


@dataclass(slots=True, kw_only=True)
class EmbeddingResult:
    """What became of each text."""

    vectors: list[Vector | None]
    """In the order of the texts; None where there is none."""
    failures: dict[int, EmbedError] = field(default_factory=dict)
    """Why a text has no vector although others have, by its place."""
    ended_by: EmbedError | None = None
    """What the rest was not tried for: the server is away, busy, or fails for every text."""


async def embed_each(embedder: Embedder, texts: Sequence[str]) -> EmbeddingResult:
    """Return the vector of each text that can be embedded, and why the others have none.

    Never raises `EmbedError`.
    """
    result = EmbeddingResult(vectors=[None] * len(texts))
    try:
        await _Bisection(embedder, texts, result).embed(0, len(texts))
    except EmbedError as error:
        result.ended_by = error
    return result


class _Bisection:
    """One run over the texts of one call."""

    def __init__(self, embedder: Embedder, texts: Sequence[str], result: EmbeddingResult) -> None:
        self._embedder = embedder
        self._texts = texts
        self._result = result
        self._is_alive = False

    async def embed(self, start: int, end: int) -> None:
        """Embed the texts from `start` to before `end`, in halves where that fails.

        Raises:
            EmbedError: the embedder fails for every text.
        """
        try:
            made = await self._embedder.embed_documents(self._texts[start:end])
        except EmbedError as error:
            if not error.is_of_text:
                raise
            # A server that answers NaN to everything would be asked twice for each text of a book
            # before anybody learns that none can be embedded.
            if not self._is_alive:
                try:
                    await self._embedder.embed_documents([PROBE])
                except EmbedError:
                    raise error from None
                self._is_alive = True
            if end - start == 1:
                self._result.failures[start] = error
                return
            middle = (start + end) // 2
            await self.embed(start, middle)
            await self.embed(middle, end)
            return
        for place, vector in enumerate(made, start):
            if fault := vector_fault(vector):
                self._result.failures[place] = EmbedError(
                    Message("the embedding model returned {fault}", fault=fault), is_of_text=True
                )
            else:
                self._result.vectors[place] = vector
