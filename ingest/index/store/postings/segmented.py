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
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

import numpy as np
from filelock import Timeout

from ingest.documents import ScoredChunk
from ingest.foundation.private_files import make_private_folder
from ingest.index.store import counts
from ingest.index.store.memberships import member_condition, member_values
from ingest.index.store.postings.live_shares import LiveShares
from ingest.index.store.postings.segment import (
    MAX_SEGMENT_CHUNKS,
    PostingsSegment,
    Row,
    build_segment,
    facts_of,
    read_facts,
    word_key,
    write_segment,
)
from ingest.index.store.postings.segment_files import (
    FileState,
    SegmentFile,
    chain_of,
    drop_file,
    file_state,
    is_usable,
    load_segment,
    segment_path,
    segments_lock,
    unlink_segments,
    withdrawals_of,
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

log = logging.getLogger(__name__)


class SegmentedPostings:
    """Finds chunks by the words that they have. The caller lets one thread in at a time.

    Args:
        folder: Of the files, made by whoever writes the first; None: there are none.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._token = ""
        # How many chunks there were, and rows so far, when each chunk was seen to have one.
        self._complete = (-1, -1)
        self._files: dict[Path, PostingsSegment] = {}
        self._states: dict[Path, FileState] = {}
        self._end = 0
        # What was written behind the last file, in the order in which this process saw it.
        self._small: list[PostingsSegment] = []
        self._seen = 0
        self._live_shares = LiveShares()

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
        if self._folder is None:
            return None
        # Each chunk has its row of words but where an older version still runs, which writes none;
        # who opens the index next adds them (`schema.add_lacking_words`).
        chunks = counts.count_of(connection, counts.CHUNKS)
        state = (chunks, counts.last_row(connection, "chunk_words"))
        if state != self._complete and chunks == counts.count_chunks_with_words(connection):
            self._complete = state
        if state != self._complete or not self._update(connection):
            return None
        try:
            return self._best_matches(connection, words, top_k, collections)
        except (IndexError, ValueError) as error:
            # A bad disk has changed a file that is as long as it was; it is made anew.
            log.warning("the postings beside the index are damaged and made again: %s", error)
            self._files = {}
            for file in chain_of(self._folder):
                drop_file(file, str(error))
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
            self._live_shares.counts(connection, segments, found, keys),
            counts.count_of(connection, counts.CHUNKS),
        )
        # Whether a word of the index counts for nothing.
        leaves_out = any(((count > 0) & (weights == 0)).any() for _, count in found)
        wanted = top_k + SPARE_CANDIDATES
        while wanted <= max(MAX_CANDIDATES, top_k + SPARE_CANDIDATES):
            changes, scores = _best(segments, found, weights, wanted)
            # The chunks of these rows that are still there, in one of `collections` if given.
            score_of = dict(zip(changes.tolist(), scores.tolist(), strict=True))
            among = f"AND {member_condition('c.url')}" if collections else ""
            rows = connection.execute(
                f"SELECT {CHUNK}, w.change FROM json_each(:changes) j"
                " JOIN chunk_words w ON w.change = j.value JOIN chunks c ON c.number = w.chunk"
                f" JOIN documents d ON d.url = c.url WHERE true {among}",
                {"changes": json.dumps(list(score_of)), **member_values(collections)},
            ).fetchall()
            scored = [ScoredChunk(chunk=to_chunk(row[:8]), score=score_of[row[8]]) for row in rows]
            if len(scored) >= top_k:
                return scored
            if len(changes) < wanted:
                # Counted over the whole index: within a small collection the rare words may be
                # nowhere, and the one that was left out may be all that it has of the question.
                return None if collections and leaves_out else scored
            wanted *= 4
        return None

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
        states: dict[Path, FileState] = {}
        for file in chain:
            # Before it is mapped: a later change is seen by the next question.
            state = file_state(file.path)
            segment = self._files.get(file.path)
            # One that was written over in place is another one, and is looked at as such.
            if segment is None or state != self._states.get(file.path):
                segment = load_segment(connection, file)
            if segment is None:
                break
            files[file.path], states[file.path] = segment, state
            end = file.last
        self._files, self._states = files, states
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


def rows_behind(connection: sqlite3.Connection, change: int, limit: int = -1) -> list[Row]:
    """Return the rows of `chunk_words` behind one, in order."""
    return connection.execute(
        "SELECT change, length, words FROM chunk_words WHERE change > ? ORDER BY change LIMIT ?",
        (change, limit),
    ).fetchall()


def is_segment_due(connection: sqlite3.Connection, folder: Path) -> bool:
    """Return whether so much was written that a file of it should be made."""
    # Files first: one that is made meanwhile is of rows that are there.
    chain = chain_of(folder)
    end = chain[-1].last if chain else 0
    last = counts.last_row(connection, "chunk_words")
    return last - end >= SEGMENT_EVERY or end > last


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
        with segments_lock(folder, timeout_s=0):
            connection.execute("BEGIN")
            try:
                return _make_segment(connection, folder)
            finally:
                connection.execute("ROLLBACK")
    except Timeout:  # another process is making it
        return False


def _make_segment(connection: sqlite3.Connection, folder: Path) -> bool:
    last = counts.last_row(connection, "chunk_words")
    # Also what was left by makers that were killed: of a full disk there is no more for this one.
    _delete_others(folder)
    chain = list(takewhile(lambda file: is_usable(connection, file), chain_of(folder)))
    if len(chain) > 1 + 4 * counts.count_of(connection, counts.CHUNKS) / MAX_SEGMENT_CHUNKS:
        # Three quarters of dead rows: pages that change leave them.
        unlink_segments(folder)
        chain = []
    withdrawals = withdrawals_of(connection)
    for file in chain:
        if file.withdrawals < withdrawals:
            _clear_withdrawn(connection, folder, file)
            _delete_others(folder)
            return True
    end = chain[-1].last if chain else 0
    if last - end < SEGMENT_EVERY:
        return False
    # The last file grows until it is full: a question looks into each.
    if chain and _count_rows(connection, chain[-1].after, last) <= MAX_SEGMENT_CHUNKS:
        end = chain[-1].after
    rows = rows_behind(connection, end, MAX_SEGMENT_CHUNKS)
    past = rows[-1][0] if len(rows) == MAX_SEGMENT_CHUNKS else last
    _write_rows(connection, folder, rows, after=end, last=past)
    _delete_others(folder)
    return last - past >= SEGMENT_EVERY


def _clear_withdrawn(connection: sqlite3.Connection, folder: Path, file: SegmentFile) -> None:
    """Make a file anew without the words of what was deleted, if it has any."""
    if _count_rows(connection, file.after, file.last) == read_facts(file.path).chunks:
        withdrawals = withdrawals_of(connection)
        path = segment_path(folder, after=file.after, last=file.last, withdrawals=withdrawals)
        with suppress(OSError):  # Windows lets none be renamed that a question reads
            file.path.rename(path)
            return
    rows = rows_behind(connection, file.after, MAX_SEGMENT_CHUNKS)
    rows = [row for row in rows if row[0] <= file.last]
    _write_rows(connection, folder, rows, after=file.after, last=file.last)


def _write_rows(
    connection: sqlite3.Connection, folder: Path, rows: Sequence[Row], *, after: int, last: int
) -> None:
    withdrawals = withdrawals_of(connection)
    write_segment(
        segment_path(folder, after=after, last=last, withdrawals=withdrawals),
        build_segment(rows, average=_average(connection)),
        facts_of(rows, token=get_meta(connection, TOKEN)),
    )


def _delete_others(folder: Path) -> None:
    """Delete all but the files that cover the rows without a gap."""
    kept = {file.path for file in chain_of(folder)}
    for path in folder.iterdir():
        if path not in kept:
            with suppress(OSError):  # Windows keeps what another process reads; the next one tries
                path.unlink()


def _count_rows(connection: sqlite3.Connection, after: int, last: int) -> int:
    (count,) = connection.execute(
        "SELECT COUNT(*) FROM chunk_words WHERE change > ? AND change <= ?", (after, last)
    ).fetchone()
    return int(count)


def _average(connection: sqlite3.Connection) -> float:
    """Return how many words a chunk has on average."""
    chunks = counts.count_of(connection, counts.CHUNKS)
    return counts.count_of(connection, counts.WORDS) / max(1, chunks)


def _weights(counts_of_words: np.ndarray, chunks: int) -> np.ndarray:
    """Return the inverse document frequency of each word, as FTS5 computes it; 0: leave it out."""
    known = counts_of_words > 0
    # Of a negative number the logarithm is no number, and neither is a score with it.
    others = np.maximum(chunks - counts_of_words, 0)
    weights = np.where(known, np.log((others + 0.5) / (counts_of_words + 0.5)), 0.0)
    # One that is in half of the chunks tells nothing, unless it is all that was asked for.
    if not (weights > 0).any():
        weights = np.where(known, 1e-6, 0.0)
    return weights.clip(0).astype(np.float32)


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
