"""Replacing a page: of its former and its new version only what differs is written."""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ingest.documents import Chunk, Chunking, Document, PageValidators, Processing
from ingest.index.store import schema
from ingest.index.store.rows import (
    CHUNK,
    CHUNKS,
    DOCUMENT,
    PAGE,
    PROCESSING,
    from_document,
    from_processing,
    from_validators,
    timestamp,
    to_chunk,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A chunk as the tables have it, with its vectors by space."""

    number: int
    chunk: Chunk
    vectors: dict[str, bytes]

    def has_words_of(self, chunk: Chunk, title: str) -> bool:
        """Return whether `chunk` on a page of that title is found by the same words."""
        mine = self.chunk
        return (mine.title, mine.heading, mine.text) == (title, chunk.heading, chunk.text)


def stored(connection: sqlite3.Connection, url: str) -> dict[str, Stored]:
    """Return the chunks of one document as the tables have them, by id."""
    rows = connection.execute(
        f"SELECT {CHUNK}, c.number, e.space, e.vector FROM {CHUNKS}"
        " LEFT JOIN embeddings e ON e.chunk = c.number WHERE c.url = ?",
        (url,),
    ).fetchall()
    found: dict[str, Stored] = {}
    for row in rows:
        number, space, vector = row[8:]
        chunk = to_chunk(row[:8])
        held = found.setdefault(chunk.id, Stored(number=number, chunk=chunk, vectors={}))
        if space is not None:
            held.vectors[space] = vector
    return found


def vectors_of(
    chunks: Sequence[Chunk],
    old: Mapping[str, Stored],
    given: Mapping[str, bytes],
    *,
    space: str,
) -> dict[str, dict[str, bytes]]:
    """Return the vectors of the new version, by chunk id and space: those `given` win.

    Args:
        chunks: Of the new version.
        old: The former version.
        given: Packed vectors by chunk id.
        space: To which those belong.
    """
    # By text and not by id: an id is a place on the page, and a sentence that was added at the top
    # moves every chunk below it.
    known = {held.chunk.text: held.vectors for held in old.values() if held.vectors}
    return {
        chunk.id: known.get(chunk.text, {})
        | ({space: given[chunk.id]} if chunk.id in given else {})
        for chunk in chunks
    }


def put_document(
    connection: sqlite3.Connection, document: Document, processing: Processing
) -> None:
    """Insert a document, or update all of its columns."""
    # Not DELETE and INSERT: the rows of `pages` would go with the former version.
    columns = f"{DOCUMENT}, {PROCESSING}".split(", ")
    places = ", ".join("?" * len(columns))
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    connection.execute(
        f"INSERT INTO documents ({', '.join(columns)}) VALUES ({places})"
        f" ON CONFLICT (url) DO UPDATE SET {updates}",
        (*from_document(document), *from_processing(processing)),
    )


def put_validators(connection: sqlite3.Connection, record: PageValidators) -> None:
    """Keep validators if their document is here, and move the document's date up to them."""
    checked_at = timestamp(record.checked_at)
    connection.execute("DELETE FROM pages WHERE url = ?", (record.url,))
    connection.execute(
        f"INSERT INTO pages ({PAGE}) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?"
        " WHERE EXISTS (SELECT 1 FROM documents WHERE url = ?)",
        (*from_validators(record), record.final_url),
    )
    connection.execute(
        # A date in the future is of a clock that was ahead, and would stay for years.
        "UPDATE documents SET fetched_at = ? WHERE url = ? AND (fetched_at < ? OR fetched_at > ?)",
        (checked_at, record.final_url, checked_at, timestamp(datetime.now(UTC))),
    )


def put_chunking(connection: sqlite3.Connection, document: Document, chunking: Chunking) -> bool:
    """Note how a stored document is cut; return False if it has another text than `document`."""
    # The title counts, too: the words of a chunk include it, and can only be removed from the
    # full-text index with the title with which they were added.
    changed = connection.execute(
        "UPDATE documents SET splitter = ?, chunk_size = ?, chunk_overlap = ?"
        " WHERE url = ? AND text = ? AND title = ?",
        (
            chunking.version,
            chunking.size,
            chunking.overlap,
            document.url,
            document.text,
            document.title,
        ),
    )
    return changed.rowcount > 0


def put_chunks(
    connection: sqlite3.Connection,
    document: Document,
    chunks: Sequence[Chunk],
    old: Mapping[str, Stored],
) -> None:
    """Make `chunks` the only ones of `document`; those that have not changed keep their rows."""
    same = {
        chunk.id
        for chunk in chunks
        if chunk.id in old and old[chunk.id].has_words_of(chunk, document.title)
    }
    remove_chunks(connection, [held for id_, held in old.items() if id_ not in same])
    for chunk in chunks:
        if chunk.id not in same:
            insert_chunk(connection, document, chunk)
            continue
        held = old[chunk.id]
        place = (chunk.position, chunk.start, chunk.end)
        if place != (held.chunk.position, held.chunk.start, held.chunk.end):
            connection.execute(
                "UPDATE chunks SET position = ?, first = ?, past = ? WHERE number = ?",
                (*place, held.number),
            )


def insert_chunk(connection: sqlite3.Connection, document: Document, chunk: Chunk) -> None:
    """Insert a chunk and its words."""
    (number,) = connection.execute(
        "INSERT INTO chunks (id, url, position, first, past, heading, text)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
        (
            chunk.id,
            document.url,
            chunk.position,
            chunk.start,
            chunk.end,
            chunk.heading,
            chunk.text,
        ),
    ).fetchone()
    schema.add_words(
        connection, number, text=chunk.text, heading=chunk.heading, title=document.title
    )


def remove_chunks(connection: sqlite3.Connection, chunks: Iterable[Stored]) -> None:
    """Delete chunks with their words and, by cascade, their vectors."""
    for held in chunks:
        chunk = held.chunk
        schema.remove_words(
            connection, held.number, text=chunk.text, heading=chunk.heading, title=chunk.title
        )
        connection.execute("DELETE FROM chunks WHERE number = ?", (held.number,))


def remove_document(connection: sqlite3.Connection, url: str) -> dict[str, Stored]:
    """Delete a document and what belongs to it; return the chunks that it had, by id."""
    # Else the text would stay readable in the file until its pages are used again. It holds for
    # this connection from now on.
    connection.execute("PRAGMA secure_delete = ON")
    old = stored(connection, url)
    # Chunks first: FTS5 needs their words, which a cascade would not give it. The rows of `pages`
    # go with the document.
    remove_chunks(connection, old.values())
    connection.execute("DELETE FROM documents WHERE url = ?", (url,))
    return old


def put_vectors(connection: sqlite3.Connection, vectors: Mapping[str, Mapping[str, bytes]]) -> None:
    """Set the vectors of chunks, by id and space; rows that hold them already are not written."""
    connection.executemany(
        "INSERT INTO embeddings (space, chunk, vector)"
        " SELECT ?, number, ? FROM chunks WHERE id = ?"
        " ON CONFLICT (space, chunk) DO UPDATE SET vector = excluded.vector"
        " WHERE vector <> excluded.vector",
        [
            (space, vector, id_)
            for id_, spaces in vectors.items()
            for space, vector in spaces.items()
        ],
    )
