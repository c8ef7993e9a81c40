"""A small memory on disk for what strangers told us and what goes stale: robots.txt, results.

Nothing in it is missed when it is lost: a file that cannot be used is an empty cache, never an
error that a person would see.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

MAX_ENTRIES = 20_000  # of which the first to expire go first
BUSY_S = 0.5  # a lookup that waits longer is slower than asking anew
TRIM_EVERY = 200  # writes

_TABLES = (
    """CREATE TABLE IF NOT EXISTS entries (
        key TEXT PRIMARY KEY, value BLOB NOT NULL, expires REAL NOT NULL
    ) STRICT, WITHOUT ROWID""",
    # Making room must not read the values, which may be a hundred megabytes together.
    "CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires)",
)

log = logging.getLogger(__name__)


class ExpiringCache:
    """Bytes by key, each until its time is over. Any thread may call, and several processes.

    Args:
        path: the SQLite file; None keeps everything in memory.
        clock: seconds since the epoch: entries outlive the process.
    """

    def __init__(self, path: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
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
        if self._writes % TRIM_EVERY == 1:
            self._run("DELETE FROM entries WHERE expires <= ?", self._clock())
            self._run(
                "DELETE FROM entries WHERE key IN"
                " (SELECT key FROM entries ORDER BY expires DESC LIMIT -1 OFFSET ?)",
                MAX_ENTRIES,
            )

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        with self._lock:
            self._connection.close()

    def _run(self, statement: str, *values: str | bytes | float) -> list[tuple[bytes]]:
        """Return the rows, none where the file fails us."""
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                log.warning("the cache cannot be used: %s", error)
                return []

    def _open(self) -> sqlite3.Connection:
        """Return the file, a new one in place of a damaged one, or memory where no file can be."""
        if self._path is not None:
            for _attempt in range(2):
                try:
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    return _connected(self._path)
                except sqlite3.OperationalError as error:  # locked, read-only, no room
                    log.warning("the cache %s cannot be used: %s", self._path, error)
                    break
                except sqlite3.DatabaseError as error:
                    log.warning("the cache %s is damaged and begins anew: %s", self._path, error)
                    with contextlib.suppress(OSError):
                        self._path.unlink(missing_ok=True)
                except OSError as error:
                    log.warning("the cache %s cannot be used: %s", self._path, error)
                    break
        return _connected(None)


def _connected(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path or ":memory:", timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA synchronous = OFF")  # losing the last entries costs a request
        for statement in _TABLES:
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection
