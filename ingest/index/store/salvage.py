"""A damaged file of the index made again from what can still be read in it.

SQLite gives up a whole statement at the first torn page. So each table is read in small ranges of
its row numbers, which are halved down to single rows where a read fails: what is lost is what stood
on the torn pages, and no more (the idea of SQLite's own `.recover`, for the tables that we know).
"""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.errors import StoreError
from ingest.foundation.messages import Message
from ingest.foundation.sqlite_files import transaction
from ingest.index.store import journal, schema
from ingest.index.store.catalog import BUSY_TIMEOUT_S, Catalog
from ingest.index.store.sqlite_errors import store_errors

DAMAGED = ".damaged"
"""Suffix of the file that was damaged and is kept."""

RANGE = 512
"""Rows that are read at once; a torn page of text holds a few, one of vectors two."""

MISSES_AT_END = 4_096
"""Row numbers without a row after which a table is over whose last number cannot be read."""

_TABLES = ("meta", "spaces", "documents", "chunks", "embeddings", "pages", "embed_failures")
"""Tables with row numbers, those before that others refer to. The rest is made again from them."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SalvagedIndex:
    """What could be read of a damaged index."""

    documents: int
    outdated: int
    """Those of them that lack chunks: `ingest --recut` cuts them again from their text."""


def is_whole(catalog: Catalog) -> bool:
    """Return whether no page of the file is torn. Reads all of it."""
    try:
        with catalog.reading() as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            return str(verdict) == "ok"
    except StoreError:
        return False


def salvage_index(path: Path, fresh: Path) -> SalvagedIndex:
    """Write what can be read of the index at `path` into a new one at `fresh`. Blocks.

    Raises:
        StoreError: not even its tables are known any more, or the new file cannot be written.
    """
    with store_errors(fresh):
        new = schema.connect(fresh, busy_timeout_s=BUSY_TIMEOUT_S, max_bytes=None)
    with closing(new), closing(sqlite3.connect(path, isolation_level=None)) as old:
        with store_errors(fresh), transaction(new):
            new.execute("PRAGMA defer_foreign_keys = ON")
            for table in _TABLES:
                columns = [
                    name
                    for (name,) in new.execute("SELECT name FROM pragma_table_info(?)", (table,))
                ]
                places = ", ".join("?" * len(columns))
                # OR IGNORE: where a torn index has let a row in twice, one of them counts.
                insert = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({places})"
                for rows in _rows(old, table, ", ".join(columns)):
                    new.executemany(insert, rows)
            # Who is in which collection, from both ends up to what is torn: it has no row numbers.
            for order in ("ASC", "DESC"):
                with suppress(sqlite3.DatabaseError):
                    for row in old.execute(
                        "SELECT document, name FROM collection_members NOT INDEXED"
                        f" ORDER BY document {order}, name {order}"
                    ):
                        new.execute("INSERT OR IGNORE INTO collection_members VALUES (?, ?)", row)
            salvaged = _tidied(new)
            schema.rebuild_words(new)
        return salvaged


def replace_damaged_index(path: Path) -> tuple[SalvagedIndex, Path]:
    """Put an index of what can still be read in the place of a damaged one. Blocks.

    The damaged file is kept beside it; its path is returned. No other process may use the index.

    Raises:
        StoreError: nothing can be read, or the disk is full; the damaged file stays where it is.
    """
    fresh, kept = path.with_suffix(".salvaged"), path.with_suffix(DAMAGED)
    for old in (fresh, *_logs_of(fresh)):
        old.unlink(missing_ok=True)
    try:
        salvaged = salvage_index(path, fresh)
        for name in (path, *_logs_of(path)):
            if name.exists():
                name.replace(kept.with_name(name.name.replace(path.name, kept.name)))
        fresh.replace(path)
    finally:
        for left in (fresh, *_logs_of(fresh)):
            left.unlink(missing_ok=True)
    return salvaged, kept


def _logs_of(path: Path) -> list[Path]:
    """Return where SQLite keeps what has not come into the file at `path` yet."""
    return [path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm")]


def _rows(old: sqlite3.Connection, table: str, columns: str) -> Iterator[list[Row]]:
    last = None
    with suppress(sqlite3.DatabaseError):
        last = old.execute(f"SELECT MAX(rowid) FROM {table}").fetchone()[0] or 0
    start, empty = 1, 0
    while (last is not None and start <= last) or (last is None and empty < MISSES_AT_END):
        found = list(_range(old, table, columns, start, start + RANGE))
        empty = 0 if found else empty + RANGE
        start += RANGE
        yield found


def _range(
    old: sqlite3.Connection, table: str, columns: str, start: int, end: int
) -> Iterator[Row]:
    """Yield the rows from number `start` on, below `end`, that can be read."""
    try:
        rows = old.execute(
            f"SELECT {columns} FROM {table} NOT INDEXED WHERE rowid >= ? AND rowid < ?",
            (start, end),
        ).fetchall()
    except sqlite3.DatabaseError:
        if end - start > 1:
            middle = (start + end) // 2
            yield from _range(old, table, columns, start, middle)
            yield from _range(old, table, columns, middle, end)
        return
    yield from rows


def _tidied(new: sqlite3.Connection) -> SalvagedIndex:
    """Delete what has lost what it belongs to, and mark the documents that have lost chunks."""
    for table, owner in (
        ("chunks", "url IN (SELECT url FROM documents)"),
        ("embeddings", "chunk IN (SELECT number FROM chunks)"),
        ("embed_failures", "chunk IN (SELECT number FROM chunks)"),
        ("pages", "document IN (SELECT url FROM documents)"),
        ("collection_members", "document IN (SELECT url FROM documents)"),
    ):
        new.execute(f"DELETE FROM {table} WHERE NOT {owner}")
    # Chunks are numbered from 0 in their document; of one that has lost its last ones nothing
    # tells, but that its text goes on.
    outdated = new.execute(
        "UPDATE documents SET splitter = NULL WHERE length(trim(text)) > 0 AND NOT EXISTS ("
        " SELECT 1 FROM chunks c WHERE c.url = documents.url GROUP BY c.url"
        " HAVING COUNT(*) = MAX(position) + 1 AND MAX(past) >= length(rtrim(documents.text)) - 1)"
    ).rowcount
    for (space,) in new.execute("SELECT name FROM spaces").fetchall():
        journal.mark_all(new, space)
    (documents,) = new.execute("SELECT COUNT(*) FROM documents").fetchone()
    if not documents:
        raise StoreError(
            Message("no document can be read in the damaged index"),
            hint=Message("move it away, and start anew with: ingest"),
        )
    return SalvagedIndex(documents=documents, outdated=outdated)
