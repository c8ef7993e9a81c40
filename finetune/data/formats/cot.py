"""Question, thought and answer in fields that the recipe's `data.map` names.

Names mislead: in a well-known drone-safety set the field "answer" holds the thought and the field
"reasoning" the answer, so that nothing is guessed that the map can say.
"""

from finetune.data.formats.thinking import turn_of
from finetune.data.rows import QUESTION, Content, Fields, required


def fits(fields: Fields) -> bool:
    """Tell whether the row has a question and an answer."""
    return fields.has("question", "question") and fields.has("answer", "answer")


def read(fields: Fields) -> Content:
    """Return the one turn."""
    question = required(fields.text("question", "question"), QUESTION)
    turn = turn_of(question, fields.text("answer", "answer"), fields.text("think", "think"))
    return Content(turns=(turn,), system=fields.text("system", "system"))
