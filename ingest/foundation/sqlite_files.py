"""SQLite files that several processes use at once: WAL, and transactions that wait their turn."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

WAL_RETRY_S = 0.02
"""Pause between two attempts to switch a file to WAL, which takes milliseconds."""


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
