"""The segments of an index: files beside it that cover its rows of words, and the rows since.

The truth is the table `chunk_words`, whose rows are numbered in the order of the changes and never
changed. Each file covers a range of these numbers; one begins where another ends. What was written
behind the last file is kept in memory, and what was deleted is left out when the chunks are looked
up. So a file cannot be wrong about a chunk, only miss or outlive it, and may be lost at any time:
then FTS5 answers until it is made again (docs/decisions/0016-growth.md).
"""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import json
import logging
import sqlite3
import zlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from ingest.documents import ScoredChunk
from ingest.foundation.private_files import OWNER_ONLY_FILE, make_private_folder
from ingest.index.store import counts
from ingest.index.store.memberships import member_condition, member_values
from ingest.index.store.postings.segment import (
    MAX_SEGMENT_CHUNKS,
    PostingsSegment,
    Row,
    build_segment,
    read_segment,
    word_key,
    write_segment,
)
from ingest.index.store.rows import CHUNK, to_chunk
from ingest.index.store.schema import TOKEN, get_meta

SEGMENT_EVERY = 2_048
"""Rows behind the last file from which on they are due for one: reading them takes 15 ms once. The
last file is made anew with them until it is full, .1 ms of CPU a chunk."""
MAX_ROWS_IN_MEMORY = 2 * SEGMENT_EVERY
"""Rows behind the last file that a question still reads; with more, FTS5 answers."""
MAX_SMALL_SEGMENTS = 16
"""Segments in memory, one for each write that was seen, before they become one."""
MAX_CANDIDATES = 4_096
"""Chunks that are looked up for a question whose collection has few of them; then FTS5 answers."""
SPARE_CANDIDATES = 10
"""Chunks looked up beyond those wanted at first: some may have been deleted since."""
SUFFIX = ".postings"

log = logging.getLogger(__name__)

_NUMBER_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFile:
    """A file of postings: it covers the rows behind `after`, up to `last`."""

    path: Path
    after: int
    last: int


class SegmentedPostings:
    """Finds chunks by the words that they have. The caller lets one thread in at a time.

    Args:
        folder: Of the files, made by whoever writes the first; None: there are none.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._token = ""
        self._files: dict[Path, PostingsSegment] = {}
        self._end = 0
        # What was written behind the last file, in the order in which this process saw it.
        self._small: list[PostingsSegment] = []
        self._seen = 0

    def best_matches(
        self,
        connection: sqlite3.Connection,
        words: Sequence[str],
        *,
        top_k: int,
        collections: Collection[str] = (),
    ) -> list[ScoredChunk] | None:
        """Return the chunks of highest BM25 score, in no order; None: FTS5 has to be asked.

        Args:
            connection: Inside a transaction, so that all is of one state of the index.
            words: Distinct words of the question.
            top_k: Chunks at most.
            collections: Only documents in one of these; (): all.
        """
        if self._folder is None or not self._update(connection):
            return None
        try:
            return self._best_matches(connection, words, top_k, collections)
        except (IndexError, ValueError) as error:
            # A bad disk has changed a file that is as long as it was; it is made anew.
            log.warning("the postings beside the index are damaged and made again: %s", error)
            self._files = {}
            delete_segments(self._folder)
            return None

    def _best_matches(
        self,
        connection: sqlite3.Connection,
        words: Sequence[str],
        top_k: int,
        collections: Collection[str],
    ) -> list[ScoredChunk] | None:
        segments = [*self._files.values(), *self._small]
        keys = np.array([word_key(word) for word in words], np.uint32)
        found = [segment.find(keys) for segment in segments]
        weights = _weights(
            np.sum([count for _, count in found], axis=0),
            sum(len(segment.changes) for segment in segments),
        )
        wanted = top_k + SPARE_CANDIDATES
        while wanted <= max(MAX_CANDIDATES, top_k + SPARE_CANDIDATES):
            changes, scores = _best(segments, found, weights, wanted)
            scored = _looked_up(connection, changes, scores, collections)
            if len(scored) >= top_k:
                return scored
            if len(changes) < wanted:
                # Counted over the whole index: within a small collection the rare words may be
                # nowhere, and the one that was left out may be all that it has of the question.
                return None if collections and _leaves_out(found, weights) else scored
            wanted *= 4
        return None

    def is_due(self, connection: sqlite3.Connection) -> bool:
        """Return whether so much was written that a file of it should be made."""
        if self._folder is None:
            return False
        last = counts.last_row(connection, "chunk_words")
        if last < SEGMENT_EVERY:
            return False
        chain = chain_of(self._folder)
        return last >= SEGMENT_EVERY + (chain[-1].last if chain else 0)

    def _update(self, connection: sqlite3.Connection) -> bool:
        """Take in what has changed; return whether all rows are covered."""
        assert self._folder is not None
        last = counts.last_row(connection, "chunk_words")
        token = get_meta(connection, TOKEN)
        if token != self._token:
            self._token, self._files = token, {}
        chain = chain_of(self._folder)
        if not chain and last < SEGMENT_EVERY:
            return False  # a small index: FTS5 scores all of it as fast
        files: dict[Path, PostingsSegment] = {}
        end = 0
        for file in chain:
            segment = self._files.get(file.path) or _read(connection, file, token)
            if segment is None:
                break
            files[file.path] = segment
            end = file.last
        self._files = files
        if end != self._end or self._seen > last:
            self._end = self._seen = end
            self._small = []
        if last - end > MAX_ROWS_IN_MEMORY:
            return False
        if self._seen < last:
            if len(self._small) == MAX_SMALL_SEGMENTS:
                self._small, self._seen = [], end
            rows = rows_behind(connection, self._seen)
            self._small.append(build_segment(rows, average=_average(connection)))
            self._seen = last
        return True


def chain_of(folder: Path) -> list[SegmentFile]:
    """Return the files that cover the rows without a gap, from the first row on."""
    found: dict[int, SegmentFile] = {}
    with suppress(OSError):
        for path in folder.glob(f"*{SUFFIX}"):
            after, _, last = path.stem.partition("-")
            if after.isdigit() and last.isdigit():
                file = SegmentFile(path=path, after=int(after), last=int(last))
                # Of two that begin alike the longer one takes the place of the other.
                if file.after not in found or found[file.after].last < file.last:
                    found[file.after] = file
    chain: list[SegmentFile] = []
    end = 0
    while end in found:
        chain.append(found[end])
        end = found[end].last
    return chain


def rows_behind(connection: sqlite3.Connection, change: int, limit: int = -1) -> list[Row]:
    """Return the rows of `chunk_words` behind one, in order."""
    return connection.execute(
        "SELECT change, length, words FROM chunk_words WHERE change > ? ORDER BY change LIMIT ?",
        (change, limit),
    ).fetchall()


def make_segment(connection: sqlite3.Connection, folder: Path) -> bool:
    """Make the file that is due, if any; return whether another one is.

    Args:
        connection: Of the caller's own, in no transaction.
        folder: Of the files.

    Raises:
        sqlite3.Error: the index cannot be read.
        OSError: the file cannot be written.
    """
    make_private_folder(folder)
    try:
        with FileLock(folder.with_suffix(".words.lock"), timeout=0, mode=OWNER_ONLY_FILE):
            connection.execute("BEGIN")
            try:
                return _make_segment(connection, folder)
            finally:
                connection.execute("ROLLBACK")
    except Timeout:  # another process is making it
        return False


def _make_segment(connection: sqlite3.Connection, folder: Path) -> bool:
    token, last = get_meta(connection, TOKEN), counts.last_row(connection, "chunk_words")
    chain = chain_of(folder)
    usable = [file for file in chain if _read(connection, file, token) is not None]
    if usable != chain or _outlived(connection, folder):
        # Of an index that was put back from a backup, or three quarters of dead rows: all anew.
        delete_segments(folder)
        chain = []
    end = chain[-1].last if chain else 0
    if last - end < SEGMENT_EVERY:
        return False
    # The last file grows until it is full: a question looks into each.
    if chain and _count_behind(connection, chain[-1].after) <= MAX_SEGMENT_CHUNKS:
        end = chain[-1].after
    rows = rows_behind(connection, end, MAX_SEGMENT_CHUNKS)
    past = rows[-1][0] if len(rows) == MAX_SEGMENT_CHUNKS else last
    facts: dict[str, str | int] = {"token": token, "chunks": len(rows)}
    if rows:
        facts |= {"change": rows[-1][0], "check": zlib.crc32(rows[-1][2])}
    name = f"{end:0{_NUMBER_DIGITS}}-{past:0{_NUMBER_DIGITS}}{SUFFIX}"
    write_segment(folder / name, build_segment(rows, average=_average(connection)), facts)
    kept = {file.path for file in chain_of(folder)}
    for path in folder.iterdir():
        if path not in kept:
            with suppress(OSError):  # Windows keeps what another process reads; the next one tries
                path.unlink()
    return last - past >= SEGMENT_EVERY


def delete_segments(folder: Path) -> None:
    """Delete all files of postings: what was removed from the index is in them until then."""
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(OSError):
            path.unlink()


def _outlived(connection: sqlite3.Connection, folder: Path) -> bool:
    """Return whether most of what the files cover is gone: pages that change leave dead rows."""
    covered = 0
    for file in chain_of(folder):
        covered += int(read_segment(file.path)[1]["chunks"])
    return covered > MAX_SEGMENT_CHUNKS + 4 * counts.count_of(connection, counts.CHUNKS)


def _count_behind(connection: sqlite3.Connection, change: int) -> int:
    (count,) = connection.execute(
        "SELECT COUNT(*) FROM chunk_words WHERE change > ?", (change,)
    ).fetchone()
    return int(count)


def _read(connection: sqlite3.Connection, file: SegmentFile, token: str) -> PostingsSegment | None:
    """Return the segment in a file, None if it is not one of this index."""
    try:
        segment, facts = read_segment(file.path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.info("postings in %s cannot be read: %s", file.path.name, error)
        return None
    if facts.get("token") != token:
        return None
    # An index that was put back from a backup gives numbers a second time, to other rows.
    row = connection.execute(
        "SELECT words FROM chunk_words WHERE change = ?", (facts.get("change"),)
    ).fetchone()
    is_other = row is not None and zlib.crc32(row[0]) != facts["check"]
    return None if is_other or file.last > counts.last_row(connection, "chunk_words") else segment


def _average(connection: sqlite3.Connection) -> float:
    """Return how many words a chunk has on average."""
    chunks = counts.count_of(connection, counts.CHUNKS)
    return counts.count_of(connection, counts.WORDS) / max(1, chunks)


def _weights(counts_of_words: np.ndarray, chunks: int) -> np.ndarray:
    """Return the inverse document frequency of each word, as FTS5 computes it; 0: leave it out."""
    known = counts_of_words > 0
    weights = np.where(
        known, np.log((chunks - counts_of_words + 0.5) / (counts_of_words + 0.5)), 0.0
    )
    # One that is in half of the chunks tells nothing, unless it is all that was asked for.
    if not (weights > 0).any():
        weights = np.where(known, 1e-6, 0.0)
    return weights.clip(0).astype(np.float32)


def _leaves_out(found: Sequence[tuple[np.ndarray, np.ndarray]], weights: np.ndarray) -> bool:
    """Return whether a word of the index counts for nothing."""
    return any(((counts_of_words > 0) & (weights == 0)).any() for _, counts_of_words in found)


def _best(
    segments: Sequence[PostingsSegment],
    found: Sequence[tuple[np.ndarray, np.ndarray]],
    weights: np.ndarray,
    wanted: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the best scores and these, in no order."""
    changes, scores, floor = np.zeros(0, np.int64), np.zeros(0, np.float32), 0.0
    for segment, (places, counts_of_words) in zip(segments, found, strict=True):
        total = segment.scores(places, np.where(counts_of_words > 0, weights, 0))
        # Few of a segment are better than the best of those before.
        better = np.flatnonzero(total > floor)
        scores = np.concatenate((scores, total[better]))
        changes = np.concatenate((changes, segment.changes[better]))
        if len(scores) > wanted:
            best = np.argpartition(scores, -wanted)[-wanted:]
            scores, changes = scores[best], changes[best]
            floor = float(scores.min())
    return changes, scores


def _looked_up(
    connection: sqlite3.Connection,
    changes: np.ndarray,
    scores: np.ndarray,
    collections: Collection[str],
) -> list[ScoredChunk]:
    """Return the chunks of these rows that are still there, in one of `collections` if given."""
    score_of = dict(zip(changes.tolist(), scores.tolist(), strict=True))
    among = f"AND {member_condition('c.url')}" if collections else ""
    rows = connection.execute(
        f"SELECT {CHUNK}, w.change FROM json_each(:changes) j"
        " JOIN chunk_words w ON w.change = j.value JOIN chunks c ON c.number = w.chunk"
        f" JOIN documents d ON d.url = c.url WHERE true {among}",
        {"changes": json.dumps(list(score_of)), **member_values(collections)},
    ).fetchall()
    return [ScoredChunk(chunk=to_chunk(row[:8]), score=score_of[row[8]]) for row in rows]
