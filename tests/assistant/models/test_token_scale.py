"""The server's own counts of tokens correct ours."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from assistant.answer.prompt_request import PromptRequest
from assistant.answer.reply import reply_from_passages
from assistant.errors import ModelError
from assistant.events import AnswerEvent, AnswerFinished
from assistant.models.base import ChatModel
from assistant.models.extractive import ExtractiveModel
from assistant.models.ollama import OllamaModel
from assistant.models.openai import OpenAIModel
from assistant.models.token_scale import MAX_RATIO, TokenScale
from tests.assistant.answer.test_reply import PASSAGE, QUESTION
from tests.engines.ollama_server import OllamaServer

NAME = "deepseek-r1:1.5b"


def ollama(server: OllamaServer) -> ChatModel:
    return OllamaModel(
        host=server.url,
        name=NAME,
        context_tokens=4096,
        reply_tokens=512,
        timeout_s=5,
        temperature=0,
        keep_alive="5m",
        size="large",
    )


def openai(server: OllamaServer) -> ChatModel:
    return OpenAIModel(
        base_url=f"{server.url}/v1",
        name=NAME,
        context_tokens=4096,
        reply_tokens=512,
        timeout_s=5,
        temperature=0,
        size="large",
    )


PATHS = {ollama: "/api/chat", openai: "/v1/chat/completions"}


async def answered(model: ChatModel) -> list[AnswerEvent]:
    replies: AsyncGenerator[AnswerEvent, None] = reply_from_passages(
        model,
        [PASSAGE],
        PromptRequest(question=QUESTION, language="en", reply_tokens=512),
        traits=await model.describe(),
        fallback_model=ExtractiveModel(),
    )
    async with aclosing(replies) as events:
        return [event async for event in events]


@pytest.mark.anyio
@pytest.mark.parametrize("connect", PATHS)
async def test_a_prompt_that_is_too_long_is_sent_once_more_with_less(connect: object) -> None:
    with OllamaServer() as server:
        server.fail("too_long", path=PATHS[connect], times=1)  # type: ignore[index]
        model = connect(server)  # type: ignore[operator]
        last = (await answered(model))[-1]
        await model.close()
        assert isinstance(last, AnswerFinished)
        assert last.answer.kind == "model"
        traits = await model.describe()
        assert traits.context_tokens <= 512


@pytest.mark.anyio
@pytest.mark.parametrize("connect", PATHS)
async def test_a_prompt_that_stays_too_long_is_not_sent_for_ever(connect: object) -> None:
    with OllamaServer() as server:
        server.fail("too_long", path=PATHS[connect])  # type: ignore[index]
        model = connect(server)  # type: ignore[operator]
        with pytest.raises(ModelError, match="too long"):
            await answered(model)
        await model.close()
        assert len(server.asked(PATHS[connect])) == 2  # type: ignore[index]


@pytest.mark.anyio
async def test_counts_of_a_reply_hold_for_the_next_prompt() -> None:
    with OllamaServer() as server:
        model = ollama(server)
        before = (await model.describe()).context_tokens
        server.prompt_tokens = 2_000
        await answered(model)
        assert (await model.describe()).context_tokens < before
        await model.close()


def test_only_more_tokens_than_estimated_change_the_scale() -> None:
    scale = TokenScale()
    scale.learn_count(estimate=1_000, counted=20)  # the rest came from the server's cache
    scale.learn_count(estimate=0, counted=500)
    assert scale.context_tokens(4_096) == 4_096
    scale.learn_count(estimate=1_000, counted=1_690)
    assert scale.context_tokens(8_192) == int(8_192 / 1.69)
    scale.learn_limit(estimate=1_000, tokens=(1_000_000, 2_048))
    assert scale.context_tokens(8_192) == int(2_048 / MAX_RATIO)
