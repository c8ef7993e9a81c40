"""Notices about how a reply was made and ended."""

from collections.abc import Mapping
from typing import Final

from assistant.events import Notice
from assistant.labels import NEAREST
from assistant.values import Answerability
from ingest.foundation.messages import Message

_NO_EVIDENCE = Message("No sentence of the pages fits the question. The model is asked anyway.")
NOT_ANSWERED: Final[Mapping[Answerability, Notice]] = {
    "nearest": Notice(code="nearest_only", text=NEAREST),
    "nothing": Notice(code="no_evidence", text=_NO_EVIDENCE),
}
ORDERS_LEFT_OUT = Message(
    "Sentences of the pages that give orders to an AI were left out; what was asked may stand there"
)
LOOPED = Message("The model began to repeat itself and was stopped.")
CUT_SHORT = Message("the reply reached its length limit: raise model.reply_tokens")


def passages_dropped(dropped: int, tokens: int) -> Notice:
    """Return that `dropped` passages did not fit a model's context of `tokens` tokens."""
    text = Message(
        "{dropped} {dropped:?passage|passages} did not fit the model's context of "
        "{tokens:,} tokens",
        dropped=dropped,
        tokens=tokens,
    )
    return Notice(code="passages_dropped", text=text)
