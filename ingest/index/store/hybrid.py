"""The index: SQLite is the source of truth, the vector store holds a copy of the vectors.

A write commits one SQLite transaction, which also notes in a journal whose vectors have changed.
The journal is carried to the vector store in the background, batch by batch. A process that dies in
between, at whatever point, leaves the journal behind, and the next one that writes goes on. A
question waits for none of it: it compares with SQLite's own vectors whatever the copy lacks, and
with all of them below `SCAN_BYTES` (docs/decisions/0016-growth.md).
"""

import asyncio
import contextlib
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
from ingest.errors import StoreError, VectorServerError
from ingest.foundation.concurrency import in_thread
from ingest.foundation.messages import Message
from ingest.index.embed.base import Vector
from ingest.index.store.base import VectorStore
from ingest.index.store.catalog import Catalog
from ingest.index.store.listing import CollectionStore
from ingest.index.store.postings.words_upkeep import WordsUpkeep
from ingest.index.store.spaces import check_vector
from ingest.index.store.sqlite_errors import MEMORY, locked_error, not_writable_error
from ingest.index.store.upkeep import BackgroundUpkeep
from ingest.index.store.vector_copier import VectorCopier
from ingest.index.store.vector_scan import SCAN_BYTES, VectorScan

LOCK_TIMEOUT_S = 30.0  # of whoever has to have the vector store: a batch of another takes 1 s
QUESTION_WAIT_S = 0.3
"""Longest wait of a question for the vector store; then it compares with all vectors itself."""
MIRROR_EVERY = 2_000
"""Chunks written before their vectors are carried to the vector store, without a search."""
COPIED_FROM = 500
"""Vectors of an index from which on a process of its own carries them. Below MIRROR_EVERY: when so
many chunks and vectors were written together, half are vectors; carried here, Chroma would be
imported (.6 s of CPU) in this process and, for the next, in that one."""
JOURNAL_BATCH = 40
"""Vectors carried at once, under the lock. Chroma keeps Python's own lock meanwhile (1 ms a vector
at 100,000), so this is also how long all other threads stand still."""
MAX_WAITING_VECTORS = 4_000
"""Vectors not yet carried that a question compares itself: 10 ms. With more, it compares all."""
CLOSE_S = 20.0
"""Longest wait at the end for what was written to be carried; the rest is left to the next one."""

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Index(CollectionStore):
    """A `ChunkStore` in one folder, which several processes may use at once.

    All methods run in threads, because SQLite and the vector store block.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        vectors: VectorStore,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
        mirror_every: int = MIRROR_EVERY,
        scan_bytes: int = SCAN_BYTES,
        copier: VectorCopier | None = None,
        journal_batch: int = JOURNAL_BATCH,
        scanned_batch: int = JOURNAL_BATCH,
    ) -> None:
        """Take over the open parts; `close` closes them.

        Args:
            catalog: Holds text, words and vectors.
            vectors: Holds a copy of the vectors, for the search by similarity.
            lock_timeout_s: Longest wait for another process that uses the vector store.
            mirror_every: Chunks written before their vectors are copied, in the background.
            scan_bytes: Of vectors up to which questions compare with all of them, exactly, and
                leave the vector store alone.
            copier: Carries the journal of an index of `COPIED_FROM` vectors or more; None: a
                thread of this process does.
            journal_batch: Vectors carried at once, under the lock.
            scanned_batch: The same while questions leave the vector store alone.
        """
        # Public for `IndexMaintenance` alone; all others see a `ChunkStore`.
        self.catalog = catalog
        self.vectors = vectors
        self._mirror_every = mirror_every
        self._scan_bytes = scan_bytes
        # Chunks written since the journal was last applied. Threads add to it without a lock: a
        # lost count delays a copy that no question needs.
        self._unmirrored = 0
        self._scan = VectorScan(catalog)
        self._copier = copier
        self._journal_batch, self._scanned_batch = journal_batch, scanned_batch
        self._is_refilled = self._is_closing = False
        self._upkeep = BackgroundUpkeep(
            self._carry_out, interrupt=copier.stop if copier else lambda: None
        )
        # Public for `Library`.
        self.words_upkeep = WordsUpkeep(catalog)
        self._thread_lock = threading.Lock()
        # Against other processes. Threads wait at `_thread_lock` first, which does not poll.
        self._process_lock = (
            FileLock(catalog.path.with_suffix(".lock"), lock_timeout_s, 0o600, poll_interval=0.01)
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
        collection: str = "",
        validators: PageValidators | None = None,
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
            collection=collection,
            validators=validators,
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
    def nearest(
        self, vector: Vector, *, top_k: int, space: str, collections: Collection[str] = ()
    ) -> list[ScoredChunk]:
        """Return the chunks most similar to `vector`, of all that is committed when it is called.

        No question waits for the vector store to be brought up to date, filled or repaired: what
        it lacks is compared here.
        """
        dimensions = self.catalog.dimensions_of(space)
        if dimensions is None or top_k < 1:
            return []
        # Else the vector store would refuse it, and be taken for damaged at each question.
        check_vector(vector, dimensions=dimensions, space=space)
        is_small = self._is_scanned(space, dimensions)
        # The vector store knows no collections: of a small one its best fifty would hold none.
        if not (is_small or collections):
            found = self._approximate(vector, top_k=top_k, space=space)
            if found is not None:
                return found
        found, faulty = self._scan.nearest(
            vector, top_k=top_k, space=space, keep=is_small, collections=collections
        )
        if faulty:
            # An index on read-only media keeps them; they are not among what was found.
            with contextlib.suppress(StoreError):
                self._drop_faulty(faulty)
        return found

    def _is_scanned(self, space: str, dimensions: int) -> bool:
        return self.catalog.embedded(space) * dimensions * 4 <= self._scan_bytes

    def _approximate(self, vector: Vector, *, top_k: int, space: str) -> list[ScoredChunk] | None:
        """Return what the vector store finds, with what it lacks, or None where it cannot be asked.

        Then it is brought up to date in the background.
        """
        try:
            with self.exclusive(timeout_s=QUESTION_WAIT_S):
                # Read under the lock: what is carried out after it was neither found nor waiting.
                is_whole, waiting = self._state_of(space)
                if len(waiting) > MAX_WAITING_VECTORS or not is_whole:
                    self._upkeep.wake()
                    return None
                found = self.vectors.nearest(vector, top_k=top_k + len(waiting), space=space)
        except StoreError as error:
            log.info("the vector store cannot be asked: %s", error)
            self._upkeep.wake()
            return None
        return self._scan.completed(found, vector, waiting=waiting, top_k=top_k, space=space)

    async def remember(self, record: PageValidators) -> None:
        """Keep the validators of a page whose document is in the index."""
        await asyncio.to_thread(self.catalog.remember, record)

    async def delete(self, url: str) -> int:
        """Delete a document, from the vector store at once, and return how many chunks it had."""
        # As if a whole batch were written: what is withdrawn is not to stay until more is written.
        return await self._write(self._mirror_every, self.catalog.delete, url)

    @in_thread
    def close(self) -> None:
        """Close files, after the work of other threads that is under way. May be called twice."""
        self._is_closing = True
        if self._unmirrored:
            self._upkeep.wake()
        # Who only asked does not stay for a copy that others have left undone.
        self._upkeep.close(seconds=CLOSE_S if self._unmirrored else 0.0)
        self.words_upkeep.close()
        self._scan.close()
        with self._thread_lock:
            self.vectors.close()
        self.catalog.close()

    async def _write(
        self, count: int, write: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a method of the catalogue that writes `count` chunks; have vectors carried if due."""

        def write_and_wake() -> R:
            """Do both in one thread: a caller that is cancelled in between still has both done."""
            result = write(*args, **kwargs)
            # Ten pages of a question are one write of the vector store, not ten.
            self._unmirrored += count
            if self._unmirrored >= self._mirror_every:
                self._upkeep.wake()
            self.words_upkeep.wake_if_due()
            return result

        return await asyncio.to_thread(write_and_wake)

    def _carry_out(self) -> bool:
        """Carry the journal, or a batch of it, out; return whether there is more to do."""
        # At the end nobody is left to be kept waiting, and a few vectors are not worth a process.
        is_worth_it = self._unmirrored >= self._mirror_every or not self._is_closing
        if self._copier is not None and (is_worth_it or self._copier.is_running):
            space = self.catalog.current_space()
            written = self._unmirrored
            if self.catalog.embedded(space) >= COPIED_FROM:
                if self._copier.update():
                    self._unmirrored -= written
                    return False
                self._copier = None  # what fails there is tried, and named, here
        return self.carry_out_batch()

    def carry_out_batch(self) -> bool:
        """Carry a batch of the journal to the vector store; return whether there is more to do.

        Behind the last batch the vector store is looked at: one that is not whole is emptied, and
        all its vectors are entered in the journal. What is written meanwhile is left to the next
        time.
        """
        with self.exclusive():
            try:
                space, written = self.catalog.current_space(), self._unmirrored
                is_scanned = self._is_scanned(space, self.catalog.dimensions_of(space) or 0)
                limit = self._scanned_batch if is_scanned else self._journal_batch
                if self._apply_batch(limit) == limit:
                    return True
                self._unmirrored -= written
                is_whole, waiting = self._state_of(space) if space else (True, set())
                # Also where more waits by now. To follow `ingest` page by page would carry some
                # fifteen vectors at once, at twice the cost of full batches.
                if is_whole:
                    self._is_refilled = False
                    return False
                if waiting:
                    return True
            except StoreError as error:
                # Emptying it is no help: a full disk, a file in its place, a server that is away.
                if self._is_refilled or isinstance(error, VectorServerError):
                    self._is_refilled = False
                    raise
                log.warning("the vector store is damaged and is rebuilt: %s", error)
            self._is_refilled = True
            self.refill()
        return True

    def _state_of(self, space: str) -> tuple[bool, set[str]]:
        """Return whether the vector store holds what it must, and the chunks that it waits for.

        The journal knows of writes, not of a folder that was deleted, restored from a backup or
        damaged: only the counts differ then. The caller is `exclusive`.
        """
        # In this order: what is committed in between is not expected, but waits.
        expected = self.catalog.embedded(space)
        waiting = self.catalog.waiting(space, limit=MAX_WAITING_VECTORS + 1)
        held = self.vectors.count(space=space)
        return (held + len(waiting) >= expected if waiting else held == expected), waiting

    def refill(self) -> None:
        """Empty the vector store and enter all in the journal. The caller is `exclusive`."""
        self.vectors.clear()
        for space in self.catalog.vector_spaces():
            self.catalog.mark_all(space=space)

    def apply_journal(self) -> None:
        """Bring the vector store up to date, in all spaces. The caller is `exclusive`."""
        while self._apply_batch(self._journal_batch):
            pass
        self._unmirrored = 0

    def _apply_batch(self, limit: int) -> int:
        """Carry out the oldest entries of the journal; return how many there were."""
        batch = self.catalog.pending(limit=limit)
        self._drop_faulty({(entry.id, entry.space): entry.fault for entry in batch if entry.fault})
        for space in sorted({entry.space for entry in batch}):
            entries = [entry for entry in batch if entry.space == space]
            deleted = [entry.id for entry in entries if entry.vector is None]
            vectors = {entry.id: entry.vector for entry in entries if entry.vector is not None}
            if deleted:
                self.vectors.delete(deleted, space=space)
            if vectors:
                self.vectors.upsert(vectors, space=space)
        # Only now: who is killed before this line has the batch applied again, and not lost.
        if batch:
            self.catalog.settle(batch)
        return len(batch)

    def _drop_faulty(self, faults: Mapping[tuple[str, str], Message]) -> None:
        """Delete vectors that are unusable, by chunk id and space."""
        if faults:
            fault = next(iter(faults.values()))
            log.warning("%d vectors are of no use and are deleted: %s", len(faults), fault)
            self.catalog.drop_vectors(faults)

    @contextmanager
    def exclusive(self, *, timeout_s: float | None = None) -> Iterator[None]:
        """Holds the lock on journal and vector store against other threads and processes.

        Raises:
            StoreError: it is not to be had in time (None: in `lock_timeout_s`).
        """
        if not self._thread_lock.acquire(timeout=-1 if timeout_s is None else timeout_s):
            raise locked_error(self.catalog.path or MEMORY)
        try:
            if self._process_lock is None:
                yield
                return
            try:
                self._process_lock.acquire(timeout=timeout_s)
            except Timeout as error:
                raise locked_error(self.catalog.path or MEMORY) from error
            except OSError as error:
                raise not_writable_error((self.catalog.path or MEMORY).parent) from error
            try:
                yield
            finally:
                self._process_lock.release()
        finally:
            self._thread_lock.release()
