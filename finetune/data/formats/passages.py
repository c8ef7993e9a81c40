"""Rows that `finetune synthesize` makes: the assistant's own prompt, with its answer.

The prompt is trained as it is in `messages`; the other fields say what it was made of.
"""

from finetune.data.formats.messages import is_openai_row
from finetune.data.rows import RowFields

PASSAGES_FIELDS = frozenset(
    {"question", "answer", "answerable", "kind", "language", "document", "passages"}
)
"""What such a row has besides its messages."""


def is_passages_row(fields: RowFields) -> bool:
    """Return whether the row holds messages, and the passages that they were made of."""
    return is_openai_row(fields) and fields.items("passages", "passages") is not None
