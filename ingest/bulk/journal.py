"""What a run of `ingest` has to do and has done, in a file: a killed run goes on where it was.

The journal is the run's queue, too. So the list of a run may be longer than memory, a name that
comes twice is read once, and what a crawl finds is not lost with the process.
"""

import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message
from ingest.foundation.private_files import OWNER_ONLY_FILE, make_private_file
from ingest.foundation.sqlite_files import switch_to_wal, transaction

RESUMED_FOR = timedelta(days=1)
"""After that an unfinished run begins again: what it has read is no longer what the sites hold."""

KEPT_RUNS = 20
"""Runs whose failures can be tried again."""

BUSY_S = 15.0
"""Longest wait for another run that writes; each write takes milliseconds."""

_TABLES = (
    """CREATE TABLE IF NOT EXISTS runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, started_at TEXT NOT NULL,
        is_over INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS items (
        number INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, url TEXT NOT NULL,
        role TEXT NOT NULL, depth INTEGER NOT NULL, site TEXT NOT NULL, state TEXT NOT NULL,
        UNIQUE (run, url)
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS items_by_state ON items (run, state, number)",
)

ItemState = Literal["pending", "done", "failed"]
ItemRole = Literal["page", "list", "nested_list"]
"""A page or file to be stored; a sitemap or feed that was named; a sitemap that an index names."""


class RunJournalError(QiuzhengError):
    """The journal cannot be read or written."""

    code = "run_journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunItem:
    """One page or file of a run."""

    url: str
    """Canonical; a file:// URL for a local document."""
    role: ItemRole = "page"
    depth: int = 0
    """How many links further on a crawl may go."""
    site: str = ""
    """The origin that a crawl stays in; "" for what was named itself."""
    number: int = 0
    """Its place in the journal, 0 before it has one."""


class RunJournal:
    """The runs of one index, in one SQLite file. `begin` or `begin_retry` comes first.

    Args:
        path: The file, made if it is not there; None keeps everything in memory.

    Raises:
        RunJournalError: it cannot be opened.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._run = 0
        self._mutex = threading.RLock()
        self._lock: FileLock | None = None
        with self._errors():
            if path is not None:
                make_private_file(path)
            self._connection = sqlite3.connect(
                path or ":memory:",
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,  # a thread fills it while the event loop waits
            )
            switch_to_wal(self._connection, seconds=BUSY_S)
            # A power cut may take the last entries; those pages are then looked at once more.
            self._connection.execute("PRAGMA synchronous = NORMAL")
            for statement in _TABLES:
                self._connection.execute(statement)
            with suppress(sqlite3.OperationalError):  # it has the column
                self._connection.execute(
                    "ALTER TABLE runs ADD COLUMN collection TEXT NOT NULL DEFAULT ''"
                )

    def begin(self, sources: Sequence[str], *, collection: str = "") -> int:
        """Begin a run of `sources`, or go on with the one of the same that did not end.

        Returns how many of its pages have been seen to already, 0 for a new run. Files are looked
        at again: that is cheap, and they may have been written to.
        """
        key = hashlib.sha256("\0".join([str(Path.cwd()), *sources]).encode(errors="replace"))
        with self._errors():
            name = key.hexdigest()[:16]
            if not self._try_own(name):
                name = ""  # the same command runs beside us: this one has a run of its own
            since = (datetime.now(UTC) - RESUMED_FOR).isoformat()
            row = self._connection.execute(
                "SELECT MAX(id) FROM runs WHERE key = ? AND NOT is_over AND started_at > ?",
                (name, since),
            ).fetchone()
            if name and row[0] is not None:
                self._run = row[0]
                self._connection.execute(
                    "UPDATE items SET state = 'pending' WHERE run = ? AND url LIKE 'file:%'",
                    (self._run,),
                )
                return self.count("done") + self.count("failed")
            cursor = self._connection.execute(
                "INSERT INTO runs (key, started_at, collection) VALUES (?, ?, ?)",
                (name, datetime.now(UTC).isoformat(), collection),
            )
            self._run = int(cursor.lastrowid or 0)
            return 0

    def begin_retry(self, sources: Sequence[str]) -> int:
        """Take up what failed in the last run of `sources`, of any if none is named.

        Returns how many pages and files that are.
        """
        found = self._failed_run(sources)
        if found is None:
            return 0
        self._run = found
        with self._errors():
            cursor = self._connection.execute(
                "UPDATE items SET state = 'pending' WHERE run = ? AND state = 'failed'",
                (self._run,),
            )
            return cursor.rowcount

    def failed_collection(self, sources: Sequence[str]) -> str:
        """Return the collection of the run that `begin_retry` takes up, "" if it has none."""
        found = self._failed_run(sources)
        with self._errors():
            row = self._connection.execute(
                "SELECT collection FROM runs WHERE id = ?", (found,)
            ).fetchone()
        return str(row[0]) if row else ""

    def _failed_run(self, sources: Sequence[str]) -> int | None:
        """Return the last run of `sources`, or of any, in which something failed."""
        wanted = "SELECT run FROM items WHERE state = 'failed'"
        values: tuple[str, ...] = ()
        if sources:
            key = hashlib.sha256("\0".join([str(Path.cwd()), *sources]).encode(errors="replace"))
            wanted = f"SELECT id FROM runs WHERE key = ? AND id IN ({wanted})"  # noqa: S608
            values = (key.hexdigest()[:16],)
        with self._errors():
            rows = self._connection.execute(f"{wanted} ORDER BY 1 DESC LIMIT 1", values).fetchall()
        return int(rows[0][0]) if rows else None

    def add(self, items: Iterable[RunItem]) -> int:
        """Add pages and files, and return how many the run did not have already."""
        with self._errors(), transaction(self._connection):
            before = self._connection.total_changes
            self._connection.executemany(
                "INSERT OR IGNORE INTO items (run, url, role, depth, site, state)"
                " VALUES (?, ?, ?, ?, ?, 'pending')",
                ((self._run, item.url, item.role, item.depth, item.site) for item in items),
            )
            return self._connection.total_changes - before

    def pending(self, *, after: int, limit: int) -> list[RunItem]:
        """Return up to `limit` pages and files to be read whose number is above `after`."""
        with self._errors():
            rows = self._connection.execute(
                "SELECT url, role, depth, site, number FROM items"
                " WHERE run = ? AND state = 'pending' AND number > ? ORDER BY number LIMIT ?",
                (self._run, after, limit),
            ).fetchall()
        return [
            RunItem(url=url, role=role, depth=depth, site=site, number=number)
            for url, role, depth, site, number in rows
        ]

    def finish(self, item: RunItem, state: ItemState) -> None:
        """Note what became of one."""
        with self._errors():
            self._connection.execute(
                "UPDATE items SET state = ? WHERE number = ?", (state, item.number)
            )

    def finish_all(self, items: Sequence[RunItem], state: ItemState) -> None:
        """Note what became of several, in one transaction."""
        with self._errors(), transaction(self._connection):
            self._connection.executemany(
                "UPDATE items SET state = ? WHERE number = ?",
                [(state, item.number) for item in items],
            )

    def count(self, state: ItemState | None = None) -> int:
        """Return how many pages and files of the run are in `state`, of all if None."""
        with self._errors():
            (count,) = self._connection.execute(
                "SELECT COUNT(*) FROM items WHERE run = ? AND (state = ? OR ? IS NULL)",
                (self._run, state, state),
            ).fetchone()
        return int(count)

    def count_below(self, prefix: str) -> int:
        """Return how many URLs of the run begin with `prefix`."""
        with self._errors():
            (count,) = self._connection.execute(
                "SELECT COUNT(*) FROM items WHERE run = ? AND url >= ? AND url < ?",
                (self._run, prefix, prefix + "\U0010ffff"),
            ).fetchone()
        return int(count)

    def end(self) -> None:
        """Note that nothing of the run is left, and forget all of it but what failed."""
        with self._errors(), transaction(self._connection):
            self._connection.execute("UPDATE runs SET is_over = 1 WHERE id = ?", (self._run,))
            self._connection.execute(
                "DELETE FROM items WHERE run = ? AND state = 'done'", (self._run,)
            )
            self._connection.execute("DELETE FROM runs WHERE id <= ?", (self._run - KEPT_RUNS,))
            self._connection.execute("DELETE FROM items WHERE run NOT IN (SELECT id FROM runs)")

    def forget_runs(self) -> tuple[int, int]:
        """Delete all runs but those under way; return how many went and how many are left.

        What is deleted is overwritten on the disk.
        """
        with self._errors():
            self._connection.execute("PRAGMA secure_delete = ON")
            rows = self._connection.execute(
                "SELECT id, key, is_over, started_at FROM runs"
            ).fetchall()
            since = (datetime.now(UTC) - RESUMED_FOR).isoformat()
            gone = []
            for run, key, is_over, started_at in rows:
                # One without a key has no lock that would tell: it is young, or no process runs it.
                is_idle = self._try_own(key) if key else started_at < since
                self._disown()
                if is_over or is_idle:
                    gone.append((run,))
            with transaction(self._connection):
                self._connection.executemany("DELETE FROM items WHERE run = ?", gone)
                self._connection.executemany("DELETE FROM runs WHERE id = ?", gone)
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return len(gone), len(rows) - len(gone)

    def close(self) -> None:
        """Close the file. May be called twice; a run that has not ended can be gone on with."""
        self._connection.close()
        self._disown()

    def _disown(self) -> None:
        if self._lock is not None:
            self._lock.release()
            with contextlib.suppress(OSError):
                Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock = None

    def _try_own(self, key: str) -> bool:
        """Keep others from having a run of `key`; return False if another process has one."""
        if self._path is None:
            return True
        # The kernel drops the lock with the process, also by kill -9; a process id would be reused.
        lock = FileLock(self._path.with_name(f"run-{key}.lock"), mode=OWNER_ONLY_FILE)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        self._lock = lock
        return True

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            # Threads share the connection, but not a transaction.
            with self._mutex:
                yield
        except (sqlite3.Error, OSError) as error:
            raise RunJournalError(
                Message(
                    "the journal of runs {path} cannot be used ({error})",
                    path=self._path or "",
                    error=error,
                ),
                hint=Message("it holds no page and may be deleted"),
            ) from error
