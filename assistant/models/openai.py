"""Chat models of any server with OpenAI's chat completions: llama.cpp, vLLM, SGLang and others."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, Literal

import httpx

from assistant.errors import ModelError
from assistant.events import ModelEvent, ReplyFinished
from assistant.models import chat_client
from assistant.models.chat_client import Server
from assistant.models.reasoning import ThinkSplitter, known_to_think
from assistant.values import AnswerKind, Prompt, Usage
from ingest.foundation.messages import Message

BUSY_WAITS_S = (1.0, 2.0, 4.0)
CAUSE_WAIT_S = 10.0
REASONING_KEYS = ("reasoning_content", "reasoning")
"""llama.cpp, DeepSeek and older vLLM say the first, Ollama's /v1, newer vLLM and OpenRouter the
second."""

_END = b"[DONE]"


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
        busy_waits_s: tuple[float, ...] = BUSY_WAITS_S,
    ) -> None:
        """`base_url` ends in /v1 as a rule. `context_tokens` is what the server was started with.

        `thinking` None: told from the model's name. Each silence is bounded by `timeout_s`.
        """
        self.name = name
        self.context_tokens = context_tokens
        self._reply_tokens = reply_tokens
        self._temperature = temperature
        self._thinking = known_to_think(name) if thinking is None else thinking
        self._busy_waits_s = busy_waits_s
        self._server = Server(
            url=base_url.rstrip("/"),
            model=name,
            timeout_s=timeout_s,
            start=Message("start the server, or correct model.host"),
            fetch=Message(
                "see which names it knows: {base_url}/models", base_url=base_url.rstrip("/")
            ),
        )
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = self._new_client(timeout_s)
        self._plain = False  # the server refused the optional fields

    async def warm_up(self) -> None:
        """Do nothing: these servers load their model when they start."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        splitter = ThinkSplitter(starts_thinking=self._thinking and prompt.thinking)
        try:
            async with aclosing(self._replies(prompt, splitter)) as events:
                async for event in events:
                    yield event
        except ModelError as error:
            if error.kind != "broken_stream" or splitter.reasoning or splitter.answer:
                raise
            raise await self._cause(prompt, error) from error

    async def _replies(
        self, prompt: Prompt, splitter: ThinkSplitter
    ) -> AsyncGenerator[ModelEvent, None]:
        reason: Literal["stop", "length"] | None = None
        usage = None
        async with aclosing(self._parts(prompt)) as parts:
            async for part in parts:
                for event in _events(part, splitter, prompt):
                    yield event
                reason = _reason(part) or reason
                usage = _usage(part) or usage
        if reason is None:
            raise chat_client.broken_stream(self._server)
        leaks = splitter.leaks
        rest = splitter.close(cut_short=reason == "length")
        if splitter.leaks > leaks:
            yield chat_client.REASONING_LEAKED
        for delta in rest:
            yield delta
        yield ReplyFinished(reason=reason, usage=usage)

    def _new_client(self, timeout_s: float) -> httpx.AsyncClient:
        return chat_client.http_client(self._server.url, timeout_s=timeout_s, headers=self._headers)

    async def _cause(self, prompt: Prompt, error: ModelError) -> ModelError:
        """Return why a stream broke before its first word.

        llama-cpp-python drops the connection when a streamed prompt is too long, and says so only
        when the same is asked without streaming, on another connection.
        """
        body = self._body(prompt) | {"stream": False, "max_tokens": 1}
        body.pop("stream_options", None)
        try:
            async with self._new_client(CAUSE_WAIT_S) as client:
                response = await client.post("/chat/completions", json=body)
        except httpx.HTTPError:
            return error
        if response.status_code == 200:
            return error
        return chat_client.refusal(response.status_code, response.text, self._server)

    async def close(self) -> None:
        await self._client.aclose()

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [{"role": each.role, "content": each.content} for each in prompt.messages],
            "stream": True,
            "temperature": self._temperature,
            "max_tokens": min(self._reply_tokens, prompt.reply_tokens or self._reply_tokens),
        }
        if not self._plain:
            body["stream_options"] = {"include_usage": True}
        if not self._plain and not prompt.thinking:
            body["chat_template_kwargs"] = {"enable_thinking": False}  # vLLM, SGLang, llama.cpp
        return body

    async def _parts(self, prompt: Prompt) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the frames of the reply, after waiting while the server is busy."""
        started = False
        waits = iter(self._busy_waits_s)
        try:
            while True:
                async with self._client.stream(
                    "POST", "/chat/completions", json=self._body(prompt)
                ) as response:
                    if response.status_code == 200:
                        async with aclosing(self._frames(response)) as frames:
                            async for frame in frames:
                                yield frame
                                started = True
                        return
                    wait_s = await self._retry(response, waits)
                await asyncio.sleep(wait_s)
        except httpx.HTTPError as error:
            raise chat_client.transport_failure(error, self._server, started=started) from error

    async def _retry(self, response: httpx.Response, waits: Iterator[float]) -> float:
        """Return how long to wait before the next try, or raise what the refusal means."""
        text = (await response.aread()).decode(errors="replace")
        failure = chat_client.refusal(response.status_code, text, self._server)
        if failure.kind == "busy" and (wait_s := next(waits, None)) is not None:
            return wait_s
        if failure.kind == "failed" and response.status_code in (400, 422) and not self._plain:
            self._plain = True
            return 0.0
        raise failure

    async def _frames(self, response: httpx.Response) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the JSON of each `data:` line (https://html.spec.whatwg.org, 9.2) to the end."""
        async with aclosing(chat_client.lines(response)) as lines:
            async for line in lines:
                field, _, value = line.partition(b":")
                if field == b"data" and value.strip() == _END:
                    return
                if field == b"data":
                    yield self._frame(value)
                elif line.startswith((b"{", b"<")):
                    self._frame(line)  # no event stream: an error, or a page

    def _frame(self, text: bytes) -> dict[str, Any]:
        frame = chat_client.parsed(text)
        if frame is None or not ("choices" in frame or "error" in frame):
            raise chat_client.not_a_model_server(self._server, "OpenAI chat completions")
        if "error" in frame:
            raise chat_client.interruption(text.decode(errors="replace"), self._server)
        return frame


def _events(part: dict[str, Any], splitter: ThinkSplitter, prompt: Prompt) -> list[ModelEvent]:
    """Return what one frame of the reply says."""
    delta = _choice(part).get("delta") or {}
    leaks = splitter.leaks
    events: list[ModelEvent] = []
    for key in REASONING_KEYS:
        if thinking := delta.get(key):
            events += splitter.feed_reasoning(thinking)
            break
    events += splitter.feed(delta.get("content") or "")
    if splitter.leaks > leaks:
        events.insert(0, chat_client.REASONING_LEAKED)
    return events


def _choice(part: dict[str, Any]) -> dict[str, Any]:
    choices = part.get("choices") or [{}]
    return choices[0] if isinstance(choices[0], dict) else {}


def _reason(part: dict[str, Any]) -> Literal["stop", "length"] | None:
    reason = _choice(part).get("finish_reason")
    return ("length" if reason == "length" else "stop") if reason else None


def _usage(part: dict[str, Any]) -> Usage | None:
    usage = part.get("usage")
    if not usage:
        return None
    return Usage(prompt=usage.get("prompt_tokens", 0), reply=usage.get("completion_tokens", 0))
