"""Rows on their way to records, and those that are rejected."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from finetune.errors import DataError
from finetune.recipe import DataTable
from finetune.records import Entity, Record, Turn
from ingest.foundation.messages import Message

RAW_CHARACTERS = 2_000
"""Characters of a rejected row that are kept: enough to find and understand it."""

QUOTED_CHARACTERS = 40
"""Characters of a value that a message quotes."""

Repair = Literal["joined", "greeting", "unanswered", "empty", "system"]
"""How a conversation that does not take turns was put right: neighbours of one side joined, what
was before the first question or behind the last answer dropped, messages without text dropped,
a system message in the middle put before the question behind it."""

BOOKKEEPING = frozenset({"id", "idx", "index", "uuid", "row_id", "序号", "编号"})
"""Fields that name a row and say nothing: the training data can do without them."""

QUESTION = Message("question")
TEXT = Message("text")
ANSWER = Message("answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that did not become a record, and why. `source` is "file:row", as a record's is."""

    source: str
    reason: Message
    raw: str = ""
    is_expected: bool = False
    """Sound, with nothing to learn from: it says nothing of how the file is read."""

    @property
    def message(self) -> Message:
        """One line that names file and row: "drone.csv: row 812: no answer"."""
        name, _, row = self.source.rpartition(":")  # a file's name may hold colons, too
        return Message("{name}: row {row}: {reason}", name=name, row=row, reason=self.reason)


class RowError(DataError):
    """A row cannot become a record; the code that reads rows makes a `RejectedRow` of it."""


class NothingToLearnError(RowError):
    """A row is what its format wants, and holds nothing to learn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRow:
    """What a format finds in a row: a record without identity and origin."""

    turns: tuple[Turn, ...]
    system: str = ""
    label: str = ""
    entities: tuple[Entity, ...] = ()
    repairs: tuple[Repair, ...] = ()
    """What was put right in its conversation, once each."""
    unused: tuple[str, ...] = ()
    """Fields inside it that nothing uses, such as "messages.weight"."""
    rejected: Turn | None = None


class UncachedFormula(str):
    """A formula of a workbook whose value the file does not hold: programs wrote it, not Excel."""

    __slots__ = ()


class ReadingNotes:
    """What happened to rows while they were read, counted over a whole run."""

    def __init__(self) -> None:
        self.repairs: Counter[Repair] = Counter()
        """Rows, by what was put right in them."""
        self.unused: Counter[str] = Counter()
        """Rows in which a field was filled that nothing uses, by its name."""

    def add(self, row: ParsedRow, unused: Iterable[str]) -> None:
        """Count a row; `unused` are the fields of it that nothing uses."""
        # Not `Counter.update`, which takes 1 µs where there is nothing to count: in most rows.
        for repair in row.repairs:
            self.repairs[repair] += 1
        for name in (*unused, *row.unused):
            self.unused[name] += 1


class RowFields:
    """A row's fields under our names: `data.map` of the recipe first, then a format's own names."""

    __slots__ = ("_data", "_used", "row")

    def __init__(self, row: Mapping[str, Any], data: DataTable) -> None:
        self.row = row
        self._data = data
        self._used: set[str] = set()

    def value(self, ours: str, *theirs: str) -> Any:
        """Return the field's value, None if it is missing, null or NaN.

        `ours` is its name in `data.map`; a name that is not mapped is looked up as `theirs`.
        """
        for name in self._names(ours, theirs):
            value = self.row.get(name)
            # pandas writes NaN for an empty cell; as text it would be trained on as "nan".
            if value is not None and not (isinstance(value, float) and math.isnan(value)):
                return value
        return None

    def text(self, ours: str, *theirs: str) -> str:
        """Return the field as text, "" if it is missing.

        Raises:
            RowError: the value is neither text nor a number.
        """
        value = self.value(ours, *theirs)
        return "" if value is None else as_text(value, ours)

    def items(self, ours: str, *theirs: str) -> list[Any] | None:
        """Return the field as a list, None if it is none; a text may hold one as JSON.

        Tables and exports of databases have no other way to keep messages.
        """
        value = self.value(ours, *theirs)
        if isinstance(value, str) and value.lstrip().startswith("["):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return None
        return value if isinstance(value, list) else None

    def unused(self) -> list[str]:
        """Return the fields with something in them that have not been read so far."""
        return [
            str(name)
            for name, value in self.row.items()
            if name not in self._used
            and str(name).casefold() not in BOOKKEEPING
            and value not in (None, "", [], {}, 0, False)
            and not (isinstance(value, float) and math.isnan(value))
        ]

    def has(self, ours: str, *theirs: str) -> bool:
        """Return whether the row has such a field, even an empty one."""
        return any(name in self.row for name in self._names(ours, theirs))

    def mapped(self, ours: str) -> str:
        """Return what `data.map` says of one of our fields, "" if nothing."""
        return self._data.map.get(ours, "")

    @property
    def instruction(self) -> str:
        """The words before the text: the row's own, or those of the recipe."""
        return self.text("instruction", "instruction") or self._data.instruction

    def label(self, value: str) -> str:
        """Return a label without white space around it.

        Raises:
            RowError: it is empty, or none of `data.labels`.
        """
        label = require_text(value, Message("label")).strip()
        if self._data.labels and label not in self._data.labels:
            quoted = label[:QUOTED_CHARACTERS]
            raise RowError(Message("label {label} is none of data.labels", label=quoted))
        return label

    def _names(self, ours: str, theirs: tuple[str, ...]) -> tuple[str, ...]:
        mapped = self._data.map.get(ours)
        # Columns of a table are read in lower case, whatever case the recipe writes them in.
        names = (mapped, mapped.casefold()) if mapped else theirs
        self._used.update(names)
        return names


def as_text(value: object, name: str) -> str:
    """Return a value as text.

    Raises:
        RowError: it is neither text nor a number; the message calls it `name`.
    """
    if type(value) is str:  # most are; a formula is of a class of its own
        return value
    if isinstance(value, UncachedFormula):
        raise RowError(
            Message(
                "{name} is a formula without its value: open the workbook in Excel or WPS, and "
                "save it",
                name=name,
            )
        )
    if isinstance(value, str):
        return value
    # A bool is an int in Python, but "True" is no text that anybody wrote.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    kind = type(value).__name__
    raise RowError(Message("{name} is no text but {kind}", name=name, kind=kind))


def require_text(text: str, name: Message) -> str:
    """Return `text`, which must hold more than white space.

    Raises:
        RowError: it does not; the message is "no" and `name`, what the text is called.
    """
    if not text or text.isspace():
        raise RowError(Message("no {name}", name=name))
    return text


def with_content_id(record: Record) -> Record:
    """Return the record with the id that belongs to its content."""
    return replace(record, id=content_id(record))


def content_id(content: Record | ParsedRow) -> str:
    """Return 16 hex digits of SHA-256 over what is trained on: the same wherever the row stands.

    Raises:
        UnicodeEncodeError: a text holds half of a surrogate pair.
    """
    parts = [content.system, content.label]
    # Two windows of one document may hold the same words ("see above"): their place differs.
    if isinstance(content, Record) and content.document:
        parts.append(f"{content.document}:{content.offset}")
    for turn in content.turns:
        parts += (turn.user, turn.think, turn.answer)
    parts += (f"{one.start}:{one.end}:{one.label}" for one in content.entities)
    if content.rejected:
        parts += (content.rejected.think, content.rejected.answer)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def build_record(row: ParsedRow, *, source: str, system: str, group: str) -> Record:
    """Return the record of a row; `system` is for rows that bring no system message.

    Raises:
        RowError: a byte or an escape of the row is no character.
    """
    if system and not row.system:
        row = replace(row, system=system)
    try:
        digest = content_id(row)
        group.encode()
    except UnicodeEncodeError as error:
        half = ord(error.object[error.start])
        # Files are decoded with "surrogateescape", which turns a foreign byte b into U+DC00 + b,
        # 0x80 and up (PEP 383). Any other lone surrogate was in the file as an escape of JSON.
        if 0xDC80 <= half <= 0xDCFF:
            byte = f"{half - 0xDC00:02x}"
            reason = Message("byte 0x{byte} does not fit the file's encoding", byte=byte)
        else:
            reason = Message("\\u{half:04x} is half a character", half=half)
        raise RowError(reason) from error
    return Record(
        id=digest,
        turns=row.turns,
        system=row.system,
        label=row.label,
        entities=row.entities,
        group=group,
        source=source,
        rejected=row.rejected,
    )


def raw_excerpt(text: str) -> str:
    """Return the beginning of a raw row, fit to be written to a file as UTF-8."""
    return text[:RAW_CHARACTERS].encode("utf-8", "backslashreplace").decode()
