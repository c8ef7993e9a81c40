"""The source of truth of the index: documents, chunks, words and vectors in one SQLite file."""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path

from ingest.documents import (
    UNKNOWN_PROCESSING,
    Chunk,
    Chunking,
    Document,
    PageValidators,
    Processing,
    ScoredChunk,
)
from ingest.foundation.messages import Message
from ingest.foundation.sqlite_files import snapshot, transaction
from ingest.index.embed.base import Vector
from ingest.index.store import (
    counts,
    journal,
    memberships,
    near_misses,
    revisions,
    schema,
    spaces,
)
from ingest.index.store.base import IndexStats
from ingest.index.store.journal import Pending
from ingest.index.store.postings.segment_files import drop_lost_future, note_withdrawal
from ingest.index.store.revisions import Stored
from ingest.index.store.rows import (
    CHUNK,
    CHUNKS,
    DOCUMENT,
    PAGE,
    PROCESSING,
    timestamp,
    to_chunk,
    to_document,
    to_processing,
    to_validators,
)
from ingest.index.store.sqlite_errors import store_errors
from ingest.index.store.word_search import WordSearch

BUSY_TIMEOUT_S = 15.0  # a page is written in milliseconds: a writer that needs longer hangs

OUTDATED = "(chunk_size, chunk_overlap, splitter) IS NOT (?, ?, ?)"
"""On the fields of `Chunking`, in their order. IS NOT, because NULL (unknown) differs from all."""


class Catalog:
    """Tables of the index behind one connection. Any thread may call. Raises `StoreError` only."""

    def __init__(
        self,
        path: Path | None = None,
        *,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        max_bytes: int | None = None,
    ) -> None:
        """Open or create the file.

        Args:
            path: None keeps everything in memory.
            busy_timeout_s: Longest wait for another process that writes.
            max_bytes: Largest size of the file; writing more fails as if the disk were full.
        """
        self.path = path
        # Of the files of postings (`postings.segmented`), made when the first is.
        self.words_folder = path.with_suffix(".words") if path else None
        self._busy_timeout_s = busy_timeout_s
        self._word_search = WordSearch(self.words_folder)
        # sqlite3 lets threads share a connection, but not a transaction: without the lock a reader
        # would see, and a second writer would join, what another thread has not committed.
        self._lock = threading.RLock()
        self._connection = schema.connect(path, busy_timeout_s=busy_timeout_s, max_bytes=max_bytes)
        if self.words_folder:
            drop_lost_future(self._connection, self.words_folder)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection to this thread alone; what SQLite raises becomes a `StoreError`."""
        with self._lock, store_errors(self.path):
            yield self._connection

    def reader(self) -> sqlite3.Connection | None:
        """Return a connection of the caller's own, which waits for no thread; None in memory."""
        if self.path is None:
            return None
        return schema.connect_reader(self.path, busy_timeout_s=self._busy_timeout_s)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection inside a transaction, which an error in the block undoes."""
        with self.reading() as connection, transaction(connection):
            yield connection

    def replace(
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
        """Make `chunks` the only chunks of `document.url`, in one transaction.

        The document is put into `collection`, if one is given, and its `validators` are kept.

        A chunk that is as it was is not written again. One without a vector in `vectors` keeps
        those of the same text in the page's former version, in every space: text that has not
        changed is not embedded again.
        """
        with self.writing() as connection:
            old = revisions.stored(connection, document.url)
            revisions.put_document(connection, document, processing)
            self._put_chunks(connection, document, chunks, vectors, old=old, space=space)
            if collection:
                memberships.put_member(connection, document.url, collection)
            if validators is not None:
                revisions.put_validators(connection, validators)

    def recut(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Mapping[str, Vector],
        *,
        space: str,
        chunking: Chunking,
    ) -> bool:
        """Replace the chunks of a stored document, in one transaction, if its text is unchanged."""
        with self.writing() as connection:
            # Another process may have stored a newer version since the caller read the text. That
            # version has chunks of its own, and these would cite places that it does not have.
            if not revisions.put_chunking(connection, document, chunking):
                return False
            old = revisions.stored(connection, document.url)
            self._put_chunks(connection, document, chunks, vectors, old=old, space=space)
        return True

    def _put_chunks(
        self,
        connection: sqlite3.Connection,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Mapping[str, Vector],
        *,
        old: Mapping[str, Stored],
        space: str,
    ) -> None:
        given = spaces.admitted(connection, vectors, space=space)
        new = revisions.vectors_of(chunks, old, given, space=space)
        revisions.put_chunks(connection, document, chunks, old)
        revisions.put_vectors(connection, new)
        journal.mark_differences(connection, old, new)

    def add_vectors(
        self, chunks: Sequence[Chunk], vectors: Sequence[Vector], *, space: str
    ) -> None:
        """Add the vector of each of `chunks`, unless it is gone or has another text by now."""
        if not chunks:
            return
        texts = {chunk.id: chunk.text for chunk in chunks}
        vector_of = dict(zip(texts, vectors, strict=True))
        with self.writing() as connection:
            blobs = spaces.admitted(connection, vector_of, space=space)
            rows = connection.execute(
                "SELECT id, number, text FROM chunks WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(texts)),),
            ).fetchall()
            # An id names a place on a page. While its text was embedded the page may have been
            # replaced: the vector would then stand for a text that is no longer there.
            numbers = {id_: number for id_, number, text in rows if text == texts[id_]}
            connection.executemany(
                # Not OR REPLACE: that deletes without the triggers that count (`counts`).
                "INSERT INTO embeddings (space, chunk, vector) VALUES (?, ?, ?)"
                " ON CONFLICT (space, chunk) DO UPDATE SET vector = excluded.vector",
                [(space, number, blobs[id_]) for id_, number in numbers.items()],
            )
            spaces.forget_failures(connection, numbers.values(), space=space)
            journal.mark(connection, [(id_, space) for id_ in numbers])

    def note_failures(
        self, reasons: Mapping[str, Message], *, space: str, is_of_text: bool = True
    ) -> None:
        """Keep why these chunks (by id) could not be embedded in `space`."""
        with self.writing() as connection:
            spaces.note_failures(
                connection, reasons, space=space, now=datetime.now(UTC), is_of_text=is_of_text
            )

    def matching(
        self, words: Sequence[str], *, top_k: int, collections: Collection[str] = ()
    ) -> list[ScoredChunk]:
        """Return the chunks that match `words` best (`word_search.best_matches`)."""
        with self.reading() as connection, snapshot(connection):
            return self._word_search.best_matches(
                connection, words, top_k=top_k, collections=collections
            )

    def near_misses(self, words: Sequence[str]) -> list[str]:
        """Return words of the index one edit from those of `words` that it does not have."""
        with self.reading() as connection:
            return near_misses.neighbours_of_unknown(connection, dict.fromkeys(words))

    def by_id(self, ids: Collection[str]) -> dict[str, Chunk]:
        """Return those of these chunks that are in the index, by id."""
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {CHUNK} FROM {CHUNKS} WHERE c.id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(ids)),),
            ).fetchall()
        return {row[0]: to_chunk(row) for row in rows}

    def unembedded(
        self,
        ids: Collection[str] | None = None,
        *,
        space: str,
        limit: int,
        with_failed: bool = True,
    ) -> list[Chunk]:
        """Return up to `limit` chunks without a vector in `space`, among `ids` if given.

        Without `with_failed` those are left out whose last try failed and whose next is not due.
        """
        among = "" if ids is None else "AND c.id IN (SELECT value FROM json_each(:ids))"
        if not with_failed:
            among += (
                " AND NOT EXISTS (SELECT 1 FROM embed_failures f WHERE f.space = :space"
                " AND f.chunk = c.number AND f.retry_at > :now)"
            )
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {CHUNK} FROM {CHUNKS} WHERE NOT EXISTS (SELECT 1 FROM embeddings e"
                f" WHERE e.space = :space AND e.chunk = c.number) {among}"
                " ORDER BY c.number LIMIT :limit",
                {
                    "space": space,
                    "limit": limit,
                    "ids": json.dumps(list(ids or ())),
                    "now": timestamp(datetime.now(UTC)),
                },
            ).fetchall()
        return [to_chunk(row) for row in rows]

    def documents(self, urls: Collection[str]) -> dict[str, Document]:
        """Return those of `urls` that are in the index, by URL."""
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {DOCUMENT} FROM documents WHERE url IN (SELECT value FROM json_each(?))",
                (json.dumps(list(urls)),),
            ).fetchall()
        return {row[0]: to_document(row) for row in rows}

    def chunks(self, url: str) -> list[Chunk]:
        """Return the chunks of one document in order."""
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {CHUNK} FROM {CHUNKS} WHERE c.url = ? ORDER BY c.position", (url,)
            ).fetchall()
        return [to_chunk(row) for row in rows]

    def processing(self, urls: Collection[str]) -> dict[str, Processing]:
        """Return what shaped those of `urls` that are here, by URL."""
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT url, {PROCESSING} FROM documents"
                " WHERE url IN (SELECT value FROM json_each(?))",
                (json.dumps(list(urls)),),
            ).fetchall()
        return {row[0]: to_processing(row[1:]) for row in rows}

    def count_outdated(self, chunking: Chunking) -> int:
        """Return how many documents are cut otherwise than `chunking`, or unknown how."""
        with self.reading() as connection:
            (count,) = connection.execute(
                f"SELECT COUNT(*) FROM documents WHERE {OUTDATED}", astuple(chunking)
            ).fetchone()
        return int(count)

    def outdated_urls(self, chunking: Chunking, *, after: str = "", limit: int) -> list[str]:
        """Return up to `limit` URLs of such documents that sort behind `after`, in order."""
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT url FROM documents WHERE {OUTDATED} AND url > ? ORDER BY url LIMIT ?",
                (*astuple(chunking), after, limit),
            ).fetchall()
        return [url for (url,) in rows]

    def recall(self, urls: Collection[str]) -> dict[str, PageValidators]:
        """Return the validators of these pages, by the URL that was requested."""
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {PAGE} FROM pages WHERE url IN (SELECT value FROM json_each(?))",
                (json.dumps(list(urls)),),
            ).fetchall()
        return {row[0]: to_validators(row) for row in rows}

    def remember(self, record: PageValidators) -> None:
        """Keep validators if their document is here, and move the document's date up to them."""
        with self.writing() as connection:
            revisions.put_validators(connection, record)

    def delete(self, url: str) -> int:
        """Delete the document at `url` and return how many chunks it had."""
        with self.writing() as connection:
            old = revisions.remove_document(connection, url)
            journal.mark_differences(connection, old, {})
            if old:
                note_withdrawal(connection)
        return len(old)

    def dimensions_of(self, space: str) -> int | None:
        """Return how long vectors of `space` are, None while it has none."""
        with self.reading() as connection:
            return spaces.dimensions_of(connection, space)

    def current_space(self) -> str:
        """Return the vector space in use, "" while no vector has been stored."""
        with self.reading() as connection:
            return spaces.current(connection)

    def stats(self) -> IndexStats:
        """Return how much the index holds."""
        with self.reading() as connection:
            return counts.stats_of(connection, space=spaces.current(connection))

    def embedded(self, space: str) -> int:
        """Return how many chunks have a vector in `space`."""
        with self.reading() as connection:
            return counts.count_of(connection, counts.vectors_in(space))

    def pending(self, *, limit: int, space: str | None = None) -> list[Pending]:
        """Return the oldest entries of the journal, of `space` if given, with today's vectors."""
        with self.reading() as connection:
            return journal.pending(connection, limit=limit, space=space)

    def drop_vectors(self, faults: Mapping[tuple[str, str], Message]) -> None:
        """Delete vectors by chunk id and space, and note why: the next try is due at once.

        Until then the chunks are found by words alone.
        """
        with self.writing() as connection:
            connection.executemany(
                "DELETE FROM embeddings WHERE space = ?"
                " AND chunk = (SELECT number FROM chunks WHERE id = ?)",
                [(space, id_) for id_, space in faults],
            )
            journal.mark(connection, list(faults))
            # In the same transaction: a chunk without a vector that is noted nowhere looks like one
            # that no question has asked for, and nothing would embed it again.
            now = datetime.now(UTC)
            for space in {space for _, space in faults}:
                reasons = {id_: fault for (id_, of), fault in faults.items() if of == space}
                spaces.note_failures(connection, reasons, space=space, now=now, is_of_text=False)

    def settle(self, done: Collection[Pending]) -> None:
        """Remove entries that are applied. One that was written again since stays."""
        with self.writing() as connection:
            journal.settle(connection, done)
            counts.trim_log(connection)

    def waiting(self, space: str, *, limit: int) -> set[str]:
        """Return the chunks (by id) of `space` that the journal has, up to `limit` of them."""
        with self.reading() as connection:
            return journal.waiting(connection, space, limit=limit)

    def vector_spaces(self) -> list[str]:
        """Return the spaces that have vectors."""
        with self.reading() as connection:
            return counts.spaces_with_vectors(connection)

    def mark_all(self, *, space: str) -> None:
        """Enter every vector of `space` in the journal, to fill an empty vector store."""
        # In parts, between which others write. Killed in between, it is begun anew: less is held.
        last: int | None = 0
        while last is not None:
            with self.writing() as connection:
                last = journal.mark_behind(connection, space, last)

    def close(self) -> None:
        """Close the file. May be called twice."""
        with self._lock:
            self._connection.close()
