"""Chat models of an Ollama server, by its native API.

Chat goes through httpx, because `truncate` and `shift` must be false (else an over-long prompt is
cut in its middle without a word) and the `ollama` client cannot send them; models are listed and
pulled with the `ollama` client.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import httpx

from assistant.errors import ModelError
from assistant.events import ModelEvent, Notice, ReplyFinished
from assistant.models import chat_client
from assistant.models.chat_client import Server
from assistant.models.reasoning import ThinkSplitter, known_to_think
from assistant.values import AnswerKind, Prompt, Usage
from ingest.foundation.messages import Message
from ingest.foundation.server_urls import base_url, is_loopback

if TYPE_CHECKING:
    from ollama import AsyncClient

BUSY_WAITS_S = (1.0, 2.0, 4.0)
"""Between tries while the server says 503: it does so only while a model loads, which is short."""

TRUNCATED_BELOW = 0.35
"""Share of our own estimate under which the server's count of prompt tokens means that it cut the
prompt. The estimate exceeds the truth by half at most for prose, see `ingest.text.tokens`."""

CUT_IN_FRONT = Message(
    "The server cut the prompt before the model read it: its context is smaller than ours."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullProgress:
    """How far the download of a model has come."""

    status: str
    completed: int = 0
    """Bytes of the current layer."""
    total: int = 0
    """Bytes of the current layer, 0 if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Abilities:
    """What /api/show says about the model."""

    thinking: bool
    trained_tokens: int | None


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
        busy_waits_s: tuple[float, ...] = BUSY_WAITS_S,
    ) -> None:
        """`timeout_s` bounds each silence, not the reply. `thinking` None: where the model can."""
        self.name = name
        self._context_tokens = context_tokens
        self._reply_tokens = reply_tokens
        self._temperature = temperature
        self._keep_alive = int(keep_alive) if keep_alive.lstrip("-").isdigit() else keep_alive
        self._thinking = thinking
        self._busy_waits_s = busy_waits_s
        self._server = Server(
            url=base_url(host),
            model=name,
            timeout_s=timeout_s,
            start=Message("start it with: ollama serve"),
            fetch=Message("run: ollama pull {name}", name=name),
        )
        self._client = chat_client.http_client(self._server.url, timeout_s=timeout_s)
        self._abilities: _Abilities | None = None
        self._splits_thinking = False  # this server puts this model's thinking in its own field

    @property
    def context_tokens(self) -> int:
        """Return the smaller of what was asked for and what the model was trained for."""
        trained = self._abilities.trained_tokens if self._abilities else None
        return min(self._context_tokens, trained or self._context_tokens)

    async def warm_up(self) -> None:
        """Load the model with the options of the real request: others would load it again."""
        with contextlib.suppress(ModelError):
            await self._learn()
            await self._post("/api/chat", {**self._head(), "messages": [], "stream": False})

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        abilities = await self._learn()
        thinking = self._thinking is not False and prompt.thinking
        presumed = abilities.thinking or known_to_think(self.name)
        splitter = ThinkSplitter(
            starts_thinking=thinking and presumed and not self._splits_thinking
        )
        async with aclosing(self._parts(self._body(prompt, abilities))) as parts:
            async for part in parts:
                for event in self._events(part, splitter, prompt):
                    yield event
                if part.get("done"):
                    return
        raise chat_client.broken_stream(self._server)

    async def close(self) -> None:
        await self._client.aclose()

    async def installed(self) -> list[str]:
        """Return the names of the pulled models, or raise `ModelError`.

        Asked without the `ollama` package: every command asks, and importing it takes 0.4 s.
        """
        try:
            response = await self._client.get("/api/tags")
        except httpx.HTTPError as error:
            raise chat_client.transport_failure(error, self._server, started=False) from error
        await self._accept(response)
        listed = self._part(response.content).get("models")
        if not isinstance(listed, list):
            raise chat_client.not_a_model_server(self._server, "Ollama")
        return [str(model.get("name") or model.get("model")) for model in listed]

    async def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Download a model; yield the progress of its layers, or raise `ModelError`."""
        from ollama import ResponseError

        async with self._library() as library:
            try:
                steps = await library.pull(name, stream=True)
                async with aclosing(cast("AsyncGenerator[Any, None]", steps)):
                    async for step in steps:
                        yield PullProgress(
                            status=step.status or "",
                            completed=step.completed or 0,
                            total=step.total or 0,
                        )
            except (ConnectionError, httpx.HTTPError) as error:
                raise self._unreached(error) from error
            except ResponseError as error:
                raise chat_client.failed(self._server, f"pull {name}: {error.error}") from error
            except ValueError as error:
                raise chat_client.not_a_model_server(self._server, "Ollama") from error

    def _library(self) -> "AsyncClient":
        from ollama import AsyncClient

        trust_env = not is_loopback(self._server.url)
        timeout_s = self._server.timeout_s
        return AsyncClient(host=self._server.url, timeout=timeout_s, trust_env=trust_env)

    def _unreached(self, error: ConnectionError | httpx.HTTPError) -> ModelError:
        if isinstance(error, ConnectionError):  # how the ollama client reports a refused connection
            return chat_client.unreachable(self._server)
        return chat_client.transport_failure(error, self._server, started=True)

    def _head(self) -> dict[str, Any]:
        """Return what every request says about the model, so that it is loaded once."""
        return {
            "model": self.name,
            "keep_alive": self._keep_alive,
            "options": {"num_ctx": self.context_tokens},
        }

    def _body(self, prompt: Prompt, abilities: _Abilities) -> dict[str, Any]:
        reply_tokens = min(self._reply_tokens, prompt.reply_tokens or self._reply_tokens)
        body = self._head() | {
            "messages": [{"role": each.role, "content": each.content} for each in prompt.messages],
            "stream": True,
            "truncate": False,
            "shift": False,
        }
        body["options"] |= {"temperature": self._temperature, "num_predict": reply_tokens}
        if abilities.thinking:
            body["think"] = self._thinking is not False and prompt.thinking
        elif self._thinking:
            raise chat_client.no_thinking(self._server)
        if prompt.schema is not None:
            body["format"] = prompt.schema
        return body

    def _events(
        self, part: dict[str, Any], splitter: ThinkSplitter, prompt: Prompt
    ) -> list[ModelEvent]:
        """Return what one line of the reply says."""
        message = part.get("message") or {}
        leaks = splitter.leaks
        events: list[ModelEvent] = []
        if thinking := message.get("thinking"):
            self._splits_thinking = True
            events += splitter.feed_reasoning(thinking)
        events += splitter.feed(message.get("content") or "")
        if part.get("done"):
            events += splitter.close(cut_short=_reason(part) == "length")
            events += _ending(part, prompt)
        if splitter.leaks > leaks:
            events.insert(0, chat_client.REASONING_LEAKED)
        return events

    async def _parts(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the lines of the reply, after waiting while the server is busy."""
        started = False
        try:
            for wait_s in (*self._busy_waits_s, None):
                async with self._client.stream("POST", "/api/chat", json=body) as response:
                    if response.status_code != 503 or wait_s is None:
                        await self._accept(response)
                        async with aclosing(chat_client.lines(response)) as lines:
                            async for line in lines:
                                yield self._part(line)
                                started = True
                        return
                await asyncio.sleep(wait_s)
        except httpx.HTTPError as error:
            raise chat_client.transport_failure(error, self._server, started=started) from error

    async def _accept(self, response: httpx.Response) -> None:
        if response.status_code != 200:
            text = (await response.aread()).decode(errors="replace")
            raise chat_client.refusal(response.status_code, text, self._server)

    def _part(self, line: bytes) -> dict[str, Any]:
        part = chat_client.parsed(line)
        if part is None:
            raise chat_client.not_a_model_server(self._server, "Ollama")
        if "error" in part:  # the status was 200 long before it went wrong
            raise chat_client.interruption(json.dumps(part), self._server)
        return part

    async def _learn(self) -> _Abilities:
        """Ask once what the model can do."""
        if self._abilities is None:
            shown = await self._post("/api/show", {"model": self.name})
            lengths = [
                value
                for key, value in (shown.get("model_info") or {}).items()
                if key.endswith(".context_length") and isinstance(value, int)
            ]
            self._abilities = _Abilities(
                thinking="thinking" in (shown.get("capabilities") or []),
                trained_tokens=lengths[0] if lengths else None,
            )
        return self._abilities

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self._client.post(path, json=body)
        except httpx.HTTPError as error:
            raise chat_client.transport_failure(error, self._server, started=False) from error
        await self._accept(response)
        return self._part(response.content)


def _usage(part: dict[str, Any]) -> Usage | None:
    prompt, reply = part.get("prompt_eval_count"), part.get("eval_count")
    return Usage(prompt=prompt or 0, reply=reply or 0) if prompt or reply else None


def _reason(part: dict[str, Any]) -> Literal["stop", "length"]:
    return "length" if part.get("done_reason") == "length" else "stop"


def _ending(part: dict[str, Any], prompt: Prompt) -> list[ModelEvent]:
    """Return the end of the reply, after a notice if the server read less than we sent."""
    end = ReplyFinished(reason=_reason(part), usage=_usage(part))
    read = part.get("prompt_eval_count")
    if not read or read >= TRUNCATED_BELOW * prompt.tokens:
        return [end]
    return [Notice(code="prompt_truncated", text=CUT_IN_FRONT), end]
