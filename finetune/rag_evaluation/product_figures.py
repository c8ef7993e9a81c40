"""What is measured of answers through the assistant, and what of it is the model's own doing."""

from assistant.evaluation.figures import FIGURES, Columns, EvaluationFigure
from assistant.evaluation.results import QuestionResult
from ingest.foundation.messages import Message
from ingest.text.answer_overlap import answer_tokens

SHORT_TOKENS = 4
"""Tokens of the longest expected answer that a right reply holds word for word: a value or a name.
A sentence may be said otherwise, so that the words in common count (token F1)."""


def own_score(result: QuestionResult) -> float:
    """Return what the model's own reply is worth, 0 to 1.

    Quotes that stand in for a reply which was none are the assistant's, not the model's.
    """
    if result.kind != "model":
        return 0.0
    if result.unanswerable:
        return float(result.refused)
    shortest = min((len(answer_tokens(one)) for one in result.expected), default=0)
    if shortest <= SHORT_TOKENS:
        return float(bool(result.right))
    return max(float(bool(result.right)), result.f1 or 0.0)


def _own_columns(result: QuestionResult) -> Columns | None:
    # Without a passage no model is asked at all: small talk, or a question that nothing fits.
    has_reply = result.kind != "nothing" or "reply_unusable" in result.notices
    return (own_score(result), 1.0) if has_reply else None


OWN_WORDS_FIGURE = EvaluationFigure(
    name="own",
    label=Message("the model itself answers rightly, or rightly says that it is not there"),
    columns=_own_columns,
)
"""What the gate is decided by."""

LENGTH = EvaluationFigure(
    name="reply_tokens",
    label=Message("tokens of a reply"),
    columns=lambda r: None if r.reply_tokens is None else (float(r.reply_tokens), 1.0),
    unit="tokens",
    better="",
    group="cost",
)

PRODUCT_FIGURES = (
    *(one for one in FIGURES if one.group == "retrieval"),
    OWN_WORDS_FIGURE,
    *(one for one in FIGURES if one.group != "retrieval"),
)
"""All figures of answers through the assistant, in the order in which they are shown."""
