"""Makes the snapshot of an answer out of its events, and of what events do not say."""

import os
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from assistant.errors import ModelError, ModelFailure
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
    StageStarted,
)
from assistant.models.base import ChatModel, ModelTraits
from assistant.snapshots.snapshot import ModelSnapshot, Snapshot
from assistant.snapshots.writer import SnapshotWriter
from assistant.values import (
    Answer,
    AnswerEvidence,
    ChatMessage,
    Passage,
    Prompt,
    Question,
    UnitSimilarity,
)
from ingest.events import PageSkipped, PageStored
from ingest.foundation.about import product_version
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message
from ingest.foundation.server_urls import hide_secrets
from ingest.text.normalize import replace_surrogates

ID_BYTES = 4
"""Eight hexadecimal digits: two of 500 answers share them once in 30,000 homes, and then the older
one is replaced."""

HISTORY_MESSAGES = 12
"""Messages before the question that a model is given and that are kept: as many as the front ends
send along. A replay would ask another question if the two differed."""


@dataclass(slots=True, kw_only=True)
class AnswerTrace:
    """What is known of one answer while it is made and is in none of its events."""

    query: str = ""
    looked_up: str = ""
    compared: tuple[UnitSimilarity, ...] = ()
    prompt: Prompt | None = None
    """The last one that the model was given."""

    def record_prompt(self, prompt: Prompt) -> None:
        """Note what the model is given."""
        self.prompt = prompt


def describe_model(model: ChatModel, traits: ModelTraits) -> ModelSnapshot:
    """Return what is kept of a model before it is asked."""
    return ModelSnapshot(
        name=model.name,
        kind=model.kind,
        size=traits.size,
        context_tokens=traits.context_tokens,
        digest=traits.digest,
        temperature=traits.temperature,
    )


@dataclass(slots=True, kw_only=True)
class SnapshotRecorder:
    """Takes the events of one answer up; knows its snapshot at the end."""

    question: Question
    language: Language
    history: Sequence[ChatMessage]
    model: ModelSnapshot
    trace: AnswerTrace
    parent: str = ""
    clock: Callable[[], float] = time.monotonic
    id: str = field(default_factory=lambda: os.urandom(ID_BYTES).hex())
    _at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _started: float = field(init=False)
    _search: SearchFinished | None = None
    _pages: list[PageStored | PageSkipped] = field(default_factory=list)
    _passages: tuple[Passage, ...] = ()
    _evidence: AnswerEvidence = field(default_factory=AnswerEvidence)
    _sentences: list[SentenceChecked] = field(default_factory=list)
    _notices: list[Notice] = field(default_factory=list)
    _streamed: str = ""
    _rejected: str = ""
    _seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def observe(self, event: AnswerEvent) -> None:
        """Add what one event brings."""
        match event:
            case StageStarted():
                self._note_time(event.stage)
            case SearchFinished():
                self._search = event
            case PageStored() | PageSkipped():
                # Each redirect of each page is in the crawl log.
                self._pages.append(replace(event, hops=()))
            case PassagesChosen():
                self._note_time("passages")
                self._passages = event.passages
            case EvidenceChosen():
                self._note_time("evidence")
                self._evidence = event.evidence
            case AnswerDelta() | ReasoningDelta():
                self._note_time("first_word")
                self._streamed += event.text if isinstance(event, AnswerDelta) else ""
            case SentenceChecked():
                self._sentences.append(event)
            case Notice():
                self._apply_notice(event)
            case AnswerFinished() | AnswerFailed():
                self._note_time("end")

    def snapshot(
        self, answer: Answer | None = None, *, failure: AnswerFailed | None = None
    ) -> Snapshot:
        """Return what is to be kept."""
        self._note_time("end")
        prompt = self.trace.prompt
        # Where quotes stand in for a model there is a prompt, and no model was given it.
        messages = prompt.messages if prompt and self.model.kind == "model" else ()
        return Snapshot(
            id=self.id,
            at=self._at,
            version=product_version(),
            # The options of `Question` are plain values: nothing of the settings, and no key.
            question=replace(self.question, text=replace_surrogates(self.question.text).strip()),
            language=self.language,
            query=self.trace.query,
            looked_up=self.trace.looked_up,
            history=_as_utf8(self.history),
            search=self._search,
            pages=tuple(self._pages),
            passages=self._passages,
            compared=self.trace.compared,
            evidence=self._evidence,
            model=replace(
                self.model,
                reply_tokens=prompt.reply_tokens if prompt else None,
                thinking=prompt.thinking if prompt else True,
            ),
            prompt=_as_utf8(messages),
            prompt_tokens=prompt.tokens if prompt and messages else 0,
            answer=answer,
            failure=failure,
            rejected=self._rejected,
            sentences=tuple(self._sentences),
            notices=tuple(self._notices),
            seconds=dict(self._seconds),
            parent=self.parent,
        )

    def _apply_notice(self, notice: Notice) -> None:
        # One on a failed search may name a server.
        if notice.code == "search_unavailable":
            notice = replace(notice, text=_without_addresses(notice.text))
        self._notices.append(notice)
        # Neither thinking that looked like an answer nor a reply that gave way to quotes is part
        # of the answer, and no verdict on them is one on it.
        if notice.code in ("reasoning_leaked", "reply_unusable"):
            if notice.code == "reply_unusable":
                self._rejected = self._streamed
            self._streamed = ""
            self._sentences.clear()

    def _note_time(self, name: str) -> None:
        # The first of each: a second try of the model does not make the first word come later.
        self._seconds.setdefault(name, round(self.clock() - self._started, 3))


def _as_utf8(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """Return the messages without lone surrogates, which a caller's history may have."""
    return tuple(replace(each, content=replace_surrogates(each.content)) for each in messages)


_MODEL_FAILURES: Final[Mapping[ModelFailure, Message]] = {
    "unreachable": Message("no model server answered"),
    "not_found": Message("the model server did not have the model"),
    "busy": Message("the model server was busy"),
    "too_long": Message("the prompt was too long for the model"),
    "no_memory": Message("the server had too little memory for the model"),
    "no_thinking": Message("the model does not support thinking"),
    "cannot_chat": Message("the model cannot chat"),
    "unauthorized": Message("the model server refused the key"),
    "no_credit": Message("the account of the model server had no credit left"),
    "bad_gateway": Message("a gateway answered, but no model server behind it"),
    "no_endpoint": Message("the address was not that of a model server"),
    "broken_stream": Message("the model stopped in mid-answer"),
    "timeout": Message("the model said nothing for too long"),
    "failed": Message("the model failed to answer"),
}
"""What is kept of a failure: its kind. Its message names the server, in the server's own words."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s，。：；（）]+", re.IGNORECASE)


def _without_addresses(text: Message) -> Message:
    shown = text.in_each_language()
    return Message.from_translations(
        {
            language: _ADDRESS.sub("…", hide_secrets(translation))
            for language, translation in shown.items()
        }
    )


async def keeping_snapshot(
    events: AsyncGenerator[AnswerEvent, None],
    *,
    recorder: SnapshotRecorder,
    writer: SnapshotWriter | None,
    on_snapshot: Callable[[Snapshot], None] = lambda _: None,
) -> AsyncGenerator[AnswerEvent, None]:
    """Yield the events of one answer, and have its snapshot written at the end.

    The finished answer carries the id of the snapshot, unless it is known that none can be kept:
    then a notice says so before it.

    Args:
        events: Of the answer.
        recorder: Knows what is in no event.
        writer: Writes the snapshot; None: it is not written.
        on_snapshot: Receives the snapshot, written or not.
    """
    if writer is not None:
        writer.open()
    try:
        async with aclosing(events):
            async for event in events:
                recorder.observe(event)
                if not isinstance(event, AnswerFinished):
                    yield event
                    continue
                if writer is not None and (problem := writer.pop_problem()):
                    yield Notice(code="not_kept", text=problem)
                is_kept = writer is not None and writer.is_open
                answer = replace(event.answer, id=recorder.id) if is_kept else event.answer
                snapshot = recorder.snapshot(answer)
                on_snapshot(snapshot)
                # Before the event: who receives it need not ask for another.
                if writer is not None:
                    writer.put(snapshot)
                # Last: whoever has the answer may close the stream at once.
                yield AnswerFinished(answer=answer)
    except QiuzhengError as error:
        # A failure is kept, too: "why was there no answer" is asked more often than the other.
        if writer is not None:
            # It names no server and quotes none.
            if isinstance(error, ModelError):
                message = _MODEL_FAILURES[error.kind]
            else:
                message = _without_addresses(error.message)
            failure = AnswerFailed(code=error.code, message=message, exit_code=error.exit_code)
            writer.put(recorder.snapshot(failure=failure))
        raise
