"""Rows of JSON: one a line (JSONL), or the elements of an array, which is never read whole."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from finetune.data.files.lines import is_within_limit, read_lines, too_long_error
from finetune.data.rows import RejectedRow, RowError, raw_excerpt
from finetune.records import RawRow
from ingest.foundation.messages import Message

BLOCK = 1 << 16
"""Characters read at once."""

MAX_MARK_CHARACTERS = 256
"""Characters that the beginning of a row may have, which the end of a block can cut in two."""

WRAPPED = re.compile(
    r'\s*\{\s*(?:"[^"\\]{1,60}"\s*:\s*(?:"(?:[^"\\]|\\.){0,2000}"|[-\d.eE+]+|true|false|null)\s*,\s*)*'
    r'(?:"(?:data|rows|train|examples|items|records|instances|samples|dataset|list|results)"'
    r"\s*:\s*\[\s*(?=\{)"
    # A chat exported from Telegram: messages of people, and no row of a model's conversation.
    r'|"messages"\s*:\s*\[\s*(?=\{\s*"id"\s*:\s*-?\d+\s*,\s*"type"\s*:))',
    re.IGNORECASE,
)
"""The beginning of an object around all rows, up to the first of them: {"data": [{…"""

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,\[\]]*")
_BETWEEN_PAIRS = re.compile(r"[\s,\]]*")
_PAIRS = re.compile(r'\s*\[\s*(?=\[\s*")')
"""The beginning of an array of arrays of texts: each is a question and its answer."""

_PRINTED = re.compile(r"\s*\{\s*'")
_FIRST_KEY = re.compile(r'\{\s*"([^"\\]{1,100})"\s*:')


def json_lines(file: TextIO, name: str, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield the rows of JSONL, one a line; `name` is what the file is called, `limit` bytes."""
    for line in read_lines(file, limit):
        if line.whole and line.text.isspace():
            continue
        source = f"{name}:{line.number}"
        try:
            if not line.whole:
                raise too_long_error(limit)
            # Lines cut out of an array end in its comma.
            value = _line_value(line.text.rstrip().removesuffix(","))
            if not isinstance(value, dict):
                raise _not_an_object()
            yield RawRow(source=source, fields=value)
        except (ValueError, RecursionError, RowError) as error:
            reason = (error if isinstance(error, RowError) else _broken_json(error)).message
            yield RejectedRow(source=source, reason=reason, raw=raw_excerpt(line.text))


def _line_value(text: str) -> Any:
    """Return the value of a line; one that Python printed ({'question': …}) is read, too.

    Raises:
        ValueError: it is broken.
    """
    try:
        value = json.loads(text)
    except ValueError:
        if not _PRINTED.match(text):
            raise
        try:
            value = ast.literal_eval(text)  # literals alone: nothing is run
        except (SyntaxError, MemoryError):
            value = None
        if not isinstance(value, dict):
            raise
    return as_pair(value)


def as_pair(value: Any) -> Any:
    """Return [question, answer] as an object of these, anything else as it is."""
    match value:
        case [str(question), str(answer)]:
            return {"question": question, "answer": answer}
    return value


def wrapped_values(file: TextIO, name: str, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield the rows of the one array in an object: {"data": [{…}]}; what else it has is left."""
    begun = file.read(BLOCK)
    found = WRAPPED.match(begun)
    begun = begun[found.end() :] if found else begun
    yield from json_values(file, name, limit, begun=begun, is_wrapped=True)


def json_values(
    file: TextIO, name: str, limit: int, *, begun: str = "", is_wrapped: bool = False
) -> Iterator[RawRow | RejectedRow]:
    """Yield the elements of a JSON array, or objects that follow each other over many lines.

    `begun` is what was read of the file already; `is_wrapped`: what follows the array is no row.
    No more than one row and one block are held in memory.
    """
    values = _ValueReader(file=file, limit=limit, begun=begun, is_wrapped=is_wrapped)
    number = 0
    while values.find_value():
        number += 1
        source = f"{name}:{number}"
        try:
            yield RawRow(source=source, fields=values.read_object())
        except RowError as error:
            raw = raw_excerpt(values.rejected)
            yield RejectedRow(source=source, reason=error.message, raw=raw)


class _ValueReader:
    """Reads the values of a file one after the other and holds the part that it is at."""

    def __init__(self, *, file: TextIO, limit: int, begun: str, is_wrapped: bool) -> None:
        self._file = file
        self._limit = limit
        self._is_wrapped = is_wrapped
        self._text = begun
        self._at = 0
        self._between = _BETWEEN
        self._first_keys: dict[str, None] = {}  # an ordered set
        self.rejected = ""
        """The beginning of the row that was last rejected."""

    def find_value(self) -> bool:
        """Move to the next value; return whether there is one."""
        if not self._text and self._read_more() and (begun := _PAIRS.match(self._text)):
            self._between, self._at = _BETWEEN_PAIRS, begun.end()
        while True:
            between = self._between.match(self._text, self._at)
            if self._is_wrapped and between and "]" in between[0]:
                return False
            self._at = between.end() if between else self._at
            if self._at < len(self._text):
                return True
            if not self._read_more():
                return False

    def read_object(self) -> dict[str, Any]:
        """Return the object that begins here, and move behind it.

        Raises:
            RowError: it is broken, too long or no object; what comes next is the next row.
        """
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                # A value that the end of the block cuts looks like a broken one.
                if len(self._text) - self._at <= self._limit and self._read_more():
                    continue
                # Too long only if the value goes on. A string that is cut is reported where it
                # begins, all else where the text ends.
                unfinished = isinstance(error, json.JSONDecodeError) and (
                    error.msg.startswith("Unterminated") or error.pos >= len(error.doc)
                )
                long = unfinished and len(self._text) - self._at > self._limit
                self._skip_to_next_row()
                raise (too_long_error(self._limit) if long else _broken_json(error)) from error
            break
        raw = self._text[self._at : end]
        self._at = end
        value = as_pair(value)
        if not isinstance(value, dict) or not is_within_limit(raw, self._limit):
            self.rejected = raw
            raise too_long_error(self._limit) if isinstance(value, dict) else _not_an_object()
        if value:
            self._first_keys[next(iter(value))] = None
        return value

    def _read_more(self) -> bool:
        """Read a block, or as much again as is held; return whether anything came."""
        held = self._text[self._at :]
        # As much again: with blocks of one size a long row would be decoded from its beginning
        # once a block, which takes time that grows with the square of its length.
        block = self._file.read(max(BLOCK, len(held)))
        self._text, self._at = held + block, 0
        return bool(block)

    def _skip_to_next_row(self) -> None:
        """Move to where the next row seems to begin, or to the end of the file.

        A row begins with the first key of this row or of one before it. Inside a text the quotes
        around that key would be escaped, so that it cannot be met there.
        """
        self.rejected = self._text[self._at : self._at + self._limit]
        own = _FIRST_KEY.match(self._text, self._at)
        keys = [*self._first_keys, *([own[1]] if own else [])]
        one_of = "|".join(map(re.escape, keys))
        mark = re.compile(rf'\{{\s*"(?:{one_of})"\s*:') if keys else _FIRST_KEY
        self._at += 1
        while not (found := mark.search(self._text, self._at)):
            self._at = max(self._at, len(self._text) - MAX_MARK_CHARACTERS)
            if not self._read_more():
                self._at = len(self._text)
                return
        self._at = found.start()


def _broken_json(error: ValueError | RecursionError) -> RowError:
    if isinstance(error, json.JSONDecodeError):
        return RowError(
            Message("broken JSON: {error}", error=f"{error.msg[0].lower()}{error.msg[1:]}")
        )
    if isinstance(error, RecursionError):
        return RowError(Message("JSON nested too deeply"))
    # The one other ValueError: Python refuses to convert integers of more than 4,300 digits.
    return RowError(Message("JSON with a number of too many digits"))


def _not_an_object() -> RowError:
    return RowError(Message("no JSON object"))
