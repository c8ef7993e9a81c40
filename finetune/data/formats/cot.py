"""Question, thought and answer in fields that the recipe's `data.map` names.

Names mislead: in a well-known drone-safety set the field "answer" holds the thought and the field
"reasoning" the answer, so that nothing is guessed where the map decides.
"""

from finetune.data.formats.thinking import build_turn
from finetune.data.rows import QUESTION, ParsedRow, RowFields, require_text


def is_cot_row(fields: RowFields) -> bool:
    """Return whether the row has a question and an answer."""
    return fields.has("question", "question") and fields.has("answer", "answer")


def parse_cot_row(fields: RowFields) -> ParsedRow:
    """Return the one turn.

    Raises:
        RowError: question or answer is missing.
    """
    question = require_text(fields.text("question", "question"), QUESTION)
    turn = build_turn(question, fields.text("answer", "answer"), fields.text("think", "think"))
    return ParsedRow(turns=(turn,), system=fields.text("system", "system"))
