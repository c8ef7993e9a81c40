"""Which files of postings there are, and whether one belongs to the index as it is now.

A file is taken as it is or not at all: one that is damaged, of another format or of another state
of the index is deleted, and so is due again. Their names say which rows they cover, so that a
question learns what is due without opening any.
"""

import logging
import sqlite3
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ingest.foundation.private_files import OWNER_ONLY_FILE
from ingest.index.store import counts
from ingest.index.store.postings.segment import (
    UNFINISHED,
    PostingsSegment,
    SegmentFacts,
    read_facts,
    read_segment,
)
from ingest.index.store.schema import TOKEN, get_meta, put_meta

SUFFIX = ".postings"
WITHDRAWALS = "withdrawals"
"""Fact about the index: how often documents were deleted. Files made before one hold its words."""
LOCK_TIMEOUT_S = 10.0
"""Longest wait of a removal for a file that another process makes, which takes a second."""

ANOTHER_STATE = "of another state of the index"

log = logging.getLogger(__name__)

_NUMBER_DIGITS = 12


FileState = tuple[int, ...]
"""Number of a file on its disk, its bytes, when it was written (ns)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFile:
    """A file of postings: it covers the rows behind `after`, up to `last`."""

    path: Path
    after: int
    last: int
    withdrawals: int
    """How many there had been when it was made."""


def segment_path(folder: Path, *, after: int, last: int, withdrawals: int) -> Path:
    """Return the path of the file that covers these rows."""
    # Never that of another one that is being read: Windows does not let it be replaced.
    rows = f"{after:0{_NUMBER_DIGITS}}-{last:0{_NUMBER_DIGITS}}"
    return folder / f"{rows}-{withdrawals}{SUFFIX}"


def chain_of(folder: Path) -> list[SegmentFile]:
    """Return the files that cover the rows without a gap, from the first row on."""
    found: dict[int, SegmentFile] = {}
    with suppress(OSError):
        for path in folder.glob(f"*{SUFFIX}"):
            numbers = path.stem.split("-")
            if len(numbers) != 3 or not all(part.isdecimal() for part in numbers):
                continue
            after, last, withdrawals = map(int, numbers)
            file = SegmentFile(path=path, after=after, last=last, withdrawals=withdrawals)
            # Of two that begin alike the longer, else the later one takes the place of the other.
            other = found.get(after)
            if other is None or (last, withdrawals) > (other.last, other.withdrawals):
                found[after] = file
    chain: list[SegmentFile] = []
    end = 0
    while end in found and found[end].last > end:
        chain.append(found[end])
        end = found[end].last
    return chain


def file_state(path: Path) -> FileState:
    """Return what tells a file from another one of its name, () if there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def load_segment(connection: sqlite3.Connection, file: SegmentFile) -> PostingsSegment | None:
    """Return the segment in a file of this index; another file is deleted.

    Args:
        connection: Inside a transaction.
        file: One that was there when, or after, it began.
    """
    if file.last > counts.last_row(connection, "chunk_words"):
        return None  # made of what was written since, if it is not of a future that was lost
    try:
        segment, facts = read_segment(file.path)
    except (OSError, ValueError) as error:
        drop_file(file, str(error))
        return None
    if not _is_of_index(connection, facts):
        drop_file(file, ANOTHER_STATE)
        return None
    return segment


def is_usable(connection: sqlite3.Connection, file: SegmentFile) -> bool:
    """Return whether a file is of this index, by its head alone; another file is deleted.

    The caller's transaction began when no file was being made.
    """
    reason = ANOTHER_STATE
    if file.last <= counts.last_row(connection, "chunk_words"):
        try:
            if _is_of_index(connection, read_facts(file.path)):
                return True
        except (OSError, ValueError) as error:
            reason = str(error)
    drop_file(file, reason)
    return False


def faulty_files(connection: sqlite3.Connection, folder: Path) -> list[SegmentFile]:
    """Return the files that are damaged or not of this index, and delete none."""
    faulty = []
    for file in chain_of(folder):
        try:
            if not _is_of_index(connection, read_segment(file.path)[1]):
                faulty.append(file)
        except FileNotFoundError:  # another process has put one in its place
            continue
        except (OSError, ValueError):
            faulty.append(file)
    return faulty


def _is_of_index(connection: sqlite3.Connection, facts: SegmentFacts) -> bool:
    """Return whether the rows that a file names are those of this index."""
    if facts.token != get_meta(connection, TOKEN):
        return False
    # An index that was put back from a backup gives numbers a second time, to other rows. What is
    # gone tells nothing, so one row at least has to be there still.
    known = 0
    for change, checksum in facts.rows:
        row = connection.execute(
            "SELECT words FROM chunk_words WHERE change = ?", (change,)
        ).fetchone()
        if row is not None and zlib.crc32(row[0]) != checksum:
            return False
        known += row is not None
    return known > 0 or not facts.rows


def drop_file(file: SegmentFile, reason: str) -> None:
    """Delete a file that is of no use, which is due again by that."""
    log.info("the postings in %s are not used: %s", file.path.name, reason)
    with suppress(OSError):  # read-only media
        file.path.unlink()


def drop_lost_future(connection: sqlite3.Connection, folder: Path) -> None:
    """Delete files of rows that the index does not have, before it has other rows of their numbers.

    So it is after an index was put back from a backup, or a lost power supply took its last writes.
    """
    # Files first: one that is made meanwhile is of rows that are there.
    chain = chain_of(folder)
    with suppress(sqlite3.Error):  # a damaged index is named by whoever asks it
        last = counts.last_row(connection, "chunk_words") if chain else 0
        for file in chain:
            if file.last > last:
                drop_file(file, ANOTHER_STATE)


def delete_segments(folder: Path) -> None:
    """Delete all files of postings: what was removed from the index is in them until then."""
    if not folder.exists():
        return  # who makes the first one begins by making it, and reads the index after that
    try:
        with segments_lock(folder, timeout_s=LOCK_TIMEOUT_S):
            unlink_segments(folder)
    except (OSError, Timeout):
        # Who makes one cannot give it its name any more.
        unlink_segments(folder)


def unlink_segments(folder: Path) -> None:
    """Delete all files of postings and those that are being written, without waiting."""
    for path in (*folder.glob(f"*{SUFFIX}"), *folder.glob(f"*{UNFINISHED}")):
        with suppress(OSError):
            path.unlink()


def segments_lock(folder: Path, *, timeout_s: float) -> FileLock:
    """Return the lock of whoever makes or deletes files, against other threads and processes."""
    return FileLock(folder.with_suffix(".words.lock"), timeout=timeout_s, mode=OWNER_ONLY_FILE)


def note_withdrawal(connection: sqlite3.Connection) -> None:
    """Note in the transaction that deletes a document that the files hold its words."""
    put_meta(connection, WITHDRAWALS, str(withdrawals_of(connection) + 1))


def withdrawals_of(connection: sqlite3.Connection) -> int:
    """Return how often documents were deleted."""
    return int(get_meta(connection, WITHDRAWALS) or 0)


def holds_withdrawn(connection: sqlite3.Connection, folder: Path) -> bool:
    """Return whether a file may hold words of a document that was deleted."""
    withdrawals = withdrawals_of(connection)
    return any(file.withdrawals < withdrawals for file in chain_of(folder))
