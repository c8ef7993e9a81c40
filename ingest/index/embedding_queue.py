"""Embedding beside reading: chunks get their vectors while other pages are still read."""

import asyncio
from collections.abc import Sequence

from ingest.documents import Chunk
from ingest.index.chunk_embedding import EmbeddedChunks, embed_chunks
from ingest.index.embed.base import Embedder
from ingest.index.store.base import ChunkStore

BATCH = 8
"""Chunks embedded in one call. Small: what is done when time runs out is kept."""


class EmbeddingQueue:
    """Chunks that wait for their vector. One batch is embedded at a time.

    No caller waits for the whole queue: words find the chunks without vectors, and the retriever
    embeds the best of them (docs/decisions/0002-whole-pages.md). A text that cannot be embedded
    costs itself alone, also where pages share the queue; an embedder that fails for all ends it.
    """

    def __init__(self, *, embedder: Embedder, store: ChunkStore) -> None:
        self._embedder = embedder
        self._store = store
        # One batch at a time: an embedder uses all cores. Pages take turns at the lock, so that no
        # long page keeps a short one waiting.
        self._lock = asyncio.Lock()
        self._closed = False
        self._tasks: set[asyncio.Task[EmbeddedChunks]] = set()

    def add(self, chunks: Sequence[Chunk]) -> None:
        """Queue chunks and return at once. After `close` they are left to the retriever."""
        if chunks and not self._closed:
            self._tasks.add(asyncio.create_task(self.embed(chunks)))

    async def embed(self, chunks: Sequence[Chunk], *, batch_size: int = BATCH) -> EmbeddedChunks:
        """Embed and store chunks, `batch_size` in a call, and return what became of them.

        Raises:
            StoreError: the index cannot be written.
        """
        done = EmbeddedChunks()
        for start in range(0, len(chunks), batch_size):
            batch = chunks[start : start + batch_size]
            async with self._lock:
                if self._closed:
                    break
                done.add(await embed_chunks(batch, embedder=self._embedder, store=self._store))
                # A server that went away costs a timeout for each batch that follows.
                self._closed = done.ended_by is not None
        return done

    async def finish(self, *, seconds: float) -> None:
        """Wait for what is queued, `seconds` at most.

        Raises:
            StoreError: the index cannot be written.
        """
        if not self._tasks:
            return
        finished, _ = await asyncio.wait(self._tasks, timeout=seconds)
        for task in finished:
            task.result()  # raises what the store raised

    async def close(self) -> None:
        """Drop what is still queued, and return when the batch under way is given up."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
