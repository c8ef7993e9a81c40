"""Splits a document into chunks: small enough to embed, whole enough to read.

langchain's recursive splitter with two changes. Its separators know Chinese (with English ones 35
of 37 Chinese chunks ended in mid-sentence), and sentences of a section are merged across
paragraphs: a level for paragraphs leaves a short rest after each, a quarter more chunks.
"""

import bisect
import functools
from collections.abc import Iterable
from typing import Any

from ingest.documents import Chunk, Chunking, Document
from ingest.index.blocks import markdown_blocks
from ingest.web.urls import chunk_id

_SEPARATORS = [
    r"\n(?=#{1,6} )",  # sections
    r"\n+|[。！？；…!?]+[”’」』）\"')\]]*\s*|\.[”’\"')\]]*\s+",  # lines and sentences
    r"[，、：,;:]\s*",  # clauses
    r"\s+",
    r"(?s:.{16})",  # a wall of characters; one by one they would take seconds
]

SPLITTER_VERSION = 1
"""Bump by hand when an unchanged text is cut otherwise, or its chunks get other headings
(`ingest.index.blocks`): stored documents of another version are cut anew when they are next
used. `test_cut_of_a_known_text_is_that_of_this_version` fails when it is due."""


def preload() -> None:
    """Import langchain (0.9 s) before the first document needs it. Any thread may call."""
    _splitter()


def current_chunking(*, size: int, overlap: int) -> Chunking:
    """Return how today's `split` cuts into chunks of `size` characters with `overlap` shared."""
    return Chunking(size=size, overlap=overlap, version=SPLITTER_VERSION)


def split(document: Document, *, size: int, overlap: int) -> list[Chunk]:
    """Return the chunks of `document`, in order, at most `size` characters each.

    A chunk may begin with up to `overlap` characters of the one before it, whole sentences only.
    Together the chunks hold all of the text but white space.
    """
    blocks = markdown_blocks(document.text)
    starts = [block.start for block in blocks]
    chunks: list[Chunk] = []
    for start, end in _spans(document.text, size=size, overlap=overlap):
        # A chunk may span blocks; its heading is that above its first character.
        block = blocks[bisect.bisect_right(starts, start) - 1]
        position = len(chunks)
        chunk = Chunk(
            id=chunk_id(document.url, position),
            url=document.url,
            title=document.title,
            position=position,
            start=start,
            end=end,
            heading=block.heading,
            text=document.text[start:end],
        )
        chunks.append(chunk)
    return chunks


def _spans(text: str, *, size: int, overlap: int) -> Iterable[tuple[int, int]]:
    """Yield the character range of each chunk, without the white space around it."""
    splitter = _splitter()(
        separators=_SEPARATORS,
        is_separator_regex=True,
        keep_separator="end",
        chunk_size=size,
        chunk_overlap=overlap,
        strip_whitespace=False,
    )
    covered = 0
    for piece in splitter.split_text(text):
        bare = piece.strip()
        start = piece.start + len(piece) - len(piece.lstrip())
        end = start + len(bare)
        # With an overlap the last piece may lie within the one before it and would only repeat it.
        if end > covered and bare:
            yield start, end
            covered = end


class _Piece(str):
    """A part of a text, with the place of its first character in the text."""

    start: int


def _piece(text: str, start: int) -> _Piece:
    piece = _Piece(text)
    piece.start = start
    return piece


@functools.cache
def _splitter() -> Any:
    """Return the splitter's class, which is made here because its base takes 0.9 s to import."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    class Splitter(RecursiveCharacterTextSplitter):
        """Makes `_Piece`s instead of strings. Searching the text for a chunk finds repetitions."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self._at = 0

        def _merge_splits(self, splits: Iterable[str], separator: str) -> list[str]:
            # Called with all parts of the text in order: with the separators kept nothing is
            # left out, so the lengths add up to places.
            pieces = []
            for part in splits:
                pieces.append(_piece(part, self._at))
                self._at += len(part)
            return super()._merge_splits(pieces, separator)

        def _join_docs(self, docs: list[str], separator: str) -> str | None:
            first = docs[0]
            assert isinstance(first, _Piece)
            return _piece("".join(docs), first.start)

    return Splitter
