"""Conversations as lists of messages: ShareGPT (from, value) and OpenAI (role, content)."""

from finetune.data.formats.thinking import build_turn
from finetune.data.rows import QUESTION, ParsedRow, RowError, RowFields, as_text, require_text
from ingest.foundation.messages import Message

_SIDES = {
    **dict.fromkeys(("human", "user", "observation", "tool", "function"), "user"),
    **dict.fromkeys(("gpt", "assistant", "model", "bot", "function_call"), "answer"),
    **dict.fromkeys(("system", "developer"), "system"),
}
"""Role -> the side of a turn; what a tool observed stands where a question does."""


def is_sharegpt_row(fields: RowFields) -> bool:
    """Return whether the row holds `conversations`."""
    return isinstance(fields.value("conversations", "conversations", "conversation"), list)


def is_openai_row(fields: RowFields) -> bool:
    """Return whether the row holds `messages`."""
    return isinstance(fields.value("messages", "messages"), list)


def parse_messages_row(fields: RowFields) -> ParsedRow:
    """Return the conversation.

    Raises:
        RowError: a message is broken, or questions and answers do not take turns.
    """
    names = ("conversations", "conversation", "messages")
    messages = fields.value("messages", *names)
    if not isinstance(messages, list):
        raise RowError(Message("no list of messages"))
    parsed = [_parse_message(message) for message in messages]
    system = fields.text("system", "system")
    # At the beginning alone: no chat format of ours writes a system message between turns, so that
    # a row with one is rejected below.
    while parsed and parsed[0][0] == "system":
        system = "\n\n".join(filter(None, (system, parsed.pop(0)[1])))
    if not parsed:
        raise RowError(Message("no messages"))
    for place, (side, _, _) in enumerate(parsed):
        wanted = "answer" if place % 2 else "user"
        if side != wanted:
            kind = Message("an answer" if wanted == "answer" else "a question")
            raise RowError(Message("message {place} should be {kind}", place=place + 1, kind=kind))
    if len(parsed) % 2:
        raise RowError(Message("the last question has no answer"))
    turns = tuple(
        build_turn(require_text(question, QUESTION), reply, think)
        for (_, question, _), (_, reply, think) in zip(parsed[::2], parsed[1::2], strict=True)
    )
    return ParsedRow(turns=turns, system=system)


def _parse_message(message: object) -> tuple[str, str, str]:
    """Return side, text and thinking of a message."""
    if not isinstance(message, dict):
        raise RowError(Message("a message is no object"))
    role = message.get("from") or message.get("role")
    side = _SIDES.get(role.casefold()) if isinstance(role, str) else None
    if side is None:
        raise RowError(Message("unknown role {role!s:.40}", role=role))
    content = message["value"] if "value" in message else message.get("content")
    if isinstance(content, list):
        # Pictures cannot be trained on here, and an answer to one makes no sense without it.
        if any(not isinstance(part, dict) or part.get("type") != "text" for part in content):
            raise RowError(Message("a part of a message is no text"))
        text = "".join(as_text(part.get("text"), "text") for part in content)
    else:
        text = "" if content is None else as_text(content, "content")  # null beside tool calls
    think = message.get("reasoning_content") or message.get("thinking") or ""
    return side, text, as_text(think, "reasoning_content")
