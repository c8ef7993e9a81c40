"""What a reader says of an answer, as a row of training data that needs nothing else."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from assistant.conversations.turns import ConversationTurn
from assistant.events import AnswerFinished
from assistant.values import ChatMessage

Rating = Literal["up", "down"]
ReasonTag = Literal["wrong", "unsupported", "incomplete", "off_topic", "outdated", "language"]
REASON_TAGS: Final[tuple[ReasonTag, ...]] = get_args(ReasonTag)

MAX_CORRECTION_CHARACTERS = 20_000
"""Characters of a corrected answer that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A reader's judgement of one answer."""

    rating: Rating
    reasons: tuple[ReasonTag, ...] = ()
    """What is wrong with it."""
    correction: str = ""
    """What it should have said."""

    @classmethod
    def checked(
        cls, rating: object, reasons: Collection[object], correction: object
    ) -> "Feedback | None":
        """Return the feedback that came from a browser; None where it is none."""
        if rating not in get_args(Rating):
            return None
        kept: tuple[ReasonTag, ...] = tuple(tag for tag in REASON_TAGS if tag in reasons)
        text = correction.strip()[:MAX_CORRECTION_CHARACTERS] if isinstance(correction, str) else ""
        return cls(rating="up" if rating == "up" else "down", reasons=kept, correction=text)


def feedback_row(
    turn: ConversationTurn, feedback: Feedback, *, prompt: Sequence[ChatMessage] = ()
) -> dict[str, Any]:
    """Return the row that `finetune prepare` reads (its format "feedback").

    "messages" is what the model was given and what it should say: the correction, or the answer
    where the reader liked it; without either, "messages" ends with the question. "rejected" is the
    answer that a correction replaces: with it the row is a pair of preferences.

    Args:
        turn: The answered turn.
        feedback: What the reader says.
        prompt: The messages that the model was given, where they are known; the snapshot of the
            answer has them.
    """
    answer = next((e.answer for e in turn.events if isinstance(e, AnswerFinished)), None)
    answer_text = turn.text.strip()
    if answer is not None and answer.quotes:
        # What is beneath a model's own words was put there by code.
        answer_text = answer_text.removesuffix(answer.quotes).strip()
    prompt_messages = list(prompt) or [ChatMessage(role="user", content=turn.question)]
    wanted_text = feedback.correction or (answer_text if feedback.rating == "up" else "")
    messages = [{"role": message.role, "content": message.content} for message in prompt_messages]
    if wanted_text:
        messages.append({"role": "assistant", "content": wanted_text})
    row: dict[str, Any] = {
        "rating": feedback.rating,
        "reasons": list(feedback.reasons),
        "question": turn.question,
        "messages": messages,
        "answer_id": answer.id if answer is not None else "",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if feedback.correction and answer_text:
        row["rejected"] = answer_text
    return row
