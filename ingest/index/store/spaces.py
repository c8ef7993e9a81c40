"""The vector spaces of the index: which one is in use, and what may be stored in each."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from ingest.errors import VectorError
from ingest.foundation.messages import Message
from ingest.index.embed.base import Vector
from ingest.index.embed.vectors import vector_fault
from ingest.index.store import schema
from ingest.index.store.rows import packed, timestamp

CURRENT = "space"
"""Key in `meta` of the space that questions are looked up in."""

FIRST_RETRY = timedelta(minutes=10)
LAST_RETRY = timedelta(days=1)
"""A question tries a text that could not be embedded again after the first, and after four times as
long with each failure, up to the second: the model may be another by then, the text is not."""


def current(connection: sqlite3.Connection) -> str:
    """Return the space in use, "" while no vector has been stored."""
    return schema.get_meta(connection, CURRENT)


def dimensions_of(connection: sqlite3.Connection, space: str) -> int | None:
    """Return how long vectors of `space` are, None while it has none."""
    row = connection.execute(
        "SELECT dimensions FROM spaces WHERE name = ? AND EXISTS"
        " (SELECT 1 FROM embeddings WHERE space = name)",
        (space,),
    ).fetchone()
    if row is None:
        # Rows that something else has written: the length of most of them, none of no length.
        row = connection.execute(
            "SELECT length(vector) / 4 FROM embeddings WHERE space = ? AND length(vector) > 0"
            " GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1",
            (space,),
        ).fetchone()
    return int(row[0]) if row else None


def admitted(
    connection: sqlite3.Connection, vectors: Mapping[str, Vector], *, space: str
) -> dict[str, bytes]:
    """Return vectors packed for storing, and note the length of the space by its first one.

    The space becomes the current one if no other has vectors.

    Raises:
        VectorError: one is not finite, not of unit length, or not as long as its space's others.
    """
    if not vectors:
        return {}
    expected = dimensions_of(connection, space)
    dimensions = len(next(iter(vectors.values()))) if expected is None else expected
    for vector in vectors.values():
        check_vector(vector, dimensions=dimensions, space=space)
    if expected is None:
        connection.execute(
            "INSERT OR REPLACE INTO spaces (name, dimensions) VALUES (?, ?)", (space, dimensions)
        )
    use_if_only(connection, space)
    return {id_: packed(vector) for id_, vector in vectors.items()}


def check_vector(vector: Vector, *, dimensions: int, space: str) -> None:
    """Raise `VectorError` unless this is a unit vector of that dimension."""
    if fault := vector_fault(vector, dimensions=dimensions):
        raise VectorError(
            Message("the index refuses {fault} in the space {space!r}", fault=fault, space=space),
            hint=Message(
                "the embedding model behind this name has changed or is broken: assistant doctor"
            ),
        )


def use_if_only(connection: sqlite3.Connection, space: str) -> None:
    """Make `space` the current one if there is none that has vectors."""
    # Not whatever was written last: two programs with two encoders would switch the index to and
    # fro, and a migration under way would switch it before it has come to its end.
    if dimensions_of(connection, current(connection)) is None:
        schema.put_meta(connection, CURRENT, space)


def note_failures(
    connection: sqlite3.Connection,
    reasons: Mapping[str, Message],
    *,
    space: str,
    now: datetime,
    is_of_text: bool = True,
) -> None:
    """Keep why these chunks (by id) could not be embedded, and when to try again.

    At once, if it was for the server (not `is_of_text`).
    """
    for id_, reason in reasons.items():
        row = connection.execute(
            "SELECT c.number, f.tries FROM chunks c LEFT JOIN embed_failures f"
            " ON f.chunk = c.number AND f.space = ? WHERE c.id = ?",
            (space, id_),
        ).fetchone()
        if row is None:  # the page was replaced or deleted meanwhile
            continue
        number, tries = row[0], (row[1] or 0) + is_of_text
        wait = min(FIRST_RETRY * 4 ** min(max(tries - 1, 0), 10), LAST_RETRY)
        connection.execute(
            "INSERT OR REPLACE INTO embed_failures (space, chunk, tries, retry_at, reason)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                space,
                number,
                tries,
                timestamp(now + wait if is_of_text else now),
                json.dumps(reason.in_each_language(), ensure_ascii=False),
            ),
        )


def forget_failures(
    connection: sqlite3.Connection, numbers: Collection[int], *, space: str
) -> None:
    """Forget that these chunks (by number) could not be embedded."""
    connection.executemany(
        "DELETE FROM embed_failures WHERE space = ? AND chunk = ?",
        [(space, number) for number in numbers],
    )
