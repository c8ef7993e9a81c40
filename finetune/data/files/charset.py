"""Which encoding a data file is in, found from its bytes."""

import codecs
import re
from pathlib import Path
from typing import BinaryIO, TextIO

from finetune.errors import DataError
from ingest.foundation.messages import Message, describe_os_error
from ingest.text import encodings

SAMPLE = 65_536  # bytes; a guess does not get better with more
BLOCK = 1 << 20  # bytes; files are searched for their first foreign character in such pieces

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like UTF-16's, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),  # what Excel calls "Unicode text"
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FOREIGN = re.compile(rb"[\x80-\xff]")
_WIDER = {"gbk": "gb18030", "gb2312": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932"}
"""Codec to the one that reads at least as much."""
_BINARIES = (
    (b"PK\x03\x04", Message("a workbook or a ZIP archive")),
    (b"\xd0\xcf\x11\xe0", Message("an old Excel workbook")),
    (b"\x1f\x8b", Message("a gzip archive")),
    (b"PAR1", Message("a Parquet file")),
)


def open_text(path: Path, encoding: str = "auto") -> TextIO:
    r"""Return the file as text, line ends as they are ("\r\n" stays).

    Bytes that do not fit the encoding become lone surrogates (PEP 383), so that the row that holds
    them can be told from the others; in UTF-16 and UTF-32 they become U+FFFD.

    Raises:
        DataError: there is no such file, it is empty or no text, or the encoding is unknown.
    """
    codec = _known(encoding, path) if encoding != "auto" else codec_of(path)
    wide = codec.startswith(("utf-16", "utf-32"))
    errors = "replace" if wide else "surrogateescape"
    return path.open(encoding=codec, errors=errors, newline="")


def codec_of(path: Path) -> str:
    """Return the Python codec that a file's bytes ask for.

    Raises:
        DataError: there is no such file, or it is empty or no text.
    """
    try:
        with path.open("rb") as file:
            head = file.read(BLOCK)
            _refuse_binary(head, path)
            for mark, codec in _MARKS:
                if head.startswith(mark):
                    return codec
            return _guess(_first_foreign(head, file))
    except OSError as error:
        raise _unreadable(path, error) from error


def _first_foreign(head: bytes, file: BinaryIO) -> bytes:
    """Return a sample around the first bytes outside ASCII, nothing if there are none."""
    block = head
    while block.isascii():
        block = file.read(BLOCK)
        if not block:
            return b""
    found = _FOREIGN.search(block)
    at = found.start() if found else 0
    start = max(block.rfind(b"\n", 0, at) + 1, at - SAMPLE // 2)
    return block[start : start + SAMPLE]


def _guess(sample: bytes) -> str:
    """Return the codec of a sample: UTF-8 if most lines fit, as other text hardly ever does."""
    foreign = [line for line in sample.split(b"\n") if not line.isascii()]
    if 2 * sum(map(_is_utf8, foreign)) >= len(foreign):
        return "utf-8"  # the rows that hold the broken bytes are refused
    return encodings.codec_of(sample)


def _is_utf8(line: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(line)  # the sample's end may be cut
    except UnicodeDecodeError:
        return False
    return True


def _refuse_binary(head: bytes, path: Path) -> None:
    """Raise if the file cannot hold text."""
    mark = next((mark for mark, _ in _MARKS if head.startswith(mark)), b"")
    if not head[len(mark) :].strip():
        raise _empty(path)
    kind = next((kind for magic, kind in _BINARIES if head.startswith(magic)), None)
    if kind is None and (mark or b"\0" not in head):
        return
    kind = kind or Message("a binary file")
    raise DataError(
        Message("{path}: this is {kind}, not text", path=path, kind=kind),
        hint=Message("save it as JSONL or as CSV (UTF-8)"),
    )


def _known(encoding: str, path: Path) -> str:
    """Return the codec of that name, or one that reads more and passes over a byte order mark."""
    found = codec_of(path)  # tells an empty file and a workbook, too
    try:
        "".encode(encoding)
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise _unknown(encoding) from error
    return "utf-8-sig" if name == "utf-8" and found == "utf-8-sig" else _WIDER.get(name, name)


def _empty(path: Path) -> DataError:
    return DataError(
        Message("{path}: the file is empty", path=path),
        hint=Message("name another file in data.files"),
    )


def _unknown(encoding: str) -> DataError:
    return DataError(
        Message("data.encoding: unknown encoding {encoding}", encoding=encoding),
        hint=Message("write auto, utf-8 or gb18030"),
    )


def _unreadable(path: Path, error: OSError) -> DataError:
    if isinstance(error, FileNotFoundError):
        told = Message("there is no data file {path}", path=path)
    else:
        why = describe_os_error(error)
        told = Message("{path}: {why}", path=path, why=why)
    return DataError(
        told,
        hint=Message("look at data.files; paths are relative to the recipe"),
    )
