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


_SPOKEN_KINDS = (None, "text", "multimodal_text")
"""Kinds of content that are said, not thought, searched or run."""


def is_chatgpt_row(fields: RowFields) -> bool:
    """Return whether the row is a conversation of ChatGPT's export."""
    return isinstance(fields.value("messages", "mapping"), Mapping)


def parse_chatgpt_row(fields: RowFields) -> ParsedRow:
    """Return the branch of the tree that was shown last; other tries of an answer are left.

    Raises:
        RowError: there is no question with an answer.
    """
    tree = fields.value("messages", "mapping")
    if not isinstance(tree, Mapping):
        raise RowError(Message("no list of messages"))
    node = fields.value("node", "current_node")
    if node is None:
        node = _newest_leaf(tree)
    messages: list[dict[str, Any]] = []
    for _ in range(MAX_MESSAGES):
        held = tree.get(node) if isinstance(node, str) else None
        if not isinstance(held, Mapping):
            break
        node = held.get("parent")
        message = held.get("message")
        if message is not None and (parsed := _spoken_message(message)):
            messages.append(parsed)
    return parse_messages(messages[::-1])


def _newest_leaf(tree: Mapping[str, Any]) -> str | None:
    """Return the node that nothing follows and that was made last: of equals, the last listed."""
    nodes = {name: held for name, held in tree.items() if isinstance(held, Mapping)}
    parents = [held.get("parent") for held in nodes.values()]
    newest, latest = None, 0.0
    for name, held in nodes.items():
        message = held.get("message")
        if name in parents or not isinstance(message, Mapping):
            continue
        made = message.get("create_time")
        made = float(made) if isinstance(made, int | float) else 0.0
        if made >= latest:
            newest, latest = name, made
    return newest


def _spoken_message(message: object) -> dict[str, Any] | None:
    """Return what one of the two said to the other; None for thoughts, tools and instructions.

    Raises:
        RowError: it is no message.
    """
    message = _mapping(message)
    role = _mapping(message.get("author") or {}).get("role")
    content = _mapping(message.get("content") or {})
    parts = content.get("parts") or []
    if not isinstance(parts, list):
        raise RowError(Message("a message is no object"))
    is_spoken = (
        message.get("recipient") in (None, "all") and content.get("content_type") in _SPOKEN_KINDS
    )
    text = "\n".join(part for part in parts if isinstance(part, str))
    if role in ("user", "assistant") and is_spoken and text.strip():
        return {"role": role, "content": text}
    return None


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RowError(Message("a message is no object"))
    return value


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
