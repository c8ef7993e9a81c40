"""Lines of a text file, none longer in memory than it may be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from finetune.data.rows import RAW_CHARACTERS, RowError
from ingest.foundation.messages import Message

BLOCK = 1 << 16  # characters of an overlong line that are passed over at once


@dataclass(frozen=True, slots=True)
class Line:
    """A line and its number, from 1. Of one that is too long only the beginning is kept."""

    number: int
    text: str
    whole: bool = True


def lines_of(file: TextIO, limit: int) -> Iterator[Line]:
    """Yield the lines of a file, white ones too; those over `limit` bytes are not `whole`."""
    number = 0
    while text := file.readline(limit + 1):
        number += 1
        if fits(text, limit):
            yield Line(number, text)
            continue
        ended = text.endswith(("\n", "\r"))
        while not ended and (rest := file.readline(BLOCK)):
            ended = rest.endswith(("\n", "\r"))
        yield Line(number, text[:RAW_CHARACTERS], whole=False)


def fits(text: str, limit: int) -> bool:
    """Tell whether a text has at most `limit` bytes in UTF-8."""
    if len(text) * 4 <= limit:  # no character has more
        return True
    return len(text) <= limit and len(text.encode(errors="surrogatepass")) <= limit


def too_long(limit: int) -> RowError:
    """Return what is said of a row of more than `limit` bytes."""
    return RowError(Message("longer than {limit:,} bytes (data.max_row_bytes)", limit=limit))
