"""A small cache on disk for what goes stale: robots.txt files, search results, failed pages.

Losing it costs requests and nothing else, so a file that cannot be used is an empty cache, never an
error that a person would see.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from ingest.foundation.private_files import make_private_file

MAX_ENTRIES = 20_000
"""Beyond this the entries that expire first are deleted: some 100 MB of packed robots.txt files."""
BUSY_S = 0.5
"""Seconds to wait for another process's write; a look-up that waits longer is slower than asking
the site again."""
TRIM_EVERY = 200
"""Writes between two clean-ups: each scans the index by expiry, which is not free."""

_TABLES = (
    """CREATE TABLE IF NOT EXISTS entries (
        key TEXT PRIMARY KEY, value BLOB NOT NULL, expires REAL NOT NULL
    ) STRICT, WITHOUT ROWID""",
    # For the clean-up alone: without it SQLite would read every value, which may be a hundred
    # megabytes together.
    "CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires)",
)

log = logging.getLogger(__name__)


class ExpiringCache:
    """Bytes by key, each until it expires. Safe for threads and for several processes.

    Args:
        path: the SQLite file; None keeps everything in memory.
        clock: seconds since the epoch, not monotonic ones: entries outlive the process.
    """

    def __init__(self, path: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        # The connection is shared by threads, which sqlite3 allows only one at a time.
        self._lock = threading.Lock()
        self._writes = 0
        self._connection = self._open()

    def get(self, key: str) -> bytes | None:
        """Return what is kept under `key`, None if there is nothing or it has expired."""
        rows = self._run(
            "SELECT value FROM entries WHERE key = ? AND expires > ?", key, self._clock()
        )
        return bytes(rows[0][0]) if rows else None

    def put(self, key: str, value: bytes, *, ttl_s: float) -> None:
        """Keep `value` under `key` for `ttl_s` seconds; 0 or less forgets it."""
        if ttl_s <= 0:
            self._run("DELETE FROM entries WHERE key = ?", key)
            return
        expires = self._clock() + ttl_s
        self._run("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", key, value, expires)
        self._writes += 1
        if self._writes % TRIM_EVERY == 1:  # also at the first write: most processes make few
            self._run("DELETE FROM entries WHERE expires <= ?", self._clock())
            self._run(
                "DELETE FROM entries WHERE key IN"
                " (SELECT key FROM entries ORDER BY expires DESC LIMIT -1 OFFSET ?)",
                MAX_ENTRIES,
            )

    def remove_mentions(self, texts: Collection[str]) -> None:
        """Delete every entry that holds one of `texts` in its key or its value."""
        for text in texts:
            self._run(
                "DELETE FROM entries WHERE instr(value, CAST(?1 AS BLOB)) OR instr(key, ?1)", text
            )

    def clear(self) -> bool:
        """Delete every entry, off the disk, too; return False if another process prevents it."""
        self._run("DELETE FROM entries")
        self._run("VACUUM")
        return self._run("SELECT COUNT(*) FROM entries") == [(0,)]

    def close(self) -> None:
        """Close the file. May be called twice; afterwards the cache is empty and keeps nothing."""
        with self._lock:
            self._connection.close()

    def _run(self, statement: str, *values: str | bytes | float) -> list[tuple[Any, ...]]:
        """Return the rows, none if the file cannot be used."""
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                log.warning("the cache cannot be used: %s", error)
                return []

    def _open(self) -> sqlite3.Connection:
        """Connect to the file, to a new one in place of a damaged one, or else to memory."""
        if self._path is not None:
            for _attempt in range(2):  # the second finds the damaged file gone
                try:
                    # Search replies tell what a person asked for.
                    make_private_file(self._path)
                    return _connect(self._path)
                # Before its base class DatabaseError: a file that is locked or read-only, or a full
                # disk, is no reason to delete what other processes use.
                except sqlite3.OperationalError as error:
                    log.warning("the cache %s cannot be used: %s", self._path, error)
                    break
                except sqlite3.DatabaseError as error:
                    log.warning("the cache %s is damaged and begins anew: %s", self._path, error)
                    with contextlib.suppress(OSError):
                        self._path.unlink(missing_ok=True)
                except OSError as error:
                    log.warning("the cache %s cannot be used: %s", self._path, error)
                    break
        return _connect(None)


def _connect(path: Path | None) -> sqlite3.Connection:
    # Autocommit (isolation_level None): each statement is a transaction of its own, so no lock on
    # the file outlives it.
    connection = sqlite3.connect(
        path or ":memory:", timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        # No fsync: losing the last entries to a power cut costs a request each.
        connection.execute("PRAGMA synchronous = OFF")
        # What is removed because a person wants it gone is overwritten, not only marked as free.
        connection.execute("PRAGMA secure_delete = ON")
        for statement in _TABLES:
            connection.execute(statement)
    except BaseException:  # Ctrl-C, too: nobody else could close it
        connection.close()
        raise
    return connection
