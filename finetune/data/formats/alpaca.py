"""Alpaca: instruction, input, output, and perhaps system, history and think.

The field names are those of LLaMA-Factory's data/README.md; `history` is a list of
[question, answer], in a CSV written as JSON.
"""

import json

from finetune.data.formats.thinking import build_turn
from finetune.data.rows import QUESTION, ParsedRow, RowError, RowFields, require_text
from ingest.foundation.messages import Message


def is_alpaca_row(fields: RowFields) -> bool:
    """Return whether the row has an output, and an instruction or an input."""
    # At least one of Alpaca's own names: with data.map any row has a "question" and an "answer".
    named = "output" in fields.row or "instruction" in fields.row
    asks = fields.has("question", "instruction", "input")
    return named and asks and fields.has("answer", "output")


def parse_alpaca_row(fields: RowFields) -> ParsedRow:
    """Return the conversation: history first, instruction and input as the last question.

    Raises:
        RowError: question or answer is missing, or the history is not a list of pairs.
    """
    instruction = fields.text("question", "instruction")
    given = fields.text("text", "input")
    question = f"{instruction}\n{given}" if instruction and given else instruction or given
    think = fields.text("think", "think", "thought", "reasoning_content")
    last = build_turn(require_text(question, QUESTION), fields.text("answer", "output"), think)
    history = fields.value("history", "history")
    if isinstance(history, str):  # a cell of a table
        try:
            history = json.loads(history) if history.strip() else []
        except (ValueError, RecursionError) as error:
            raise _not_a_history() from error
    if history and not isinstance(history, list):
        raise _not_a_history()
    turns = []
    for pair in history or ():
        match pair:
            case [str(earlier), str(answer)]:
                turns.append(build_turn(require_text(earlier, QUESTION), answer))
            case _:
                raise _not_a_history()
    return ParsedRow(turns=(*turns, last), system=fields.text("system", "system"))


def _not_a_history() -> RowError:
    return RowError(Message("history is no list of [question, answer]"))
