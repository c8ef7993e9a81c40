"""Chat models of an Ollama server."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from assistant.errors import ModelError, ModelNotFoundError
from assistant.events import ModelEvent, Notice, ReplyFinished
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
from ingest.model_servers.base import ChatRequest, ModelServerError, whole_reply
from ingest.model_servers.connection import BUSY_WAITS_S
from ingest.model_servers.ollama import (
    UNKNOWN_DETAILS,
    ModelDetails,
    OllamaClient,
    TransferProgress,
    with_tag,
)

TRUNCATED_BELOW = 0.35
"""Share of our own estimate under which the server's count of prompt tokens means that it cut the
prompt. The estimate exceeds the truth by half at most for prose, see `ingest.text.tokens`."""

DESCRIBE_TIMEOUT_S = 3.0
"""For what a server reads from a file of its own. A question waits for it."""

MIN_TRUNCATED_TOKENS = 128
"""Tokens that a server which cuts a prompt keeps of it: half of the smallest context. Fewer were
counted because the rest came from its cache (Ollama 0.30 counts new tokens alone)."""

PROMPT_TRUNCATED = Notice(
    code="prompt_truncated",
    text=Message(
        "The server cut the prompt before the model read it: its context is smaller than ours."
    ),
)


class OllamaModel:
    """One chat model of one Ollama server."""

    kind: AnswerKind = "model"

    def __init__(
        self,
        *,
        host: str,
        name: str,
        context_tokens: int,
        reply_tokens: int,
        timeout_s: float,
        temperature: float,
        keep_alive: str,
        thinking: bool | None = None,
        size: str = "auto",
        busy_waits_s: tuple[float, ...] = BUSY_WAITS_S,
    ) -> None:
        """`timeout_s` bounds each silence, not the reply. `thinking` None: where the model can."""
        self.name = name
        self._size = size
        self._scale = TokenScale()
        self._client = OllamaClient(host, timeout_s=timeout_s, busy_waits_s=busy_waits_s)
        self._context_tokens = context_tokens
        self._reply_tokens = reply_tokens
        self._temperature = temperature
        # Ollama takes a number as seconds, but not in a string.
        self._keep_alive = int(keep_alive) if keep_alive.lstrip("-").isdigit() else keep_alive
        self._thinking = thinking
        self._model = ServedModel(
            name=name,
            url=self._client.url,
            timeout_s=timeout_s,
            start_hint=Message("start it with: ollama serve"),
            missing_hint=Message("run: ollama pull {name}", name=name),
            protocol="Ollama",
        )
        self._details: ModelDetails | None = None
        self._digest = ""
        self._has_thinking_field = False

    @property
    def context_tokens(self) -> int:
        """The smaller of what was configured and what the model was trained for."""
        trained = self._details.context_tokens if self._details else None
        return min(self._context_tokens, trained or self._context_tokens)

    async def describe(self) -> ModelTraits:
        """Return what /api/show tells; raise `ModelError` for a model that can never answer."""
        details = UNKNOWN_DETAILS
        with as_model_errors(self._model):
            try:
                async with asyncio.timeout(DESCRIBE_TIMEOUT_S):
                    details = await self._learn()
            except TimeoutError:
                pass  # it loads another model: the real request will wait for it
            except ModelServerError as error:
                if error.kind == "not_found":
                    raise
            if self._thinking and details.capabilities and "thinking" not in details.capabilities:
                raise ModelServerError("no_thinking")
        if details.capabilities and "completion" not in details.capabilities:
            raise ModelError(
                Message('"{name}" is no chat model: it makes embeddings', name=self.name),
                kind="cannot_chat",
                hint=Message("choose another one: --model deepseek-r1:1.5b"),
            )
        return ModelTraits(
            context_tokens=self._scale.context_tokens(self.context_tokens),
            size=size_of_model(details.parameters_count, name=self.name, chosen=self._size),
            digest=self._digest,
            temperature=self._temperature,
        )

    async def check(self, *, timeout_s: float) -> None:
        """Raise `ModelError` unless the server is there and has the model."""
        probe = OllamaClient(self._client.url, timeout_s=timeout_s)
        try:
            with as_model_errors(replace(self._model, timeout_s=timeout_s)):
                installed = await probe.models()
        finally:
            await probe.close()
        if with_tag(self.name) not in installed:
            raise ModelNotFoundError(
                Message('model "{name}" is not pulled', name=self.name),
                hint=Message("run ollama pull {name}", name=self.name),
            )
        self._digest = installed[with_tag(self.name)]

    async def warm_up(self) -> None:
        """Load the model. Never raises: the real request will say why."""
        with contextlib.suppress(ModelServerError):
            await self._learn()
            # With the context of the real request: another one would load the model again.
            await whole_reply(self._client.chat(self._request()))

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        """Yield the reply's pieces and one `ReplyFinished`, or raise `ModelError`."""
        with as_model_errors(self._model), learning_limit(self._scale, prompt):
            details = await self._learn()
            can_think = "thinking" in (details.capabilities or ())
            if self._thinking and not can_think:
                raise ModelServerError("no_thinking")
            wants_thinking = self._thinking is not False and prompt.thinking
            # A template may open the thinking inside the prompt: then only its end is seen.
            presumed = wants_thinking and (can_think or is_known_to_think(self.name))
            splitter = ThinkSplitter(starts_thinking=presumed and not self._has_thinking_field)
            request = replace(
                self._request(),
                messages=to_wire(prompt.messages),
                temperature=self._temperature,
                reply_tokens=min(self._reply_tokens, prompt.reply_tokens or self._reply_tokens),
                think=wants_thinking if can_think else None,
                schema=prompt.schema,
            )
            async with aclosing(reply_events(self._client.chat(request), splitter)) as events:
                async for event in events:
                    if isinstance(event, ReplyFinished):
                        self._has_thinking_field |= splitter.has_thinking_field
                        read = event.usage.prompt if event.usage else 0
                        self._scale.learn_count(estimate=prompt.tokens, counted=read)
                        if MIN_TRUNCATED_TOKENS <= read < TRUNCATED_BELOW * prompt.tokens:
                            yield PROMPT_TRUNCATED
                    yield event

    async def close(self) -> None:
        """Give back connections. May be called twice."""
        await self._client.close()

    async def installed(self) -> list[str]:
        """Return the names of the pulled models, or raise `ModelError`."""
        with as_model_errors(self._model):
            return list(await self._client.models())

    async def details(self, name: str) -> ModelDetails:
        """Return what the server knows of one of its models, or raise `ModelError`."""
        with as_model_errors(replace(self._model, name=name)):
            return await self._client.show(name)

    async def pull(self, name: str) -> AsyncGenerator[TransferProgress, None]:
        """Download a model; yield the progress of its layers, or raise `ModelError`."""
        with as_model_errors(replace(self._model, name=name)):
            try:
                async with aclosing(self._client.pull(name)) as steps:
                    async for step in steps:
                        yield step
            except ModelServerError as error:
                if error.kind not in ("broken_stream", "timeout"):
                    raise
                raise ModelError(
                    Message('the download of "{name}" broke off', name=name),
                    kind=error.kind,
                    hint=Message("pull it again: what has come is kept"),
                ) from error

    def _request(self) -> ChatRequest:
        """Return what every request says about the model, so that it is loaded once."""
        return ChatRequest(
            model=self.name,
            messages=(),
            context_tokens=self.context_tokens,
            keep_alive=self._keep_alive,
        )

    async def _learn(self) -> ModelDetails:
        """Ask once what the model can do."""
        if self._details is None:
            try:
                self._details = await self._client.show(self.name)
            except ModelServerError as error:
                # Servers that speak Ollama's chat, such as llama-swap, need not have this path.
                if error.kind != "no_endpoint":
                    raise
                self._details = UNKNOWN_DETAILS
        return self._details
