"""The journal: ids whose vector may differ between the catalogue and the vector store.

A write to the catalogue enters them in the same transaction; `ingest.index.store.hybrid` carries
them out on the vector store afterwards, in whatever process comes first.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.index.embed.base import Vector
from ingest.index.embed.vectors import vector_fault
from ingest.index.store.revisions import Stored
from ingest.index.store.rows import unpacked

MARKED_AT_ONCE = 4_000
"""Vectors entered in one transaction, 30 ms: nobody else writes meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A vector that the vector store must set, or forget when `vector` is None."""

    number: int
    id: str
    space: str
    vector: Vector | None
    fault: Message = NO_MESSAGE
    """Why the catalogue's vector cannot be used, if it cannot: then `vector` is None, too."""


def mark(connection: sqlite3.Connection, keys: Sequence[tuple[str, str]]) -> None:
    """Enter chunk ids, each with its space. An id that is entered already moves to the end."""
    # UNIQUE … ON CONFLICT REPLACE (schema.py) gives it a new number, so that `settle`, which names
    # the number that was applied, does not remove a change that came in between.
    connection.executemany("INSERT INTO pending (id, space) VALUES (?, ?)", keys)


def mark_differences(
    connection: sqlite3.Connection,
    old: Mapping[str, Stored],
    new: Mapping[str, Mapping[str, bytes]],
) -> None:
    """Enter what the vector store must set or forget after a page was replaced, no more."""
    before = {(id_, space): v for id_, held in old.items() for space, v in held.vectors.items()}
    after = {(id_, space): v for id_, spaces in new.items() for space, v in spaces.items()}
    mark(connection, [key for key in before | after if before.get(key) != after.get(key)])


def mark_all(connection: sqlite3.Connection, space: str) -> None:
    """Enter every vector of `space`, to fill an empty vector store."""
    last: int | None = 0
    while last is not None:
        last = mark_behind(connection, space, last)


def mark_behind(connection: sqlite3.Connection, space: str, chunk: int) -> int | None:
    """Enter vectors of `space` behind a chunk (by number), `MARKED_AT_ONCE` at most.

    Returns the last one, None if there was none.
    """
    (last,) = connection.execute(
        "SELECT MAX(chunk) FROM (SELECT chunk FROM embeddings WHERE space = ? AND chunk > ?"
        " ORDER BY chunk LIMIT ?)",
        (space, chunk, MARKED_AT_ONCE),
    ).fetchone()
    connection.execute(
        "INSERT INTO pending (id, space) SELECT c.id, e.space FROM embeddings e"
        " JOIN chunks c ON c.number = e.chunk WHERE e.space = ? AND e.chunk > ? AND e.chunk <= ?",
        (space, chunk, last),
    )
    return None if last is None else int(last)


def pending(
    connection: sqlite3.Connection, *, limit: int, space: str | None = None
) -> list[Pending]:
    """Return the oldest entries, of `space` if given, each with today's vector."""
    # LEFT JOIN: an entry without a chunk or without a vector is one to forget.
    rows = connection.execute(
        "SELECT p.number, p.id, p.space, e.vector, s.dimensions FROM pending p"
        " LEFT JOIN chunks c ON c.id = p.id"
        " LEFT JOIN embeddings e ON e.chunk = c.number AND e.space = p.space"
        " LEFT JOIN spaces s ON s.name = p.space"
        " WHERE :space IS NULL OR p.space = :space ORDER BY p.number LIMIT :limit",
        {"space": space, "limit": limit},
    ).fetchall()
    found = []
    for number, id_, owner, blob, dimensions in rows:
        vector = unpacked(blob)
        # The check at the write is not enough: a file may come from a backup, another program, a
        # bad disk. Handed on, one such vector would have the vector store fail, and be rebuilt, at
        # each question.
        fault = NO_MESSAGE if vector is None else vector_fault(vector, dimensions=dimensions)
        vector = None if fault else vector
        found.append(Pending(number=number, id=id_, space=owner, vector=vector, fault=fault))
    return found


def settle(connection: sqlite3.Connection, done: Collection[Pending]) -> None:
    """Remove these entries."""
    # By number and not by id: an entry that was written again since is not yet carried out.
    connection.executemany(
        "DELETE FROM pending WHERE number = ?", [(entry.number,) for entry in done]
    )


def waiting(connection: sqlite3.Connection, space: str, *, limit: int) -> set[str]:
    """Return the chunks (by id) of `space` that have an entry, up to `limit` of them."""
    rows = connection.execute("SELECT id FROM pending WHERE space = ? LIMIT ?", (space, limit))
    return {id_ for (id_,) in rows}
