"""The parts of the page that are not Streamlit's: the conversation, and the list of them."""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any

import streamlit as st

from assistant.conversations.store import ConversationLine
from assistant.labels import UNSUPPORTED_SIGN
from ingest.foundation.messages import Language
from ui import labels
from ui.jobs.polling import once
from ui.question_line import LONGEST_QUESTION
from ui.service import AssistantService
from ui.session import Conversation

_STATIC = Path(__file__).with_name("static")
CONVERSATION, LIST = "conversation", "conversations"
"""Keys of the two components, and so of what they tell, in the session's state."""

SHOWN_CONVERSATIONS = 40
"""Conversations in the side bar; search finds the others."""

_STARTED = token_hex(4)
"""Tells this process from one that served the page before."""


@cache
def _component(name: str) -> Callable[..., Any]:
    """Return what mounts a component; registered once a process, as each rerun would warn."""
    return st.components.v2.component(
        f"qiuzheng.{name}",
        js=(_STATIC / f"{name}.js").read_text(encoding="utf-8"),
        css=(_STATIC / f"{name}.css").read_text(encoding="utf-8"),
        # Its styles are the page's own, and tests and screen readers see one document.
        isolate_styles=False,
    )


def base_path() -> str:
    """Return what comes before every path of this server, "" in most cases."""
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def mount_conversation(
    conversation: Conversation, language: Language, *, on_action: Callable[[dict[str, Any]], None]
) -> None:
    """Put the conversation on the page; it fetches its turns itself.

    Args:
        conversation: What is shown.
        language: Of all labels.
        on_action: Called with what a reader wants: `{"kind": "stop"}`, or "again" with "turn".
    """
    data = {
        "id": conversation.id,
        "lang": language,
        # Of a server that was started again, the same number is another revision.
        "revision": f"{_STARTED}-{conversation.revision}",
        "base": base_path(),
        "longest": LONGEST_QUESTION,
        "private": conversation.private,
        "labels": {
            name: label.localize(language) for name, label in labels.CONVERSATION_LABELS.items()
        }
        | {"sign": UNSUPPORTED_SIGN.localize(language)},
    }
    _component(CONVERSATION)(
        key=CONVERSATION, data=data, on_action_change=_action_handler(CONVERSATION, on_action)
    )


def shown_lines(service: AssistantService, *, search: str = "") -> list[ConversationLine]:
    """Return the conversations that the list shows, the last used first; none where none are kept.

    Raises:
        ConversationError: they cannot be read.
    """
    if service.store is None:
        return []
    return service.store.lines(search=search, limit=SHOWN_CONVERSATIONS)


def list_revision(lines: list[ConversationLine]) -> str:
    """Return what changes when a conversation comes, goes, moves or is renamed.

    Of `shown_lines` without a search. An answer that grows changes nothing in the list.
    """
    names = "\n".join(f"{line.id} {line.title}" for line in lines)
    return hashlib.sha256(names.encode(errors="replace")).hexdigest()[:16]


def mount_list(
    lines: Sequence[ConversationLine],
    current: str,
    language: Language,
    *,
    revision: str,
    deleted: ConversationLine | None,
    on_action: Callable[[dict[str, Any]], None],
) -> None:
    """Put the list of conversations on the page, by day.

    Args:
        lines: The last used first.
        current: The id of the one that is open.
        language: Of all labels.
        revision: Of the list as it is drawn: where the server has another one, the page is drawn
            again ("refresh").
        deleted: The one that was deleted last, which can be brought back.
        on_action: Called with what a reader wants: "kind" is "open", "rename" (with "title"),
            "delete" or "restore"; "id" says which.
    """
    data = {
        "lang": language,
        "base": base_path(),
        "current": current,
        "revision": revision,
        "deleted": {"id": deleted.id, "title": deleted.title} if deleted else None,
        "lines": [
            {
                "id": line.id,
                "title": line.title,
                "day": labels.day_label(line.updated_at).localize(language),
            }
            for line in lines
        ],
        "labels": {name: label.localize(language) for name, label in labels.LIST_LABELS.items()},
        "frame": {label.localize("en"): label.localize(language) for label in labels.FRAME_LABELS},
    }
    _component(LIST)(key=LIST, data=data, on_action_change=_action_handler(LIST, on_action))


def _action_handler(key: str, on_action: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
    def handle() -> None:
        """Pass on what the component says; Streamlit calls it before the next run of the page."""
        action = st.session_state[key].action
        if isinstance(action, dict):
            on_action(action)

    return once(handle)
