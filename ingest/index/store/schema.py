"""The catalogue's tables, how they are opened, and what SQLite's complaints mean to a person."""

import itertools
import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.errors import StoreError
from ingest.foundation.messages import Message
from ingest.text.words import words

MEMORY = Path(":memory:")

PAGE_BYTES = 4096
"""SQLite's unit of storage, needed to turn a limit in bytes into one in pages."""

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
    # Ids whose vector may differ between `embeddings` and the vector store: the journal.
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
    # By the URL that was asked for: several may lead to one document.
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
    # These columns stand behind the text, so SQLite would walk through its overflow pages to read
    # them. With this index no document is read to count those that are cut otherwise than set.
    "CREATE INDEX documents_by_cut ON documents (url, splitter, chunk_size, chunk_overlap)",
)

VERSIONS = (_FIRST, _SECOND, _THIRD)
"""What leads from each format to the next. A new file takes every step, so that an index of any
age has the same tables. Never change a step that was released."""

SCHEMA_VERSION = len(VERSIONS)
"""Kept in `PRAGMA user_version`; a higher one is refused, because we would damage it."""

WAL_RETRY_S = 0.02

# The words arrive ready-made, parted by spaces, so FTS5 must not cut them again: its "ascii"
# tokenizer leaves every character beyond ASCII whole, and "_" is the one ASCII sign in \w.
# Contentless: the text is in `chunks`, a second copy as bigrams would be twice as long as it.
WORDS_TABLE = """CREATE VIRTUAL TABLE words USING fts5 (
    body, heading, content = '', tokenize = "ascii tokenchars '_'"
)"""

WORDS_VERSION = " ".join(words("ＡB_1 don't café 无人机 drones Ünïcode 한국 々 3.14"))
"""How we tell words today. Deleting from a contentless table needs the very words that went in,
so an index built with other rules is rebuilt from the text when it is opened."""


def connect(
    path: Path | None, *, busy_timeout_s: float, max_bytes: int | None
) -> sqlite3.Connection:
    """Open or create the database at `path` (None: in memory), ready for use.

    Raises:
        StoreError: the folder, the file or its version cannot be used.
    """
    with explained(path):
        if path is not None:
            make_folder(path.parent)
        connection = sqlite3.connect(
            path or ":memory:",
            timeout=busy_timeout_s,
            isolation_level=None,  # we say BEGIN and COMMIT ourselves
            check_same_thread=False,  # the catalogue's lock lets one thread in at a time
        )
        try:
            _switch_to_wal(connection, seconds=busy_timeout_s)
            _prepare(connection, path=path, max_bytes=max_bytes)
        except BaseException:
            connection.close()
            raise
        return connection


def _switch_to_wal(connection: sqlite3.Connection, *, seconds: float) -> None:
    """Let readers and one writer work side by side.

    Of several processes that create a file at once, all but one meet SQLITE_BUSY here, and this is
    a place where SQLite does not wait by itself (sqlite.org/wal.html, "busy").
    """
    until = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(WAL_RETRY_S)
        else:
            return


def _prepare(connection: sqlite3.Connection, *, path: Path | None, max_bytes: int | None) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    if max_bytes is not None:
        connection.execute(f"PRAGMA max_page_count = {max(1, max_bytes // PAGE_BYTES)}")
    if _is_current(connection):  # the usual case, which needs no lock
        return
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise _too_new(path, version)
        for statement in itertools.chain.from_iterable(VERSIONS[version:]):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if recall(connection, "words") != WORDS_VERSION:
            rebuild_words(connection)


def _is_current(connection: sqlite3.Connection) -> bool:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return version == SCHEMA_VERSION and recall(connection, "words") == WORDS_VERSION


def rebuild_words(connection: sqlite3.Connection) -> None:
    """Fill the full-text index anew from the chunks."""
    connection.execute("DROP TABLE IF EXISTS words")
    connection.execute(WORDS_TABLE)
    rows = connection.execute(
        "SELECT c.number, c.text, c.heading, d.title FROM chunks c JOIN documents d USING (url)"
    )
    for number, text, heading, title in rows.fetchall():
        add_words(connection, number, text=text, heading=heading, title=title)
    remember(connection, "words", WORDS_VERSION)


def add_words(
    connection: sqlite3.Connection, number: int, *, text: str, heading: str, title: str
) -> None:
    """Make chunk `number` findable by its words."""
    connection.execute(
        "INSERT INTO words (rowid, body, heading) VALUES (?, ?, ?)",
        (number, spaced(text), spaced(f"{title} {heading}")),
    )


def remove_words(
    connection: sqlite3.Connection, number: int, *, text: str, heading: str, title: str
) -> None:
    """Undo `add_words`; the arguments must be the same."""
    connection.execute(
        "INSERT INTO words (words, rowid, body, heading) VALUES ('delete', ?, ?, ?)",
        (number, spaced(text), spaced(f"{title} {heading}")),
    )


def spaced(text: str) -> str:
    """Return the words of `text` as FTS5 is to see them."""
    return " ".join(words(text))


def remember(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Set one note about the whole index."""
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def recall(connection: sqlite3.Connection, key: str) -> str:
    """Return the note `key`, "" if there is none."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else ""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all of the block or, when it raises, none of it.

    IMMEDIATE: a transaction that reads first and asks to write later can be refused at once with
    "database is locked", whatever the busy timeout says (sqlite.org/lang_transaction.html).
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled it back already
            connection.execute("ROLLBACK")
        raise


def make_folder(folder: Path) -> None:
    """Create `folder`, or raise the `StoreError` that says why it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_writable(folder) from error


@contextmanager
def explained(path: Path | None) -> Iterator[None]:
    """Turn what SQLite raises in the block into a `StoreError` with a way out."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explain(error, path) from error


def _explain(error: sqlite3.Error, path: Path | None) -> StoreError:
    where = path or MEMORY
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code of an extended one
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        return not_writable(where.parent)
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return _full(where)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return busy(where)
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return _damaged(where)
    return StoreError(
        Message("the index {where} cannot be used ({error})", where=where, error=error)
    )


def not_writable(folder: Path) -> StoreError:
    """Return the error for a folder that we may not write to."""
    return StoreError(
        Message("cannot write to the index folder {folder}", folder=folder),
        hint=Message("make it writable, or set ASSISTANT_HOME to a folder that is"),
    )


def busy(path: Path) -> StoreError:
    """Return the error for a lock that another process keeps too long."""
    return StoreError(
        Message("another process keeps the index {path} locked", path=path),
        hint=Message("wait until it ends, or find it: lsof {shlex}", shlex=shlex.quote(str(path))),
    )


def _full(path: Path) -> StoreError:
    return StoreError(
        Message("no room to write the index {path}; what it held before is safe", path=path),
        hint=Message(
            "free some disk space (df -h {shlex}) and try again",
            shlex=shlex.quote(str(path.parent)),
        ),
    )


def _damaged(path: Path) -> StoreError:
    move = f"mv {shlex.quote(str(path))} {shlex.quote(str(path) + '.broken')}"
    return StoreError(
        Message("{path} is damaged or is not an index", path=path),
        hint=Message("move it away and start anew: {move}", move=move),
    )


def _too_new(path: Path | None, version: int) -> StoreError:
    return StoreError(
        Message(
            "the index {path} was made by a newer version (format {version}, ours is "
            "{schema_version})",
            path=path,
            version=version,
            schema_version=SCHEMA_VERSION,
        ),
        hint=Message(
            "run: pip install --upgrade qiuzheng, or set ASSISTANT_HOME to another folder"
        ),
    )
