"""A private, local answer engine: questions to cited answers.

    from assistant import Question, open_assistant

    async with open_assistant() as assistant:
        answer = await assistant.answer(Question("What is UTC?", web=True))

The names below are the public interface; docs/python.md shows it at work.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.foundation.messages import add_catalogue

if TYPE_CHECKING:
    from assistant.answer.orchestrator import Assistant
    from assistant.bootstrap import open_assistant
    from assistant.settings import Settings, load_settings
    from assistant.values import Answer, ChatMessage, Question

__all__ = [
    "Answer",
    "Assistant",
    "ChatMessage",
    "Question",
    "Settings",
    "load_settings",
    "open_assistant",
]

add_catalogue(Path(__file__).with_name("translations"))

_HOMES = {
    "Answer": "assistant.values",
    "Assistant": "assistant.answer.orchestrator",
    "ChatMessage": "assistant.values",
    "Question": "assistant.values",
    "Settings": "assistant.settings",
    "load_settings": "assistant.settings",
    "open_assistant": "assistant.bootstrap",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562).

    `assistant --help` imports this package and must start at once: pydantic and httpx alone take
    longer than the help does.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415  beside its only use

    return getattr(importlib.import_module(_HOMES[name]), name)
