"""Which encoding a data file is in, found from its bytes."""

import codecs
import contextlib
import re
from pathlib import Path
from typing import BinaryIO, TextIO

from finetune.errors import DataError
from ingest.foundation.messages import Message, describe_os_error
from ingest.text.encodings import find_byte_order_mark, guess_codec, widen_codec

SAMPLE = 65_536
"""Bytes; a guess does not get better with more."""
BLOCK = 1 << 20
"""Bytes; files are searched for their first foreign character in such pieces."""

_FOREIGN = re.compile(rb"[\x80-\xff]")
_BINARIES = (
    (b"PK\x03\x04", Message("a ZIP archive")),
    (b"\xd0\xcf\x11\xe0", Message("an old Excel workbook")),
    (b"\x1f\x8b", Message("a gzip archive")),
)


def open_text(path: Path, encoding: str = "auto") -> TextIO:
    r"""Return the file as text, line ends as they are ("\r\n" stays).

    Bytes that do not fit the encoding become lone surrogates (PEP 383), so that the row that holds
    them can be found; in UTF-16 and UTF-32 they become U+FFFD.

    Raises:
        DataError: there is no such file, it is empty or no text, or the encoding is unknown.
    """
    codec = codec_of(path)  # also for a named encoding: it refuses an empty file and a workbook
    if encoding != "auto":
        try:
            "".encode(encoding)  # "rot13" and "base64" are codecs, too, but not of text
            name = widen_codec(encoding)
        except LookupError as error:
            raise DataError(
                Message("data.encoding: unknown encoding {encoding}", encoding=encoding),
                hint=Message("write auto, utf-8 or gb18030"),
            ) from error
        # A named UTF-8 still passes over the mark that the file may begin with.
        codec = codec if name == "utf-8" and codec == "utf-8-sig" else name
    # Python's UTF-16 and UTF-32 decoders cannot escape: half a character has no byte to keep.
    wide = codec.startswith(("utf-16", "utf-32"))
    errors = "replace" if wide else "surrogateescape"
    return path.open(encoding=codec, errors=errors, newline="")


def codec_of(path: Path) -> str:
    """Return the Python codec that fits a file's bytes.

    Raises:
        DataError: there is no such file, or it is empty or no text.
    """
    try:
        with path.open("rb") as file:
            head = file.read(BLOCK)
            found = find_byte_order_mark(head)
            mark = found.mark if found else b""
            if not head[len(mark) :].strip():
                raise DataError(
                    Message("{path}: the file is empty", path=path),
                    hint=Message("name another file in data.files"),
                )
            kind = next((kind for magic, kind in _BINARIES if head.startswith(magic)), None)
            # Zeros are half of an English text in UTF-16, which bears a mark, and stand in no other
            # text.
            if kind is not None or (not mark and b"\0" in head):
                kind = kind or Message("a binary file")
                raise DataError(
                    Message("{path}: this is {kind}, not text", path=path, kind=kind),
                    hint=Message("save it as JSONL or as CSV (UTF-8)"),
                )
            if found:
                return found.codec_with_mark
            sample = sample_foreign_bytes(head, file)
    except OSError as error:
        raise _unreadable_file(path, error) from error
    foreign = [line for line in sample.split(b"\n") if not line.isascii()]
    fitting = 0
    for line in foreign:
        with contextlib.suppress(UnicodeDecodeError):
            # An incremental decoder, because the end of the sample may cut a character in two.
            codecs.getincrementaldecoder("utf-8")().decode(line)
            fitting += 1
    # Text of another encoding hardly ever fits UTF-8, so half of the lines are proof enough; the
    # rows that hold the broken bytes are refused one by one.
    if 2 * fitting >= len(foreign):
        return "utf-8"
    return guess_codec(sample)


def sample_foreign_bytes(head: bytes, file: BinaryIO) -> bytes:
    """Return a sample around the first bytes outside ASCII, nothing if there are none."""
    block = head
    while block.isascii():
        block = file.read(BLOCK)
        if not block:
            return b""
    found = _FOREIGN.search(block)
    at = found.start() if found else 0
    # From the start of a line: a character of several bytes must not be cut in two.
    start = max(block.rfind(b"\n", 0, at) + 1, at - SAMPLE // 2)
    return block[start : start + SAMPLE]


def _unreadable_file(path: Path, error: OSError) -> DataError:
    if isinstance(error, FileNotFoundError):
        message = Message("there is no data file {path}", path=path)
    else:
        why = describe_os_error(error)
        message = Message("{path}: {why}", path=path, why=why)
    return DataError(
        message,
        hint=Message("look at data.files; paths are relative to the recipe"),
    )
