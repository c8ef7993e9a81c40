"""What every chat model promises, on all of them."""

from collections.abc import Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from assistant.answer.prompts import build_prompt
from assistant.events import AnswerDelta, ReasoningDelta, ReplyFinished
from assistant.models.base import ChatModel
from assistant.models.extractive import ExtractiveModel
from assistant.models.ollama import OllamaModel
from assistant.models.openai import OpenAIModel
from assistant.models.scripted import ScriptedModel
from assistant.values import Passage, Prompt
from ingest.foundation.messages import Language
from tests.engines.ollama_server import OllamaServer

pytestmark = pytest.mark.anyio

NAME = "deepseek-r1:1.5b"
Make = Callable[[OllamaServer], ChatModel]


def ollama(server: OllamaServer) -> ChatModel:
    return OllamaModel(
        host=server.url,
        name=NAME,
        context_tokens=4096,
        reply_tokens=512,
        timeout_s=30.0,
        temperature=0.6,
        keep_alive="10m",
    )


def openai(server: OllamaServer) -> ChatModel:
    return OpenAIModel(
        base_url=f"{server.url}/v1",
        name=NAME,
        context_tokens=4096,
        reply_tokens=512,
        timeout_s=30.0,
        temperature=0.6,
    )


def extractive(server: OllamaServer) -> ChatModel:
    return ExtractiveModel()


def scripted(server: OllamaServer) -> ChatModel:
    return ScriptedModel(
        ReasoningDelta(text="Hm."), "Drones need a light ", "at night 夜间必须开灯 [1]."
    )


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer(models=[NAME]) as running:
        yield running


@pytest.fixture(params=[ollama, openai, extractive, scripted])
def model(request: pytest.FixtureRequest, server: OllamaServer) -> ChatModel:
    make: Make = request.param
    return make(server)


def prompt_in(language: Language) -> Prompt:
    texts = {"en": "Drones need a light at night.", "zh": "无人机夜间必须开灯。"}
    questions = {"en": "Do drones need a light at night?", "zh": "无人机夜间必须开灯吗？"}
    passage = Passage(
        number=1,
        url="https://a.example/",
        title="Night",
        text=texts[language],
        score=1.0,
        fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
    )
    return build_prompt(
        questions[language], [passage], language=language, context_tokens=4096, reply_tokens=512
    )


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_reply_answers_from_the_passages_and_ends_once(
    model: ChatModel, language: Language
) -> None:
    async with aclosing(model.stream(prompt_in(language))) as events:
        reply = [event async for event in events]
    await model.close()
    answer = "".join(event.text for event in reply if isinstance(event, AnswerDelta))
    assert {"en": "light at night", "zh": "夜间必须开灯"}[language] in answer
    assert "[1]" in answer
    assert [isinstance(event, ReplyFinished) for event in reply].count(True) == 1
    assert isinstance(reply[-1], ReplyFinished)


async def test_thinking_comes_before_the_answer_and_deltas_are_never_empty(
    model: ChatModel,
) -> None:
    async with aclosing(model.stream(prompt_in("en"))) as events:
        reply = [event async for event in events]
    await model.close()
    deltas = [event for event in reply if isinstance(event, AnswerDelta | ReasoningDelta)]
    assert all(delta.text for delta in deltas)
    kinds = [delta.type for delta in deltas]
    assert kinds == sorted(kinds, reverse=True)  # reasoning_delta before answer_delta


async def test_stream_may_be_left_early_and_begun_anew(model: ChatModel) -> None:
    async with aclosing(model.stream(prompt_in("en"))) as events:
        async for _ in events:
            break
    async with aclosing(model.stream(prompt_in("en"))) as events:
        assert isinstance([event async for event in events][-1], ReplyFinished)
    await model.close()


async def test_warm_up_never_raises_and_close_may_be_called_twice(model: ChatModel) -> None:
    await model.warm_up()
    await model.close()
    await model.close()


async def test_name_kind_and_context_are_told(model: ChatModel) -> None:
    assert model.name
    assert model.kind in ("model", "quotes")
    assert model.context_tokens > 0
    await model.close()
