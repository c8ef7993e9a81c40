"""HuatuoGPT: {"data": ["问：…", "答：…", …]}, with or without the marks before each text."""

import re

from finetune.data.formats.thinking import build_turn
from finetune.data.rows import QUESTION, ParsedRow, RowError, RowFields, as_text, require_text
from ingest.foundation.messages import Message

_QUESTION_MARK = re.compile(r"\s*问\s*[：:]\s*")
_ANSWER_MARK = re.compile(r"\s*答\s*[：:]\s*")


def is_huatuo_row(fields: RowFields) -> bool:
    """Return whether the row holds a list under `data`."""
    return isinstance(fields.value("data", "data"), list)


def parse_huatuo_row(fields: RowFields) -> ParsedRow:
    """Return the conversation.

    Raises:
        RowError: there are no pairs of question and answer, or a text bears the mark of the other
            side.
    """
    texts = fields.value("data", "data")
    if not isinstance(texts, list):
        raise RowError(Message("data is no list"))
    if not texts or len(texts) % 2:
        raise RowError(
            Message(
                "{count} {count:?text does not make a pair|texts do not make pairs}",
                count=len(texts),
            )
        )
    bare = []
    for place, value in enumerate(texts):
        # Even places ask, odd ones answer.
        marks = (_ANSWER_MARK, _QUESTION_MARK) if place % 2 else (_QUESTION_MARK, _ANSWER_MARK)
        text = as_text(value, "data")
        found = marks[0].match(text)
        # A turn is missing or doubled: all that follow would be trained on with the sides swapped.
        if not found and marks[1].match(text):
            raise RowError(Message("text {place} has the mark of the other side", place=place + 1))
        bare.append(text[found.end() :] if found else text)
    return ParsedRow(
        turns=tuple(
            build_turn(require_text(question, QUESTION), reply)
            for question, reply in zip(bare[::2], bare[1::2], strict=True)
        ),
        system=fields.text("system", "system"),
    )
