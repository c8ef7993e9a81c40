"""How much the index holds, and which vectors changed: kept by each transaction, not counted.

COUNT walks through a table: three of them were two thirds of a question's vector leg at 300,000
chunks. Triggers, not our own statements, because rows also leave by cascades and by hand.
"""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import sqlite3

from ingest.index.store.base import IndexStats

DOCUMENTS = "documents"
CHUNKS = "chunks"
WORDS = "words"
"""Name under which the words of all chunks are counted, each as often as it is there."""

LOG_KEPT = 20_000
"""Changes of vectors that are remembered, 2 MB. A process that has not looked for longer reads all
vectors again, which takes as long as reading the changes would."""

_COUNTED = tuple(
    f"CREATE TRIGGER {table}_{event.lower()} AFTER {event} ON {table} BEGIN"
    f" UPDATE counts SET count = count {sign} 1 WHERE name = '{table}'; END"
    for table in (DOCUMENTS, CHUNKS)
    for event, sign in (("INSERT", "+"), ("DELETE", "-"))
)

TABLES = (
    "CREATE TABLE counts (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT",
    "INSERT INTO counts SELECT 'documents', COUNT(*) FROM documents",
    "INSERT INTO counts SELECT 'chunks', COUNT(*) FROM chunks",
    "INSERT INTO counts SELECT 'vectors ' || space, COUNT(*) FROM embeddings GROUP BY space",
    # Rows that are changed by a question's neighbours: without a gap in the numbers, also after
    # what was undone (AUTOINCREMENT keeps the last one in a table, which is undone with the rest).
    """CREATE TABLE vector_log (
        number INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, chunk INTEGER NOT NULL
    ) STRICT""",
    *_COUNTED,
    # ON CONFLICT … DO UPDATE and not OR IGNORE: the latter gives way to the "OR …" of whatever
    # statement fires the trigger.
    """CREATE TRIGGER embeddings_insert AFTER INSERT ON embeddings BEGIN
        INSERT INTO counts (name, count) VALUES ('vectors ' || NEW.space, 1)
            ON CONFLICT (name) DO UPDATE SET count = count + 1;
        INSERT INTO vector_log (space, chunk) VALUES (NEW.space, NEW.chunk);
    END""",
    """CREATE TRIGGER embeddings_delete AFTER DELETE ON embeddings BEGIN
        UPDATE counts SET count = count - 1 WHERE name = 'vectors ' || OLD.space;
        INSERT INTO vector_log (space, chunk) VALUES (OLD.space, OLD.chunk);
    END""",
    """CREATE TRIGGER embeddings_update AFTER UPDATE OF vector ON embeddings BEGIN
        INSERT INTO vector_log (space, chunk) VALUES (NEW.space, NEW.chunk);
    END""",
)
"""The sixth step of `ingest.index.store.schema`."""

WORD_TABLES = (
    # The words of each chunk (`ingest.index.store.postings`), numbered in the order of the changes:
    # what was written since a number is found by it, and none is ever given twice.
    """CREATE TABLE chunk_words (
        change INTEGER PRIMARY KEY AUTOINCREMENT,
        chunk INTEGER NOT NULL UNIQUE REFERENCES chunks (number) ON DELETE CASCADE,
        length INTEGER NOT NULL, words BLOB NOT NULL
    ) STRICT""",
    "INSERT OR REPLACE INTO counts (name, count) VALUES ('words', 0)",
    """CREATE TRIGGER chunk_words_insert AFTER INSERT ON chunk_words BEGIN
        UPDATE counts SET count = count + NEW.length WHERE name = 'words'; END""",
    """CREATE TRIGGER chunk_words_delete AFTER DELETE ON chunk_words BEGIN
        UPDATE counts SET count = count - OLD.length WHERE name = 'words'; END""",
)
"""The tenth."""


def vectors_in(space: str) -> str:
    """Return the name under which the vectors of `space` are counted."""
    return f"vectors {space}"


def spaces_with_vectors(connection: sqlite3.Connection) -> list[str]:
    """Return the spaces that have vectors."""
    rows = connection.execute("SELECT name FROM counts WHERE name GLOB 'vectors *' AND count > 0")
    return [name.removeprefix(vectors_in("")) for (name,) in rows]


def count_of(connection: sqlite3.Connection, name: str) -> int:
    """Return how many rows are counted under `name`."""
    row = connection.execute("SELECT count FROM counts WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def count_chunks_with_words(connection: sqlite3.Connection) -> int:
    """Return how many chunks have their words in `chunk_words`: .2 ms at 100,000."""
    (count,) = connection.execute("SELECT COUNT(*) FROM chunk_words").fetchone()
    return int(count)


def stats_of(connection: sqlite3.Connection, *, space: str) -> IndexStats:
    """Return how much the index holds, whose current space is `space`."""
    # Few texts cannot be embedded, so these are counted.
    (failed,) = connection.execute(
        "SELECT COUNT(*) FROM embed_failures WHERE space = :space OR :space = ''",
        {"space": space},
    ).fetchone()
    return IndexStats(
        documents=count_of(connection, DOCUMENTS),
        chunks=count_of(connection, CHUNKS),
        embedded=count_of(connection, vectors_in(space)),
        failed=failed,
        space=space,
    )


def last_change(connection: sqlite3.Connection) -> int:
    """Return the number of the last change of a vector, 0 if there was none."""
    return last_row(connection, "vector_log")


def last_row(connection: sqlite3.Connection, table: str) -> int:
    """Return the highest number that a table with AUTOINCREMENT has given, 0 if none."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return int(row[0]) if row else 0


def changes_since(
    connection: sqlite3.Connection, seen: int, *, last: int, space: str
) -> set[int] | None:
    """Return the chunks (by number) of `space` whose vector changed behind change `seen`.

    None where not all of them are remembered.

    Args:
        connection: Inside the transaction in which `last` was read.
        seen: The last change that the caller knows.
        last: `last_change` now.
        space: Others' changes are left out.
    """
    if seen == last:
        return set()
    row = connection.execute("SELECT MIN(number) FROM vector_log").fetchone()
    # A file that was put back from a backup has a smaller `last`.
    if seen > last or row[0] is None or row[0] > seen + 1:
        return None
    rows = connection.execute(
        "SELECT chunk FROM vector_log WHERE number > ? AND space = ?", (seen, space)
    )
    return {chunk for (chunk,) in rows}


def trim_log(connection: sqlite3.Connection) -> None:
    """Forget changes but the last `LOG_KEPT`."""
    connection.execute(
        "DELETE FROM vector_log WHERE number <= ?", (last_change(connection) - LOG_KEPT,)
    )
