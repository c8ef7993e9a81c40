"""Pairs of answers of which one was preferred: the rows that DPO and ORPO learn from.

The names are TRL's (prompt, chosen, rejected, each a text or a list of messages; without a prompt
both lists hold the whole conversation) and LLaMA-Factory's (conversations or instruction and input,
beside chosen and rejected).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from finetune.data.formats.messages import parse_messages_row
from finetune.data.formats.templated import is_templated_text, templated_messages
from finetune.data.formats.thinking import build_turn
from finetune.data.rows import ParsedRow, RowError, RowFields, as_text
from finetune.recipe import DataTable
from finetune.records import Turn
from ingest.foundation.messages import Message

Messages = Sequence[object]


def is_preference_row(fields: RowFields) -> bool:
    """Return whether the row holds a chosen and a rejected answer."""
    return fields.has("answer", "chosen") and fields.has("rejected", "rejected")


def parse_preference_row(fields: RowFields) -> ParsedRow:
    """Return the conversation that ends with the chosen answer, and the rejected one beside it.

    Raises:
        RowError: one of them is missing, both are the same, or a message is broken.
    """
    chosen, rejected = fields.value("answer", "chosen"), fields.value("rejected", "rejected")
    prompt = _prompt_messages(fields, chosen)
    system = fields.text("system", "system")
    parsed = _parse([*prompt, _answer_message(chosen)], system)
    if rejected in (None, "", []):
        return parsed  # learnt as any other row; training by preferences leaves it out
    worse = _parse([*prompt, _answer_message(rejected)], system).turns[-1]
    return with_rejected(parsed, worse)


def with_rejected(parsed: ParsedRow, rejected: Turn) -> ParsedRow:
    """Return the row with the answer that its last one was preferred to.

    Raises:
        RowError: they are the same.
    """
    if (rejected.answer, rejected.think) == (parsed.turns[-1].answer, parsed.turns[-1].think):
        raise RowError(Message("the chosen answer is the rejected one"))
    return replace(parsed, rejected=rejected)


def rejected_text(fields: RowFields, parsed: ParsedRow) -> ParsedRow:
    """Return `parsed` with the text in the row's field `rejected`, if there is any.

    Raises:
        RowError: it is what the row's own answer says, or a thought in it never ends.
    """
    text = fields.text("rejected", "rejected")
    if not text.strip():
        return parsed
    return with_rejected(parsed, build_turn(parsed.turns[-1].user, text))


def _prompt_messages(fields: RowFields, chosen: object) -> Messages:
    """Return the messages up to the last question."""
    for name in ("messages", "conversations", "conversation"):
        if isinstance(given := fields.value("messages", name), list):
            return given
    prompt = fields.value("question", "prompt", "question", "instruction", "query")
    if isinstance(prompt, list):
        return prompt
    if prompt is None and isinstance(chosen, list):
        return chosen[:-1]
    if prompt is None and isinstance(chosen, str) and is_templated_text(chosen):
        return templated_messages(chosen)[:-1]  # Anthropic's pairs: the whole conversation twice
    question = "" if prompt is None else as_text(prompt, "prompt")
    context = fields.text("text", "input")
    return [{"role": "user", "content": "\n".join(filter(None, (question, context)))}]


def _answer_message(answer: object) -> object:
    """Return the message with an answer: a text, a message, or the last one of a list."""
    if isinstance(answer, list):
        return answer[-1] if answer else {"role": "assistant", "content": ""}
    if isinstance(answer, Mapping):
        return {"role": "assistant", **answer} if "from" not in answer else answer
    if isinstance(answer, str) and is_templated_text(answer):
        return templated_messages(answer)[-1]
    return {"role": "assistant", "content": "" if answer is None else as_text(answer, "answer")}


def _parse(messages: Messages, system: str) -> ParsedRow:
    row: dict[str, Any] = {"messages": list(messages), "system": system}
    return parse_messages_row(RowFields(row, DataTable(files=("-",))))
