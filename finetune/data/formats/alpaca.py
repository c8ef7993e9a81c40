"""Alpaca: instruction, input, output, and perhaps system, history and think.

The field names are those of LLaMA-Factory's data/README.md; `history` is a list of
[question, answer], in a CSV written as JSON.
"""

import json
from typing import Any

from finetune.data.formats.thinking import turn_of
from finetune.data.rows import QUESTION, Content, Fields, RowError, required
from finetune.records import Turn
from ingest.foundation.messages import Message


def fits(fields: Fields) -> bool:
    """Tell whether the row has an output, and an instruction or an input."""
    named = "output" in fields.row or "instruction" in fields.row
    asks = fields.has("question", "instruction", "input")
    return named and asks and fields.has("answer", "output")


def read(fields: Fields) -> Content:
    """Return the conversation: history first, instruction and input as the last question."""
    instruction = fields.text("question", "instruction")
    given = fields.text("text", "input")
    asked = f"{instruction}\n{given}" if instruction and given else instruction or given
    think = fields.text("think", "think", "thought", "reasoning_content")
    last = turn_of(required(asked, QUESTION), fields.text("answer", "output"), think)
    return Content(turns=(*_history(fields), last), system=fields.text("system", "system"))


def _history(fields: Fields) -> tuple[Turn, ...]:
    history = fields.value("history", "history")
    if isinstance(history, str):
        history = _parsed(history)
    if not history:
        return ()
    if not isinstance(history, list):
        raise _no_history()
    return tuple(_turn(pair) for pair in history)


def _turn(pair: object) -> Turn:
    match pair:
        case [str(question), str(answer)]:
            return turn_of(required(question, QUESTION), answer)
    raise _no_history()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else []
    except (ValueError, RecursionError) as error:
        raise _no_history() from error


def _no_history() -> RowError:
    return RowError(Message("history is no list of [question, answer]"))
