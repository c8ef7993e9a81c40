"""Rows of JSON: one a line (JSONL), or the elements of an array, which is never read whole."""

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from finetune.data.files.lines import fits, lines_of, too_long
from finetune.data.rows import RejectedRow, RowError, shown
from finetune.records import RawRow
from ingest.foundation.messages import Message

BLOCK = 1 << 16  # characters read at once
LONGEST_KEY = 256  # characters of a mark that may be cut by a block's end

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,\[\]]*")
_FIRST_KEY = re.compile(r'\{\s*"([^"\\]{1,100})"\s*:')


def json_lines(file: TextIO, name: str, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield the rows of JSONL, one a line; `name` is what the file is called, `limit` bytes."""
    for line in lines_of(file, limit):
        if line.whole and line.text.isspace():
            continue
        source = f"{name}:{line.number}"
        try:
            if not line.whole:
                raise too_long(limit)
            yield RawRow(source=source, fields=_parsed(line.text))
        except RowError as error:
            yield RejectedRow(source=source, reason=error.message, raw=shown(line.text))


def json_values(file: TextIO, name: str, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield the elements of a JSON array, or objects that follow each other over many lines.

    No more than one row and one block are held. Where a row is broken or too long, reading goes on
    at the next object whose first key is that of a row so far: inside text its quotes would be
    escaped, so the mark cannot be met there.
    """
    window = _Window(file, limit)
    number = 0
    while window.at_value():
        number += 1
        source = f"{name}:{number}"
        try:
            yield RawRow(source=source, fields=window.take())
        except RowError as error:
            yield RejectedRow(source=source, reason=error.message, raw=shown(window.skipped))


class _Window:
    """The part of a file that is held while its values are read one after the other."""

    def __init__(self, file: TextIO, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._text = ""
        self._at = 0
        self._keys: dict[str, None] = {}
        self.skipped = ""
        """The beginning of the row that was last refused."""

    def at_value(self) -> bool:
        """Move to the next value; tell whether there is one."""
        while True:
            between = _BETWEEN.match(self._text, self._at)
            self._at = between.end() if between else self._at
            if self._at < len(self._text):
                return True
            if not self._more():
                return False

    def take(self) -> dict[str, Any]:
        """Return the object that begins here, and move behind it.

        Raises:
            RowError: it is broken, too long or no object; what comes next is the next row.
        """
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._text) - self._at <= self._limit and self._more():
                    continue
                long = len(self._text) - self._at > self._limit and _unfinished(error)
                self._skip()
                raise (too_long(self._limit) if long else _broken(error)) from error
            break
        raw = self._text[self._at : end]
        self._at = end
        if not isinstance(value, dict) or not fits(raw, self._limit):
            self.skipped = raw
            raise too_long(self._limit) if isinstance(value, dict) else _no_object()
        if value:
            self._keys[next(iter(value))] = None
        return value

    def _more(self) -> bool:
        """Read a block, or as much again as is held; tell whether anything came."""
        held = self._text[self._at :]
        block = self._file.read(max(BLOCK, len(held)))
        self._text, self._at = held + block, 0
        return bool(block)

    def _skip(self) -> None:
        """Move to where the next row seems to begin, or to the end of the file."""
        self.skipped = self._text[self._at : self._at + self._limit]
        mark = self._mark()
        self._at += 1
        while not (found := mark.search(self._text, self._at)):
            self._at = max(self._at, len(self._text) - LONGEST_KEY)
            if not self._more():
                self._at = len(self._text)
                return
        self._at = found.start()

    def _mark(self) -> re.Pattern[str]:
        """Return what rows begin with: the first key of this one or of one before it."""
        own = _FIRST_KEY.match(self._text, self._at)
        keys = [*self._keys, *([own[1]] if own else [])]
        one_of = "|".join(map(re.escape, keys))
        return re.compile(rf'\{{\s*"(?:{one_of})"\s*:') if keys else _FIRST_KEY


def _parsed(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _broken(error) from error
    if not isinstance(value, dict):
        raise _no_object()
    return value


def _unfinished(error: ValueError | RecursionError) -> bool:
    """Tell a value whose end is not yet read from one that is broken, as far as errors tell."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated") or error.pos >= len(error.doc)


def _broken(error: ValueError | RecursionError) -> RowError:
    if isinstance(error, json.JSONDecodeError):
        told = f"{error.msg[0].lower()}{error.msg[1:]}"
        return RowError(Message("broken JSON: {told}", told=told))
    if isinstance(error, RecursionError):
        return RowError(Message("JSON nested too deeply"))
    return RowError(Message("JSON with a number of too many digits"))


def _no_object() -> RowError:
    return RowError(Message("no JSON object"))
