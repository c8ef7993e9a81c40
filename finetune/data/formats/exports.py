"""Conversations as two programs keep them: ChatGPT's export (a tree) and XTuner's rows."""

from collections.abc import Mapping
from typing import Any

from finetune.data.formats.messages import parse_messages
from finetune.data.rows import ParsedRow, RowError, RowFields
from ingest.foundation.messages import Message

CHATGPT_FIELDS = frozenset(
    {"title", "create_time", "update_time", "conversation_id", "current_node", "is_archived"}
    | {"moderation_results", "plugin_ids", "default_model_slug", "conversation_template_id"}
    | {"gizmo_id", "is_starred", "memory_scope", "voice", "async_status", "safe_urls"}
    | {"blocked_urls"}
)
"""What an export says of a conversation beside its messages."""

MAX_MESSAGES = 10_000
"""Messages of one conversation; a tree that is a circle ends there."""


def is_chatgpt_row(fields: RowFields) -> bool:
    """Return whether the row is a conversation of ChatGPT's export."""
    return isinstance(fields.value("messages", "mapping"), Mapping)


def parse_chatgpt_row(fields: RowFields) -> ParsedRow:
    """Return the branch of the tree that was shown last; other tries of an answer are left.

    Raises:
        RowError: there is no question with an answer.
    """
    tree = fields.value("messages", "mapping")
    node = fields.value("node", "current_node")
    if not isinstance(tree, Mapping):
        raise RowError(Message("no list of messages"))
    messages: list[dict[str, Any]] = []
    while isinstance(held := tree.get(node), Mapping) and len(messages) < MAX_MESSAGES:
        message = held.get("message")
        node = held.get("parent")
        if not isinstance(message, Mapping):
            continue
        role = (message.get("author") or {}).get("role")
        parts = (message.get("content") or {}).get("parts") or []
        text = "\n".join(part for part in parts if isinstance(part, str))
        if role in ("user", "assistant") and text.strip():
            messages.append({"role": role, "content": text})
    return parse_messages(messages[::-1])


def is_xtuner_row(fields: RowFields) -> bool:
    """Return whether the row's conversation is a list of inputs and outputs."""
    turns = fields.items("conversation", "conversation", "conversations")
    return bool(turns) and all(isinstance(one, Mapping) and "output" in one for one in turns or ())


def parse_xtuner_row(fields: RowFields) -> ParsedRow:
    """Return the conversation.

    Raises:
        RowError: there is no question with an answer.
    """
    messages = []
    for turn in fields.items("conversation", "conversation", "conversations") or ():
        for role, name in (("system", "system"), ("user", "input"), ("assistant", "output")):
            if turn.get(name):
                messages.append({"role": role, "content": turn[name]})
    return parse_messages(messages)
