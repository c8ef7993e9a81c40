"""What SQLite and the file system raise, as a `StoreError` that says what to do next."""

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.errors import StoreError
from ingest.foundation.messages import Message
from ingest.foundation.private_files import make_private_folder

MEMORY = Path(":memory:")
"""Stands for the path of an index that is in no file."""


@contextmanager
def store_errors(path: Path | None) -> Iterator[None]:
    """Turn what SQLite raises in the block into a `StoreError`. `path`: None for memory."""
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(error, path or MEMORY) from error


def store_error(error: sqlite3.Error, path: Path) -> StoreError:
    """Return the error that says what `error` means for the index at `path`."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code of an extended one
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        return not_writable_error(path.parent)
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return StoreError(
            Message("no room to write the index {path}; what it held before is safe", path=path),
            hint=Message(
                "free some disk space (df -h {shlex}) and try again",
                shlex=shlex.quote(str(path.parent)),
            ),
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return locked_error(path)
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        move = f"mv {shlex.quote(str(path))} {shlex.quote(str(path) + '.broken')}"
        hint = Message("move it away and start anew: {move}", move=move)
        if code == sqlite3.SQLITE_CORRUPT:
            hint = Message(
                "save what can be read (assistant index rebuild), or move it away and start anew: "
                "{move}",
                move=move,
            )
        return StoreError(Message("{path} is damaged or is not an index", path=path), hint=hint)
    return StoreError(
        Message("the index {where} cannot be used ({error})", where=path, error=error)
    )


def make_folder(folder: Path) -> None:
    """Create `folder` and its parent, for their owner alone, and what these stand in.

    Raises:
        StoreError: it cannot be created.
    """
    try:
        make_private_folder(folder.parent)  # as a rule the home, which holds more than the index
        make_private_folder(folder)
    except OSError as error:
        raise not_writable_error(folder) from error


def not_writable_error(folder: Path) -> StoreError:
    """Return the error for a folder that we may not write to."""
    return StoreError(
        Message("cannot write to the index folder {folder}", folder=folder),
        hint=Message("make it writable, or set ASSISTANT_HOME to a folder that is"),
    )


def locked_error(path: Path) -> StoreError:
    """Return the error for a lock that another process keeps too long."""
    return StoreError(
        Message("another process keeps the index {path} locked", path=path),
        hint=Message("wait until it ends, or find it: lsof {shlex}", shlex=shlex.quote(str(path))),
    )


def newer_format_error(path: Path | None, version: int, *, ours: int) -> StoreError:
    """Return the error for a file whose format `version` is newer than `ours`."""
    return StoreError(
        Message(
            "the index {path} was made by a newer version (format {version}, ours is "
            "{schema_version})",
            path=path,
            version=version,
            schema_version=ours,
        ),
        hint=Message(
            "run: pip install --upgrade qiuzheng, or set ASSISTANT_HOME to another folder"
        ),
    )
