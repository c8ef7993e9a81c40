"""Turns that a service in memory has answered."""

import time
from collections.abc import Iterator
from typing import Any

from ingest.foundation.messages import Language
from tests.ui.page_in_memory import OPENED, OpenAssistant
from ui.markup.markup_tree import Node
from ui.service import AssistantService
from ui.session import LIVE_STATES, Conversation, PageTurn
from ui.turn_fields import turn_fields

QUESTION = "Which lights does a drone need at night?"
LONGEST_S = 120


def service_of(open_assistant: OpenAssistant, **options: Any) -> AssistantService:
    service = AssistantService(open_assistant, **options)
    OPENED.append(service)
    return service


def wait(turn: PageTurn) -> PageTurn:
    end = time.monotonic() + LONGEST_S
    while turn.state in LIVE_STATES:
        assert time.monotonic() < end, "nobody answers"
        time.sleep(0.01)
    return turn


def answered(
    open_assistant: OpenAssistant, question: str = QUESTION, *, web: bool = True
) -> PageTurn:
    service = service_of(open_assistant)
    turn = service.ask(Conversation(id="c"), question, web=web)
    assert turn is not None
    return wait(turn)


def fields(turn: PageTurn, language: Language = "en") -> dict[str, Any]:
    return turn_fields(turn, language)


def text_of(nodes: list[Node] | Any) -> str:
    """Return what a reader sees of a tree."""
    shown = ""
    for node in nodes:
        if isinstance(node, str):
            shown += node
        elif node[0] == "cite":
            shown += f"[{node[1]['n']}]"
        elif node[0] == "br":
            shown += "\n"
        else:
            shown += text_of(node[2:])
    return shown


def tags(nodes: list[Node]) -> Iterator[str]:
    """Yield the names of all nodes of a tree."""
    for node in nodes:
        if isinstance(node, list):
            yield node[0]
            yield from tags(node[2:])


def answer_text(shown: dict[str, Any]) -> str:
    parts = sorted((int(name[5:]), nodes) for name, nodes in shown.items() if name[:5] == "part.")
    return "".join(text_of(nodes) for _, nodes in parts)
