"""Rows with the same content, exactly or nearly.

Exactly: questions and answers are equal but for case and white space. Nearly: the Jaccard
similarity of their shingles reaches a threshold. MinHash (Broder, "On the resemblance and
containment of documents", 1997; rensa's) and banding find the pairs that may be alike (Leskovec,
Rajaraman and Ullman, "Mining of Massive Datasets", chapter 3). Eight bits of each MinHash tell most
of the others apart (Li and König, "b-bit minwise hashing", 2010). What is left is compared by
its shingles themselves, so that chance loses few pairs and invents none.
"""

import functools
import hashlib
import math
import unicodedata
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Self

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from finetune.records import Record

DIGEST_BYTES = 16
"""The chance that two of a thousand million different rows have the same digest is 1e-21."""

SHINGLE_BYTES = 8
"""Bytes of UTF-8: nearly three ideographs or eight letters, between the 5 that the book advises for
short texts and its 9 for long ones; one rule for Chinese, English and their mixtures."""

PERMUTATIONS = 128
"""MinHashes of a row; similarity is estimated from them with a deviation of 0.044 at most."""

RECALL = 0.99
"""Chance with which a pair right at the threshold is found; pairs above it are found more surely
(0.9: 0.994 at the threshold, 0.99998 at 0.95)."""

SEED = 1
"""Seed of the MinHashes: the same rows are the same pairs in each run."""

SHINGLES_AT_ONCE = 1_000_000
"""8 MB of shingles are hashed in one go."""

MAX_DEVIATIONS = 3
"""Standard deviations by which the MinHashes may underrate a pair before it is left out unread."""

PAIRS_AT_ONCE = 16_384
"""Pairs whose MinHashes are compared in one go: 4 MB."""

_ENDS = " .。!！?？~～…"

_WIDE_MARKS = tuple(zip("，？！：；（）", ",?!:;()", strict=True))
"""Marks of Chinese texts, and what NFKC makes of them."""


def fold_text(text: str) -> str:
    """Return text without white space, in one case."""
    return "".join(text.split()).casefold()


def normalize_question(text: str) -> str:
    """Return what two ways to write one question have in common.

    Width and compatibility forms (NFKC), case, white space and closing marks do not count.
    """
    # In most Chinese questions NFKC changes these marks alone. Done before, they leave a text that
    # `normalize` sees to be normal at a glance; else it takes 100 ns for each character.
    for wide, narrow in _WIDE_MARKS:
        text = text.replace(wide, narrow)
    return fold_text(unicodedata.normalize("NFKC", text)).strip(_ENDS)


def content_digest(record: Record) -> bytes:
    """Return 16 bytes that records with the same questions and answers share.

    Neither thinking nor system message counts, nor case, nor white space.
    """
    texts = [f"{turn.user}\0{turn.answer}\0" for turn in record.turns]
    if record.rejected:  # one good answer may be set against several bad ones
        texts.append(record.rejected.answer)
    folded = fold_text("".join(texts)).encode(errors="replace")
    return hashlib.blake2b(folded, digest_size=DIGEST_BYTES).digest()


def similarity_text(record: Record) -> str:
    """Return the text that similarity is measured on: the questions and answers of a record."""
    return fold_text("".join(turn.user + turn.answer for turn in record.turns))


class SeenRows:
    """Remembers rows by a digest, never their text: about 150 bytes a row."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def find_or_add(self, digest: bytes, number: int) -> int | None:
        """Return the number of the row with this digest, None for a new one, which is kept."""
        first = self._numbers.setdefault(digest, number)
        return None if first == number else first


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarPair:
    """Row `row` is nearly the earlier row `of`; `similarity` is their Jaccard index, 0 to 1."""

    row: int
    of: int
    similarity: float


class SimilarRows:
    """Finds rows that are nearly alike. What grows with them lies in files under `folder`.

    Of each row 128 bytes and 8 for each band are written; one band at a time is read back, so that
    a million rows take 200 MB at most. Rows of different `kind` (their label) are never paired.
    """

    def __init__(self, *, threshold: float, folder: Path) -> None:
        self._threshold = threshold
        self._rows_of_band = rows_of_band(threshold)
        self._stack = ExitStack()
        self._folder = folder
        self._bands = [self._file() for _ in range(PERMUTATIONS // self._rows_of_band)]
        self._low = self._file()
        self._kinds = array("q")
        self._waiting: list[npt.NDArray[np.uint64]] = []  # one (shingles,) for each row
        self._held = 0  # shingles in them

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def add(self, text: str, *, kind: int = 0) -> None:
        """Add the next row; rows are numbered from 0."""
        found = shingles(text)
        self._kinds.append(kind)
        self._waiting.append(found)
        self._held += len(found)
        if self._held >= SHINGLES_AT_ONCE:
            self._hash_waiting()

    def find_pairs(self, text_of: Callable[[int], str]) -> Iterator[SimilarPair]:
        """Yield the rows that are nearly an earlier one that stays, in order.

        `text_of` gives the text of a row again: candidates are compared by their true shingles.
        """
        self._hash_waiting()

        # Of a cluster of similar rows the first is compared with each other one.
        @functools.lru_cache(maxsize=256)
        def unique_shingles(row: int) -> npt.NDArray[np.uint64]:
            """Return the sorted set of a row's shingles."""
            return np.unique(shingles(text_of(row)))

        # A row that goes points to the one that stays in its place: of a chain a~b~c, c is
        # compared with a, so that no row is lost to one that is itself gone.
        kept_instead: dict[int, int] = {}
        for row, earlier in self._candidates():
            of = kept_instead.get(earlier, earlier)
            if row in kept_instead:
                continue
            similarity = jaccard(unique_shingles(of), unique_shingles(row))
            if similarity >= self._threshold:
                kept_instead[row] = of
                yield SimilarPair(row=row, of=of, similarity=round(similarity, 4))

    def _file(self) -> IO[bytes]:
        file = TemporaryFile(dir=self._folder)  # noqa: SIM115  the stack closes it
        return self._stack.enter_context(file)

    def _hash_waiting(self) -> None:
        """Write one number for each waiting row and band, and the low byte of each MinHash."""
        if not self._waiting:
            return
        ends = np.cumsum([0, *map(len, self._waiting)]).astype(np.uint64)
        flat = np.concatenate(self._waiting)
        # One call for many rows, which rensa hashes in Rust.
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, ends, PERMUTATIONS, SEED)
        digests = np.array(matrix.to_rows(), dtype=np.uint64)  # (rows, PERMUTATIONS)
        self._low.write((digests & np.uint64(0xFF)).astype(np.uint8).tobytes())
        for number, file in enumerate(self._bands):
            first = number * self._rows_of_band
            file.write(_hash_rows(digests[:, first : first + self._rows_of_band]).tobytes())
        self._waiting, self._held = [], 0

    def _candidates(self) -> Iterator[tuple[int, int]]:
        """Yield (row, earlier row) of all that share a band, by row, each pair once."""
        kinds = np.frombuffer(self._kinds, dtype=np.int64)
        self._low.seek(0)
        low = np.frombuffer(self._low.read(), dtype=np.uint8).reshape(-1, PERMUTATIONS)
        found = [np.empty(0, dtype=np.int64)]
        # Fewer agreeing MinHashes than this mean a similarity below the threshold, but for chance.
        deviation = math.sqrt(PERMUTATIONS * self._threshold * (1 - self._threshold))
        least = PERMUTATIONS * self._threshold - MAX_DEVIATIONS * deviation
        for file in self._bands:
            file.seek(0)
            band = np.frombuffer(file.read(), dtype=np.uint64)
            pairs = pair_equals(_hash_rows(np.stack([band, kinds.view(np.uint64)], axis=1)))
            for begin in range(0, len(pairs), PAIRS_AT_ONCE):
                some = pairs[begin : begin + PAIRS_AT_ONCE]
                rows, others = np.divmod(some, len(low))
                agreeing = np.count_nonzero(low[rows] == low[others], axis=1)
                found.append(some[agreeing >= least])
        for code in np.unique(np.concatenate(found)):
            row, earlier = divmod(int(code), len(kinds))
            yield row, earlier


def rows_of_band(threshold: float) -> int:
    """Return how many of the 128 MinHashes make a band.

    More of them leave fewer candidates. A pair at the threshold must still share a band with a
    probability of `RECALL`: 1 - (1 - t^r)^b ("Mining of Massive Datasets", 3.4.2).
    """
    return max(
        (
            rows
            for rows in range(1, PERMUTATIONS + 1)
            if 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) >= RECALL
        ),
        default=1,
    )


def shingles(text: str) -> npt.NDArray[np.uint64]:
    """Return the text's shingles as numbers whose bits look random: shape (shingles,), uint64.

    Different shingles are different numbers.
    """
    held = np.frombuffer(text.encode(errors="replace"), dtype=np.uint8)
    if len(held) < SHINGLE_BYTES:
        held = np.pad(held, (0, SHINGLE_BYTES - len(held)))
    windows = np.lib.stride_tricks.sliding_window_view(held, SHINGLE_BYTES)
    numbers: npt.NDArray[np.uint64] = windows.copy().view(np.uint64).ravel()
    numbers ^= numbers >> np.uint64(32)
    numbers *= np.uint64(0xD6E8FEB86659FD93)  # odd, so that it can be undone (Mulvey, 2016)
    numbers ^= numbers >> np.uint64(32)
    return numbers


def jaccard(one: npt.NDArray[np.uint64], other: npt.NDArray[np.uint64]) -> float:
    """Return how much of two sets (sorted, each number once) they have in common, 0 to 1."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)


def _hash_rows(columns: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return one number for each row of `columns`: (rows, columns) to (rows,)."""
    total = np.zeros(len(columns), dtype=np.uint64)
    for column in columns.T:
        total = (total ^ column) * np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio
        total ^= total >> np.uint64(29)
    return total


def pair_equals(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return pairs of rows with equal numbers, each as row * len(numbers) + earlier row.

    Each row is paired with the first of its equals and with the one before it: a run of n equal
    rows makes 2n pairs instead of n squared, and what is alike comes together through them.
    """
    if not len(numbers):
        return np.empty(0, dtype=np.int64)
    order = np.argsort(numbers, kind="stable").astype(np.int64)
    ordered = numbers[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    first = np.repeat(order[begins], np.diff(np.r_[begins, len(order)]))
    before = np.r_[order[:1], order[:-1]]
    others = first != order  # all but the first of each run
    rows = order[others] * len(order)
    return np.concatenate([rows + first[others], rows + before[others]])
