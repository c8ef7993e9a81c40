"""Alpaca: instruction, input, output, and perhaps system, history and think.

The field names are those of LLaMA-Factory's data/README.md; `history` is a list of
[question, answer], in a CSV written as JSON.
"""

from finetune.data.field_names import (
    INPUT_NAMES,
    INSTRUCTION_NAMES,
    OUTPUT_NAMES,
    SYSTEM_NAMES,
    THINK_NAMES,
)
from finetune.data.formats.history import parse_history
from finetune.data.formats.thinking import build_turn
from finetune.data.rows import QUESTION, ParsedRow, RowFields, require_text


def is_alpaca_row(fields: RowFields) -> bool:
    """Return whether the row has an output, and an instruction or an input."""
    # At least one of Alpaca's own names: with data.map any row has a "question" and an "answer".
    named = any(name in fields.row for name in (*OUTPUT_NAMES, *INSTRUCTION_NAMES))
    asks = fields.has("question", *INSTRUCTION_NAMES, *INPUT_NAMES)
    return named and asks and fields.has("answer", *OUTPUT_NAMES)


def parse_alpaca_row(fields: RowFields) -> ParsedRow:
    """Return the conversation: history first, instruction and input as the last question.

    Raises:
        RowError: question or answer is missing, or the history is not a list of pairs.
    """
    instruction = fields.text("question", *INSTRUCTION_NAMES)
    given = fields.text("text", *INPUT_NAMES)
    question = f"{instruction}\n{given}" if instruction and given else instruction or given
    think = fields.text("think", *THINK_NAMES)
    reply = fields.text("answer", *OUTPUT_NAMES)
    last = build_turn(require_text(question, QUESTION), reply, think)
    turns = (*parse_history(fields), last)
    return ParsedRow(turns=turns, system=fields.text("system", *SYSTEM_NAMES))
