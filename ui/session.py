"""The state of one browser tab: its conversation, turn by turn."""

from dataclasses import dataclass, field
from typing import Literal

from assistant.events import AnswerFailed, Notice, Stage
from assistant.values import Answer, AnswerEvidence, ChatMessage
from ingest.events import PageSkipped, PageStored
from ingest.foundation.messages import Message
from ui.safe_markdown import Source

HISTORY_MESSAGES = 12
"""Messages of the past that go along with a question; the prompt's budget may keep fewer."""

TurnState = Literal["waiting", "running", "done", "stopped", "failed"]


@dataclass(slots=True, kw_only=True)
class PageTurn:
    """One question and what has been received for it so far.

    Messages stay untranslated: each run of the page draws all turns in the language chosen now.
    """

    question: str
    web: bool
    state: TurnState = "waiting"
    seconds: float = 0.0
    stage: Stage | None = None
    query: str = ""
    """The search query."""
    titles: dict[str, str] = field(default_factory=dict)
    """URL to title of the pages that the search found."""
    pages: list[PageStored | PageSkipped] = field(default_factory=list)
    passages: int | None = None
    """How many were chosen; None before that."""
    sources: dict[int, Source] = field(default_factory=dict)
    """The pages that [n] may link to, by number."""
    evidence: AnswerEvidence = field(default_factory=AnswerEvidence)
    """What the passages hold for the question: shown until the answer has begun."""
    notices: list[Message] = field(default_factory=list)
    reasoning: str = ""
    text: str = ""
    unsupported: list[int] = field(default_factory=list)
    """Where in the text sentences end that stand in no source."""
    answer: Answer | None = None
    failure: AnswerFailed | None = None

    def add_notice(self, notice: Notice) -> None:
        """Add a notice; "reasoning_leaked" also makes reasoning of the answer so far."""
        self.notices.append(notice.text)
        # The model did not mark its reasoning, and the end of it was seen only now.
        if notice.code == "reasoning_leaked":
            self.reasoning, self.text = self.reasoning + self.text, ""
            self.unsupported.clear()

    def finish(self, answer: Answer) -> None:
        """Take the whole answer, whose text is the authority over what was streamed."""
        # It may lack white space, or a reply that was none, in front of it.
        begin = self.text.rfind(answer.text)
        end_known = len(answer.text)
        if begin < 0:  # or the rounds of a loop behind what they say: the beginnings are the same
            begin = len(self.text) - len(self.text.lstrip())
            pairs = zip(self.text[begin:], answer.text, strict=False)
            end_known = next(
                (at for at, (one, other) in enumerate(pairs) if one != other), end_known
            )
        ends = (end - begin for end in self.unsupported)
        self.unsupported = [end for end in ends if 0 < end <= end_known]
        self.answer = answer
        self.text, self.reasoning = answer.text, answer.reasoning


@dataclass(slots=True, kw_only=True)
class Conversation:
    """The turns of one tab, oldest first."""

    turns: list[PageTurn] = field(default_factory=list)

    def add_question(self, question: str, *, web: bool) -> None:
        """Add a turn, unless the question is blank; the next run of the page answers it."""
        if question.strip():
            self.turns.append(PageTurn(question=question.strip(), web=web))

    def clear(self) -> None:
        """Remove all turns."""
        self.turns.clear()

    @property
    def waiting_turn(self) -> PageTurn | None:
        """The turn that still has to be answered, None if there is none."""
        last = self.turns[-1] if self.turns else None
        return last if last is not None and last.state == "waiting" else None

    def history(self) -> tuple[ChatMessage, ...]:
        """Return the last finished turns as messages: no reasoning, no failed or stopped turn."""
        messages: list[ChatMessage] = []
        for turn in self.turns:
            if turn.answer is not None and turn.answer.kind != "nothing":
                messages += [
                    ChatMessage(role="user", content=turn.question),
                    ChatMessage(role="assistant", content=turn.answer.text),
                ]
        return tuple(messages[-HISTORY_MESSAGES:])
