"""What is kept of a conversation: its turns, each as the events that it was made of."""

import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Literal

from pydantic import ConfigDict, TypeAdapter

from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    ReasoningDelta,
)
from assistant.values import ChatMessage
from ingest.events import PageSkipped, PageStored

TurnState = Literal["waiting", "running", "done", "stopped", "failed", "interrupted"]
"""State of a turn. "waiting": no process has begun to answer it; "interrupted": the program ended
meanwhile."""

TITLE_CHARACTERS = 40
"""Characters of a title made from the first question: one line of a side bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationTurn:
    """One question, and what came for it."""

    number: int
    """0 for the first."""
    question: str
    web: bool
    state: TurnState
    seconds: float
    """That answering took so far."""
    asked_at: datetime
    """In UTC."""
    collections: tuple[str, ...] = ()
    """Those that the answer came from; (): all."""
    events: tuple[AnswerEvent, ...] = ()
    """In their order; deltas that follow each other are joined."""

    @property
    def text(self) -> str:
        """The answer's text, or what had been written of it when it ended early."""
        written = ""
        for event in self.events:
            match event:
                case AnswerFinished():
                    return event.answer.text
                case AnswerDelta():
                    written += event.text
                case _:
                    pass
        return written

    @property
    def failure(self) -> AnswerFailed | None:
        """Why there is no answer."""
        last = self.events[-1] if self.events else None
        return last if isinstance(last, AnswerFailed) else None

    def messages(self) -> tuple[ChatMessage, ...]:
        """Return question and answer for the next question's history; () where nothing was said.

        What was written before a stop or a failure counts: it stands on the screen, and "go on"
        means it.
        """
        answered = next(
            (event.answer for event in self.events if isinstance(event, AnswerFinished)), None
        )
        text = self.text.strip()
        if not text or (answered is not None and answered.kind == "nothing"):
            return ()
        return (
            ChatMessage(role="user", content=self.question),
            ChatMessage(role="assistant", content=text),
        )


def join_deltas(events: tuple[AnswerEvent, ...]) -> tuple[AnswerEvent, ...]:
    """Return the events with neighbouring deltas of one kind joined, and pages without redirects.

    A reply comes in thousands of pieces, which would be most of what is kept.
    """
    joined: list[AnswerEvent] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, AnswerDelta) and isinstance(last, AnswerDelta):
            joined[-1] = AnswerDelta(text=last.text + event.text)
        elif isinstance(event, ReasoningDelta) and isinstance(last, ReasoningDelta):
            joined[-1] = ReasoningDelta(text=last.text + event.text)
        elif isinstance(event, PageStored | PageSkipped):
            joined.append(replace(event, hops=()))
        else:
            joined.append(event)
    return tuple(joined)


def title_of(question: str) -> str:
    """Return a title for the conversation that begins with `question`: its first line, shortened.

    Cut behind a word where one ends near; Chinese has no such place, and is cut anywhere.
    """
    line = next((line.strip() for line in question.splitlines() if line.strip()), "")
    line = " ".join(line.split())
    if len(line) <= TITLE_CHARACTERS:
        return line.rstrip("?？。.! ！") or line
    cut = line[:TITLE_CHARACTERS]
    blank = cut.rfind(" ")
    return f"{cut[:blank] if blank > TITLE_CHARACTERS // 2 else cut}…"


@cache
def _events_adapter() -> TypeAdapter[tuple[AnswerEvent, ...]]:
    return TypeAdapter(tuple[AnswerEvent, ...], config=ConfigDict())


def dump_events(events: tuple[AnswerEvent, ...]) -> bytes:
    """Return the events as compressed JSON, their messages in all languages."""
    return zlib.compress(_events_adapter().dump_json(join_deltas(events)))


def load_events(body: bytes) -> tuple[AnswerEvent, ...]:
    """Return what `dump_events` was given.

    Raises:
        ValueError: it is damaged, or of a version that knew other events.
    """
    try:
        return _events_adapter().validate_json(zlib.decompress(body))
    except zlib.error as error:
        raise ValueError(str(error)) from error
