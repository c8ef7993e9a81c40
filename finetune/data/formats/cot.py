"""Question, answer and perhaps thought, history and system, under the names that tools give them.

Names mislead: in a well-known drone-safety set the field "answer" holds the thought and the field
"reasoning" the answer, so that nothing is guessed where `data.map` decides, and "reasoning" never.
"""

from finetune.data.field_names import (
    ANSWER_NAMES,
    CONTEXT_NAMES,
    QUESTION_NAMES,
    SYSTEM_NAMES,
    THINK_NAMES,
)
from finetune.data.formats.history import parse_history
from finetune.data.formats.messages import parse_messages
from finetune.data.formats.thinking import build_turn
from finetune.data.rows import QUESTION, ParsedRow, RowFields, require_text


def is_cot_row(fields: RowFields) -> bool:
    """Return whether the row has a question and an answer."""
    return fields.has("question", *QUESTION_NAMES) and fields.has("answer", *ANSWER_NAMES)


def parse_cot_row(fields: RowFields) -> ParsedRow:
    """Return the conversation: history first.

    Raises:
        RowError: question or answer is missing, or the history is not a list of pairs.
    """
    system = fields.text("system", *SYSTEM_NAMES)
    prompt = fields.value("question", *QUESTION_NAMES)
    completion = fields.value("answer", *ANSWER_NAMES)
    # TRL's conversational prompt-completion.
    if isinstance(prompt, list) and isinstance(completion, list):
        return parse_messages([*prompt, *completion], system=system)
    question = require_text(fields.text("question", *QUESTION_NAMES), QUESTION)
    # What the question is about (SQuAD, Dolly) is behind it, as an Alpaca input does.
    question = "\n".join(filter(None, (question, fields.text("text", *CONTEXT_NAMES))))
    think = fields.text("think", *THINK_NAMES)
    last = build_turn(question, fields.text("answer", *ANSWER_NAMES), think)
    return ParsedRow(turns=(*parse_history(fields), last), system=system)
