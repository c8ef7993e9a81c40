"""The index: SQLite is the source of truth, the vector store holds a copy of the vectors.

A write commits one SQLite transaction, which also notes in a journal whose vectors have changed.
Then the journal is applied to the vector store. A process that dies in between, at whatever point,
leaves the journal behind, and the next one to write or to search applies it.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

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
from ingest.foundation.concurrency import in_thread
from ingest.foundation.messages import Message
from ingest.index.embed.base import Vector
from ingest.index.store.base import IndexStats, VectorStore
from ingest.index.store.catalog import Catalog
from ingest.index.store.listing import urls_below
from ingest.index.store.spaces import check_vector
from ingest.index.store.sqlite_errors import MEMORY, locked_error, not_writable_error

LOCK_TIMEOUT_S = 30.0  # rebuilding the vector store takes some 8 s for 20,000 chunks
JOURNAL_BATCH = 2_000  # vectors in memory at a time: 6 MB of 768 dimensions

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Index:
    """A `ChunkStore` in one folder, which several processes may use at once.

    All methods run in threads, because SQLite and the vector store block.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        vectors: VectorStore,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
        mirror_every: int = JOURNAL_BATCH,
    ) -> None:
        """Take over the open parts; `close` closes them.

        Args:
            catalog: Holds text, words and vectors.
            vectors: Holds a copy of the vectors, for the search by similarity.
            lock_timeout_s: Longest wait for another process that uses the vector store.
            mirror_every: Chunks that may be written before their vectors are copied to the vector
                store although nobody has searched it; before a search they are copied in any case.
        """
        # Public for `IndexMaintenance` alone; all others see a `ChunkStore`.
        self.catalog = catalog
        self.vectors = vectors
        self._mirror_every = mirror_every
        # Chunks written since the journal was last applied. Threads add to it without a lock: a
        # lost count delays a copy that the next search makes anyway.
        self._unmirrored = 0
        self._thread_lock = threading.Lock()
        # Against other processes. Threads wait at `_thread_lock` first, which does not poll.
        self._process_lock = (
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
        """Make `chunks` the only chunks of a document (`Catalog.replace`)."""
        await self._write(
            len(chunks),
            self.catalog.replace,
            document,
            chunks,
            vectors,
            space=space,
            processing=processing,
        )

    async def recut(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Mapping[str, Vector],
        *,
        space: str,
        chunking: Chunking,
    ) -> bool:
        """Replace the chunks of a document if its text is still the one stored (`Catalog.recut`).

        Returns False otherwise.
        """
        return await self._write(
            len(chunks),
            self.catalog.recut,
            document,
            chunks,
            vectors,
            space=space,
            chunking=chunking,
        )

    async def add_vectors(
        self, chunks: Sequence[Chunk], vectors: Sequence[Vector], *, space: str
    ) -> None:
        """Add the vector of each chunk if its text is still the one stored."""
        await self._write(len(vectors), self.catalog.add_vectors, chunks, vectors, space=space)

    async def note_failures(
        self, reasons: Mapping[str, Message], *, space: str, is_of_text: bool = True
    ) -> None:
        """Keep why chunks (by id) could not be embedded, and when the next try is due."""
        await asyncio.to_thread(
            self.catalog.note_failures, reasons, space=space, is_of_text=is_of_text
        )

    @in_thread
    def nearest(self, vector: Vector, *, top_k: int, space: str) -> list[ScoredChunk]:
        """Return the chunks most similar to `vector`, after the vector store is brought up to date.

        A vector store that is damaged is rebuilt from the catalogue.
        """
        # Without this look a question to an empty index would import the vector store (1 to 2 s).
        dimensions = self.catalog.dimensions_of(space)
        if dimensions is None:
            return []
        # Else the vector store would refuse it, and be taken for damaged at each question.
        check_vector(vector, dimensions=dimensions, space=space)
        with self.exclusive():
            try:
                self._mirror(space)
                found = self.vectors.nearest(vector, top_k=top_k, space=space)
            except StoreError as error:
                log.warning("the vector store is damaged and is rebuilt: %s", error)
                self.vectors.clear()
                self._mirror(space)
                found = self.vectors.nearest(vector, top_k=top_k, space=space)
        chunks = self.catalog.by_id([id_ for id_, _ in found])
        # The lock is released, so another process may have deleted a chunk that was just found.
        return [
            ScoredChunk(chunk=chunks[id_], score=score) for id_, score in found if id_ in chunks
        ]

    async def matching(self, words: Sequence[str], *, top_k: int) -> list[ScoredChunk]:
        """Return the chunks that match `words` best, by BM25."""
        return await asyncio.to_thread(self.catalog.matching, words, top_k=top_k)

    async def near_misses(self, words: Sequence[str]) -> list[str]:
        """Return words of the index one edit from those of `words` that it does not have."""
        return await asyncio.to_thread(self.catalog.near_misses, words)

    async def unembedded(
        self,
        ids: Collection[str] | None = None,
        *,
        space: str,
        limit: int,
        with_failed: bool = True,
    ) -> list[Chunk]:
        """Return chunks without a vector in `space`."""
        return await asyncio.to_thread(
            self.catalog.unembedded, ids, space=space, limit=limit, with_failed=with_failed
        )

    async def documents(self, urls: Collection[str]) -> dict[str, Document]:
        """Return those of `urls` that are in the index, by URL."""
        return await asyncio.to_thread(self.catalog.documents, urls)

    async def chunks(self, url: str) -> list[Chunk]:
        """Return the chunks of one document in order."""
        return await asyncio.to_thread(self.catalog.chunks, url)

    async def processing(self, urls: Collection[str]) -> dict[str, Processing]:
        """Return what shaped those of `urls` that are in the index, by URL."""
        return await asyncio.to_thread(self.catalog.processing, urls)

    async def count_outdated(self, chunking: Chunking) -> int:
        """Return how many documents are cut otherwise than `chunking`."""
        return await asyncio.to_thread(self.catalog.count_outdated, chunking)

    async def outdated_urls(self, chunking: Chunking, *, after: str = "", limit: int) -> list[str]:
        """Return the URLs of such documents that sort behind `after`."""
        return await asyncio.to_thread(
            self.catalog.outdated_urls, chunking, after=after, limit=limit
        )

    async def urls_below(self, prefix: str, *, after: str = "", limit: int) -> list[str]:
        """Return URLs of documents that begin with `prefix` and sort behind `after`, in order."""
        return await asyncio.to_thread(urls_below, self.catalog, prefix, after=after, limit=limit)

    async def recall(self, urls: Collection[str]) -> dict[str, PageValidators]:
        """Return the validators of these pages, by the URL that was requested."""
        return await asyncio.to_thread(self.catalog.recall, urls)

    async def remember(self, record: PageValidators) -> None:
        """Keep the validators of a page whose document is in the index."""
        await asyncio.to_thread(self.catalog.remember, record)

    async def delete(self, url: str) -> int:
        """Delete a document, from the vector store at once, and return how many chunks it had."""
        # As if a whole batch were written: text that a site has withdrawn is not to stay in the
        # vector store until the next search.
        return await self._write(self._mirror_every, self.catalog.delete, url)

    async def current_space(self) -> str:
        """Return the vector space in use, "" while no vector has been stored."""
        return await asyncio.to_thread(self.catalog.current_space)

    async def stats(self) -> IndexStats:
        """Return how much the index holds."""
        return await asyncio.to_thread(self.catalog.stats)

    @in_thread
    def close(self) -> None:
        """Close files, after the work of other threads that is under way. May be called twice."""
        if self._unmirrored:
            self._try_to_mirror()
        with self._thread_lock:
            self.vectors.close()
        self.catalog.close()

    async def _write(
        self, count: int, write: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a method of the catalogue that writes `count` chunks, and copy vectors when due."""

        def write_and_mirror() -> R:
            """Do both in one thread: a caller that is cancelled in between still has both done."""
            result = write(*args, **kwargs)
            # Ten pages of a question are one write of the vector store, not ten: the journal is
            # left to the next search while it is short.
            self._unmirrored += count
            if self._unmirrored >= self._mirror_every:
                self._try_to_mirror()
            return result

        return await asyncio.to_thread(write_and_mirror)

    def _try_to_mirror(self) -> None:
        """Apply the journal; what cannot be done now is done before the next search."""
        try:
            with self.exclusive():
                self.apply_journal()
        except StoreError as error:
            log.warning("vectors wait in the journal: %s", error)

    def _mirror(self, space: str) -> None:
        """Make the vector store hold what the catalogue holds of `space`."""
        # Of this space alone: a migration to another writes thousands, which no question waits for.
        self.apply_journal(space)
        expected = self.catalog.settled(space)
        # The journal knows of writes, not of a vector folder that was deleted, restored from a
        # backup or damaged: only the counts differ then.
        if expected is not None and self.vectors.count(space=space) != expected:
            log.info("rebuilding the vector store with %d vectors", expected)
            self.vectors.clear()
            self.catalog.mark_all(space=space)
            self.apply_journal(space)

    def apply_journal(self, only: str | None = None) -> None:
        """Bring the vector store up to date, in one space or in all. The caller is `exclusive`."""
        while batch := self.catalog.pending(limit=JOURNAL_BATCH, space=only):
            if faulty := [entry for entry in batch if entry.fault]:
                log.warning(
                    "%d vectors are of no use and are deleted: %s", len(faulty), faulty[0].fault
                )
                self.catalog.drop_vectors(
                    {(entry.id, entry.space): entry.fault for entry in faulty}
                )
            for space in sorted({entry.space for entry in batch}):
                entries = [entry for entry in batch if entry.space == space]
                deleted = [entry.id for entry in entries if entry.vector is None]
                vectors = {entry.id: entry.vector for entry in entries if entry.vector is not None}
                if deleted:
                    self.vectors.delete(deleted, space=space)
                if vectors:
                    self.vectors.upsert(vectors, space=space)
            # Only now: who is killed before this line has the batch applied again, which is
            # harmless, and not lost.
            self.catalog.settle(batch)
        if only is None:
            self._unmirrored = 0

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Holds the lock on journal and vector store against other threads and processes."""
        with self._thread_lock:
            if self._process_lock is None:
                yield
                return
            try:
                self._process_lock.acquire()
            except Timeout as error:
                raise locked_error(self.catalog.path or MEMORY) from error
            except OSError as error:
                raise not_writable_error((self.catalog.path or MEMORY).parent) from error
            try:
                yield
            finally:
                self._process_lock.release()
