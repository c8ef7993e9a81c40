"""Span extraction: a text and the entities in it; the answer is a compact JSON list.

The user message is the instruction, a blank line and the text, so that the text can be found again
when it is cut into windows. Offsets count characters of the text alone.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from finetune.data.rows import TEXT, Content, Fields, RowError, required
from finetune.records import Entity, Record, Turn
from ingest.foundation.messages import Message
from ingest.text.language import language_of

DEFAULT_INSTRUCTION = Message.bilingual(
    'List the entities of the text as JSON: [{"label": …, "text": …}].',
    '以 JSON 列表写出文本中的实体：[{"label": …, "text": …}]。',
)
BEFORE_TEXT = "\n\n"

_BLANK_LINES = re.compile(r"\n\s*\n")
_NAMES = ("entities", "spans", "labels", "label")


def fits(fields: Fields) -> bool:
    """Tell whether the row has a text and a list of entities, be it empty."""
    return fields.has("text", "text") and isinstance(fields.value("entities", *_NAMES), list)


def read(fields: Fields) -> Content:
    """Return the one turn.

    Raises:
        RowError: the text is missing, or an entity is not in it, or its label is not allowed.
    """
    text = required(fields.text("text", "text"), TEXT)
    found = [_entity(one, text, fields) for one in _listed(fields)]
    return Content(
        turns=(Turn(user=asked(fields.instruction, text), answer=answer_of(found)),),
        system=fields.text("system", "system"),
        entities=in_order(found),
    )


def asked(instruction: str, text: str) -> str:
    """Return the user message for a text."""
    told = instruction.strip() or DEFAULT_INSTRUCTION.localize(language_of(text))
    return _BLANK_LINES.sub("\n", told) + BEFORE_TEXT + text


def parts_of(user: str) -> tuple[str, str]:
    """Return instruction and text of a user message that `asked` made."""
    instruction, _, text = user.partition(BEFORE_TEXT)
    return instruction, text


def is_extraction(record: Record) -> bool:
    """Tell whether a record asks for entities, be there none in its text."""
    answers_with_list = record.last.answer == "[]" and BEFORE_TEXT in record.last.user
    return bool(record.entities) or answers_with_list


def in_order(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Return the entities as they stand in the text."""
    return tuple(sorted(entities, key=lambda one: (one.start, one.end, one.label)))


def answer_of(entities: Iterable[Entity]) -> str:
    """Return what the model is to write: compact JSON, in the order of the text."""
    listed = [{"label": one.label, "text": one.text} for one in in_order(entities)]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


def nearest(text: str, wanted: str, start: int) -> int:
    """Return where `wanted` begins in `text` nearest to `start`, -1 if nowhere."""
    start = max(start, 0)
    before = text.rfind(wanted, 0, start + len(wanted))
    after = text.find(wanted, start)
    if before < 0 or after < 0:
        return max(before, after)
    return before if start - before <= after - start else after


def _listed(fields: Fields) -> Sequence[Any]:
    value = fields.value("entities", *_NAMES)
    if isinstance(value, str):  # a cell of a table
        try:
            value = json.loads(value) if value.strip() else []
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, list):
        raise RowError(Message("entities is no list"))
    return value


def _entity(given: object, text: str, fields: Fields) -> Entity:
    """Return an entity whose offsets were checked, and mended where its text tells better."""
    match given:
        case {"label": str(label), **rest}:
            label, wanted = fields.label(label), rest.get("text")
            start, end = _whole(rest.get("start")), _whole(rest.get("end"))
        case [int(start), int(end), str(label)]:
            label, wanted = fields.label(label), None
        case _:
            raise RowError(
                Message("an entity is neither {label, text, start, end} nor [start, end, label]")
            )
    bare = wanted.strip() if isinstance(wanted, str) else ""
    begins, bare = (nearest(text, bare, start), bare) if bare else _stretch(start, end, text)
    if begins < 0:
        told = bare[:40] or f"[{start}, {end}]"
        raise RowError(Message("entity {told} is not in the text", told=told))
    return Entity(label=label, text=bare, start=begins, end=begins + len(bare))


def _whole(value: object) -> int:
    return value if isinstance(value, int) else -1


def _stretch(start: int, end: int, text: str) -> tuple[int, str]:
    """Return where the stretch begins without white space around it, and its text."""
    stretch = text[start:end] if 0 <= start < end <= len(text) else ""
    bare = stretch.strip()
    return (start + stretch.index(bare), bare) if bare else (-1, "")
