"""Postings of the words leg: the words of one chunk, and a segment of many chunks sorted by word.

A segment holds for each word the chunks that have it, each with what it adds to BM25 in 8 bits
(eager scoring: Lù, "BM25S: Orders of magnitude faster lexical search via eager sparse scoring",
2024). A question adds up a few arrays instead of having FTS5 score chunk after chunk. Segments are
never changed, as those of Lucene are; a file of one is read where it lies (mmap).
"""

import json
import math
import mmap
import os
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ingest.foundation.private_files import make_private_file

HEADING_WEIGHT = 0.5  # of a word in the title or heading, against one in the text
K1 = 1.2
B = 0.75
"""Parameters of BM25, as FTS5 has them."""

MAX_SEGMENT_CHUNKS = 32_768
"""Chunks of a segment: their places fit into 16 bits, and building one takes 60 MB for a second."""
DENSE_SHARE = 4
"""A word in more than one of so many chunks is kept as a row of all of them: adding up rows costs
.1 ns a chunk, adding to places that are named 6 ns."""
SCALE = 255 / (K1 + 1)
"""From BM25's share of a word, which is below K1 + 1, to 8 bits."""
FORMAT = 2
"""Version of the files; those of another are not read and made anew."""
READ_ONLY_FILE = 0o400
MAGIC = b"qiuzheng postings\n"
UNFINISHED = ".new"
"""Suffix of a file that is being written."""
ALIGNED = 64  # bytes, at which each array of a file begins
SLICE = 2_048
"""Chunks that are computed at once while a segment is built: some 10 MB."""

_RECORD = np.dtype([("word", "<u4"), ("halves", "u1")])
_MAX_HALVES = 255

WordKeys = NDArray[np.uint32]
Row = tuple[int, int, bytes]
"""A row of `chunk_words`: number of the change, words of the chunk, its record."""


def word_key(word: str) -> int:
    """Return the 32 bits that stand for a word. Two of a million words in a thousand share them."""
    return zlib.crc32(word.encode())


def word_record(body: Sequence[str], heading: Sequence[str]) -> tuple[int, bytes]:
    """Return how many words a chunk has, and how often each: 5 bytes for a distinct word."""
    # In halves, because a word of the heading counts for half of one in the text.
    halves = Counter(body)
    for word in halves:
        halves[word] *= 2
    halves.update(heading)
    record = np.empty(len(halves), _RECORD)
    record["word"] = [word_key(word) for word in halves]
    record["halves"] = [min(count, _MAX_HALVES) for count in halves.values()]
    return len(body) + len(heading), record.tobytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingsSegment:
    """The words of up to `MAX_SEGMENT_CHUNKS` chunks. Arrays may lie in a file."""

    changes: NDArray[np.int64]
    """Numbers of the rows of `chunk_words`, ascending; all else names a chunk by its place here."""
    keys: WordKeys
    """Keys of the words that are in any chunk, ascending."""
    counts: NDArray[np.uint32]
    """In how many chunks each word is."""
    starts: NDArray[np.uint32]
    """Where the postings of each word begin, or for a frequent one the row of `dense`."""
    dense: NDArray[np.uint8]
    """Frequent words × chunks: what each adds to the score, times `SCALE`."""
    chunks: NDArray[np.uint16]
    shares: NDArray[np.uint8]
    """Postings of the other words: places of chunks, and what each adds, times `SCALE`."""

    def find(self, keys: WordKeys) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Return where each word stands in `keys`, and in how many chunks it is (0: not here)."""
        if not len(self.keys):
            return np.zeros(len(keys), np.intp), np.zeros(len(keys), np.int64)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        counts = np.where(self.keys[places] == keys, self.counts[places], 0)
        return places, counts.astype(np.int64)

    def rows_of(self, place: int) -> NDArray[np.int64]:
        """Return the rows (`changes`) that have the word at this place of `keys`."""
        start, count = int(self.starts[place]), int(self.counts[place])
        if _exceeds_dense_share(count, len(self.changes)):
            return self.changes[np.flatnonzero(self.dense[start])]
        return self.changes[self.chunks[start : start + count]]

    def scores(self, places: NDArray[np.intp], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the score of each chunk.

        Args:
            places: Words, as `find` has them.
            weights: What each weighs (inverse document frequency); 0 for one that is not here.
        """
        total = np.zeros(len(self.changes), np.float32)
        for place, weight in zip(places.tolist(), weights / np.float32(SCALE), strict=True):
            if not weight:
                continue
            start, count = int(self.starts[place]), int(self.counts[place])
            if _exceeds_dense_share(count, len(self.changes)):
                total += weight * self.dense[start]
            else:
                total[self.chunks[start : start + count]] += (
                    weight * self.shares[start : start + count]
                )
        return total


def _exceeds_dense_share(count: Any, chunks: int) -> Any:
    """Return whether a word in `count` of so many chunks is kept as a row; elementwise."""
    return count * DENSE_SHARE > chunks


def build_segment(rows: Sequence[Row], *, average: float) -> PostingsSegment:
    """Return a segment of these rows of `chunk_words`, which are in order.

    Args:
        rows: At most `MAX_SEGMENT_CHUNKS`.
        average: Words of a chunk, over the whole index.
    """
    entries = sum(len(record) for _, _, record in rows) // _RECORD.itemsize
    # Word, chunk and share in one number each: sorting these is one call, of the fastest kind.
    packed = np.empty(entries, np.uint64)
    end = 0
    for first in range(0, len(rows), SLICE):
        part = rows[first : first + SLICE]
        records = np.frombuffer(b"".join(record for _, _, record in part), _RECORD)
        sizes = [len(record) // _RECORD.itemsize for _, _, record in part]
        lengths = np.repeat(np.array([length for _, length, _ in part], np.float32), sizes)
        chunks = np.repeat(np.arange(first, first + len(part), dtype=np.uint64), sizes)
        frequency = records["halves"] * np.float32(HEADING_WEIGHT)
        norm = K1 * (1 - B + B / max(average, 1.0) * lengths)
        share = np.rint(frequency / (frequency + norm) * 255).clip(1, 255).astype(np.uint64)
        start, end = end, end + len(records)
        packed[start:end] = records["word"].astype(np.uint64) << np.uint64(24)
        packed[start:end] |= chunks << np.uint64(8) | share
    packed.sort()
    words = (packed >> np.uint64(24)).astype(np.uint32)
    begins = np.flatnonzero(np.diff(words, prepend=~words[:1]))
    counts = np.diff(begins, append=entries)
    chunks_of = (packed >> np.uint64(8)).astype(np.uint16)
    shares = packed.astype(np.uint8)
    is_dense = _exceeds_dense_share(counts, len(rows))
    dense = np.zeros((int(is_dense.sum()), len(rows)), np.uint8)
    for row, word in enumerate(np.flatnonzero(is_dense).tolist()):
        own = slice(begins[word], begins[word] + counts[word])
        dense[row, chunks_of[own]] = shares[own]
    is_sparse = np.repeat(~is_dense, counts)
    sparse_counts = np.where(is_dense, 0, counts)
    starts = np.where(is_dense, np.cumsum(is_dense) - 1, np.cumsum(sparse_counts) - sparse_counts)
    return PostingsSegment(
        changes=np.array([change for change, _, _ in rows], np.int64),
        keys=words[begins],
        counts=counts.astype(np.uint32),
        starts=starts.astype(np.uint32),
        dense=dense,
        chunks=chunks_of[is_sparse],
        shares=shares[is_sparse],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFacts:
    """What a file of a segment says of the index that it belongs to."""

    token: str
    chunks: int
    rows: tuple[tuple[int, int], ...]
    """Numbers of some rows, and a checksum of the words of each."""


def facts_of(rows: Sequence[Row], *, token: str) -> SegmentFacts:
    """Return what the file of these rows is to say of them."""
    # Where an index from a backup goes another way, it does so from some row on to the end. So the
    # last, the one before it, the fourth from the end and so on: few rows, some of them behind it.
    steps = [1 << power for power in range(len(rows).bit_length())]
    return SegmentFacts(
        token=token,
        chunks=len(rows),
        rows=tuple((rows[-step][0], zlib.crc32(rows[-step][2])) for step in steps),
    )


def write_segment(path: Path, segment: PostingsSegment, facts: SegmentFacts) -> None:
    """Write a file of a segment, whole or not at all, with what `read_segment` is to give back.

    Raises:
        OSError: the disk is full, the folder cannot be written, or it was emptied meanwhile.
    """
    arrays = {name: np.ascontiguousarray(getattr(segment, name)) for name in _ARRAYS}
    checksum = 0
    for array in arrays.values():
        checksum = zlib.crc32(array.data, checksum)
    head = json.dumps(
        {
            "format": FORMAT,
            "facts": asdict(facts),
            "arrays": {name: (array.dtype.str, array.shape) for name, array in arrays.items()},
            "checksum": checksum,
        }
    ).encode()
    fresh = path.with_suffix(UNFINISHED)
    try:
        make_private_file(fresh)
        with fresh.open("wb") as file:
            file.write(MAGIC + b"%08x" % zlib.crc32(head) + head + b"\n")
            for array in arrays.values():
                file.write(b"\0" * (-file.tell() % ALIGNED))
                file.write(array.data)
            # Before it gets its name: a file that a lost power supply has torn is never one.
            file.flush()
            os.fsync(file.fileno())
        if os.name != "nt":  # there a read-only file could not be deleted, and a mapped one not cut
            # What copies a backup over it in place would cut the memory of who reads it (SIGBUS);
            # with this, cp puts a new file in its place or says that it may not write. FAT and
            # some network shares refuse it; the file is as good without.
            with suppress(OSError):
                fresh.chmod(READ_ONLY_FILE)
        fresh.replace(path)
    except BaseException:
        # A full disk is not to get fuller by each try.
        with suppress(OSError):
            fresh.unlink()
        raise


def read_facts(path: Path) -> SegmentFacts:
    """Return what a file says of itself; its arrays are not looked at.

    Raises:
        OSError: it cannot be read.
        ValueError: it is of another format, or damaged.
    """
    with path.open("rb") as file:
        return _read_head(file)[0]


def read_segment(path: Path) -> tuple[PostingsSegment, SegmentFacts]:
    """Return the segment in a file, which is read once to see that it is whole, and its facts.

    Raises:
        OSError: it cannot be read.
        ValueError: it is of another format, or damaged.
    """
    with path.open("rb") as file:
        facts, head = _read_head(file)
        at = file.tell()
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    arrays: dict[str, Any] = {}
    checksum = 0
    for name, (kind, shape) in head["arrays"].items():
        at += -at % ALIGNED
        array = np.frombuffer(data, kind, math.prod(shape), at).reshape(shape)
        at += array.nbytes
        # A block that the disk has lost reads as zeros, which are as good as any other postings.
        checksum = zlib.crc32(array.data, checksum)
        arrays[name] = array
    if checksum != head["checksum"]:
        raise ValueError("damaged postings")
    return PostingsSegment(**arrays), facts


def _read_head(file: BinaryIO) -> tuple[SegmentFacts, dict[str, Any]]:
    """Return the facts of a file, and where its arrays are; leaves it where these begin."""
    if file.read(len(MAGIC)) != MAGIC:
        raise ValueError("no postings")
    line = file.readline()
    checksum, text = line[:8], line[8:].removesuffix(b"\n")
    if checksum != b"%08x" % zlib.crc32(text):
        raise ValueError("damaged postings")
    try:
        head = json.loads(text)
        if head["format"] != FORMAT:
            raise ValueError("postings of another format")
        facts = head["facts"]
        rows = tuple((change, words) for change, words in facts["rows"])
        return SegmentFacts(token=facts["token"], chunks=facts["chunks"], rows=rows), head
    except (KeyError, TypeError) as error:  # whole, but not ours
        raise ValueError("postings of another format") from error


_ARRAYS = tuple(field.name for field in fields(PostingsSegment))
