"""Snapshots in one SQLite file, bounded by their number and their age."""

import math
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from assistant.errors import (
    SnapshotDamagedError,
    SnapshotError,
    SnapshotLockedError,
    SnapshotNotFoundError,
)
from assistant.snapshots.failures import LAST, not_found_error, store_error
from assistant.snapshots.snapshot import Snapshot, dump_snapshot, snapshot_adapter
from assistant.values import AnswerKind
from ingest.foundation.messages import Message, describe_os_error, enumerate_names
from ingest.foundation.sqlite_files import UnknownFormatError, open_private_database, transaction

FORMAT = 1
"""Kept in `PRAGMA user_version`. A file of another format is left alone."""

BUSY_S = 1.0
"""Seconds to wait for another process's write, which takes milliseconds. The end of a command may
wait so long for a snapshot, no answer does."""

MIN_PREFIX_CHARACTERS = 2
"""Characters of an id that may stand for it."""

DAY_S = 86_400.0

_TABLES = (
    # By number and not by time: a clock that is set back must not change which one is the last.
    """CREATE TABLE snapshots (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at REAL NOT NULL,
        question TEXT NOT NULL, kind TEXT NOT NULL, trust REAL, parent TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX snapshots_by_time ON snapshots (at)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotLine:
    """One snapshot in a list, without its body."""

    id: str
    at: datetime
    """In UTC."""
    question: str
    kind: AnswerKind | None
    """None: it failed."""
    trust: float | None
    parent: str
    """Id of the answer that a replay repeats, "" for what is no replay."""


class SnapshotStore:
    """Reads and writes snapshots. One thread at a time; any number of processes."""

    def __init__(
        self,
        path: Path,
        *,
        keep: int,
        days: float,
        clock: Callable[[], float] = time.time,
        max_bytes: int | None = None,
    ) -> None:
        """Open or create the file, readable by its owner alone, and let go what is too old.

        Args:
            path: The file.
            keep: Snapshots at most; the oldest go first.
            days: Days after which one goes.
            clock: Seconds since the epoch.
            max_bytes: Largest size of the file; writing more fails as if the disk were full.

        Raises:
            SnapshotError: it cannot be opened, is damaged, or is of another format.
        """
        self._path = path
        self._keep = keep
        self._days = days
        self._clock = clock
        with self._errors():
            self._connection = self._open()
            try:
                if max_bytes is not None:
                    (page,) = self._connection.execute("PRAGMA page_size").fetchone()
                    pages = max(1, max_bytes // page)
                    self._connection.execute(f"PRAGMA max_page_count = {pages}")
                self._file = _identity(path)
                # Also where nothing new is kept. Locked, or on a disk that is read-only: the next
                # one does it.
                with suppress(SnapshotError):
                    self._prune_if_due()
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._connection.close()

    @property
    def is_replaced(self) -> bool:
        """Whether the file was deleted, or another one put in its place, since it was opened.

        What is written then is lost.
        """
        try:
            return _identity(self._path) != self._file
        except OSError:
            return True

    def put(self, snapshot: Snapshot) -> None:
        """Keep a snapshot, and let go those that are too many or too old.

        Raises:
            SnapshotError: it cannot be written.
        """
        # Text of pages shrinks to a third, and so does what the file grows to.
        body = zlib.compress(dump_snapshot(snapshot))
        answer = snapshot.answer
        row = (
            snapshot.id,
            snapshot.at.timestamp(),
            snapshot.question.text,
            answer.kind if answer else "",
            answer.trust if answer else None,
            snapshot.parent,
            body,
        )
        with self._errors(), transaction(self._connection):
            # REPLACE: an id is random, and its owner has seen it before this could fail.
            self._connection.execute(
                "INSERT OR REPLACE INTO snapshots (id, at, question, kind, trust, parent, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            self._prune()

    def rewrite(self, snapshots: Collection[Snapshot]) -> None:
        """Put other bodies under ids that are kept; one that has gone meanwhile stays gone.

        Raises:
            SnapshotError: as `remove`.
        """
        with self._errors():
            with transaction(self._connection):
                self._connection.executemany(
                    "UPDATE snapshots SET body = ? WHERE id = ?",
                    [(zlib.compress(dump_snapshot(each)), each.id) for each in snapshots],
                )
            self._leave_no_trace()

    def get(self, name: str) -> Snapshot:
        """Return the snapshot whose id begins with `name`, or the last one.

        Raises:
            SnapshotNotFoundError: there is none, or several begin so.
            SnapshotError: it cannot be read.
        """
        with self._errors():
            number = self._number_of(name)
            id_, body = self._connection.execute(
                "SELECT id, body FROM snapshots WHERE number = ?", (number,)
            ).fetchone()
        try:
            return snapshot_adapter().validate_json(zlib.decompress(body))
        except (ValueError, TypeError, zlib.error) as error:  # pydantic's errors are ValueErrors
            # The others can be read: they need not go with it.
            raise SnapshotError(
                Message("answer {id} in {path} cannot be read", id=id_, path=self._path),
                hint=Message("delete this one: assistant forget {id}", id=id_),
            ) from error

    def lines(self, *, limit: int) -> list[SnapshotLine]:
        """Return the newest snapshots, the newest first."""
        with self._errors():
            rows = self._connection.execute(
                "SELECT id, at, question, kind, trust, parent FROM snapshots"
                " ORDER BY number DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return [
            SnapshotLine(
                id=id_,
                at=datetime.fromtimestamp(at, UTC),
                question=question,
                kind=kind or None,
                trust=trust,
                parent=parent,
            )
            for id_, at, question, kind, trust, parent in rows
        ]

    def remove(self, names: Collection[str]) -> int:
        """Delete the snapshots of these names, all or, where one is unknown, none; return how many.

        Raises:
            SnapshotNotFoundError: there is none of a name, or several begin so.
            SnapshotLockedError: they are deleted, but their text could not yet be taken off the
                disk; or another process is writing.
            SnapshotError: the file cannot be written.
        """
        with self._errors():
            # In the transaction, or "last" could mean another one by the time it is deleted.
            with transaction(self._connection):
                numbers = {self._number_of(name) for name in names}
                self._connection.executemany(
                    "DELETE FROM snapshots WHERE number = ?", [(number,) for number in numbers]
                )
            self._leave_no_trace()
        return len(numbers)

    def clear(self) -> int:
        """Delete all snapshots; return how many.

        Raises:
            SnapshotLockedError: as `remove`.
            SnapshotError: the file cannot be written.
        """
        with self._errors():
            with transaction(self._connection):
                deleted = self._connection.execute("DELETE FROM snapshots").rowcount
            # It only makes the file smaller, and fails on a full disk: what was deleted is gone.
            with suppress(sqlite3.OperationalError):
                self._connection.execute("VACUUM")
            self._leave_no_trace()
        return deleted

    def _prune_if_due(self) -> None:
        """Let go what is too old or too many."""
        with self._errors():
            # Asked before: most of the time there is nothing, and a reader need not wait for it.
            (due,) = self._connection.execute(
                "SELECT EXISTS (SELECT 1 FROM snapshots WHERE at < ?)"
                " OR (SELECT count(*) FROM snapshots) > ?",
                (self._cutoff(), self._keep),
            ).fetchone()
            if due:
                with transaction(self._connection):
                    self._prune()
                self._leave_no_trace()

    def _leave_no_trace(self) -> None:
        """Write what was deleted out of the journal, too: the file itself was overwritten."""
        # Waits `BUSY_S` for those who read. It does not raise where that was not enough.
        (is_busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise SnapshotLockedError(
                Message(
                    "the answers are deleted, but another process still reads {path}: their text "
                    "stays in {path}-wal until it ends",
                    path=self._path,
                )
            )

    def _cutoff(self) -> float:
        return self._clock() - self._days * DAY_S

    def _prune(self) -> None:
        # At each write, since it costs a few steps in an index; bodies are not touched.
        self._connection.execute("DELETE FROM snapshots WHERE at < ?", (self._cutoff(),))
        self._connection.execute(
            "DELETE FROM snapshots WHERE number <="
            " (SELECT number FROM snapshots ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (self._keep,),
        )

    def _number_of(self, name: str) -> int:
        """Return the number of the snapshot that a person means by `name`."""
        if name == LAST:
            found = self._connection.execute(
                "SELECT number, id FROM snapshots ORDER BY number DESC LIMIT 1"
            ).fetchall()
        else:
            is_prefix = len(name) >= MIN_PREFIX_CHARACTERS and name.isalnum() and name.isascii()
            # GLOB and not LIKE, which takes _ and % for any character.
            found = self._connection.execute(
                "SELECT number, id FROM snapshots WHERE id GLOB ? LIMIT 5",
                (f"{name.lower()}*" if is_prefix else "",),
            ).fetchall()
        if not found:
            raise not_found_error(name)
        if len(found) > 1:
            raise SnapshotNotFoundError(
                Message(
                    'several answers begin with "{name}": {ids}',
                    name=name,
                    ids=enumerate_names(id_ for _, id_ in found),
                ),
                hint=Message("write one more character of it"),
            )
        return int(found[0][0])

    def _open(self) -> sqlite3.Connection:
        try:
            return open_private_database(
                self._path, tables=_TABLES, file_format=FORMAT, busy_s=BUSY_S
            )
        except UnknownFormatError as error:
            raise SnapshotError(
                Message("the answers kept in {path} are of another version", path=self._path),
                # Not deleted: the version that wrote them can read them.
                hint=Message("update this one, or move the file away"),
            ) from error

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise `SnapshotError` for what SQLite and the file system raise."""
        try:
            yield
        except sqlite3.Error as error:
            raise store_error(error, self._path) from error
        except OSError as error:
            raise SnapshotError(
                Message(
                    "the answers cannot be kept in {path}: {reason}",
                    path=self._path,
                    reason=describe_os_error(error),
                )
            ) from error


def _identity(path: Path) -> tuple[int, int]:
    """Return what tells a file from another one of the same name."""
    status = path.stat()
    return status.st_dev, status.st_ino


def delete_snapshots(path: Path) -> int | None:
    """Delete all that is kept; return how many answers, None if the file was damaged.

    Raises:
        SnapshotLockedError: another process is writing it; nothing is deleted.
        SnapshotError: it cannot be deleted, or is of another version and left alone.
    """
    if not path.exists():
        return 0
    try:
        # Emptied and not deleted while it can be: a page or a chat may have it open.
        # Nothing is let go at the opening: what is deleted is to be counted.
        with SnapshotStore(path, keep=sys.maxsize, days=math.inf) as store:
            return store.clear()
    except SnapshotDamagedError:
        pass  # nothing can be read from it. Whoever has it open notices (`is_replaced`)
    try:
        for suffix in ("-wal", "-shm", ""):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise SnapshotError(
            Message("cannot delete {path}", path=path), hint=describe_os_error(error)
        ) from error
    return None
