"""Chat models of any server with OpenAI's chat completions: llama.cpp, vLLM, SGLang and others."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from assistant.events import ModelEvent, ReplyFinished
from assistant.models.base import ModelTraits, size_of_model
from assistant.models.reasoning import ThinkSplitter, is_known_to_think
from assistant.models.served import (
    ServedModel,
    as_model_errors,
    learning_limit,
    reply_events,
    to_wire,
)
from assistant.models.token_scale import TokenScale
from assistant.values import AnswerKind, Prompt
from ingest.foundation.messages import Message
from ingest.model_servers.base import ChatRequest
from ingest.model_servers.connection import BUSY_WAITS_S
from ingest.model_servers.openai import OpenAIClient


class OpenAIModel:
    """One chat model of one server."""

    kind: AnswerKind = "model"

    def __init__(
        self,
        *,
        base_url: str,
        name: str,
        context_tokens: int,
        reply_tokens: int,
        timeout_s: float,
        temperature: float,
        api_key: str = "",
        thinking: bool | None = None,
        size: str = "auto",
        busy_waits_s: tuple[float, ...] = BUSY_WAITS_S,
    ) -> None:
        """`base_url` ends in /v1 as a rule. `context_tokens` is what the server was started with.

        `thinking` False: the server is asked to leave it out; None: what the model's name says.
        `timeout_s` bounds each silence, not the reply.
        """
        self.name = name
        self.context_tokens = context_tokens
        self._size = size
        self._scale = TokenScale()
        self._client = OpenAIClient(
            base_url,
            api_key=api_key,
            key_source="model.api_key",
            timeout_s=timeout_s,
            busy_waits_s=busy_waits_s,
        )
        self._reply_tokens = reply_tokens
        self._temperature = temperature
        self._thinking = thinking
        self._model = ServedModel(
            name=name,
            url=self._client.url,
            timeout_s=timeout_s,
            start_hint=Message("start the server, or correct model.host"),
            missing_hint=Message(
                "see which names it knows: {base_url}/models", base_url=self._client.url
            ),
            protocol="OpenAI chat completions",
        )

    async def describe(self) -> ModelTraits:
        """Return what the settings and the model's name say: these servers have no common way."""
        return ModelTraits(
            context_tokens=self._scale.context_tokens(self.context_tokens),
            size=size_of_model(None, name=self.name, chosen=self._size),
            temperature=self._temperature,
        )

    async def check(self, *, timeout_s: float) -> None:
        """Do nothing: some servers list no models, and answer to any name."""

    async def warm_up(self) -> None:
        """Do nothing: these servers load their model when they start."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        """Yield the reply's pieces and one `ReplyFinished`, or raise `ModelError`."""
        wanted = self._thinking is not False and prompt.thinking
        presumed = wanted and (self._thinking or is_known_to_think(self.name))
        splitter = ThinkSplitter(starts_thinking=presumed)
        request = ChatRequest(
            model=self.name,
            messages=to_wire(prompt.messages),
            temperature=self._temperature,
            reply_tokens=min(self._reply_tokens, prompt.reply_tokens or self._reply_tokens),
            think=None if wanted else False,
        )
        with as_model_errors(self._model), learning_limit(self._scale, prompt):
            async with aclosing(reply_events(self._client.chat(request), splitter)) as events:
                async for event in events:
                    if isinstance(event, ReplyFinished) and event.usage:
                        self._scale.learn_count(estimate=prompt.tokens, counted=event.usage.prompt)
                    yield event

    async def close(self) -> None:
        """Give back connections. May be called twice."""
        await self._client.close()
