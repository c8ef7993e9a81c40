"""The index: what SQLite holds is true, what the vector store holds is a copy of it.

A write commits one SQLite transaction, which also notes in a journal whose vectors have changed.
Then the journal is carried out on the vector store. A process that dies in between, at whatever
point, leaves the journal behind, and the next one to write or to search carries it out.
"""

import asyncio
import logging
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from filelock import FileLock, Timeout

from ingest.documents import (
    UNKNOWN_PROCESSING,
    Chunk,
    Chunking,
    Document,
    PageValidators,
    Processing,
    ScoredChunk,
)
from ingest.errors import StoreError
from ingest.index.embed.base import Vector
from ingest.index.store import schema
from ingest.index.store.base import IndexStats, VectorStore
from ingest.index.store.catalog import Catalog

LOCK_TIMEOUT_S = 30.0  # filling the vector store anew takes some 8 s for 20,000 chunks
JOURNAL_BATCH = 2_000  # vectors in memory at a time: 6 MB of 768 dimensions

log = logging.getLogger(__name__)


class Index:
    """Keeps documents, words and vectors; several processes may use one folder at once."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        vectors: VectorStore,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
        mirror_every: int = JOURNAL_BATCH,
    ) -> None:
        """Keep the text in `catalog` and its vectors in `vectors`, too.

        `mirror_every` is how many chunks may be written before the vector store takes them over
        unasked; a search, or the end, has it done before.
        """
        self._catalog = catalog
        self._vectors = vectors
        self._threads = threading.Lock()
        self._mirror_every = mirror_every
        self._unmirrored = 0  # chunks written since the journal was last carried out
        self._processes = (
            FileLock(catalog.path.with_suffix(".lock"), timeout=lock_timeout_s, poll_interval=0.01)
            if catalog.path
            else None
        )

    async def replace(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Mapping[str, Vector],
        *,
        space: str,
        processing: Processing = UNKNOWN_PROCESSING,
    ) -> None:
        def work() -> None:
            self._catalog.replace(document, chunks, vectors, space=space, processing=processing)
            self._mirror_now_and_then(len(chunks))

        await asyncio.to_thread(work)

    async def recut(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Mapping[str, Vector],
        *,
        space: str,
        chunking: Chunking,
    ) -> bool:
        def work() -> bool:
            is_done = self._catalog.recut(document, chunks, vectors, space=space, chunking=chunking)
            self._mirror_now_and_then(len(chunks))
            return is_done

        return await asyncio.to_thread(work)

    async def add_vectors(
        self, chunks: Sequence[Chunk], vectors: Sequence[Vector], *, space: str
    ) -> None:
        def work() -> None:
            self._catalog.add_vectors(chunks, vectors, space=space)
            self._mirror_now_and_then(len(vectors))

        await asyncio.to_thread(work)

    async def nearest(self, vector: Vector, *, top_k: int, space: str) -> list[ScoredChunk]:
        return await asyncio.to_thread(self._nearest, vector, top_k=top_k, space=space)

    async def matching(self, words: Sequence[str], *, top_k: int) -> list[ScoredChunk]:
        return await asyncio.to_thread(self._catalog.matching, words, top_k=top_k)

    async def unembedded(
        self, ids: Collection[str] | None = None, *, space: str, limit: int
    ) -> list[Chunk]:
        return await asyncio.to_thread(self._catalog.unembedded, ids, space=space, limit=limit)

    async def documents(self, urls: Collection[str]) -> dict[str, Document]:
        return await asyncio.to_thread(self._catalog.documents, urls)

    async def chunks(self, url: str) -> list[Chunk]:
        return await asyncio.to_thread(self._catalog.chunks, url)

    async def processing(self, urls: Collection[str]) -> dict[str, Processing]:
        return await asyncio.to_thread(self._catalog.processing, urls)

    async def count_outdated(self, chunking: Chunking) -> int:
        return await asyncio.to_thread(self._catalog.count_outdated, chunking)

    async def outdated_urls(self, chunking: Chunking, *, after: str = "", limit: int) -> list[str]:
        return await asyncio.to_thread(
            self._catalog.outdated_urls, chunking, after=after, limit=limit
        )

    async def recall(self, urls: Collection[str]) -> dict[str, PageValidators]:
        return await asyncio.to_thread(self._catalog.recall, urls)

    async def remember(self, record: PageValidators) -> None:
        await asyncio.to_thread(self._catalog.remember, record)

    async def delete(self, url: str) -> int:
        def work() -> int:
            gone = self._catalog.delete(url)
            self._try_to_mirror()
            return gone

        return await asyncio.to_thread(work)

    async def stats(self) -> IndexStats:
        return await asyncio.to_thread(self._catalog.stats)

    async def close(self) -> None:
        """Let go of files, after the work of other threads that is under way."""

        def work() -> None:
            if self._unmirrored:
                self._try_to_mirror()
            with self._threads:
                self._vectors.close()
            self._catalog.close()

        await asyncio.to_thread(work)

    def _nearest(self, vector: Vector, *, top_k: int, space: str) -> list[ScoredChunk]:
        if not self._catalog.embedded(space):
            return []
        with self._alone():
            try:
                self._mirror(space)
                found = self._vectors.nearest(vector, top_k=top_k, space=space)
            except StoreError as error:
                log.warning("the vector store is damaged and is filled anew: %s", error)
                self._vectors.clear()
                self._mirror(space)
                found = self._vectors.nearest(vector, top_k=top_k, space=space)
        chunks = self._catalog.by_id([id_ for id_, _ in found])
        return [
            ScoredChunk(chunk=chunks[id_], score=score) for id_, score in found if id_ in chunks
        ]

    def _mirror_now_and_then(self, written: int) -> None:
        """Leave the journal to the next search while it is short: ten pages are one upsert."""
        self._unmirrored += written
        if self._unmirrored >= self._mirror_every:
            self._try_to_mirror()

    def _try_to_mirror(self) -> None:
        """Carry out the journal; what cannot be done now is done before the next search."""
        try:
            with self._alone():
                self._carry_out_journal()
        except StoreError as error:
            log.warning("vectors wait in the journal: %s", error)

    def _mirror(self, space: str) -> None:
        """Make the vector store hold what the catalogue holds of `space`."""
        self._carry_out_journal()
        expected = self._catalog.settled(space)
        if expected is not None and self._vectors.count(space=space) != expected:
            log.info("filling the vector store anew with %d vectors", expected)
            self._vectors.clear()
            self._catalog.mark_all(space=space)
            self._carry_out_journal()

    def _carry_out_journal(self) -> None:
        while batch := self._catalog.pending(limit=JOURNAL_BATCH):
            for space in sorted({entry.space for entry in batch}):
                entries = [entry for entry in batch if entry.space == space]
                gone = [entry.id for entry in entries if entry.vector is None]
                there = {entry.id: entry.vector for entry in entries if entry.vector is not None}
                if gone:
                    self._vectors.delete(gone, space=space)
                if there:
                    self._vectors.upsert(there, space=space)
            self._catalog.settle(batch)
        self._unmirrored = 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and processes away from journal and vector store."""
        with self._threads:
            if self._processes is None:
                yield
                return
            try:
                self._processes.acquire()
            except Timeout as error:
                raise schema.busy(self._catalog.path or schema.MEMORY) from error
            except OSError as error:
                raise schema.not_writable((self._catalog.path or schema.MEMORY).parent) from error
            try:
                yield
            finally:
                self._processes.release()
