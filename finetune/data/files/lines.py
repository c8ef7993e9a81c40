"""Lines of a text file, none longer in memory than it may be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from finetune.data.rows import RAW_CHARACTERS, RowError
from ingest.foundation.messages import Message

BLOCK = 1 << 16
"""Characters of an overlong line that are read and thrown away at once."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line and its number, from 1. Of one that is too long only the beginning is kept."""

    number: int
    text: str
    whole: bool = True


def read_lines(file: TextIO, limit: int) -> Iterator[Line]:
    """Yield the lines of a file, blank ones too; those over `limit` bytes are not `whole`."""
    number = 0
    # A character has at least one byte: more than `limit` characters need not be read to know.
    while text := file.readline(limit + 1):
        number += 1
        if is_within_limit(text, limit):
            yield Line(number, text)
            continue
        ended = text.endswith(("\n", "\r"))
        while not ended and (rest := file.readline(BLOCK)):
            ended = rest.endswith(("\n", "\r"))
        yield Line(number, text[:RAW_CHARACTERS], whole=False)


def is_within_limit(text: str, limit: int) -> bool:
    """Return whether a text has at most `limit` bytes in UTF-8."""
    # Encoding each row only to count it would cost as much as parsing it.
    if len(text) * 4 <= limit:  # no character has more than four bytes
        return True
    return len(text) <= limit and len(text.encode(errors="surrogatepass")) <= limit


def too_long_error(limit: int) -> RowError:
    """Return the error for a row of more than `limit` bytes."""
    return RowError(Message("longer than {limit:,} bytes (data.max_row_bytes)", limit=limit))
