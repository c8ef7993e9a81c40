"""Embedding beside reading: chunks get their vectors while other pages are still on their way."""

import asyncio
from collections.abc import Sequence

from ingest.documents import Chunk
from ingest.errors import EmbedError
from ingest.foundation.tracing import span
from ingest.index.embed.base import Embedder
from ingest.index.store.base import ChunkStore

BATCH = 8
"""Chunks embedded at a time: what is done when time runs out is kept."""


class EmbeddingQueue:
    """Chunks that wait for their vector. One batch at a time, pages in turn.

    Nobody waits for the whole of it: words find the chunks all the same, and the retriever embeds
    the best of what is left (docs/decisions/0002-whole-pages.md). An encoder that fails ends it.
    """

    def __init__(self, *, embedder: Embedder, store: ChunkStore) -> None:
        self._embedder = embedder
        self._store = store
        self._turn = asyncio.Lock()
        self._over = False
        self._tasks: set[asyncio.Task[int]] = set()

    def add(self, chunks: Sequence[Chunk]) -> None:
        """Put chunks in line and return at once. After `close` they are left to the retriever."""
        if chunks and not self._over:
            self._tasks.add(asyncio.create_task(self.embed(chunks)))

    async def embed(self, chunks: Sequence[Chunk]) -> int:
        """Embed and store chunks, batch by batch. Returns how many have their vector now."""
        done = 0
        for start in range(0, len(chunks), BATCH):
            async with self._turn:
                if self._over or not await self._batch(chunks[start : start + BATCH]):
                    self._over = True
                    return done
            done += len(chunks[start : start + BATCH])
        return done

    async def _batch(self, chunks: Sequence[Chunk]) -> bool:
        try:
            with span("embed", chunks=len(chunks)):
                vectors = await self._embedder.embed_documents([chunk.text for chunk in chunks])
        except EmbedError:
            return False
        await self._store.add_vectors(chunks, vectors, space=self._embedder.space)
        return True

    async def finish(self, *, seconds: float) -> None:
        """Wait for what is in line, `seconds` at most; raise what the store raised."""
        if not self._tasks:
            return
        finished, _ = await asyncio.wait(self._tasks, timeout=seconds)
        for task in finished:
            task.result()

    async def close(self) -> None:
        """Drop what is still in line."""
        self._over = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
