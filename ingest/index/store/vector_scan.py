"""Exact search by similarity over the catalogue's own vectors, with no second store.

Below `SCAN_BYTES` it costs less than opening Chroma does, holds half the memory, needs no lock and
sees every commit of every process: it reads in one snapshot of SQLite what has changed
(`ingest.index.store.counts`) and the chunks that it found. Beyond, it stands in for Chroma where
that is being filled, block by block and with nothing kept.
"""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from ingest.documents import ScoredChunk
from ingest.foundation.messages import Message
from ingest.foundation.sqlite_files import snapshot
from ingest.index.embed.base import Vector
from ingest.index.embed.vectors import UNIT_TOLERANCE, vector_fault
from ingest.index.store import counts
from ingest.index.store.catalog import Catalog
from ingest.index.store.memberships import member_chunks
from ingest.index.store.rows import CHUNK, CHUNKS, to_array, to_chunk
from ingest.index.store.sqlite_errors import store_errors

SCAN_BYTES = 192_000_000
"""Bytes of vectors that a process keeps in memory: 125,000 of 384 dimensions, some 15 ms a
question. Chroma searches 300,000 in 4 ms and needs .6 GB for it."""

BLOCK = 4096
"""Vectors read, and compared, at once: 6 MB of 384 dimensions."""

FaultyRows = dict[tuple[str, str], Message]
"""(chunk id, space) -> why its vector is unusable."""

Numbers = NDArray[np.int64]
Matrix = NDArray[np.float32]


class VectorMatrix:
    """Vectors of one space by the number of their chunk, in blocks that never move."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self.seen = 0
        """The last change (`counts.last_change`) that is in here."""
        self._blocks: list[Matrix] = []
        self._numbers: list[int] = []
        self._row_of: dict[int, int] = {}

    def put(self, numbers: Sequence[int], rows: Matrix) -> None:
        """Set the unit vectors of chunks by their numbers, each of which is named once."""
        known = [place for place, number in enumerate(numbers) if number in self._row_of]
        for place in known:
            row = self._row_of[numbers[place]]
            self._blocks[row // BLOCK][row % BLOCK] = rows[place]
        if known:
            is_new = np.ones(len(numbers), dtype=bool)
            is_new[known] = False
            numbers, rows = np.asarray(numbers)[is_new].tolist(), rows[is_new]
        # Block by block: row by row took a third of the first question to a large index.
        start = 0
        while start < len(numbers):
            first = len(self._numbers)
            if first == len(self._blocks) * BLOCK:
                self._blocks.append(np.empty((BLOCK, self.dimensions), dtype=np.float32))
            end = min(len(numbers), start + BLOCK - first % BLOCK)
            block = self._blocks[first // BLOCK]
            block[first % BLOCK : first % BLOCK + end - start] = rows[start:end]
            self._numbers += numbers[start:end]
            self._row_of.update(
                zip(numbers[start:end], range(first, first + end - start), strict=True)
            )
            start = end

    def remove(self, numbers: Iterable[int]) -> None:
        """Forget chunks; unknown ones are ignored."""
        for number in numbers:
            row = self._row_of.pop(number, None)
            if row is None:
                continue
            # The last row moves into the gap.
            last = len(self._numbers) - 1
            moved = self._numbers.pop()
            if row < last:
                self._numbers[row] = moved
                self._row_of[moved] = row
                self._blocks[row // BLOCK][row % BLOCK] = self._blocks[last // BLOCK][last % BLOCK]

    def best(
        self, query: Matrix, top_k: int, *, among: set[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return the chunks (by number) of highest cosine, of `among` if given, in no order."""
        count = len(self._numbers)
        if not count:
            return []
        fills = [min(BLOCK, count - start) for start in range(0, count, BLOCK)]
        # Strictly: of blocks that a removal has emptied there may be more than are filled.
        scores = np.concatenate(
            [block[:fill] @ query for block, fill in zip(self._blocks, fills, strict=False)]
        )
        numbers = np.asarray(self._numbers, dtype=np.int64)
        if among is not None:
            is_among = np.isin(numbers, np.fromiter(among, dtype=np.int64, count=len(among)))
            numbers, scores = numbers[is_among], scores[is_among]
        return _best(numbers, scores, top_k)


class VectorScan:
    """Compares a vector with every one of its space. Any thread may call."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        # A connection of its own: reading 100,000 vectors takes half a second, for which no writer
        # of this process is to wait.
        self._connection: sqlite3.Connection | None = None
        self._kept: dict[str, VectorMatrix] = {}

    def nearest(
        self,
        vector: Vector,
        *,
        top_k: int,
        space: str,
        keep: bool,
        collections: Collection[str] = (),
    ) -> tuple[list[ScoredChunk], FaultyRows]:
        """Return the chunks most similar to `vector`, best first, and rows that are no vectors.

        Args:
            vector: A unit vector as long as those of `space`.
            top_k: Chunks at most.
            space: Where to look.
            keep: Hold the vectors in memory for the next question.
            collections: Of documents in one of these alone; (): of all.
        """
        query = np.asarray(vector, dtype=np.float32)
        query /= np.linalg.norm(query)
        faulty: FaultyRows = {}
        with self._lock, self._snapshot() as connection:
            among = member_chunks(connection, collections) if collections else None
            if keep:
                matrix = self._current(connection, space, len(query), faulty)
                best = matrix.best(query, top_k, among=among)
            else:
                best = []
                for numbers, rows in _vectors(connection, space, len(query), faulty, among=among):
                    best += _best(np.asarray(numbers), rows @ query, top_k)
                    best = sorted(best, key=lambda pair: -pair[1])[:top_k]
            return _scored(connection, best)[:top_k], faulty

    def completed(
        self,
        found: Sequence[tuple[str, float]],
        vector: Vector,
        *,
        waiting: Collection[str],
        top_k: int,
        space: str,
    ) -> list[ScoredChunk]:
        """Return the best of what the vector store found and of what it does not hold yet.

        Args:
            found: (chunk id, cosine) of the vector store.
            vector: What was looked for, a unit vector.
            waiting: Chunks (by id) that were in the journal when the vector store was asked.
            top_k: Chunks at most.
            space: Where.
        """
        query = np.asarray(vector, dtype=np.float32)
        query /= np.linalg.norm(query)
        score_of = dict(found)
        numbered = "SELECT id, number FROM chunks WHERE id IN (SELECT value FROM json_each(?))"
        with self._lock, self._snapshot() as connection:
            stored_ids = [id_ for id_ in score_of if id_ not in waiting]
            rows = connection.execute(numbered, (json.dumps(stored_ids),))
            best = [(number, score_of[id_]) for id_, number in rows]
            rows = connection.execute(numbered, (json.dumps(list(waiting)),))
            among = {number for _, number in rows}
            for numbers, matrix in _vectors(connection, space, len(query), {}, among=among):
                best += zip(numbers, (matrix @ query).tolist(), strict=True)
            return _scored(connection, sorted(best, key=lambda pair: -pair[1])[:top_k])

    def close(self) -> None:
        """Close the connection and free the memory. May be called twice."""
        with self._lock:
            self._kept.clear()
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _current(
        self, connection: sqlite3.Connection, space: str, dimensions: int, faulty: FaultyRows
    ) -> VectorMatrix:
        """Return the vectors of `space` as they are in this snapshot."""
        last = counts.last_change(connection)
        matrix = self._kept.get(space)
        changed = None
        if matrix is not None and matrix.dimensions == dimensions:
            changed = counts.changes_since(connection, matrix.seen, last=last, space=space)
        if matrix is None or changed is None:
            self._kept.clear()  # of one space: another one is asked after a migration
            matrix = VectorMatrix(dimensions)
        if changed is None:
            found = _vectors(connection, space, dimensions, faulty)
        else:
            matrix.remove(changed)
            found = _vectors(connection, space, dimensions, faulty, among=changed)
        for numbers, rows in found:
            matrix.put(numbers, rows)
        matrix.seen = last
        self._kept[space] = matrix
        return matrix

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees one state of the index throughout the block."""
        if self._connection is None:
            self._connection = self._catalog.reader()
        if self._connection is None:  # in memory there is but one, and one thread at a time
            with self._catalog.reading() as connection:
                yield connection
            return
        with store_errors(self._catalog.path), snapshot(self._connection):
            yield self._connection


def _vectors(
    connection: sqlite3.Connection,
    space: str,
    dimensions: int,
    faulty: FaultyRows,
    *,
    among: set[int] | None = None,
) -> Iterator[tuple[list[int], Matrix]]:
    """Yield the numbers and unit vectors of chunks, `BLOCK` at a time; note what is no vector."""
    if among is not None and not among:
        return
    which = "" if among is None else "AND chunk IN (SELECT value FROM json_each(:among))"
    cursor = connection.execute(
        f"SELECT chunk, vector FROM embeddings WHERE space = :space {which}",
        {"space": space, "among": json.dumps(sorted(among or ()))},
    )
    while rows := cursor.fetchmany(BLOCK):
        right = [row for row in rows if len(row[1]) == 4 * dimensions]
        matrix = np.frombuffer(b"".join([blob for _, blob in right]), "<f4")
        matrix = matrix.reshape(len(right), dimensions)
        lengths = np.linalg.norm(matrix, axis=1)
        # The check at the write is not enough: a file may come from a backup, another program, a
        # bad disk. NaN is in no comparison.
        is_unit = np.abs(lengths - 1.0) <= UNIT_TOLERANCE
        if len(right) < len(rows) or not is_unit.all():
            wrong = [row for row in rows if len(row[1]) != 4 * dimensions]
            wrong += [row for row, unit in zip(right, is_unit, strict=True) if not unit]
            found: FaultyRows = {}
            for number, blob in wrong:
                row = connection.execute(
                    "SELECT id FROM chunks WHERE number = ?", (number,)
                ).fetchone()
                if row is not None:  # else `check` names it
                    found[row[0], space] = vector_fault(to_array(blob), dimensions=dimensions)
            faulty |= found
            right = [row for row, unit in zip(right, is_unit, strict=True) if unit]
            matrix, lengths = matrix[is_unit], lengths[is_unit]
        yield [number for number, _ in right], matrix / lengths[:, None]


def _best(numbers: Numbers, scores: Matrix, top_k: int) -> list[tuple[int, float]]:
    """Return (number, score) of the `top_k` highest scores, in no order."""
    places = (
        np.argpartition(-scores, top_k - 1)[:top_k]
        if top_k < len(scores)
        else np.arange(len(scores))
    )
    return list(zip(numbers[places].tolist(), scores[places].tolist(), strict=True))


def _scored(connection: sqlite3.Connection, best: list[tuple[int, float]]) -> list[ScoredChunk]:
    """Return the chunks of these numbers with their scores, best first, equal ones by id."""
    score_of = dict(best)
    rows = connection.execute(
        f"SELECT {CHUNK}, c.number FROM {CHUNKS}"
        " WHERE c.number IN (SELECT value FROM json_each(?))",
        (json.dumps(list(score_of)),),
    ).fetchall()
    found = [ScoredChunk(chunk=to_chunk(row[:8]), score=score_of[row[8]]) for row in rows]
    return sorted(found, key=lambda scored: (-scored.score, scored.chunk.id))
