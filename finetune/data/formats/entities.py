"""Span extraction: a text and the entities in it; the answer is a compact JSON list.

The user message is the instruction, a blank line and the text, so that the text can be found again
when it is cut into windows. Offsets count characters of the text alone.
"""

import json
import re
from collections.abc import Iterable

from finetune.data.rows import (
    QUOTED_CHARACTERS,
    TEXT,
    ParsedRow,
    RowError,
    RowFields,
    require_text,
)
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
"""Fields in which the list is found, those of doccano's exports among them."""


def is_entities_row(fields: RowFields) -> bool:
    """Return whether the row has a text and a list of entities, even an empty one."""
    return fields.has("text", "text") and isinstance(fields.value("entities", *_NAMES), list)


def parse_entities_row(fields: RowFields) -> ParsedRow:
    """Return the one turn.

    Raises:
        RowError: the text is missing, or an entity is not in it, or its label is not allowed.
    """
    text = require_text(fields.text("text", "text"), TEXT)
    listed = fields.value("entities", *_NAMES)
    if isinstance(listed, str):  # a cell of a table
        try:
            listed = json.loads(listed) if listed.strip() else []
        except (ValueError, RecursionError):
            listed = None
    if not isinstance(listed, list):
        raise RowError(Message("entities is no list"))
    found = [parse_entity(one, text, fields) for one in listed]
    user = build_prompt(fields.instruction, text)
    return ParsedRow(
        turns=(Turn(user=user, answer=render_entities(found)),),
        system=fields.text("system", "system"),
        entities=sort_entities(found),
    )


def build_prompt(instruction: str, text: str) -> str:
    """Return the user message for a text: instruction, blank line, text."""
    instruction = instruction.strip() or DEFAULT_INSTRUCTION.localize(language_of(text))
    # The first blank line is where `split_prompt` finds the text: the instruction may have none.
    return _BLANK_LINES.sub("\n", instruction) + BEFORE_TEXT + text


def split_prompt(user: str) -> tuple[str, str]:
    """Return instruction and text of a user message that `build_prompt` made."""
    instruction, _, text = user.partition(BEFORE_TEXT)
    return instruction, text


def is_extraction(record: Record) -> bool:
    """Return whether a record asks for entities, even if there are none in its text."""
    answers_with_list = record.last.answer == "[]" and BEFORE_TEXT in record.last.user
    return bool(record.entities) or answers_with_list


def sort_entities(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Return the entities in the order in which they are in the text."""
    return tuple(sorted(entities, key=lambda one: (one.start, one.end, one.label)))


def render_entities(entities: Iterable[Entity]) -> str:
    """Return what the model is to write: compact JSON, in the order of the text."""
    # Without offsets: language models count characters badly, and the text says where it is.
    listed = [{"label": one.label, "text": one.text} for one in sort_entities(entities)]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


def find_nearest(text: str, wanted: str, start: int) -> int:
    """Return where `wanted` begins in `text` nearest to `start`, -1 if nowhere."""
    start = max(start, 0)
    before = text.rfind(wanted, 0, start + len(wanted))
    after = text.find(wanted, start)
    if before < 0 or after < 0:
        return max(before, after)
    return before if start - before <= after - start else after


def parse_entity(given: object, text: str, fields: RowFields) -> Entity:
    """Return an entity at the place where its text stands.

    Raises:
        RowError: it has neither form, its text is nowhere, or its label is not allowed.
    """
    match given:
        case {"label": str(label), **rest}:
            label, wanted_text = fields.label(label), rest.get("text")
            offsets = (rest.get("start"), rest.get("end"))
            start, end = (one if isinstance(one, int) else -1 for one in offsets)
        case [int(start), int(end), str(label)]:
            label, wanted_text = fields.label(label), None
        case _:
            raise RowError(
                Message("an entity is neither {label, text, start, end} nor [start, end, label]")
            )
    bare = wanted_text.strip() if isinstance(wanted_text, str) else ""
    if bare:
        # The entity's text counts for more than its offsets: tools count bytes, UTF-16 units, or
        # characters of a text that was cleaned since.
        begins = find_nearest(text, bare, start)
    else:
        span = text[start:end] if 0 <= start < end <= len(text) else ""
        bare = span.strip()
        begins = start + span.index(bare) if bare else -1
    if begins < 0:
        quoted = bare[:QUOTED_CHARACTERS] or f"[{start}, {end}]"
        raise RowError(Message("entity {entity} is not in the text", entity=quoted))
    return Entity(label=label, text=bare, start=begins, end=begins + len(bare))
