"""What the stream says of its model: one that warms up, fails, stands in for another, or leaks."""

import asyncio
from contextlib import aclosing

import pytest

from assistant.errors import ModelError
from assistant.events import (
    ANSWER_EVENT,
    AnswerDelta,
    AnswerFailed,
    AnswerFinished,
    Notice,
    ReplyFinished,
)
from assistant.models.pool import RETRY_S, ChosenModel, ModelPool
from assistant.models.scripted import ScriptedModel
from assistant.values import Question, Usage
from ingest.foundation.messages import Message
from tests.assistant_samples import (
    BROKEN,
    NO_MODEL,
    QUESTION,
    assistant,
    codes,
    events_of,
    finished,
    order,
)

pytestmark = pytest.mark.anyio


async def test_model_that_fails_ends_the_stream_with_a_typed_event_after_the_passages() -> None:
    events = await events_of(assistant(model=ScriptedModel("80", BROKEN)))
    assert order(events[:-1]) == "SPPCEA"
    assert events[-1] == AnswerFailed(
        code="model", message=BROKEN.message, hint=BROKEN.hint, exit_code=1
    )
    assert ANSWER_EVENT.validate_json(ANSWER_EVENT.dump_json(events[-1])) == events[-1]


class WarmUpFails(ScriptedModel):
    """A model whose warm-up fails, where the real request would not."""

    async def warm_up(self) -> None:
        raise BROKEN


class WarmUpIsSlowToStop(ScriptedModel):
    """A model whose warm-up needs a moment to stop."""

    async def warm_up(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)


async def test_a_warm_up_that_fails_changes_nothing_about_the_answer() -> None:
    events = await events_of(assistant(model=WarmUpFails("80 degrees [1].")))
    assert isinstance(events[-1], AnswerFinished)
    assert sum(isinstance(event, AnswerFinished | AnswerFailed) for event in events) == 1


async def test_who_is_cancelled_while_the_warm_up_stops_stays_cancelled() -> None:
    asking = asyncio.create_task(events_of(assistant(model=WarmUpIsSlowToStop("80 [1]."))))
    while not asking.done():
        await asyncio.sleep(0.01)
        asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_closing_a_pool_closes_every_model_though_one_fails() -> None:
    closed: list[str] = []

    class Closing(ScriptedModel):
        async def close(self) -> None:
            closed.append(self.name)
            raise BROKEN

    async def open_model(name: str | None) -> ChosenModel:
        return ChosenModel(model=Closing(name=str(name)))

    pool = ModelPool(open_model=open_model)
    await pool.get("a")
    await pool.get("b")
    with pytest.raises(ModelError):
        await pool.close()
    assert sorted(closed) == ["a", "b"]


async def test_a_stand_in_that_stays_the_same_is_closed_once() -> None:
    now = 0.0
    closed: list[int] = []

    class Counting(ScriptedModel):
        async def close(self) -> None:
            closed.append(1)

    model = Counting("80")

    async def open_model(name: str | None) -> ChosenModel:
        return ChosenModel(model=model, notices=(NO_MODEL,))

    pool = ModelPool(open_model=open_model, clock=lambda: now)
    for _ in range(3):
        await pool.get()
        now += RETRY_S
    await pool.close()
    assert closed == [1]


async def test_what_is_missing_is_known_before_the_first_question() -> None:
    async def open_model(name: str | None) -> ChosenModel:
        raise BROKEN

    with pytest.raises(ModelError):
        await assistant(models=ModelPool(open_model=open_model)).prepare(Question(""))


async def test_a_model_that_another_one_stands_in_for_is_looked_for_again() -> None:
    now = 0.0
    replies = [
        ChosenModel(
            model=ScriptedModel("quote"),
            notices=(Notice(code="no_model", text=Message.bilingual("no model", "没有模型")),),
        ),
        ChosenModel(model=ScriptedModel("model")),
    ]

    async def open_model(name: str | None) -> ChosenModel:
        return replies.pop(0)

    pool = ModelPool(open_model=open_model, clock=lambda: now)
    assert (await pool.get()).notices
    assert (await pool.get()).notices  # not looked for at every question
    now = RETRY_S
    assert not (await pool.get()).notices
    assert not replies
    await pool.close()


async def test_what_is_to_be_said_of_the_model_comes_first_in_both_languages() -> None:
    events = await events_of(assistant(notices=(NO_MODEL,)), "绿茶用多热的水?")
    assert events[0] == NO_MODEL


async def test_reply_that_reached_its_limit_is_told() -> None:
    end = ReplyFinished(reason="length", usage=Usage(prompt=10, reply=20))
    events = await events_of(assistant(model=ScriptedModel("80 degrees [1]", end)))
    assert "reply_cut_short" in codes(events)
    assert finished(events).answer.usage == Usage(prompt=10, reply=20)


async def test_thinking_that_leaked_into_the_answer_is_taken_back() -> None:
    leak = Notice(code="reasoning_leaked", text=Message.verbatim("that was thinking"))
    model = ScriptedModel("Let me see, it says [1] 80.", leak, "80 degrees [1].")
    answer = finished(await events_of(assistant(model=model))).answer
    assert answer.text == "80 degrees [1]."
    assert "Let me see" in answer.reasoning


async def test_leaving_early_closes_the_model_stream() -> None:
    model = ScriptedModel("one ", "two ", "three")
    async with aclosing(assistant(model=model).ask(Question(QUESTION, web=True))) as events:
        async for event in events:
            if isinstance(event, AnswerDelta):
                break
    assert model.closed_early == 1
