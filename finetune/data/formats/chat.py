"""Chats of people: messages with the names of who spoke, and nothing that says who asks."""

from typing import Any

from finetune.data.field_names import side_of_speaker
from finetune.data.formats.messages import parse_messages
from finetune.data.rows import ParsedRow, RowError, RowFields
from ingest.foundation.messages import Message

_ROLES = {"user": "user", "answer": "assistant", "system": "system"}


def is_chat_row(fields: RowFields) -> bool:
    """Return whether the row holds `chat`."""
    return fields.items("messages", "chat") is not None


def parse_chat_row(fields: RowFields) -> ParsedRow:
    """Return the conversation; who answers is `data.map.answer`, or told by the names.

    Raises:
        RowError: nothing tells who answers, or there is no question with an answer.
    """
    chat = fields.items("messages", "chat")
    if chat is None:
        raise RowError(Message("no list of messages"))
    named = fields.mapped("answer")
    speakers = list(dict.fromkeys(str(one.get("from", "")) for one in chat))
    sides = _sides(speakers, named)
    messages: list[dict[str, Any]] = [
        {"role": _ROLES[sides[str(one.get("from", ""))]], "content": one.get("value")}
        for one in chat
    ]
    return parse_messages(messages)


def _sides(speakers: list[str], named: str) -> dict[str, str]:
    """Return the side of each speaker.

    Raises:
        RowError: neither the recipe nor a name says who answers.
    """
    if named:
        return {one: "answer" if one == named else "user" for one in speakers}
    known = {one: side_of_speaker(one) for one in speakers}
    if "answer" in known.values():
        return {one: side or "user" for one, side in known.items()}
    # One of the two is known to ask, so that the other answers.
    if len(speakers) == 2 and "user" in known.values() and None in known.values():
        return {one: side or "answer" for one, side in known.items()}
    raise RowError(
        Message(
            "nothing tells who of {speakers} answers: name one as data.map.answer",
            speakers=", ".join(speakers[:4]),
        )
    )
