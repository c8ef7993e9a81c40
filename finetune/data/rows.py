"""Rows on their way to records, and those that do not arrive."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from finetune.errors import DataError
from finetune.recipe import DataTable
from finetune.records import Entity, Record, Turn
from ingest.foundation.messages import Message

RAW_CHARACTERS = 2_000
"""Of a bad row that are kept: enough to find and understand it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that did not become a record, and why. `source` is "file:row", as a record's is."""

    source: str
    reason: Message
    raw: str = ""

    @property
    def told(self) -> Message:
        """One line that names file and row: "drone.csv: row 812: no answer"."""
        name, _, row = self.source.rpartition(":")
        return Message("{name}: row {row}: {reason}", name=name, row=row, reason=self.reason)


class RowError(DataError):
    """A row cannot become a record; whoever reads rows makes a `RejectedRow` of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a format finds in a row: a record without identity and origin."""

    turns: tuple[Turn, ...]
    system: str = ""
    label: str = ""
    entities: tuple[Entity, ...] = ()


class Fields:
    """A row's fields under our names: `data.map` of the recipe first, then a format's own names."""

    __slots__ = ("_data", "_names", "row")

    def __init__(self, row: Mapping[str, Any], data: DataTable) -> None:
        self.row = row
        self._data = data
        self._names = data.map

    def value(self, ours: str, *theirs: str) -> Any:
        """Return the field's value, None if it is missing, null or NaN.

        `ours` is its name in `data.map`; a name that is not mapped is looked for as `theirs`.
        """
        mapped = self._names.get(ours)
        for name in (mapped, mapped.casefold()) if mapped else theirs:
            value = self.row.get(name)
            if value is not None and not (isinstance(value, float) and math.isnan(value)):
                return value
        return None

    def text(self, ours: str, *theirs: str) -> str:
        """Return the field as text, empty if it is missing.

        Raises:
            RowError: there is something else than text or a number.
        """
        value = self.value(ours, *theirs)
        return "" if value is None else as_text(value, ours)

    def has(self, ours: str, *theirs: str) -> bool:
        """Tell whether the row has such a field, be it empty."""
        mapped = self._names.get(ours)
        names = (mapped, mapped.casefold()) if mapped else theirs
        return any(name in self.row for name in names)

    @property
    def instruction(self) -> str:
        """The words before the text: the row's own, or those of the recipe."""
        return self.text("instruction", "instruction") or self._data.instruction

    def label(self, value: str) -> str:
        """Return a label without white space around it.

        Raises:
            RowError: it is empty, or none of `data.labels`.
        """
        label = required(value, Message("label")).strip()
        if self._data.labels and label not in self._data.labels:
            told = label[:40]
            raise RowError(Message("label {told} is none of data.labels", told=told))
        return label


def as_text(value: object, name: str) -> str:
    """Return a value as text.

    Raises:
        RowError: it is neither text nor a number; the message calls it `name`.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    kind = type(value).__name__
    raise RowError(Message("{name} is no text but {kind}", name=name, kind=kind))


def required(text: str, name: Message) -> str:
    """Return `text` if there is any.

    Raises:
        RowError: it is empty; the message says "no `name`".
    """
    if not text or text.isspace():
        raise RowError(Message("no {name}", name=name))
    return text


QUESTION = Message("question")
TEXT = Message("text")
ANSWER = Message("answer")


def identified(record: Record) -> Record:
    """Return the record with the id that its content asks for."""
    return replace(record, id=content_id(record))


def content_id(content: Record | Content) -> str:
    """Return 16 hex digits of SHA-256 over what is learnt: the same wherever the row stands.

    Raises:
        UnicodeEncodeError: a text holds half a character.
    """
    parts = [content.system, content.label]
    if isinstance(content, Record) and content.document:  # windows may share their words
        parts.append(f"{content.document}:{content.offset}")
    for turn in content.turns:
        parts += (turn.user, turn.think, turn.answer)
    parts += (f"{one.start}:{one.end}:{one.label}" for one in content.entities)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def as_record(content: Content, *, source: str, system: str, group: str) -> Record:
    """Return the record of a row; `system` stands in where the row brings none.

    Raises:
        RowError: a byte or an escape of the row is no character.
    """
    content = replace(content, system=content.system or system)
    try:
        digest = content_id(content)
        group.encode()
    except UnicodeEncodeError as error:
        half = ord(error.object[error.start])
        raise RowError(_not_a_character(half)) from error
    return Record(
        id=digest,
        turns=content.turns,
        system=content.system,
        label=content.label,
        entities=content.entities,
        group=group,
        source=source,
    )


def _not_a_character(half: int) -> Message:
    """Say which byte (0xDC80 and up: PEP 383) or which half of a surrogate pair was met."""
    if 0xDC80 <= half <= 0xDCFF:
        byte = f"{half - 0xDC00:02x}"
        return Message("byte 0x{byte} does not fit the file's encoding", byte=byte)
    return Message("\\u{half:04x} is half a character", half=half)


def shown(text: str) -> str:
    """Return the beginning of a raw row, fit to be written to a file."""
    return text[:RAW_CHARACTERS].encode("utf-8", "backslashreplace").decode()
