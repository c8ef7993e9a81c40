"""Conversations as the page shows them: turn by turn, shared by all tabs that look at one."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, assert_never

from assistant.conversations.feedback import Feedback
from assistant.conversations.turns import ConversationTurn, TurnState, title_of
from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    EvidenceChosen,
    Notice,
    PassagesChosen,
    ReasoningDelta,
    SearchFinished,
    SentenceChecked,
    Stage,
    StageStarted,
)
from assistant.values import Answer, AnswerEvidence, ChatMessage, Passage, SentenceVerdict
from ingest.events import PageSkipped, PageStored
from ingest.foundation.messages import Message
from ui.uploads import FilesToRead

HISTORY_MESSAGES = 12
"""Messages of the past that go along with a question; the prompt's budget may keep fewer."""

LIVE_STATES: frozenset[TurnState] = frozenset({"waiting", "running"})


@dataclass(slots=True, kw_only=True)
class PageTurn:
    """One question and what has been received for it so far.

    Messages stay untranslated: each tab shows them in its own language.
    """

    number: int
    """0 for the first of its conversation."""
    question: str
    web: bool
    fresh: bool = False
    collections: tuple[str, ...] = ()
    """Those that the answer comes from; empty: all."""
    files: FilesToRead | None = None
    """Files that are read into the index first, each into the collection of its name."""
    reading: str = ""
    """Name of the file that is being read."""
    state: TurnState = "waiting"
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    revision: int = 0
    """Grows with each change."""
    events: list[AnswerEvent] = field(default_factory=list)
    stage: Stage | None = None
    query: str = ""
    """The search query."""
    titles: dict[str, str] = field(default_factory=dict)
    """URL to title of the pages that the search found."""
    pages: list[PageStored | PageSkipped] = field(default_factory=list)
    passages: tuple[Passage, ...] | None = None
    """Those that were chosen; None before that."""
    evidence: AnswerEvidence = field(default_factory=AnswerEvidence)
    """What the passages hold for the question: shown until the answer has begun."""
    notices: list[Message] = field(default_factory=list)
    reasoning: str = ""
    text: str = ""
    checked: list[tuple[int, SentenceVerdict]] = field(default_factory=list)
    """Where in the text sentences end that were compared with the passages, and what came of it."""
    answer: Answer | None = None
    failure: AnswerFailed | None = None
    feedback: Feedback | None = None
    """What the reader says of it."""
    trees: dict[str, Any] = field(default_factory=dict)
    """Finished pieces of the text as trees: they are asked for many times a second."""

    @classmethod
    def of_kept(cls, kept: ConversationTurn) -> "PageTurn":
        """Return a turn that was kept; one that no task answers any more was interrupted."""
        turn = cls(
            number=kept.number,
            question=kept.question,
            web=kept.web,
            collections=kept.collections,
            asked_at=kept.asked_at,
        )
        for event in kept.events:
            turn.apply_event(event)
        turn.seconds = kept.seconds
        turn.state = "interrupted" if kept.state in LIVE_STATES else kept.state
        return turn

    def to_keep(self) -> ConversationTurn:
        """Return what is kept of the turn as it is now."""
        return ConversationTurn(
            number=self.number,
            question=self.question,
            web=self.web,
            collections=self.collections,
            state=self.state,
            seconds=self.seconds,
            asked_at=self.asked_at,
            events=tuple(self.events),
        )

    def apply_event(self, event: AnswerEvent) -> None:
        """Add what one event brings."""
        self.events.append(event)
        self.revision += 1
        match event:
            case StageStarted():
                self.stage = event.stage
            case SearchFinished():
                self.query = event.query
                self.titles = {hit.url: hit.title for hit in event.hits}
            case PageStored() | PageSkipped():
                self.pages.append(event)
            case PassagesChosen():
                self.passages = event.passages
            case Notice():
                self._apply_notice(event)
            case _:
                self._apply_reply(event)

    def _apply_reply(
        self,
        event: EvidenceChosen
        | ReasoningDelta
        | AnswerDelta
        | SentenceChecked
        | AnswerFinished
        | AnswerFailed,
    ) -> None:
        match event:
            case EvidenceChosen():
                self.evidence = event.evidence
            case SentenceChecked():
                if event.shown:
                    self.checked.append((len(self.text), event.verdict))
            case ReasoningDelta():
                self.reasoning += event.text
            case AnswerDelta():
                self.text += event.text
            case AnswerFinished():
                self._finish(event.answer)
            case AnswerFailed():
                self.failure = event
            case _:
                assert_never(event)

    def _apply_notice(self, notice: Notice) -> None:
        """Add a notice; "reasoning_leaked" also makes reasoning of the answer so far."""
        self.notices.append(notice.text)
        # The model did not mark its reasoning, and the end of it was seen only now.
        if notice.code == "reasoning_leaked":
            self.reasoning, self.text = self.reasoning + self.text, ""
            self.checked.clear()

    def _finish(self, answer: Answer) -> None:
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
        moved = ((end - begin, verdict) for end, verdict in self.checked)
        self.checked = [(end, verdict) for end, verdict in moved if 0 < end <= end_known]
        self.answer = answer
        self.text, self.reasoning = answer.text, answer.reasoning


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class Conversation:
    """The turns of one conversation, oldest first; every tab that shows it holds the same one."""

    id: str
    title: str = ""
    private: bool = False
    """Nothing of it is kept."""
    turns: list[PageTurn] = field(default_factory=list)
    revision: int = 0
    """Grows when turns are added or removed, and when one ends."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while turns change or are read: the answer is made in another thread."""

    def add_question(
        self,
        question: str,
        *,
        web: bool,
        fresh: bool = False,
        collections: tuple[str, ...] = (),
        files: FilesToRead | None = None,
    ) -> PageTurn | None:
        """Add a turn that waits to be answered; None if the question is blank."""
        with self.lock:
            if not question.strip():
                return None
            turn = PageTurn(
                number=len(self.turns),
                question=question.strip(),
                web=web,
                fresh=fresh,
                collections=collections,
                files=files,
            )
            if not self.turns and not self.title:
                self.title = title_of(question)
            self.turns.append(turn)
            self.revision += 1
            return turn

    @property
    def live_turn(self) -> PageTurn | None:
        """The turn that is being answered or waits to be, None if there is none."""
        return next((turn for turn in self.turns if turn.state in LIVE_STATES), None)

    def history(self, *, before: int) -> tuple[ChatMessage, ...]:
        """Return what was said in the turns before number `before`, at most `HISTORY_MESSAGES`.

        What stood on the screen when a turn was stopped or failed counts: "go on" means it.
        """
        with self.lock:
            turns = [turn.to_keep() for turn in self.turns[:before]]
        messages = [message for turn in turns for message in turn.messages()]
        return tuple(messages[-HISTORY_MESSAGES:])
