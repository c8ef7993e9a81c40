"""What every chat model promises, on all of them."""

from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest

from assistant.answer.evidence import choose_evidence
from assistant.answer.prompts import build_prompt
from assistant.errors import ModelNotFoundError
from assistant.events import AnswerDelta, ReasoningDelta, ReplyFinished
from assistant.models.base import ChatModel
from assistant.models.registry import MODELS, build_model
from assistant.models.scripted import ScriptedModel
from assistant.settings import ModelSettings
from assistant.values import Passage, Prompt
from ingest.foundation.messages import Language
from tests.engines.ollama_server import OllamaServer

pytestmark = pytest.mark.anyio

NAME = "deepseek-r1:1.5b"
MADE_BY_HAND: dict[str, Callable[[], ChatModel]] = {
    "scripted": lambda: ScriptedModel(
        ReasoningDelta(text="Hm."), "Drones need a light ", "at night 夜间必须开灯 [1]."
    ),
}


def settings_for(server: OllamaServer, provider: str) -> ModelSettings:
    host = f"{server.url}/v1" if provider == "openai" else server.url
    return ModelSettings(host=host, name=NAME, context_tokens=4096, reply_tokens=512)


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer(models=[NAME]) as running:
        yield running


@pytest.fixture(params=[*MODELS, *MADE_BY_HAND])
def model(request: pytest.FixtureRequest, server: OllamaServer) -> ChatModel:
    if request.param in MADE_BY_HAND:
        return MADE_BY_HAND[request.param]()
    return build_model(settings_for(server, request.param), provider=request.param)


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
    prompt = build_prompt(
        questions[language], [passage], language=language, context_tokens=4096, reply_tokens=512
    )
    return replace(prompt, evidence=choose_evidence(questions[language], [passage]))


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


async def test_model_that_is_there_passes_its_check(model: ChatModel) -> None:
    await model.check(timeout_s=5)
    await model.close()


async def test_warm_up_never_raises_and_close_may_be_called_twice(model: ChatModel) -> None:
    await model.warm_up()
    await model.close()
    await model.close()


async def test_name_kind_and_context_are_known(model: ChatModel) -> None:
    assert model.name
    assert model.kind in ("model", "quotes")
    assert model.context_tokens > 0
    await model.close()


def test_settings_know_every_provider_and_auto() -> None:
    assert {*MODELS, "auto"} == set(get_args(ModelSettings.model_fields["provider"].annotation))


async def test_another_name_is_another_model_of_the_same_server(server: OllamaServer) -> None:
    model = build_model(settings_for(server, "ollama"), provider="ollama", name="qwen9")
    assert model.name == "qwen9"
    with pytest.raises(ModelNotFoundError, match="qwen9"):
        await model.check(timeout_s=5)
    await model.close()
