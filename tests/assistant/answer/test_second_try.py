"""A tiny model whose reply is none is asked once more, in other words."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from assistant.answer.prompt_request import PromptRequest
from assistant.answer.reply import reply_from_passages
from assistant.errors import ModelError
from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFinished,
    ModelEvent,
    Notice,
    ReasoningDelta,
    SentenceChecked,
)
from assistant.models.base import ModelSize
from assistant.models.extractive import ExtractiveModel
from assistant.models.scripted import ScriptedModel
from assistant.values import Answer, Passage, Prompt
from ingest.foundation.messages import Language, Message

pytestmark = pytest.mark.anyio

QUESTION: dict[Language, str] = {
    "en": "How hot should the water for green tea be?",
    "zh": "绿茶的水温应该是多少度？",
}
TEXT: dict[Language, str] = {
    "en": "The water for green tea should have 80 degrees. It is poured slowly into the pot.",
    "zh": "泡绿茶的水温应该是80度。水要慢慢地倒入壶中。",
}
GONE = ModelError(Message.bilingual("gone", "没了"), kind="failed")
WRONG = "The water for green tea should have 95 degrees."
RIGHT = "The water for green tea should have 80 degrees."


class ModelOfReplies(ScriptedModel):
    """Gives the first reply to the first prompt, the next to the next, the last ever after."""

    def __init__(self, *replies: str | Sequence[ModelEvent], size: ModelSize = "tiny") -> None:
        super().__init__(size=size)
        self._replies = replies

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        reply = self._replies[min(len(self.prompts), len(self._replies) - 1)]
        self._script = (reply,) if isinstance(reply, str) else tuple(reply)
        async with aclosing(super().stream(prompt)) as events:
            async for event in events:
                yield event


async def events_of(model: ModelOfReplies, language: Language = "en") -> list[AnswerEvent]:
    events: list[AnswerEvent] = []
    await collect(model, events, language)
    return events


async def collect(
    model: ScriptedModel, events: list[AnswerEvent], language: Language = "en"
) -> None:
    passage = Passage(
        number=1,
        url="https://tea.example/",
        title="Tea",
        text=TEXT[language],
        score=1.0,
        fetched_at=datetime(2026, 11, 28, tzinfo=UTC),
    )
    replies = reply_from_passages(
        model,
        [passage],
        PromptRequest(question=QUESTION[language], language=language, reply_tokens=512),
        traits=await model.describe(),
        fallback_model=ExtractiveModel(),
    )
    async with aclosing(replies) as stream:
        async for event in stream:
            events.append(event)  # noqa: PERF401 (kept where an error follows)


def answer_of(events: Sequence[AnswerEvent]) -> Answer:
    (finished,) = [event for event in events if isinstance(event, AnswerFinished)]
    return finished.answer


def shown(events: Sequence[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, AnswerDelta))


@pytest.mark.parametrize("first", [WRONG, "", "[1]"])
async def test_a_reply_that_is_none_is_asked_for_again_and_not_shown(first: str) -> None:
    model = ModelOfReplies(first, RIGHT)
    events = await events_of(model)
    assert len(model.prompts) == 2
    assert answer_of(events).kind == "model"
    assert shown(events).strip() == answer_of(events).text
    assert shown(events).startswith("The water for green tea should have 80 degrees [1].")
    assert not [event for event in events if isinstance(event, Notice)]
    assert next(e.text for e in events if isinstance(e, SentenceChecked)) == RIGHT


async def test_two_replies_that_are_none_give_way_to_quotes() -> None:
    model = ModelOfReplies(WRONG, WRONG.replace("95", "70"))
    events = await events_of(model)
    assert len(model.prompts) == 2
    assert answer_of(events).kind == "quotes"
    assert "95" not in shown(events)
    assert [event.code for event in events if isinstance(event, Notice)] == ["reply_unusable"]


@pytest.mark.parametrize("size", ["small", "large"])
async def test_larger_models_are_asked_once(size: ModelSize) -> None:
    model = ModelOfReplies(WRONG, RIGHT, size=size)
    assert answer_of(await events_of(model)).kind == "quotes"
    assert len(model.prompts) == 1


async def test_a_supported_reply_is_taken_and_streamed_from_its_first_sentence_on() -> None:
    pieces = (RIGHT, " It is poured", " slowly", " into the pot.")
    model = ModelOfReplies([AnswerDelta(text=piece) for piece in pieces])
    events = await events_of(model)
    assert len(model.prompts) == 1
    deltas = [event.text for event in events if isinstance(event, AnswerDelta)]
    assert deltas[0].startswith("The water for green tea should have 80 degrees")
    assert len(deltas) > 2


async def test_the_second_prompt_shows_the_best_block_as_quoted_already() -> None:
    model = ModelOfReplies("")
    await events_of(model)
    first, second = model.prompts
    assert [m.role for m in second.messages] == ["system", "user", "assistant", "user"]
    assert "80 degrees" in second.messages[2].content
    assert QUESTION["en"] in second.messages[3].content
    assert second.tokens != first.tokens


async def test_the_second_chinese_prompt_asks_for_the_words_of_the_notes() -> None:
    model = ModelOfReplies("")
    await events_of(model, "zh")
    first, second = model.prompts
    assert second.messages[1].content.startswith(first.messages[1].content)
    assert second.messages[1].content.endswith("请照抄资料中的原话，用完整的句子回答。")
    assert second.tokens != first.tokens


async def test_thinking_alone_is_cured_by_leaving_it_out_before_other_words_are_tried() -> None:
    model = ModelOfReplies([ReasoningDelta(text="Let me see.")], "", RIGHT)
    events = await events_of(model)
    assert [prompt.thinking for prompt in model.prompts] == [True, False, False]
    assert answer_of(events).text.startswith("The water for green tea should have 80 degrees [1].")


@pytest.mark.parametrize("size", ["tiny", "small"])
async def test_what_was_said_before_the_model_failed_is_shown(size: ModelSize) -> None:
    model = ScriptedModel("It is poured", GONE, size=size)
    events: list[AnswerEvent] = []
    with pytest.raises(ModelError, match="gone"):
        await collect(model, events)
    assert shown(events).startswith("It is")
