"""What is said where kept answers cannot be found, read or written."""

import sqlite3
from pathlib import Path

from assistant.errors import (
    SnapshotDamagedError,
    SnapshotError,
    SnapshotLockedError,
    SnapshotNotFoundError,
)
from ingest.foundation.messages import Message

LAST = "last"
"""Names the newest snapshot."""

DELETE_HINT = Message("delete all kept answers: assistant forget --all")


def not_found_error(name: str) -> SnapshotNotFoundError:
    """Return the error for a name that no kept answer has."""
    if name == LAST:
        message = Message("no answer is kept yet")
        return SnapshotNotFoundError(message, hint=Message('ask something: assistant ask "…"'))
    return SnapshotNotFoundError(
        Message('no kept answer has an id that begins with "{name}"', name=name),
        hint=Message("see which there are: assistant history"),
    )


def store_error(error: sqlite3.Error, path: Path) -> SnapshotError:
    """Return what `error` means for the file at `path`, in one line."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code of an extended one
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return SnapshotDamagedError(
            Message("the file of kept answers {path} is damaged", path=path), hint=DELETE_HINT
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return SnapshotLockedError(
            Message("another process keeps {path} locked", path=path),
            hint=Message("try again in a moment"),
        )
    return SnapshotError(
        Message("the answers cannot be kept in {path}: {reason}", path=path, reason=error)
    )
