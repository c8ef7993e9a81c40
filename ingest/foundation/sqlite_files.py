"""SQLite files that several processes use at once: WAL, and transactions that wait their turn."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ingest.foundation.private_files import make_private_file

WAL_RETRY_S = 0.02
"""Pause between two attempts to switch a file to WAL, which takes milliseconds."""


class UnknownFormatError(Exception):
    """The file is of another format than the one that was asked for; nothing in it was changed."""


def open_private_database(
    path: Path, *, tables: Sequence[str], file_format: int, busy_s: float
) -> sqlite3.Connection:
    """Open a file of one person's text, readable by its owner alone, or create it.

    Args:
        path: The file.
        tables: Statements that create its tables.
        file_format: Kept in `PRAGMA user_version`.
        busy_s: Seconds to wait for another process's write.

    Returns:
        A connection in autocommit mode, for any thread, of which one uses it at a time.

    Raises:
        UnknownFormatError: it is of another format.
        sqlite3.Error: it cannot be opened, or is damaged.
        OSError: it cannot be created.
    """
    # Before SQLite creates it: its own files (-wal, -shm) take over these permissions.
    make_private_file(path)
    connection = sqlite3.connect(
        path, timeout=busy_s, isolation_level=None, check_same_thread=False
    )
    try:
        switch_to_wal(connection, seconds=busy_s)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What a person lets go is overwritten, and not only marked as free.
        connection.execute("PRAGMA secure_delete = ON")
        if _format_of(connection) == 0:
            with transaction(connection):
                # Read again under the lock: another process may have created the tables meanwhile.
                if _format_of(connection) == 0:
                    for statement in tables:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {file_format}")
        if _format_of(connection) != file_format:
            raise UnknownFormatError
    except BaseException:  # Ctrl-C, too: nobody else could close it
        connection.close()
        raise
    return connection


def _format_of(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def switch_to_wal(connection: sqlite3.Connection, *, seconds: float) -> None:
    """Let readers and one writer work side by side; wait for other processes up to `seconds`."""
    # Of several processes that create a file at once, all but one meet SQLITE_BUSY here, and this
    # is a place where SQLite does not wait by itself (sqlite.org/wal.html, "busy").
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


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all statements of the block, which only read, see one state of the file."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        # A full disk rolls back by itself, and is to be named, not this.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block has written, or nothing of it when it raises."""
    # IMMEDIATE: a transaction that reads first and writes later can be refused at once with
    # "database is locked", whatever the busy timeout says (sqlite.org/lang_transaction.html).
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk rolls back by itself
            connection.execute("ROLLBACK")
        raise
