"""The HTTP API: `/predict`, OpenAI's chat, health and metrics, all on one engine.

uvicorn.run(build_app(engine), host="127.0.0.1")
"""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import prometheus_client
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse

from assistant.events import ReasoningDelta
from assistant.models.reasoning import ThinkSplitter
from finetune.errors import FinetuneError
from finetune.serve.bodies import (
    BadRequestError,
    ChatBody,
    PredictBody,
    PredictReply,
    error_body,
    openai_finish_reason,
    openai_usage,
)
from finetune.serve.engine import Engine, GenerationRequest, GenerationResult, TooLongError
from finetune.serve.metrics import Metrics, MetricsMiddleware
from finetune.serve.request_guard import RequestGuard
from finetune.serve.request_queue import QueueFullError, ReplyTimeoutError, RequestQueue
from ingest.foundation.messages import Language, Message
from ingest.text.language import language_of_locale

MAX_WAITING = 8
"""Requests in the queue besides the active one; more would time out before their turn."""

TIMEOUT_S = 300.0
"""Seconds of a whole reply, waiting included; a long thought on a CPU takes minutes."""

RETRY_AFTER_S = 5
"""Seconds that a client should wait when the queue is full: about one short reply."""

DONE = "data: [DONE]\n\n"
"""The last event of OpenAI's streams, which is no JSON."""

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that closed the connection; it is seen in metrics alone."""

STATUSES: tuple[tuple[type[FinetuneError], int], ...] = (
    (BadRequestError, 422),
    (TooLongError, 422),
    (QueueFullError, 429),
    (ReplyTimeoutError, 504),
    (FinetuneError, 500),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Values for what a chat request leaves out."""

    system: str = ""
    max_tokens: int = 1_024
    temperature: float = 0.6
    top_p: float = 0.95


class DisconnectedError(Exception):
    """The client closed the connection."""


def build_app(
    engine: Engine,
    *,
    defaults: Defaults | None = None,
    max_waiting: int = MAX_WAITING,
    timeout_s: float = TIMEOUT_S,
    hosts: Collection[str] = (),
) -> FastAPI:
    """Return the app; `max_waiting` requests may wait, `timeout_s` bounds each whole reply.

    `hosts` are names besides localhost by which it may be asked.
    """
    queue = RequestQueue(engine, max_waiting=max_waiting, timeout_s=timeout_s)
    metrics = Metrics(lambda: queue.size)
    routes = _Routes(engine, queue, metrics, defaults or Defaults())
    app = FastAPI(title=engine.name, docs_url=None, redoc_url=None)
    app.add_api_route("/predict", routes.predict, methods=["POST"], response_model=PredictReply)
    app.add_api_route("/v1/chat/completions", routes.chat, methods=["POST"], response_model=None)
    app.add_api_route("/v1/models", routes.models)
    app.add_api_route("/healthz", routes.health)
    app.add_api_route("/metrics", routes.metrics, response_model=None)
    app.add_exception_handler(FinetuneError, handle_error)
    app.add_exception_handler(RequestValidationError, handle_invalid_body)
    app.add_exception_handler(DisconnectedError, handle_disconnect)
    paths = {"/predict", "/v1/chat/completions", "/v1/models", "/healthz", "/metrics"}
    app.add_middleware(RequestGuard, hosts=hosts)
    app.add_middleware(MetricsMiddleware, metrics=metrics, paths=paths)
    return app


class _Routes:
    """The handlers of all routes, with the parts that they share."""

    def __init__(
        self, engine: Engine, queue: RequestQueue, metrics: Metrics, defaults: Defaults
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._metrics = metrics
        self._defaults = defaults

    async def predict(self, body: PredictBody, request: Request) -> PredictReply:
        """Return the answer to one text, without its thinking, at most `max_length` tokens long."""
        generation = body.to_request(system=self._defaults.system, thinks=self._engine.thinks)
        reply = await _cancel_on_disconnect(
            request, self._whole_reply(generation, max_answer_tokens=body.max_length)
        )
        return PredictReply(result=reply.splitter.answer)

    async def chat(self, body: ChatBody, request: Request) -> Response:
        """Continue a conversation as OpenAI's API does; thinking is in `reasoning_content`."""
        if body.model and body.model != self._engine.name:
            return _error_response(404, Message("no model {model}", model=body.model), request)
        defaults = self._defaults
        generation = body.to_request(
            system=defaults.system,
            max_tokens=defaults.max_tokens,
            temperature=defaults.temperature,
            top_p=defaults.top_p,
        )
        if body.stream:
            pieces = self._queue.stream(generation)
            # Before the response starts: an error here still gets a status of its own.
            first = await _cancel_on_disconnect(request, anext(pieces))
            events = self._stream_events(
                first,
                pieces,
                generation,
                include_usage=body.stream_options.include_usage,
                language=_client_language(request),
            )
            return StreamingResponse(events, media_type="text/event-stream")
        reply = await _cancel_on_disconnect(request, self._whole_reply(generation))
        thought = reply.splitter.reasoning
        message = {
            "role": "assistant",
            "content": reply.splitter.answer,
            **({"reasoning_content": thought} if thought else {}),
        }
        reason = openai_finish_reason(reply.result)
        choice = {"index": 0, "message": message, "finish_reason": reason}
        head = self._response_head("chat.completion")
        return JSONResponse({**head, "choices": [choice], "usage": openai_usage(reply.result)})

    async def models(self) -> dict[str, Any]:
        """List the one model."""
        return {"object": "list", "data": [{"id": self._engine.name, "object": "model"}]}

    async def health(self) -> dict[str, str]:
        """Report that requests are accepted."""
        return {"status": "ok", "model": self._engine.name}

    async def metrics(self) -> Response:
        """Return the metrics in Prometheus' text format."""
        text = prometheus_client.generate_latest(self._metrics.registry)
        return Response(text, media_type=prometheus_client.CONTENT_TYPE_LATEST)

    async def _whole_reply(
        self, generation: GenerationRequest, *, max_answer_tokens: int = 0
    ) -> "_WholeReply":
        """Return a whole reply, its answer no longer than `max_answer_tokens` (0: any)."""
        splitter = self._think_splitter(generation)
        answer_tokens = tokens = 0
        result = GenerationResult(reason="length", prompt_tokens=0, reply_tokens=0)
        async with aclosing(self._queue.stream(generation)) as pieces:
            async for piece in pieces:
                if isinstance(piece, GenerationResult):
                    result = piece
                    break
                splitter.feed(piece)
                # Each piece is one token; those of the thought do not count as the answer's.
                tokens += 1
                answer_tokens += bool(splitter.answer)
                if max_answer_tokens and answer_tokens >= max_answer_tokens:
                    result = GenerationResult(reason="length", prompt_tokens=0, reply_tokens=tokens)
                    break
        splitter.close(cut_short=result.reason == "length")
        self._metrics.count_reply(result)
        return _WholeReply(splitter=splitter, result=result)

    def _think_splitter(self, generation: GenerationRequest) -> ThinkSplitter:
        # The prompt of a thinking format ends with `<think>`, so the reply begins inside it.
        return ThinkSplitter(starts_thinking=self._engine.thinks and generation.think)

    def _response_head(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": kind,
            "created": int(time.time()),
            "model": self._engine.name,
        }

    async def _stream_events(
        self,
        first: str | GenerationResult,
        pieces: AsyncGenerator[str | GenerationResult, None],
        generation: GenerationRequest,
        *,
        include_usage: bool,
        language: Language,
    ) -> AsyncGenerator[str, None]:
        """Yield the server-sent events of a chat stream."""
        head = self._response_head("chat.completion.chunk")
        splitter = self._think_splitter(generation)
        piece = first
        yield _render_event(head, {"role": "assistant", "content": ""})
        async with aclosing(pieces):
            try:
                while not isinstance(piece, GenerationResult):
                    for delta in splitter.feed(piece):
                        yield _render_event(head, _openai_delta(delta))
                    piece = await anext(pieces)
            except FinetuneError as error:
                # Status 200 was sent already: now an error can only be an event.
                body = error_body(error.localize(language), "server_error")
                yield f"data: {json.dumps(body)}\n\n"
                return
        for delta in splitter.close(cut_short=piece.reason == "length"):
            yield _render_event(head, _openai_delta(delta))
        self._metrics.count_reply(piece)
        yield _render_event(head, {}, openai_finish_reason(piece))
        if include_usage:
            # OpenAI sends it in a last chunk of its own, whose `choices` are empty.
            yield f"data: {json.dumps({**head, 'choices': [], 'usage': openai_usage(piece)})}\n\n"
        yield DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _WholeReply:
    """A reply that has ended; the splitter holds its thought and answer."""

    splitter: ThinkSplitter
    result: GenerationResult


async def _cancel_on_disconnect(request: Request, work: Any) -> Any:
    """Return what `work` returns, or cancel it as soon as the client disconnects.

    Raises:
        DisconnectedError: the client has disconnected.
    """
    working = asyncio.ensure_future(work)
    # The body has been read: the next message can only be `http.disconnect`.
    disconnecting = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, disconnecting}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise DisconnectedError
    finally:
        for task in (working, disconnecting):
            task.cancel()
            # Awaited, so that the engine's generator is closed before this request ends.
            with contextlib.suppress(asyncio.CancelledError, FinetuneError):
                await task


def _openai_delta(delta: Any) -> dict[str, str]:
    key = "reasoning_content" if isinstance(delta, ReasoningDelta) else "content"
    return {key: delta.text}


def _render_event(head: dict[str, Any], delta: dict[str, str], reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return f"data: {json.dumps({**head, 'choices': [choice]}, ensure_ascii=False)}\n\n"


def _client_language(request: Request) -> Language:
    return language_of_locale(request.headers.get("accept-language", ""))


def _error_response(status: int, message: Message, request: Request) -> JSONResponse:
    kind = "invalid_request_error" if status < 500 else "server_error"
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 429 else None
    body = error_body(message.localize(_client_language(request)), kind)
    return JSONResponse(body, status, headers)


async def handle_error(request: Request, error: Exception) -> Response:
    """Return the response to one of our errors, with the status of its class."""
    assert isinstance(error, FinetuneError)
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    return _error_response(status, error.full_message, request)


async def handle_invalid_body(request: Request, error: Exception) -> Response:
    """Return the first error of a body that does not validate."""
    assert isinstance(error, RequestValidationError)
    # FastAPI's own response lists all errors and repeats the whole input in each.
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
    what = str(first["msg"]).removeprefix("Value error, ")
    return _error_response(422, Message("{name}: {what}", name=name, what=what), request)


async def handle_disconnect(request: Request, error: Exception) -> Response:
    """Return a response that no client receives, for the metrics."""
    return Response(status_code=CLIENT_CLOSED_REQUEST)
