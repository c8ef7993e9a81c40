"""What is done to an index as a whole: looking for damage, and moving to another vector space."""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import asyncio
import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from filelock import FileLock, Timeout

from ingest.documents import Chunk
from ingest.errors import StoreError
from ingest.foundation.concurrency import in_thread
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.foundation.private_files import OWNER_ONLY_FILE
from ingest.foundation.sqlite_files import snapshot
from ingest.index.embed.vectors import vector_fault
from ingest.index.store import salvage, schema, spaces
from ingest.index.store.base import IndexStats
from ingest.index.store.hybrid import Index
from ingest.index.store.postings.segment_files import faulty_files
from ingest.index.store.rows import CHUNK, CHUNKS, to_array, to_chunk
from ingest.index.store.sqlite_errors import not_writable_error

PAGE = 2_000
"""Vectors of the vector store in memory at a time: 6 MB of 768 dimensions."""

SAME = 1e-3
"""Largest difference between a number and its copy; the vector store normalizes what it is given"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyVector:
    """A row of the catalogue that is no vector of its space, or one of a chunk that is gone."""

    space: str
    chunk: Chunk | None
    """None: it is gone."""
    fault: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyDifference:
    """How the vector store differs from the catalogue in one space, the journal left out."""

    space: str
    missing: int = 0
    surplus: int = 0
    different: int = 0
    error: Message = NO_MESSAGE
    """Why the vector store could not be read, if it could not."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus or self.different or self.error)


class IndexMaintenance:
    """Works on an open `Index`, beside other processes that read and write it.

    All methods run in threads. Raises `StoreError` only.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._catalog = index.catalog

    @property
    def store(self) -> Index:
        """The index that it works on."""
        return self._index

    async def stats(self) -> IndexStats:
        """Return how much the index holds."""
        return await self._index.stats()

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Hold the index against other migrations; reading and writing go on.

        Raises:
            StoreError: another process migrates it, or its folder cannot be written.
        """
        path = self._catalog.path
        if path is None:
            yield
            return
        # The system gives the lock back when its holder dies, of whatever.
        lock = FileLock(path.with_suffix(".migrate.lock"), timeout=0, mode=OWNER_ONLY_FILE)
        try:
            lock.acquire()
        except Timeout as error:
            raise StoreError(
                Message("another process migrates the index {path}", path=path),
                hint=Message("wait until it ends"),
            ) from error
        except OSError as error:
            raise not_writable_error(path.parent) from error
        try:
            yield
        finally:
            lock.release()

    @in_thread
    def is_whole(self) -> bool:
        """Return whether no page of the index's file is torn; reads all of it."""
        return salvage.is_whole(self._catalog)

    @in_thread
    def faulty_vectors(self) -> list[FaultyVector]:
        """Return every row of vectors that should not be there."""
        found: list[tuple[str, str | None, Message]] = []
        with self._catalog.reading() as connection:
            # Row by row: the vectors of a large index do not fit into memory.
            for space, id_, blob, dimensions in connection.execute(
                "SELECT e.space, c.id, e.vector, s.dimensions FROM embeddings e"
                " LEFT JOIN chunks c ON c.number = e.chunk LEFT JOIN spaces s ON s.name = e.space"
            ):
                fault = vector_fault(to_array(blob), dimensions=dimensions)
                if id_ is None:
                    fault = Message("a vector of a chunk that is gone")
                if fault:
                    found.append((space, id_, fault))
        chunks = self._catalog.by_id([id_ for _, id_, _ in found if id_ is not None])
        return [
            FaultyVector(space=space, chunk=chunks.get(id_ or ""), fault=fault)
            for space, id_, fault in found
            # Else another process has deleted the chunk since, and its vector with it.
            if id_ is None or id_ in chunks
        ]

    @in_thread
    def delete_faulty(self, faulty: Sequence[FaultyVector]) -> None:
        """Delete these rows and note their chunks as not embedded; delete all of gone chunks."""
        self._catalog.drop_vectors(
            {(one.chunk.id, one.space): one.fault for one in faulty if one.chunk is not None}
        )
        with self._catalog.writing() as connection:
            connection.execute(
                "DELETE FROM embeddings WHERE chunk NOT IN (SELECT number FROM chunks)"
            )

    @in_thread
    def failures(self, space: str) -> list[tuple[Chunk, Message]]:
        """Return the chunks that could not be embedded in `space` ("": in any), and why."""
        with self._catalog.reading() as connection:
            rows = connection.execute(
                f"SELECT {CHUNK}, f.reason FROM {CHUNKS}"
                " JOIN embed_failures f ON f.chunk = c.number WHERE :space IN (f.space, '')",
                {"space": space},
            ).fetchall()
        return [(to_chunk(row[:8]), Message.from_translations(json.loads(row[8]))) for row in rows]

    @in_thread
    def copy_differences(self) -> list[CopyDifference]:
        """Return in which spaces the vector store differs from the catalogue."""
        with self._index.exclusive():
            held = self._spaces()
            if not held:  # the vector store takes a second to open, for nothing
                return []
            try:
                held |= dict.fromkeys(self._index.vectors.spaces(), 0) | held
                differences = [self._copy_difference(space) for space in sorted(held)]
            except StoreError as error:
                return [CopyDifference(space=space, error=error.message) for space in held]
        return [difference for difference in differences if difference]

    def _copy_difference(self, space: str) -> CopyDifference:
        with self._catalog.reading() as connection:
            missing = {
                id_
                for (id_,) in connection.execute(
                    "SELECT c.id FROM embeddings e JOIN chunks c ON c.number = e.chunk"
                    " WHERE e.space = ?",
                    (space,),
                )
            }
        surplus: set[str] = set()
        different: set[str] = set()
        offset = 0
        while page := self._index.vectors.page(space=space, offset=offset, limit=PAGE):
            offset += len(page)
            # Those vectors of the catalogue that it has, by chunk id.
            with self._catalog.reading() as connection:
                rows = connection.execute(
                    "SELECT c.id, e.vector FROM chunks c JOIN embeddings e ON e.chunk = c.number"
                    " AND e.space = ? WHERE c.id IN (SELECT value FROM json_each(?))",
                    (space, json.dumps(list(page))),
                ).fetchall()
            ours = {id_: to_array(blob) for id_, blob in rows}
            for id_ in page:
                if id_ not in ours:
                    surplus.add(id_)
                    continue
                missing.discard(id_)
                vector, copy = ours[id_], page[id_]
                if vector.shape != copy.shape or not np.allclose(vector, copy, atol=SAME):
                    different.add(id_)
        # What the journal names is not copied yet, and will be before the next question. It is read
        # last: other processes write meanwhile, each write enters it, and only the holder of
        # our lock takes an entry out.
        with self._catalog.reading() as connection:
            pending = {
                id_
                for (id_,) in connection.execute("SELECT id FROM pending WHERE space = ?", (space,))
            }
        return CopyDifference(
            space=space,
            missing=len(missing - pending),
            surplus=len(surplus - pending),
            different=len(different - pending),
        )

    @in_thread
    def rebuild_copy(self) -> None:
        """Empty the vector store and fill it from the catalogue."""
        with self._index.exclusive():
            self._index.refill()
            self._index.apply_journal()

    @in_thread
    def update_copy(self) -> None:
        """Bring the vector store up to date, so that no question has to wait for it."""
        with self._index.exclusive():
            self._index.apply_journal()

    @in_thread
    def count_faulty_word_files(self) -> int:
        """Return how many files of postings are damaged or of another state of the index."""
        if self._catalog.words_folder is None:
            return 0
        with self._catalog.reading() as connection, snapshot(connection):
            return len(faulty_files(connection, self._catalog.words_folder))

    @in_thread
    def remake_word_files(self) -> None:
        """Make the files of postings anew."""
        self._index.words_upkeep.delete_files()
        self._index.words_upkeep.make_due()

    async def count_unembedded(self, space: str) -> int:
        """Return how many chunks have no vector in `space`."""
        stats = await self.stats()
        return stats.chunks - await asyncio.to_thread(self._catalog.embedded, space)

    @in_thread
    def unembedded_after(self, number: int, *, space: str, limit: int) -> list[tuple[int, Chunk]]:
        """Return chunks behind `number` that have no vector in `space`, with their numbers."""
        with self._catalog.reading() as connection:
            rows = connection.execute(
                f"SELECT {CHUNK}, c.number FROM {CHUNKS} WHERE c.number > :number AND NOT EXISTS"
                " (SELECT 1 FROM embeddings e WHERE e.space = :space AND e.chunk = c.number)"
                " ORDER BY c.number LIMIT :limit",
                {"number": number, "space": space, "limit": limit},
            ).fetchall()
        return [(row[8], to_chunk(row[:8])) for row in rows]

    @in_thread
    def switch(self, space: str, *, given_up: Collection[tuple[str, str]]) -> bool:
        """Make `space` the current one, in one transaction, if it has all that it can have.

        Returns False, with nothing changed, if a chunk lacks its vector that is not among
        `given_up`: (id, text) of those that cannot be embedded.
        """
        with self._catalog.writing() as connection:
            # Under the write lock: no other process can add a chunk between look and switch.
            rows = connection.execute(
                "SELECT c.id, c.text FROM chunks c WHERE NOT EXISTS"
                " (SELECT 1 FROM embeddings e WHERE e.space = ? AND e.chunk = c.number)",
                (space,),
            )
            if any((id_, text) not in given_up for id_, text in rows):
                return False
            schema.put_meta(connection, spaces.CURRENT, space)
        return True

    @in_thread
    def drop_other_spaces(self) -> int:
        """Delete the vectors of every space but the current one; return how many there were."""
        # Held over both: between them a check would see an unknown copy of vectors.
        with self._index.exclusive():
            with self._catalog.writing() as connection:
                current = spaces.current(connection)
                names = [
                    name
                    for (name,) in connection.execute(
                        "SELECT name FROM spaces UNION SELECT space FROM embed_failures"
                        " UNION SELECT space FROM embeddings"
                    ).fetchall()
                    if name != current
                ]
                deleted = 0
                for name in names:
                    deleted += connection.execute(
                        "DELETE FROM embeddings WHERE space = ?", (name,)
                    ).rowcount
                    forget_space(connection, name)
            # Asked, not remembered: who was killed here the last time left copies behind.
            for name in self._index.vectors.spaces():
                if name != current:
                    self._index.vectors.drop(name)
        return deleted

    def _spaces(self) -> dict[str, int]:
        """Return the spaces of the catalogue and how many vectors each has."""
        with self._catalog.reading() as connection:
            rows = connection.execute(
                "SELECT space, COUNT(*) FROM embeddings GROUP BY space"
            ).fetchall()
        return dict(rows)


def forget_space(connection: sqlite3.Connection, name: str) -> None:
    """Delete what is noted of a space whose vectors are deleted."""
    for table, column in (("spaces", "name"), ("embed_failures", "space"), ("pending", "space")):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,))
