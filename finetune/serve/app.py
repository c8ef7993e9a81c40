"""The doors: `/predict`, OpenAI's chat, health and metrics, all through one engine.

uvicorn.run(build_app(engine), host="127.0.0.1")
"""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncGenerator
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
    finish_of,
    usage_of,
)
from finetune.serve.engine import Asked, Ended, Engine, TooLongError
from finetune.serve.metrics import Measured, Metrics
from finetune.serve.request_queue import BusyError, OvertimeError, RequestQueue
from ingest.foundation.messages import Language, Message

QUEUE = 8
TIMEOUT_S = 300.0
RETRY_S = 5
"""What a full queue tells clients to wait: about one short reply."""

DONE = "data: [DONE]\n\n"
STATUSES: tuple[tuple[type[FinetuneError], int], ...] = (
    (BadRequestError, 422),
    (TooLongError, 422),
    (BusyError, 429),
    (OvertimeError, 504),
    (FinetuneError, 500),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What stands in for what a chat request leaves out."""

    system: str = ""
    max_tokens: int = 1_024
    temperature: float = 0.6
    top_p: float = 0.95


class GoneError(Exception):
    """The client closed the connection."""


def build_app(
    engine: Engine,
    *,
    defaults: Defaults | None = None,
    queue: int = QUEUE,
    timeout_s: float = TIMEOUT_S,
) -> FastAPI:
    """Return the app. `queue` requests may wait, each at most `timeout_s` for its whole reply."""
    desk = RequestQueue(engine, queue=queue, timeout_s=timeout_s)
    metrics = Metrics(lambda: desk.present)
    doors = _Doors(engine, desk, metrics, defaults or Defaults())
    app = FastAPI(title=engine.name, docs_url=None, redoc_url=None)
    app.add_api_route("/predict", doors.predict, methods=["POST"], response_model=PredictReply)
    app.add_api_route("/v1/chat/completions", doors.chat, methods=["POST"], response_model=None)
    app.add_api_route("/v1/models", doors.models)
    app.add_api_route("/healthz", doors.health)
    app.add_api_route("/metrics", doors.figures, response_model=None)
    app.add_exception_handler(FinetuneError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(GoneError, _nobody)
    paths = {"/predict", "/v1/chat/completions", "/v1/models", "/healthz", "/metrics"}
    app.add_middleware(Measured, metrics=metrics, paths=paths)
    return app


class _Doors:
    """The routes, with what they share."""

    def __init__(
        self, engine: Engine, desk: RequestQueue, metrics: Metrics, defaults: Defaults
    ) -> None:
        self._engine = engine
        self._desk = desk
        self._metrics = metrics
        self._defaults = defaults

    async def predict(self, body: PredictBody, request: Request) -> PredictReply:
        """Return the answer to one text, without its thinking, at most `max_length` tokens long."""
        asked = body.asked(system=self._defaults.system, thinks=self._engine.thinks)
        spoken = await _unless_gone(request, self._spoken(asked, longest=body.max_length))
        return PredictReply(result=spoken.splitter.answer)

    async def chat(self, body: ChatBody, request: Request) -> Response:
        """Answer a conversation as OpenAI's API does; thinking comes as `reasoning_content`."""
        if body.model and body.model != self._engine.name:
            return _error(404, Message("no model {model}", model=body.model), request)
        given = self._defaults
        asked = body.asked(
            system=given.system,
            max_tokens=given.max_tokens,
            temperature=given.temperature,
            top_p=given.top_p,
        )
        if not body.stream:
            spoken = await _unless_gone(request, self._spoken(asked))
            return JSONResponse(self._whole(spoken))
        replies = self._desk.reply(asked)
        first = await _unless_gone(request, anext(replies))  # what is refused is no stream yet
        usage = body.stream_options.include_usage
        frames = self._frames(first, replies, asked, usage=usage, language=_language(request))
        return StreamingResponse(frames, media_type="text/event-stream")

    async def models(self) -> dict[str, Any]:
        """List the one model."""
        return {"object": "list", "data": [{"id": self._engine.name, "object": "model"}]}

    async def health(self) -> dict[str, str]:
        """Say that requests are taken."""
        return {"status": "ok", "model": self._engine.name}

    async def figures(self) -> Response:
        """Return the figures in Prometheus' text format."""
        text = prometheus_client.generate_latest(self._metrics.registry)
        return Response(text, media_type=prometheus_client.CONTENT_TYPE_LATEST)

    async def _spoken(self, asked: Asked, *, longest: int = 0) -> "_Spoken":
        """Return a whole reply, its answer no longer than `longest` tokens (0: any)."""
        splitter = self._splitter(asked)
        answered = read = 0
        ended = Ended(reason="length", prompt_tokens=0, reply_tokens=0)
        async with aclosing(self._desk.reply(asked)) as replies:
            async for piece in replies:
                if isinstance(piece, Ended):
                    ended = piece
                    break
                splitter.feed(piece)
                read += 1
                answered += bool(splitter.answer)
                if longest and answered >= longest:
                    ended = Ended(reason="length", prompt_tokens=0, reply_tokens=read)
                    break
        splitter.close(cut_short=ended.reason == "length")
        self._metrics.reply(ended)
        return _Spoken(splitter=splitter, ended=ended)

    def _splitter(self, asked: Asked) -> ThinkSplitter:
        return ThinkSplitter(starts_thinking=self._engine.thinks and asked.think)

    def _head(self, kind: str) -> dict[str, Any]:
        number = f"chatcmpl-{uuid.uuid4().hex}"
        return {
            "id": number,
            "object": kind,
            "created": int(time.time()),
            "model": self._engine.name,
        }

    def _whole(self, spoken: "_Spoken") -> dict[str, Any]:
        thought = spoken.splitter.reasoning
        message = {
            "role": "assistant",
            "content": spoken.splitter.answer,
            **({"reasoning_content": thought} if thought else {}),
        }
        choice = {"index": 0, "message": message, "finish_reason": finish_of(spoken.ended)}
        usage = {"usage": usage_of(spoken.ended)}
        return {**self._head("chat.completion"), "choices": [choice], **usage}

    async def _frames(
        self,
        first: str | Ended,
        replies: AsyncGenerator[str | Ended, None],
        asked: Asked,
        *,
        usage: bool,
        language: Language,
    ) -> AsyncGenerator[str, None]:
        """Yield the stream's events. Once begun, an error can only be an event of its own."""
        head = self._head("chat.completion.chunk")
        splitter = self._splitter(asked)
        piece = first
        yield _event(head, {"role": "assistant", "content": ""})
        async with aclosing(replies):
            try:
                while not isinstance(piece, Ended):
                    for delta in splitter.feed(piece):
                        yield _event(head, _delta(delta))
                    piece = await anext(replies)
            except FinetuneError as error:
                yield f"data: {json.dumps(error_body(error.localize(language), 'server_error'))}\n\n"
                return
        for delta in splitter.close(cut_short=piece.reason == "length"):
            yield _event(head, _delta(delta))
        self._metrics.reply(piece)
        yield _event(head, {}, finish_of(piece))
        if usage:
            yield f"data: {json.dumps({**head, 'choices': [], 'usage': usage_of(piece)})}\n\n"
        yield DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spoken:
    """A whole reply."""

    splitter: ThinkSplitter
    ended: Ended


async def _unless_gone(request: Request, work: Any) -> Any:
    """Return what `work` returns, or give it up as soon as the client is gone.

    Raises:
        GoneError: it is.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(request.receive())  # the body is read: only the end is left
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise GoneError
    finally:
        for task in (working, leaving):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, FinetuneError):
                await task


def _delta(delta: Any) -> dict[str, str]:
    key = "reasoning_content" if isinstance(delta, ReasoningDelta) else "content"
    return {key: delta.text}


def _event(head: dict[str, Any], delta: dict[str, str], reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return f"data: {json.dumps({**head, 'choices': [choice]}, ensure_ascii=False)}\n\n"


def _language(request: Request) -> Language:
    return "zh" if request.headers.get("accept-language", "").startswith("zh") else "en"


def _error(status: int, told: Message, request: Request) -> JSONResponse:
    kind = "invalid_request_error" if status < 500 else "server_error"
    headers = {"Retry-After": str(RETRY_S)} if status == 429 else None
    return JSONResponse(error_body(told.localize(_language(request)), kind), status, headers)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, FinetuneError)
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    return _error(status, error.full_message, request)


async def _invalid(request: Request, error: Exception) -> Response:
    """Name the first thing that is wrong; FastAPI's own list repeats the whole input."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
    what = str(first["msg"]).removeprefix("Value error, ")
    return _error(422, Message("{name}: {what}", name=name, what=what), request)


async def _nobody(request: Request, error: Exception) -> Response:
    """Answer nobody; the number is nginx's for a client that left."""
    return Response(status_code=499)
