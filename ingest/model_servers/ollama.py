"""An Ollama server, by its own API (https://docs.ollama.com/api).

Chat, vectors, lists and pulls go through httpx: every command lists the models, and importing the
`ollama` package takes 0.4 s; that package cannot send `truncate` and `shift`, and takes a download
that broke off for a finished one. What makes models (create) goes through the package.
"""

import hashlib
import json
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from ingest.foundation.server_urls import base_url, hide_userinfo, is_loopback, is_server_address
from ingest.foundation.streams import NDJSONDecoder
from ingest.model_servers.base import ChatPiece, ChatRequest, ModelServerError
from ingest.model_servers.connection import (
    BUSY_WAITS_S,
    ServerConnection,
    bearer_headers,
    build_timeout,
    map_transport_error,
)
from ingest.model_servers.failures import error_message, parse_failure
from ingest.model_servers.openai_frames import REASONING_KEYS
from ingest.model_servers.waiting import chat_when_ready
from ingest.model_servers.wire_values import (
    as_wrong_protocol,
    count_field,
    flag_field,
    join_surrogates,
    mapping_field,
    name_field,
    names_field,
    text_field,
)

if TYPE_CHECKING:
    from ollama import AsyncClient


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferProgress:
    """How far a model has come that is being pulled or created."""

    status: str
    """Ollama's word for the step; "success" ends a transfer that went well."""
    completed: int = 0
    """Bytes of the current layer."""
    total: int = 0
    """Bytes of the current layer, 0 if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDetails:
    """What a server knows of one of its models."""

    capabilities: tuple[str, ...] | None
    """Such as "thinking"; None: the server is too old to say."""
    context_tokens: int | None
    """What the model was trained for, if the file says so."""
    parameters_count: int | None
    """How many weights it has, if the file says so."""
    template: str
    parameters: str
    """One a line, as `stop    "<｜User｜>"`."""


UNKNOWN_DETAILS = ModelDetails(
    capabilities=None, context_tokens=None, parameters_count=None, template="", parameters=""
)
"""Details of a model whose server tells nothing about it."""


_CHAT_FIELDS = frozenset({"message", "response", "done", "done_reason", "error"})
"""Fields of a line of a reply, which has one of them at least."""


class OllamaClient:
    """One server, with whatever models it has."""

    def __init__(
        self, host: str, *, timeout_s: float, busy_waits_s: Sequence[float] = BUSY_WAITS_S
    ) -> None:
        """Take a URL or an OLLAMA_HOST. `timeout_s` bounds each silence.

        Raises:
            SettingsError: $OLLAMA_API_KEY cannot be sent as it stands.
        """
        # What cannot be called is left as it is: the first request says so.
        self.url = base_url(host) if is_server_address(host) else hide_userinfo(host.strip())
        # People paste the address of OpenAI's API on the same server, or that of an endpoint.
        self.url = re.sub(r"(?<=[^/])/(?:v1|api(?:/(?:chat|tags|generate))?)$", "", self.url)
        # A name and a password in it go to the server and into no message.
        userinfo = re.match(r"\s*(?:https?://)?([^/?#\s]*@)", host)
        address = self.url.replace("://", f"://{userinfo[1]}", 1) if userinfo else self.url
        self._timeout_s = timeout_s
        self._busy_waits_s = busy_waits_s
        # As Ollama's own clients do, for servers behind a proxy that wants it.
        self._headers = bearer_headers(
            os.environ.get("OLLAMA_API_KEY", ""), source="$OLLAMA_API_KEY"
        )
        self._server = ServerConnection(
            address,
            timeout_s=timeout_s,
            headers=self._headers,
            busy_waits_s=busy_waits_s,
        )

    async def close(self) -> None:
        """Give back connections. The next request opens new ones."""
        await self._server.close()

    async def version(self) -> str:
        """Return the server's version, such as "0.33.0"; "0.0.0" is one that a developer built."""
        version = (await self._server.request("GET", "/api/version")).get("version")
        if not isinstance(version, str):
            raise ModelServerError("wrong_protocol", str(version))
        return version

    async def models(self) -> dict[str, str]:
        """Return the pulled models' names, tags with them, and the digests of their weights."""
        body = await self._server.request("GET", "/api/tags")
        with as_wrong_protocol(body):
            listed: Any = body["models"] or []  # null: Go's word for an empty list
            if not isinstance(listed, list):
                raise TypeError("models")
            named = ((name_field(model, "name", "model"), model) for model in listed)
            return {
                name: name_field(model, "digest") if isinstance(model, Mapping) else ""
                for name, model in named
                if name
            }

    async def show(self, model: str) -> ModelDetails:
        """Return what the server knows of a model."""
        shown = await self._server.request("POST", "/api/show", {"model": model})
        # Details help, and are no condition: one of another type counts as not said.
        info = shown.get("model_info")
        info = info if isinstance(info, Mapping) else {}
        # Such as "qwen2.context_length". A part for pictures has one of its own.
        own = f"{name_field(info, 'general.architecture')}.context_length"
        keys = sorted((key for key in info if key.endswith(".context_length")), key=own.__ne__)
        return ModelDetails(
            capabilities=names_field(shown, "capabilities"),
            context_tokens=next(filter(None, (count_field(info, key) for key in keys)), None),
            parameters_count=count_field(info, "general.parameter_count"),
            template=name_field(shown, "template"),
            parameters=name_field(shown, "parameters"),
        )

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatPiece, None]:
        """Yield the reply as it comes, to its end, or raise `ModelServerError`."""
        pieces = chat_when_ready(
            lambda: self._chat(request),
            busy_waits_s=self._busy_waits_s,
            timeout_s=self._timeout_s,
        )
        async with aclosing(join_surrogates(pieces)) as joined:
            async for piece in joined:
                yield piece

    async def _chat(self, request: ChatRequest) -> AsyncGenerator[ChatPiece, None]:
        begun = False
        strange = ""
        lines = self._server.stream("/api/chat", chat_body(request), NDJSONDecoder())
        try:
            async with aclosing(lines):
                async for line in lines:
                    if not _CHAT_FIELDS.intersection(line):  # a ping, or another protocol
                        strange = strange or (json.dumps(line) if line else "")
                        continue
                    piece = parse_chat_line(line)
                    # The model was loaded and the question not heard: a runner that was evicted
                    # between the two answers so (oh-my-pi#7465).
                    if piece.done_reason == "load" and request.messages and not begun:
                        raise ModelServerError("busy", "the model was loading")
                    begun = True
                    yield piece
                    if piece.done_reason:
                        return
        except ModelServerError as error:
            # A line that was cut is no other protocol: lines of this one came before it.
            if begun and error.kind == "wrong_protocol":
                raise ModelServerError("broken_stream", error.detail) from error
            raise
        if strange and not begun:
            raise ModelServerError("wrong_protocol", strange)
        raise ModelServerError("broken_stream")

    async def render_prompt(self, request: ChatRequest) -> str | None:
        """Return the prompt that the model would be given, None if this server does not tell.

        A server that does not know the field answers instead; with one token, that costs little.
        """
        body = chat_body(request) | {"stream": False, "_debug_render_only": True}
        debug = (await self._server.request("POST", "/api/chat", body)).get("_debug_info") or {}
        with as_wrong_protocol(debug):
            return text_field(debug, "rendered_template") if "rendered_template" in debug else None

    async def embed(self, model: str, texts: Sequence[str]) -> object:
        """Return the vectors as the server sends them: one list of floats for each text, one hopes.

        A text that is longer than the model reads is an error ("too_long"), not cut.
        """
        body = {"model": model, "input": list(texts), "truncate": False}
        return (await self._server.request("POST", "/api/embed", body)).get("embeddings")

    async def pull(self, model: str) -> AsyncGenerator[TransferProgress, None]:
        """Download a model; yield the progress of its layers, or raise `ModelServerError`.

        "broken_stream" is a download that ended, or fell silent, without its "success".
        """
        lines = self._server.stream("/api/pull", {"model": model, "stream": True}, NDJSONDecoder())
        status = ""
        async with aclosing(lines):
            async for line in lines:
                if line.get("error"):
                    raise ModelServerError("failed", error_message(json.dumps(line)), status=200)
                status = name_field(line, "status")
                total = count_field(line, "total") or 0
                completed = count_field(line, "completed") or 0
                if total:  # a layer that was begun anew counts what it loads twice
                    completed = min(completed, total)
                if status or total:
                    yield TransferProgress(status=status, completed=completed, total=total)
        if status != "success":
            raise ModelServerError("broken_stream")

    async def upload(self, path: Path) -> str:
        """Bring a file to the server, unless it is there, and return the digest to create with."""
        with path.open("rb") as file:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        try:
            # Asked first: Ollama closes the connection on the second upload of a file.
            async with self._server.send("HEAD", f"/api/blobs/{digest}"):
                return digest
        except ModelServerError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
        async with self._server.send("POST", f"/api/blobs/{digest}", file=path):
            return digest

    async def create(
        self, model: str, **description: Any
    ) -> AsyncGenerator[TransferProgress, None]:
        """Make a model of uploaded files; yield progress, or raise `ModelServerError`.

        `description` is as /api/create takes it: `files` (name -> digest), `template`,
        `parameters`, `system`, `license`, `quantize`.
        """
        async with self._library() as library:
            steps: Any = await library.create(model, stream=True, **description)
            async with aclosing(steps):
                async for step in steps:
                    yield TransferProgress(
                        status=step.status or "",
                        completed=step.completed or 0,
                        total=step.total or 0,
                    )

    @asynccontextmanager
    async def _library(self) -> "AsyncIterator[AsyncClient]":
        """Yield the package's client; what it raises inside the block is mapped."""
        from ollama import AsyncClient, ResponseError

        async with AsyncClient(
            host=self.url,
            timeout=build_timeout(self._timeout_s),
            trust_env=not is_loopback(self.url),
            # Given, because the package would take the key from the environment as it stands.
            headers=self._headers,
        ) as library:
            try:
                yield library
            except ConnectionError as error:  # the package's word for httpx.ConnectError
                raise ModelServerError("unreachable", str(error)) from error
            except ResponseError as error:
                # The package's -1 is an error inside a reply that had begun.
                status = error.status_code if error.status_code > 0 else httpx.codes.OK
                detail = error_message(error.error)
                raise ModelServerError("failed", detail, status=status) from error
            except httpx.HTTPError as error:
                raise map_transport_error(error, answered=True) from error
            # Not JSON, JSON of another kind, "[[[[[…": the package lets all of them through.
            except (ValueError, AttributeError, TypeError, RecursionError) as error:
                raise ModelServerError("wrong_protocol", str(error)) from error


def chat_body(request: ChatRequest) -> dict[str, Any]:
    """Return a request as /api/chat takes it."""
    options = {
        "num_ctx": request.context_tokens,
        "temperature": request.temperature,
        "num_predict": request.reply_tokens,
        "seed": request.seed,
    }
    body = {
        "model": request.model,
        "messages": list(request.messages),
        "stream": True,
        # Else a prompt that is too long loses its middle, and a long reply its beginning, unsaid.
        "truncate": False,
        "shift": False,
        "think": request.think,
        "format": request.schema,
        "keep_alive": request.keep_alive,
        "options": {key: value for key, value in options.items() if value is not None},
    }
    return {key: value for key, value in body.items() if value is not None}


def parse_chat_line(line: Mapping[str, Any]) -> ChatPiece:
    """Return one line of a reply, streamed or whole, or raise the error that it carries."""
    if line.get("error"):  # the status was 200 long before it went wrong
        raise parse_failure(json.dumps(line), httpx.codes.OK)
    with as_wrong_protocol(line):
        value = line.get("message")
        message = {"content": value} if isinstance(value, str) else mapping_field(line, "message")
        reason = name_field(line, "done_reason")
        is_done = flag_field(line, "done") or (bool(reason) and "done" not in line)
        thoughts = (text_field(message, key) for key in REASONING_KEYS)
        return ChatPiece(
            # `response` is that of /api/generate, which gateways mix up with this.
            content=text_field(message, "content") or text_field(line, "response"),
            thinking=next(filter(None, thoughts), ""),
            done_reason=(reason or "stop") if is_done else "",
            prompt_tokens=count_field(line, "prompt_eval_count"),
            reply_tokens=count_field(line, "eval_count"),
        )


def with_tag(model: str) -> str:
    """Return the model's name as Ollama lists it: a missing tag is "latest"."""
    # A colon before the last slash is a registry's port.
    return model if ":" in model.rsplit("/", 1)[-1] else f"{model}:latest"
