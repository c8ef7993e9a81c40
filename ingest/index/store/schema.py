"""The catalogue's tables, their migration from older formats, and the connection to them."""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import functools
import itertools
import logging
import os
import sqlite3
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ingest.foundation.private_files import make_private_file
from ingest.foundation.sqlite_files import switch_to_wal, transaction
from ingest.index.store import counts
from ingest.index.store.near_misses import VOCABULARY
from ingest.index.store.postings.segment import word_record
from ingest.index.store.sqlite_errors import (
    make_folder,
    newer_format_error,
    store_errors,
)
from ingest.text.normalize import ideographs_checksum
from ingest.text.words import words

log = logging.getLogger(__name__)

TOKEN = "words_token"  # noqa: S105  (names the state of a table, and opens nothing)
"""Fact about the index: random, another one whenever all words are counted anew."""

PAGE_BYTES = 4096
"""SQLite's unit of storage: a limit in bytes is set as one in pages."""

_FIRST = (
    """CREATE TABLE documents (
        url TEXT PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL, fetched_at TEXT NOT NULL,
        language TEXT NOT NULL, published TEXT
    ) STRICT""",
    """CREATE TABLE chunks (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        url TEXT NOT NULL REFERENCES documents (url) ON DELETE CASCADE,
        position INTEGER NOT NULL, first INTEGER NOT NULL, past INTEGER NOT NULL,
        heading TEXT NOT NULL, text TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX chunks_by_url ON chunks (url, position)",
    """CREATE TABLE embeddings (
        space TEXT NOT NULL, chunk INTEGER NOT NULL REFERENCES chunks (number) ON DELETE CASCADE,
        vector BLOB NOT NULL, PRIMARY KEY (space, chunk)
    ) STRICT""",
    "CREATE INDEX embeddings_by_chunk ON embeddings (chunk)",
    # The journal (`ingest.index.store.journal`). AUTOINCREMENT: an entry that is written again gets
    # a number that was never used, so removing the old entry by its number leaves it.
    """CREATE TABLE pending (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, space TEXT NOT NULL,
        UNIQUE (id, space) ON CONFLICT REPLACE
    ) STRICT""",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
)
_SECOND = (
    "ALTER TABLE documents ADD COLUMN author TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE documents ADD COLUMN modified TEXT",
    "ALTER TABLE documents ADD COLUMN canonical TEXT NOT NULL DEFAULT ''",
    # By the URL that was requested: redirects may lead several to one document.
    """CREATE TABLE pages (
        url TEXT PRIMARY KEY,
        document TEXT NOT NULL REFERENCES documents (url) ON DELETE CASCADE,
        checked_at TEXT NOT NULL, fresh_until TEXT NOT NULL, body_hash TEXT NOT NULL,
        etag TEXT NOT NULL, last_modified TEXT NOT NULL, fetcher TEXT NOT NULL,
        robots TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX pages_by_document ON pages (document)",
)
_THIRD = (
    # NULL: unknown, the document was stored by an older version.
    "ALTER TABLE documents ADD COLUMN extractor INTEGER",
    "ALTER TABLE documents ADD COLUMN splitter INTEGER",
    "ALTER TABLE documents ADD COLUMN chunk_size INTEGER",
    "ALTER TABLE documents ADD COLUMN chunk_overlap INTEGER",
    # These columns are behind the text, so SQLite would walk through its overflow pages to read
    # them. With this index no document is read to count those that are cut otherwise than set.
    "CREATE INDEX documents_by_cut ON documents (url, splitter, chunk_size, chunk_overlap)",
)
_FAULTY = "length(vector) = 0 OR vector = zeroblob(length(vector))"
# Due at once: what is deleted is to be embedded again by the next question that finds it by words.
# The reason is spelled out, since a step does not change when a catalogue of messages does.
_NOTE_DELETED = """INSERT OR REPLACE INTO embed_failures (space, chunk, tries, retry_at, reason)
    SELECT e.space, e.chunk, 0, '',
        '{"en": "the stored vector was of no use", "zh": "已存的向量不可用"}'
    FROM embeddings e JOIN chunks c ON c.number = e.chunk"""
_FOURTH = (
    # Each space with the length of its vectors; the current one is in `meta`, under "space".
    "CREATE TABLE spaces (name TEXT PRIMARY KEY, dimensions INTEGER NOT NULL) STRICT",
    # Texts that could not be embedded: when the next try is due, and why the last one failed.
    """CREATE TABLE embed_failures (
        space TEXT NOT NULL, chunk INTEGER NOT NULL REFERENCES chunks (number) ON DELETE CASCADE,
        tries INTEGER NOT NULL, retry_at TEXT NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (space, chunk)
    ) STRICT""",
    "CREATE INDEX embed_failures_by_chunk ON embed_failures (chunk)",
    # Servers have answered zeros and empty rows, which former versions stored. The journal learns
    # of them first: the vector store has a copy of the zeros and waits for the empty ones.
    f"""INSERT INTO pending (id, space) SELECT c.id, e.space FROM embeddings e
        JOIN chunks c ON c.number = e.chunk WHERE {_FAULTY}""",
    f"{_NOTE_DELETED} WHERE {_FAULTY}",
    f"DELETE FROM embeddings WHERE {_FAULTY} OR chunk NOT IN (SELECT number FROM chunks)",
    # A space is as long as most of its vectors are.
    """INSERT INTO spaces (name, dimensions) SELECT space, length / 4 FROM (
        SELECT space, length(vector) AS length,
            ROW_NUMBER() OVER (PARTITION BY space ORDER BY COUNT(*) DESC) AS place
        FROM embeddings GROUP BY space, length(vector)
    ) WHERE place = 1""",
    """INSERT INTO pending (id, space) SELECT c.id, e.space FROM embeddings e
        JOIN chunks c ON c.number = e.chunk JOIN spaces s ON s.name = e.space
        WHERE length(e.vector) <> 4 * s.dimensions""",
    f"{_NOTE_DELETED} JOIN spaces s ON s.name = e.space WHERE length(e.vector) <> 4 * s.dimensions",
    """DELETE FROM embeddings WHERE length(vector) <> 4 * (
        SELECT dimensions FROM spaces WHERE name = space)""",
)

_FIFTH = ("ALTER TABLE documents ADD COLUMN kind TEXT NOT NULL DEFAULT 'other'",)
_SIXTH = counts.TABLES

_SEVENTH = (
    # Several for a document. One without a row is in the default collection (`memberships`).
    """CREATE TABLE collection_members (
        document TEXT NOT NULL REFERENCES documents (url) ON DELETE CASCADE, name TEXT NOT NULL,
        PRIMARY KEY (document, name)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX collection_members_by_name ON collection_members (name)",
)

_EIGHTH = ("ALTER TABLE documents ADD COLUMN page_starts TEXT NOT NULL DEFAULT '[]'",)
_NINTH = (
    # In place of the narrower one: a second run over what has not changed reads no document either.
    """CREATE INDEX documents_by_state ON documents
        (url, splitter, chunk_size, chunk_overlap, extractor, kind, title)""",
    "DROP INDEX documents_by_cut",
)

_TENTH = counts.WORD_TABLES

VERSIONS = (
    *(_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, _SIXTH, _SEVENTH, _EIGHTH, _NINTH),
    _TENTH,
)
"""The statements that lead from each format to the next. A new file takes every step, so that an
index of any age has the same tables. Never change a step that was released."""

SCHEMA_VERSION = len(VERSIONS)
"""Kept in `PRAGMA user_version`. A file with a higher one is refused: writing would damage it."""

MANY_CHUNKS = 10_000
"""Chunks from which on a note says that their words are counted again: one or two seconds."""

# The text arrives as words with spaces between them, so FTS5 must not split them again: its "ascii"
# tokenizer leaves every character beyond ASCII whole, and "_" is the one ASCII sign in \w.
# Contentless: the text is in `chunks`, a second copy as bigrams would be twice as long as it.
WORDS_TABLE = """CREATE VIRTUAL TABLE words USING fts5 (
    body, heading, content = '', tokenize = "ascii tokenchars '_'"
)"""

_SAMPLE = """ＡB_1 don't café 无人机 drones Ünïcode 한국 々 so\u00adft 裡著 字 间 空 格 王 强
s p a c e d bro-\nken e-mail fn_42 E-1234 RTX4090 3rd 1990s a1b2c3d4e5 1,234 1 234 567 12,34,567
7\u2009777\u2009627 138 1234 5678 3.14 v2.0.1 2024-03-03 2024/3 March 3, 2024 3 March 3.3.2024
03/04/2024 20240303 2024年3月3日 March 2024发 3月 二〇二四年三月三日 第三 百分之五 一千二百 250万
2 million May the 3rd 约 翰 · 埃 尔 维 Mondays Sat 16 Tue–Thu 周一至周三 礼拜天"""
WORDS_VERSION = f"{ideographs_checksum():08x} {' '.join(words(_SAMPLE))}"
"""What today's words are, by a sample of each kind. Deleting from a contentless table needs the
very words that were inserted: an index of others is rebuilt from the text when it is opened."""


def connect(
    path: Path | None, *, busy_timeout_s: float, max_bytes: int | None
) -> sqlite3.Connection:
    """Open or create the database at `path` (None: in memory), ready for use.

    Raises:
        StoreError: the folder, the file or its version cannot be used.
    """
    with store_errors(path):
        if path is not None:
            make_folder(path.parent)
        frozen = path is not None and _is_read_only(path)
        if path is not None and not frozen:
            # SQLite gives the log beside it the mode of the file (findCreateFileMode).
            with suppress(OSError):  # SQLite says what is wrong
                make_private_file(path)
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?immutable=1" if path and frozen else path or ":memory:",
            uri=frozen,
            timeout=busy_timeout_s,
            isolation_level=None,  # `transaction` writes BEGIN and COMMIT
            check_same_thread=False,  # the catalogue's lock lets one thread in at a time
        )
        try:
            if not frozen:
                switch_to_wal(connection, seconds=busy_timeout_s)
            migrate(connection, path=path, max_bytes=max_bytes)
            if not frozen:
                add_lacking_words(connection)
            connection.execute(VOCABULARY)
        except BaseException:  # whatever it is, a caller who has no connection cannot close it
            connection.close()
            raise
        return connection


def connect_reader(path: Path, *, busy_timeout_s: float) -> sqlite3.Connection:
    """Open the database at `path`, which `connect` has opened before, for reading beside it."""
    frozen = _is_read_only(path)
    with store_errors(path):
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?{'immutable=1' if frozen else 'mode=rw'}",
            uri=True,
            timeout=busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )


def _is_read_only(path: Path) -> bool:
    """Return whether an index can be asked and not written: on a disc, in another user's home."""
    # SQLite reads no file of WAL mode where it cannot create the log beside it, except one that it
    # is told never changes. A log that is there holds changes, which would be left out.
    log_file = path.with_name(f"{path.name}-wal")
    return path.is_file() and not os.access(path.parent, os.W_OK) and not log_file.exists()


def migrate(connection: sqlite3.Connection, *, path: Path | None, max_bytes: int | None) -> None:
    """Set up the connection, and bring the tables to today's format in one transaction.

    Raises:
        StoreError: the file at `path` has a newer format.
    """
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    if max_bytes is not None:
        connection.execute(f"PRAGMA max_page_count = {max(1, max_bytes // PAGE_BYTES)}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == SCHEMA_VERSION and get_meta(connection, "words") == WORDS_VERSION:
        return  # the usual case, which needs no lock
    with transaction(connection):
        # Read again under the lock: another process may have migrated the file meanwhile.
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise newer_format_error(path, version, ours=SCHEMA_VERSION)
        for statement in itertools.chain.from_iterable(VERSIONS[version:]):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        # A file of before the tenth step has chunks whose words are not in its table.
        if get_meta(connection, "words") != WORDS_VERSION or not get_meta(connection, TOKEN):
            rebuild_words(connection)


def rebuild_words(connection: sqlite3.Connection) -> None:
    """Build the full-text index and the table of each chunk's words again from the chunks."""
    connection.execute("DROP TABLE IF EXISTS words")
    connection.execute(WORDS_TABLE)
    connection.execute("DELETE FROM chunk_words")
    put_meta(connection, TOKEN, uuid.uuid4().hex)  # files of the former words are none of this one
    (count,) = connection.execute("SELECT COUNT(*) FROM chunks").fetchone()
    if count >= MANY_CHUNKS:
        log.warning("building the index of words anew for %d chunks, once after an update", count)
    # One by one: the text of a large index does not fit into memory. SQLite allows writing while a
    # statement reads, if it is to another table.
    for number, text, heading, title in connection.execute(
        "SELECT c.number, c.text, c.heading, d.title FROM chunks c JOIN documents d USING (url)"
    ):
        add_words(connection, number, text=text, heading=heading, title=title)
    put_meta(connection, "words", WORDS_VERSION)


def add_lacking_words(connection: sqlite3.Connection) -> None:
    """Add the rows of `chunk_words` that an older version has left out.

    A server of it that still runs while the index is brought to today's format knows of the
    full-text index alone, and would write chunks that no file of postings ever has.
    """
    if counts.count_chunks_with_words(connection) == counts.count_of(connection, counts.CHUNKS):
        return
    # Where it cannot be written now, whoever opens it next does it.
    with suppress(sqlite3.OperationalError), transaction(connection):
        # All at once, unlike in `rebuild_words`: the statement reads the table that is written.
        for number, text, heading, title in connection.execute(
            "SELECT c.number, c.text, c.heading, d.title FROM chunks c JOIN documents d USING (url)"
            " WHERE c.number NOT IN (SELECT chunk FROM chunk_words)"
        ).fetchall():
            _add_word_record(connection, number, words(text), words(f"{title} {heading}"))


def add_words(
    connection: sqlite3.Connection, number: int, *, text: str, heading: str, title: str
) -> None:
    """Insert the words of chunk `number` into the full-text index and into `chunk_words`."""
    body, head = words(text), _heading_words(f"{title} {heading}")
    connection.execute(
        "INSERT INTO words (rowid, body, heading) VALUES (?, ?, ?)",
        (number, " ".join(body), " ".join(head)),
    )
    _add_word_record(connection, number, body, head)


@functools.lru_cache(maxsize=64)  # chunks of one page share them: a third of what is counted
def _heading_words(heading: str) -> Sequence[str]:
    return tuple(words(heading))


def _add_word_record(
    connection: sqlite3.Connection, number: int, body: Sequence[str], heading: Sequence[str]
) -> None:
    connection.execute(
        "INSERT INTO chunk_words (chunk, length, words) VALUES (?, ?, ?)",
        (number, *word_record(body, heading)),
    )


def remove_words(
    connection: sqlite3.Connection, number: int, *, text: str, heading: str, title: str
) -> None:
    """Undo `add_words`; the row of `chunk_words` goes with the chunk.

    The arguments must be the same, or the full-text index is damaged.
    """
    connection.execute(
        "INSERT INTO words (words, rowid, body, heading) VALUES ('delete', ?, ?, ?)",
        (number, fts_words(text), fts_words(f"{title} {heading}")),
    )


def fts_words(text: str) -> str:
    """Return the words of `text` as FTS5 is to index them, with spaces between them."""
    return " ".join(words(text))


def put_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Set one fact about the whole index."""
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def get_meta(connection: sqlite3.Connection, key: str) -> str:
    """Return the fact `key` about the whole index, "" if there is none."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else ""
