"""Asks a model again over the passages of a kept answer: no search, no retrieval.

What differs from the first time is the model and what it is given: evidence is chosen and the
prompt is built by the code of today.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from assistant.answer.prompt_request import PromptRequest
from assistant.answer.reply import reply_from_passages
from assistant.errors import SnapshotError
from assistant.events import AnswerEvent, AnswerFailed
from assistant.models.base import ChatModel
from assistant.models.pool import ModelPool
from assistant.snapshots.recorder import (
    AnswerTrace,
    SnapshotRecorder,
    describe_model,
    keeping_snapshot,
)
from assistant.snapshots.snapshot import Snapshot
from assistant.snapshots.writer import SnapshotWriter
from assistant.values import Unsupported, VerdictKind
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDifference:
    """How two answers made of the same passages differ; each pair is (before, now)."""

    same_text: bool
    same_prompt: bool
    verdicts: tuple[Mapping[VerdictKind, int], Mapping[VerdictKind, int]]
    trust: tuple[float | None, float | None]
    models: tuple[str, str]
    digests: tuple[str, str]
    temperatures: tuple[float | None, float | None]


T = TypeVar("T")


class Replay:
    """Answers kept questions again."""

    def __init__(
        self,
        *,
        models: ModelPool,
        fallback_model: ChatModel,
        reply_tokens: int,
        unsupported: Unsupported = "mark",
        snapshots: SnapshotWriter | None = None,
    ) -> None:
        """Put the parts together; `assistant.bootstrap.open_replay` opens them.

        Args:
            models: The chat models, by name.
            fallback_model: Quotes where the model's reply is no answer.
            reply_tokens: Longest reply, thinking included.
            unsupported: What becomes of sentences that no passage supports, where the question
                does not say.
            snapshots: Keeps the new answers; None: they are not kept.
        """
        self._models = models
        self._fallback_model = fallback_model
        self._reply_tokens = reply_tokens
        self._unsupported: Unsupported = unsupported
        self._snapshots = snapshots

    async def ask(
        self,
        snapshot: Snapshot,
        *,
        model: str | None = None,
        on_snapshot: Callable[[Snapshot], None] = lambda _: None,
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the events of the new answer, from `PassagesChosen` on.

        Args:
            snapshot: What is to be answered again.
            model: Name of the model; None: the one that answered, or the one in the settings
                where none did.
            on_snapshot: Receives what the new answer was made of.
        """
        try:
            async with aclosing(self._events(snapshot, model, on_snapshot)) as events:
                async for event in events:
                    yield event
        except QiuzhengError as error:
            yield AnswerFailed.from_error(error)

    async def _events(
        self, snapshot: Snapshot, name: str | None, on_snapshot: Callable[[Snapshot], None]
    ) -> AsyncGenerator[AnswerEvent, None]:
        if not snapshot.passages:
            raise SnapshotError(
                Message("answer {id} was made of no passages", id=snapshot.id),
                hint=Message("ask its question anew: assistant ask"),
            )
        # What answered is asked again, and not what the settings name by now: a replay that changes
        # two things at once explains neither.
        if name is None and snapshot.model.kind == "model":
            name = snapshot.model.name
        chosen_model = await self._models.get(name)
        for notice in chosen_model.notices:
            yield notice
        traits = await chosen_model.model.describe()
        trace = AnswerTrace(
            query=snapshot.query, looked_up=snapshot.looked_up, compared=snapshot.compared
        )
        # Evidence is chosen and the prompt is built again: a change of ours shows in a replay.
        replies = reply_from_passages(
            chosen_model.model,
            snapshot.passages,
            PromptRequest(
                question=snapshot.query,
                language=snapshot.language,
                reply_tokens=self._reply_tokens,
                history=snapshot.history,
                looked_up=snapshot.looked_up,
                compared=snapshot.compared,
            ),
            traits=traits,
            fallback_model=self._fallback_model,
            unsupported=snapshot.question.unsupported or self._unsupported,
            on_prompt=trace.record_prompt,
        )
        recorder = SnapshotRecorder(
            question=snapshot.question,
            language=snapshot.language,
            history=snapshot.history,
            model=describe_model(chosen_model.model, traits),
            trace=trace,
            parent=snapshot.id,
        )
        kept_events = keeping_snapshot(
            replies, recorder=recorder, writer=self._snapshots, on_snapshot=on_snapshot
        )
        async with aclosing(kept_events) as events:
            async for event in events:
                yield event


def compare_snapshots(before: Snapshot, now: Snapshot) -> ReplayDifference:
    """Return how the answers of two snapshots differ."""

    def pair(of: Callable[[Snapshot], T]) -> tuple[T, T]:
        return of(before), of(now)

    texts = pair(lambda one: one.answer.text if one.answer else "")
    prompts = pair(lambda one: one.prompt)
    return ReplayDifference(
        same_text=texts[0] == texts[1],
        same_prompt=prompts[0] == prompts[1],
        verdicts=pair(lambda one: dict(Counter(each.verdict.kind for each in one.sentences))),
        trust=pair(lambda one: one.answer.trust if one.answer else None),
        models=pair(lambda one: one.model.name),
        digests=pair(lambda one: one.model.digest),
        temperatures=pair(lambda one: one.model.temperature),
    )
