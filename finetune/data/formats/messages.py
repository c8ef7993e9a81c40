"""Conversations as lists of messages: ShareGPT (from, value) and OpenAI (role, content)."""

from collections.abc import Sequence
from typing import Any

from finetune.data.formats.thinking import turn_of
from finetune.data.rows import QUESTION, Content, Fields, RowError, as_text, required
from finetune.records import Turn
from ingest.foundation.messages import Message

_SIDES = {
    **dict.fromkeys(("human", "user", "observation", "tool", "function"), "user"),
    **dict.fromkeys(("gpt", "assistant", "model", "bot", "function_call"), "answer"),
    **dict.fromkeys(("system", "developer"), "system"),
}
"""Who speaks -> the side of a turn; what a tool observed stands where a question does."""


def fits_sharegpt(fields: Fields) -> bool:
    """Tell whether the row holds `conversations`."""
    return isinstance(fields.value("conversations", "conversations", "conversation"), list)


def fits_openai(fields: Fields) -> bool:
    """Tell whether the row holds `messages`."""
    return isinstance(fields.value("messages", "messages"), list)


def read(fields: Fields) -> Content:
    """Return the conversation.

    Raises:
        RowError: a message is broken, or questions and answers do not take turns.
    """
    names = ("conversations", "conversation", "messages")
    messages = fields.value("messages", *names)
    if not isinstance(messages, list):
        raise RowError(Message("no list of messages"))
    said = [_said(message) for message in messages]
    system = fields.text("system", "system")
    while said and said[0][0] == "system":
        system = "\n\n".join(filter(None, (system, said.pop(0)[1])))
    return Content(turns=_turns(said), system=system)


def _turns(said: Sequence[tuple[str, str, str]]) -> tuple[Turn, ...]:
    """Return the turns of (side, text, thinking)."""
    sides = [side for side, _, _ in said]
    if not sides or sides != ["user", "answer"] * (len(sides) // 2):
        raise RowError(_disorder(sides))
    pairs = zip(said[::2], said[1::2], strict=True)
    return tuple(
        turn_of(required(asked, QUESTION), reply, think)
        for (_, asked, _), (_, reply, think) in pairs
    )


def _disorder(sides: Sequence[str]) -> Message:
    """Say why questions and answers do not take turns."""
    if not sides:
        return Message("no messages")
    for place, side in enumerate(sides):
        wanted = "answer" if place % 2 else "user"
        if side != wanted:
            kind = Message("an answer" if wanted == "answer" else "a question")
            return Message("message {place} should be {kind}", place=place + 1, kind=kind)
    return Message("the last question has no answer")


def _said(message: object) -> tuple[str, str, str]:
    """Return side, text and thinking of a message."""
    if not isinstance(message, dict):
        raise RowError(Message("a message is no object"))
    role = message.get("from") or message.get("role")
    side = _SIDES.get(role.casefold()) if isinstance(role, str) else None
    if side is None:
        raise RowError(Message("unknown role {role!s:.40}", role=role))
    content = message["value"] if "value" in message else message.get("content")
    think = message.get("reasoning_content") or message.get("thinking") or ""
    return side, _text(content), as_text(think, "reasoning_content")


def _text(content: Any) -> str:
    """Return the text of a message; OpenAI may cut it into parts."""
    if content is None:
        return ""
    if not isinstance(content, list):
        return as_text(content, "content")
    for part in content:
        if not isinstance(part, dict) or part.get("type") != "text":
            raise RowError(Message("a part of a message is no text"))
    return "".join(as_text(part.get("text"), "text") for part in content)
