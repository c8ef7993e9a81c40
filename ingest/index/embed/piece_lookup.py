"""Cuts one short text into the encoder's pieces, read from a sorted table on the disk.

The `tokenizers` package builds its whole vocabulary in memory: .2 s of CPU for 131,000 pieces and
.1 s to free them, a third of what a fresh process spends on a question. A question holds some forty
characters, for which a hundred look-ups do. Both cut alike: where that is not certain, `cut`
returns None.
"""

import json
import re
import struct
import sys
import unicodedata
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import Any

MAX_CHARACTERS = 400
"""The longest text that is cut here. Longer ones are documents, of which many are cut by one
process; and a text of so few is in no need of a second window."""
UNKNOWN_PENALTY = 10.0
"""By which an unknown character is less likely than the least likely piece (kUnkPenalty in
sentencepiece's unigram_model.cc)."""
GAP = "▁"
"""What pieces have in place of a space."""

CONTROLS = r"[\x01-\x08\x0b\x0e-\x1f\x7f\u008f\u009f]"
SPACES = r"[\s\u1680\u200b-\u200f\u2028\u2029\ufeff]+"
"""What sentencepiece's map of characters does beyond NFKC: controls vanish, separators are
spaces."""

NEWER_SIGNS = r"[\u32ff\ua7f2-\ua7f4\U00010780-\U000107ba\U0001f16c\U0001fbf0-\U0001fbf9]"
"""Signs that NFKC folds since a release of Unicode behind that of the `tokenizers` package, which
leaves them as they are: the era Reiwa, letters raised for phonetics, digits of old computers."""

_CONTROLS, _SPACES = re.compile(CONTROLS), re.compile(SPACES)
_NEWER_SIGNS = re.compile(NEWER_SIGNS)
_HEAD = struct.Struct("=8sI")
"""A mark, and the CRC-32 of all behind it."""
_NUMBERS = struct.Struct("=4Id")
"""How many pieces there are; the ids of the unknown one, of begin and end; the lowest score."""
_MAGIC = b"pieces-" + sys.byteorder[:1].encode()
"""With the order of bytes: a folder that two machines share may hold the other's table."""


class DamagedTableError(ValueError):
    """The table is not whole, or of another machine or version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A text in pieces."""

    ids: list[int]
    """Those of the pieces, with those of begin and end around them."""
    unknown: int
    """Characters for which there is no piece."""
    characters: int
    """All but spaces, as the encoder reads them: "㎡" is two."""


def build_table(tokenizer: str) -> bytes:
    """Return the table of a tokenizer, given as JSON, that `ingest.index.embed.e5_model` built."""
    content: Any = json.loads(tokenizer)
    ids_of_marks = content["post_processor"]["special_tokens"]
    template = content["post_processor"]["single"]
    begin, end = (ids_of_marks[template[n]["SpecialToken"]["id"]]["ids"][0] for n in (0, -1))
    pieces: list[tuple[str, float]] = content["model"]["vocab"]
    rows = sorted((piece.encode(), score, id_) for id_, (piece, score) in enumerate(pieces))
    texts, scores, ids = zip(*rows, strict=True)
    body = b"".join(
        (
            _NUMBERS.pack(len(rows), content["model"]["unk_id"], begin, end, min(scores)),
            array("d", scores).tobytes(),
            array("I", ids).tobytes(),
            array("I", accumulate(map(len, texts), initial=0)).tobytes(),
            *texts,
        )
    )
    return _HEAD.pack(_MAGIC, zlib.crc32(body)) + body


class PieceLookup:
    """The pieces of a tokenizer, looked up in its table one by one.

    Args:
        table: As `build_table` made it.

    Raises:
        DamagedTableError: it is another.
    """

    def __init__(self, table: bytes) -> None:
        view = memoryview(table)
        magic, checksum = _HEAD.unpack(table[: _HEAD.size].ljust(_HEAD.size))
        body = view[_HEAD.size :]
        if magic != _MAGIC or zlib.crc32(body) != checksum:
            raise DamagedTableError
        count, self._unknown, self._begin, self._end, least = _NUMBERS.unpack_from(body)
        self._unknown_score = least - UNKNOWN_PENALTY
        scores = _NUMBERS.size
        ids = scores + 8 * count
        starts = ids + 4 * count
        text = starts + 4 * (count + 1)
        self._scores = body[scores:ids].cast("d")
        self._ids = body[ids:starts].cast("I")
        self._pieces = _SortedPieces(bytes(body[text:]), body[starts:text].cast("I"))

    def cut(self, text: str) -> Cut | None:
        """Return the pieces of `text`; None where the package is to be asked.

        Source: the unigram model of Kudo, "Subword Regularization", 2018, as `tokenizers` has it.
        """
        if len(text) > MAX_CHARACTERS:
            return None
        # Another release of Unicode may know more of a character than this Python does.
        if any(unicodedata.category(character) == "Cn" for character in text):
            return None
        if _NEWER_SIGNS.search(text):
            return None
        folded = _CONTROLS.sub("", unicodedata.normalize("NFKC", text))
        folded = _SPACES.sub(" ", folded).strip(" ").replace(" ", GAP)
        if folded and not folded.startswith(GAP):
            folded = GAP + folded
        if len(folded) > MAX_CHARACTERS:
            return None
        ids, unknown = [self._begin], 0
        for word in re.findall(f"{GAP}[^{GAP}]*", folded):
            for id_, piece in self._cut_word(word):
                ids.append(id_)
                unknown += len(piece.replace(GAP, "")) if id_ == self._unknown else 0
        return Cut(ids=[*ids, self._end], unknown=unknown, characters=len(folded.replace(GAP, "")))

    def _cut_word(self, word: str) -> list[tuple[int, str]]:
        """Return the likeliest pieces of a word, unknown characters in a row as one (Viterbi)."""
        # Of the likeliest way to each place: its score, where its last piece begins, which that is.
        ways = [(0.0, 0, 0), *[(-inf, 0, 0)] * len(word)]
        for start in range(len(word)):
            so_far = ways[start][0]
            candidates = [(end, self._scores[n], self._ids[n]) for end, n in self._at(word, start)]
            if not candidates or candidates[0][0] > start + 1:
                candidates.append((start + 1, self._unknown_score, self._unknown))
            for end, score, id_ in candidates:
                if so_far + score > ways[end][0]:
                    ways[end] = (so_far + score, start, id_)
        found: list[tuple[int, str]] = []
        end = len(word)
        while end:
            _, start, id_ = ways[end]
            if found and found[-1][0] == id_ == self._unknown:
                found[-1] = (id_, word[start:end] + found[-1][1])
            else:
                found.append((id_, word[start:end]))
            end = start
        return found[::-1]

    def _at(self, word: str, start: int) -> Iterator[tuple[int, int]]:
        """Yield where each piece ends that begins at `start`, and its place in the table."""
        place = 0
        for end in range(start + 1, len(word) + 1):
            sought = word[start:end].encode()
            place = bisect_left(self._pieces, sought, place)
            found = self._pieces[place] if place < len(self._pieces) else b""
            if not found.startswith(sought):  # nor does any longer one
                return
            if found == sought:
                yield end, place


class _SortedPieces(Sequence[bytes]):
    """The pieces in the order of their bytes, each cut out when it is looked at."""

    def __init__(self, text: bytes, starts: memoryview) -> None:
        self._text = text
        self._starts = starts

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, place: Any) -> Any:
        return self._text[self._starts[place] : self._starts[place + 1]]
