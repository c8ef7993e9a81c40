"""What one browser tab remembers: its conversation, turn by turn."""

from dataclasses import dataclass, field
from typing import Literal

from assistant.events import AnswerFailed, Stage
from assistant.values import Answer, ChatMessage
from ingest.events import PageSkipped, PageStored
from ingest.foundation.messages import Message
from ui.safe_markdown import Source

REMEMBERED = 12
"""Messages of the past that go along with a question; the prompt's budget may keep fewer."""

TurnState = Literal["waiting", "running", "done", "stopped", "failed"]


@dataclass(slots=True, kw_only=True)
class PageTurn:
    """One question and all that has come of it so far."""

    question: str
    web: bool
    state: TurnState = "waiting"
    seconds: float = 0.0
    stage: Stage | None = None
    query: str = ""
    """What was searched for."""
    titles: dict[str, str] = field(default_factory=dict)
    """URL to title of the pages that the search found."""
    pages: list[PageStored | PageSkipped] = field(default_factory=list)
    passages: int | None = None
    """How many were chosen; None before that."""
    sources: dict[int, Source] = field(default_factory=dict)
    """What [n] may link to."""
    notices: list[Message] = field(default_factory=list)
    reasoning: str = ""
    text: str = ""
    answer: Answer | None = None
    failure: AnswerFailed | None = None


@dataclass(slots=True, kw_only=True)
class Conversation:
    """The turns of one tab, oldest first."""

    turns: list[PageTurn] = field(default_factory=list)

    def begin(self, question: str, *, web: bool) -> None:
        """Take a question; it is answered in the next run of the page."""
        if question.strip():
            self.turns.append(PageTurn(question=question.strip(), web=web))

    def forget(self) -> None:
        """Start afresh."""
        self.turns.clear()

    @property
    def waiting(self) -> PageTurn | None:
        """Return the turn that still has to be answered."""
        last = self.turns[-1] if self.turns else None
        return last if last is not None and last.state == "waiting" else None

    def history(self) -> tuple[ChatMessage, ...]:
        """Return the finished turns as messages: no thinking, no failed or stopped turn."""
        messages: list[ChatMessage] = []
        for turn in self.turns:
            if turn.answer is not None and turn.answer.kind != "nothing":
                messages += [
                    ChatMessage(role="user", content=turn.question),
                    ChatMessage(role="assistant", content=turn.answer.text),
                ]
        return tuple(messages[-REMEMBERED:])
