"""What readers said of the assistant's answers: the rows that `assistant feedback` writes.

A good answer is learnt as it is, a bad one by its correction. The row is in OpenAI's form, and ends
with the question where no person said what the answer should be.
"""

from finetune.data.formats.messages import is_openai_row, parse_messages_row
from finetune.data.formats.preference import rejected_text
from finetune.data.rows import NothingToLearnError, ParsedRow, RowFields
from ingest.foundation.messages import Message

FEEDBACK_FIELDS = frozenset({"rating", "reasons", "question", "answer_id", "at", "rejected"})
"""What such a row has besides its messages."""


def is_feedback_row(fields: RowFields) -> bool:
    """Return whether the row holds messages and a rating, "up" or "down"."""
    return is_openai_row(fields) and fields.value("rating", "rating") in ("up", "down")


def parse_feedback_row(fields: RowFields) -> ParsedRow:
    """Return the conversation that should have been.

    Raises:
        NothingToLearnError: the answer was bad and was not corrected.
        RowError: a message is broken.
    """
    last = (fields.items("messages", "messages") or [])[-1:]
    is_answered = bool(last) and isinstance(last[0], dict) and last[0].get("role") == "assistant"
    if fields.value("rating", "rating") == "down" and not is_answered:
        raise NothingToLearnError(Message("a bad answer that nobody corrected"))
    # A correction beside the answer that it replaces is a pair of preferences.
    return rejected_text(fields, parse_messages_row(fields))
