"""The parts of the page that are not Streamlit's: the conversation, and the list of them."""

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
from ui.session import Conversation

_STATIC = Path(__file__).with_name("static")
CONVERSATION, LIST = "conversation", "conversations"
"""Keys of the two components, and so of what they tell, in the session's state."""

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
        "labels": {
            name: label.localize(language) for name, label in labels.CONVERSATION_LABELS.items()
        }
        | {"sign": UNSUPPORTED_SIGN.localize(language)},
    }
    _component(CONVERSATION)(
        key=CONVERSATION, data=data, on_action_change=_telling(CONVERSATION, on_action)
    )


def mount_list(
    lines: Sequence[ConversationLine],
    current: str,
    language: Language,
    *,
    deleted: ConversationLine | None,
    on_action: Callable[[dict[str, Any]], None],
) -> None:
    """Put the list of conversations on the page, by day.

    Args:
        lines: The last used first.
        current: The id of the one that is open.
        language: Of all labels.
        deleted: The one that was deleted last, which can be brought back.
        on_action: Called with what a reader wants: "kind" is "open", "rename" (with "title"),
            "delete" or "restore"; "id" says which.
    """
    data = {
        "lang": language,
        "base": base_path(),
        "current": current,
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
    _component(LIST)(key=LIST, data=data, on_action_change=_telling(LIST, on_action))


def _telling(key: str, on_action: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
    def tell() -> None:
        """Pass on what the component says; Streamlit calls it before the next run of the page."""
        action = st.session_state[key].action
        if isinstance(action, dict):
            on_action(action)

    return tell
