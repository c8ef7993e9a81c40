"""One conversation as it is held on the terminal: its past, and what is kept of each turn."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from assistant.conversations.store import ConversationStore, new_conversation_id
from assistant.conversations.turns import ConversationTurn, TurnState, title_of
from assistant.errors import ConversationError, ConversationNotFoundError
from assistant.events import AnswerEvent, AnswerFailed
from assistant.values import ChatMessage, Question
from ingest.foundation.messages import NO_MESSAGE, Message

REMEMBERED_MESSAGES = 12
"""Messages of the past that go along with a question; the prompt's budget may keep fewer."""
LAST_CONVERSATION = "last"
"""The name of the conversation that was used last, whatever it is about."""


@dataclass(slots=True, kw_only=True)
class RecordedTurn:
    """A turn that is being answered."""

    question: Question
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.monotonic)
    events: list[AnswerEvent] = field(default_factory=list)


class ConversationRecorder:
    """Remembers the turns of one conversation, and keeps them where they can be.

    Args:
        store: Where turns are kept; None: nowhere. Closed with the recorder.
        private: Keep nothing, though a conversation is read from the store.
        problem: Why there is no store.
    """

    def __init__(
        self,
        store: ConversationStore | None,
        *,
        private: bool = False,
        problem: Message = NO_MESSAGE,
    ) -> None:
        self._store = store
        self._private = private
        self.turns: list[ConversationTurn] = []
        self.id = new_conversation_id()
        self.title = ""
        self.problem = problem
        """Why the turns are not kept."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._store is not None:
            self._store.close()

    def resume(self, name: str) -> None:
        """Take up a kept conversation: by the beginning of its id, by words in it, or the last.

        Raises:
            ConversationNotFoundError: none is meant.
            ConversationError: the file cannot be read.
        """
        lines = self._store.lines(limit=100_000) if self._store else []
        meant = lines if name == LAST_CONVERSATION else [o for o in lines if o.id.startswith(name)]
        if not meant and self._store is not None:
            meant = self._store.lines(search=name, limit=1)
        if not meant or self._store is None:
            raise ConversationNotFoundError(
                Message("no conversation of this name is kept: {name}", name=name[:80]),
                hint=Message("assistant chat --resume goes on with the last one"),
            )
        self.id, self.title = meant[0].id, meant[0].title
        self.turns = list(self._store.turns(self.id))

    def start_afresh(self) -> None:
        """Begin another conversation; the one before stays where it is kept."""
        self.turns, self.id, self.title = [], new_conversation_id(), ""

    def history(self) -> tuple[ChatMessage, ...]:
        """Return what was said so far, the latest messages alone."""
        messages = [message for turn in self.turns for message in turn.messages()]
        return tuple(messages[-REMEMBERED_MESSAGES:])

    def record(self, recorded: RecordedTurn, *, stopped: bool) -> None:
        """Keep a turn that has ended."""
        turn = ConversationTurn(
            number=len(self.turns),
            question=recorded.question.text,
            web=recorded.question.web,
            state=_state_of(recorded.events, stopped=stopped),
            seconds=time.monotonic() - recorded.started,
            asked_at=recorded.asked_at,
            collections=recorded.question.collections,
            events=tuple(recorded.events),
        )
        self.turns.append(turn)
        self.title = self.title or title_of(turn.question)
        if self._store is None or self._private:
            return
        try:
            self._store.put_turn(self.id, turn, title=self.title)
        except ConversationError as error:
            # The answer is on the screen: that it cannot be kept must not end the conversation.
            self.problem, self._private = error.message, True


def _state_of(events: Sequence[AnswerEvent], *, stopped: bool) -> TurnState:
    if events and isinstance(events[-1], AnswerFailed):
        return "failed"
    return "stopped" if stopped else "done"
