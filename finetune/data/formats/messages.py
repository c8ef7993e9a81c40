"""Conversations as lists of messages: ShareGPT (from, value) and OpenAI (role, content).

Real conversations do not always take turns. What can be put right without inventing or losing an
answer is put right and counted (`Repair`); chat formats know nothing else than turns.
"""

from collections.abc import Sequence
from typing import Any

from finetune.data.field_names import MESSAGE_NAMES, SYSTEM_NAMES
from finetune.data.formats.thinking import build_turn
from finetune.data.rows import (
    QUESTION,
    ParsedRow,
    Repair,
    RowError,
    RowFields,
    as_text,
    require_text,
)
from ingest.foundation.messages import Message

_SIDES = {
    **dict.fromkeys(("human", "user", "observation", "tool", "function", "用户", "客户"), "user"),
    **dict.fromkeys(
        ("gpt", "assistant", "model", "bot", "function_call", "助手", "客服"), "answer"
    ),
    **dict.fromkeys(("system", "developer", "系统"), "system"),
}
"""Role -> the side of a turn; what a tool observed stands where a question does."""

MEDIA = ("images", "image", "videos", "video", "audios", "audio")
"""Fields of rows that ask about something that is no text."""

_CONTENT_FIELDS = (
    "content",
    "value",
    "parts",
    "reasoning_content",
    "thinking",
    "tool_calls",
    "tool_call_id",
)
_MESSAGE_FIELDS = frozenset((*_CONTENT_FIELDS, "role", "from", "id", "name"))
"""Fields of a message that are used, or only say who spoke."""

_BETWEEN = "\n\n"
"""Stands between neighbours that are joined."""


def is_sharegpt_row(fields: RowFields) -> bool:
    """Return whether the row holds `conversations`."""
    return fields.items("conversations", "conversations", "conversation") is not None


def is_openai_row(fields: RowFields) -> bool:
    """Return whether the row holds `messages`."""
    return fields.items("messages", "messages", "contents", "对话") is not None


def parse_messages_row(fields: RowFields) -> ParsedRow:
    """Return the conversation.

    Raises:
        RowError: a message is broken, there is no question with an answer, or it is about a
            picture.
    """
    messages = fields.items("messages", *MESSAGE_NAMES)
    if messages is None:
        raise RowError(Message("no list of messages"))
    if any(fields.row.get(name) for name in MEDIA):
        raise RowError(Message("it is about a picture or a sound, which is no text"))
    return parse_messages(messages, system=fields.text("system", *SYSTEM_NAMES))


def parse_messages(messages: Sequence[Any], *, system: str = "") -> ParsedRow:
    """Return the conversation of a list of messages; `system` is before their own.

    Raises:
        RowError: a message is broken, or no question has an answer.
    """
    parsed = [_parse_message(message) for message in messages]
    while parsed and parsed[0][0] == "system":
        system = _BETWEEN.join(filter(None, (system, parsed.pop(0)[1])))
    if not parsed:
        raise RowError(Message("no messages"))
    in_turn, repairs = _taking_turns(parsed)
    if not in_turn:
        has_question = any(side == "user" and text.strip() for side, text, _ in parsed)
        raise RowError(
            Message("the last question has no answer")
            if has_question
            else Message("no {name}", name=QUESTION)
        )
    turns = tuple(
        build_turn(require_text(question, QUESTION), reply, think)
        for (_, question, _), (_, reply, think) in zip(in_turn[::2], in_turn[1::2], strict=True)
    )
    # A weight of 0 says that an answer is not to be learnt, which is unknown here: it is reported.
    names = {str(name) for message in messages for name in message} - _MESSAGE_FIELDS
    unused = tuple(f"messages.{name}" for name in sorted(names))
    return ParsedRow(turns=turns, system=system, repairs=repairs, unused=unused)


def _taking_turns(
    parsed: Sequence[tuple[str, str, str]],
) -> tuple[list[tuple[str, str, str]], tuple[Repair, ...]]:
    """Return messages that are question and answer in turn, and what was put right for it."""
    repairs: dict[Repair, None] = {}
    turns: list[tuple[str, str, str]] = []
    for side, text, think in parsed:
        if not text.strip():
            repairs["empty"] = None
            continue
        if side == "system":
            # Chat formats have it at the beginning alone. Before the next question it says what it
            # said there: what is to be kept in mind from now on.
            repairs["system"] = None
            side = "user"
        elif side == "answer" and not turns:
            repairs["greeting"] = None
            continue
        elif turns and turns[-1][0] == side:
            repairs["joined"] = None
        if turns and turns[-1][0] == side:
            before = turns.pop()
            text = f"{before[1]}{_BETWEEN}{text}"
            think = _BETWEEN.join(filter(None, (before[2], think)))
        turns.append((side, text, think))
    if turns and turns[-1][0] == "user":
        repairs["unanswered"] = None
        turns.pop()
    return turns, tuple(repairs)


def _parse_message(message: object) -> tuple[str, str, str]:
    """Return side, text and thinking of a message."""
    if not isinstance(message, dict):
        raise RowError(Message("a message is no object"))
    role = message.get("from") or message.get("role")
    side = _SIDES.get(role.casefold()) if isinstance(role, str) else None
    if side is None:
        raise RowError(Message("unknown role {role!s:.40}", role=role))
    names = ("value", "content", "parts")  # the last is Gemini's
    content = next((message[name] for name in names if name in message), None)
    if isinstance(content, list):
        # Pictures cannot be trained on here, and an answer to one makes no sense without it.
        if any(
            not isinstance(part, dict) or part.get("type", "text") != "text" for part in content
        ):
            raise RowError(Message("a part of a message is no text"))
        text = "".join(as_text(part.get("text"), "text") for part in content)
    else:
        text = "" if content is None else as_text(content, "content")
    if not text.strip() and message.get("tool_calls"):
        # Dropped as empty, its tool's result would become a question that was never asked.
        raise RowError(Message("an answer is the call of a tool, which no chat format here has"))
    think = message.get("reasoning_content") or message.get("thinking") or ""
    return side, text, as_text(think, "reasoning_content")
