"""Any server with OpenAI's chat completions: llama.cpp, vLLM, SGLang, our own `serve`.

https://platform.openai.com/docs/api-reference/chat-streaming; where servers differ from it and from
each other, a comment says which one does.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ingest.foundation.server_urls import hide_userinfo
from ingest.model_servers.base import ChatPiece, ChatRequest, ModelServerError
from ingest.model_servers.connection import BUSY_WAITS_S, ServerConnection, bearer_headers
from ingest.model_servers.openai_frames import END, ChatFrameDecoder, ChatReply
from ingest.model_servers.waiting import chat_when_ready
from ingest.model_servers.wire_values import as_wrong_protocol, join_surrogates

CAUSE_TIMEOUT_S = 10.0
"""For the second request that finds out why a reply broke off before its first word."""

OPTIONS = frozenset({"stream_options", "chat_template_kwargs"})
"""Fields that newer servers know; without them only counts and the thinking's switch are lost."""

REFUSABLE = OPTIONS | {"max_tokens", "temperature", "seed"}
"""Fields that some server or model refuses by name, and that a reply can do without."""

_CHAT_PATH = "/chat/completions"


class OpenAIClient:
    """One server, with whatever models it has."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        api_key: str = "",
        key_source: str = "api_key",
        busy_waits_s: Sequence[float] = BUSY_WAITS_S,
    ) -> None:
        """`url` ends in /v1 as a rule. `timeout_s` bounds each silence.

        Raises:
            SettingsError: the key, which is in the setting `key_source`, cannot be sent.
        """
        # A name and a password in it go to the server and into no message. Azure's addresses end in
        # a query, and people paste that of the very endpoint.
        address, mark, query = url.strip().partition("?")
        self._address = address.rstrip("/").removesuffix(_CHAT_PATH)
        self._query = mark + query
        self.url = hide_userinfo(self._address)
        self._headers = bearer_headers(api_key, source=key_source)
        if "api-version=" in query and api_key.strip():
            self._headers["api-key"] = api_key.strip()  # Azure's name for it
        self._server = ServerConnection(
            self._address, timeout_s=timeout_s, headers=self._headers, busy_waits_s=busy_waits_s
        )
        self._timeout_s = timeout_s
        self._busy_waits_s = busy_waits_s
        self._refused: set[str] = set()

    async def close(self) -> None:
        """Give back connections. The next request opens new ones."""
        await self._server.close()

    async def models(self) -> list[str]:
        """Return the names of the server's models, its first one first."""
        body = await self._server.request("GET", f"/models{self._query}")
        listed: Any = body.get("data")
        if listed is None:  # gateways in front of Ollama
            listed = body.get("models")
        with as_wrong_protocol(body):
            names = (model.get("id") or model.get("name") for model in filter(None, listed))
            return [name for name in names if isinstance(name, str)]

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
        """Yield the reply; a server that refuses fields is asked again without them."""
        while True:
            body = self._chat_body(request)
            begun = False
            try:
                async with aclosing(self._stream(body)) as pieces:
                    async for piece in pieces:
                        begun = begun or bool(piece.content or piece.thinking)
                        yield piece
                return
            except ModelServerError as error:
                if error.kind == "broken_stream" and not begun and not error.status:
                    raise await self._find_cause(body, error) from error
                # Each turn leaves out a field more, so the loop ends.
                if not self._leave_out_refused(body, error):
                    raise

    def _leave_out_refused(self, body: Mapping[str, Any], error: ModelServerError) -> bool:
        """Note which fields of `body` the server refuses; return whether there are any."""
        if error.kind != "failed" or error.status not in (400, 422):
            return False
        # Those named; where none is, those that older and stricter servers do not know. OpenAI's
        # reasoning models refuse `max_tokens` and any temperature but their own.
        named = {name for name in REFUSABLE if name in body and name in error.detail}
        refused = named or OPTIONS.intersection(body)
        self._refused |= refused
        return bool(refused)

    async def _stream(self, body: Mapping[str, Any]) -> AsyncGenerator[ChatPiece, None]:
        reply = ChatReply()
        frames = ChatFrameDecoder()
        async with aclosing(self._server.stream(_CHAT_PATH + self._query, body, frames)) as decoded:
            async for frame in decoded:
                if frame is END:  # some servers keep the connection open after it
                    break
                yield reply.read(frame)
        yield reply.end(is_complete=frames.is_complete, ignored=frames.ignored)

    def _chat_body(self, request: ChatRequest) -> dict[str, Any]:
        limit = "max_completion_tokens" if "max_tokens" in self._refused else "max_tokens"
        body: dict[str, Any] = {
            "model": request.model,
            "messages": list(request.messages),
            "stream": True,
            "temperature": request.temperature,
            limit: request.reply_tokens,
            "seed": request.seed,
            "stream_options": {"include_usage": True},
        }
        if request.think is False:
            # The switch of Qwen's template, which vLLM, SGLang and llama.cpp pass through.
            body["chat_template_kwargs"] = {"enable_thinking": False}
        return {
            key: value
            for key, value in body.items()
            if value is not None and key not in self._refused
        }

    async def _find_cause(self, body: dict[str, Any], error: ModelServerError) -> ModelServerError:
        """Return why a reply broke off before its first word, `error` if that stays unknown.

        llama-cpp-python ends the stream when the prompt is too long, and names the reason only to
        the same request without streaming, on another connection.
        """
        whole = body | {"stream": False, "max_tokens": 1}
        whole.pop("stream_options", None)
        server = ServerConnection(
            self._address, timeout_s=CAUSE_TIMEOUT_S, headers=self._headers, busy_waits_s=()
        )
        try:
            await server.request("POST", _CHAT_PATH + self._query, whole)
        except ModelServerError as cause:
            if cause.status:
                return cause
        finally:
            await server.close()
        return error
