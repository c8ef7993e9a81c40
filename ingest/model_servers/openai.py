"""Any server with OpenAI's chat completions: llama.cpp, vLLM, SGLang, our own `serve`.

https://platform.openai.com/docs/api-reference/chat-streaming; where servers differ from it and from
each other, a comment says which one does.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ingest.foundation.streams import SSEDecoder, StreamFormatError, parse_json_object
from ingest.model_servers.base import ChatPiece, ChatRequest, ModelServerError
from ingest.model_servers.connection import (
    BUSY_WAITS_S,
    ServerConnection,
    as_wrong_protocol,
    bearer_headers,
    count_field,
    parse_failure,
    text_field,
)

CAUSE_TIMEOUT_S = 10.0
"""For the second request that finds out why a reply broke off before its first word."""

REASONING_KEYS = ("reasoning_content", "reasoning")
"""llama.cpp, DeepSeek and older vLLM send the first; Ollama's /v1, newer vLLM and OpenRouter the
second."""

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
            SettingsError: the key, which stands in the setting `key_source`, cannot be sent.
        """
        self.url = url.strip().rstrip("/")
        self._headers = bearer_headers(api_key, source=key_source)
        self._server = ServerConnection(
            self.url, timeout_s=timeout_s, headers=self._headers, busy_waits_s=busy_waits_s
        )
        self._takes_options = True

    async def close(self) -> None:
        """Give back connections. The next request opens new ones."""
        await self._server.close()

    async def models(self) -> list[str]:
        """Return the names of the server's models, its first one first."""
        listed: Any = (await self._server.request("GET", "/models")).get("data")
        with as_wrong_protocol(listed):
            return [str(model["id"]) for model in listed]

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatPiece, None]:
        """Yield the reply as it comes, to its end, or raise `ModelServerError`."""
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
            if error.kind != "failed" or error.status not in (400, 422) or not self._takes_options:
                raise
            # Older and stricter servers refuse a body with fields that they do not know.
            self._takes_options = False
        async with aclosing(self.chat(request)) as pieces:
            async for piece in pieces:
                yield piece

    async def _stream(self, body: Mapping[str, Any]) -> AsyncGenerator[ChatPiece, None]:
        done_reason = ""
        prompt_tokens = reply_tokens = None
        decoder = SSEDecoder()
        async with aclosing(self._server.stream(_CHAT_PATH, body, decoder)) as events:
            async for event in events:
                if event.data.strip() == "[DONE]":  # some servers keep the connection open after it
                    break
                frame = parse_frame(event.data)
                with as_wrong_protocol(frame):
                    choice: Mapping[str, Any] = next(iter(frame["choices"] or ()), {})
                    delta = choice.get("delta") or {}
                    thoughts = [text_field(delta, key) for key in REASONING_KEYS]
                    piece = ChatPiece(
                        content=text_field(delta, "content"), thinking=thoughts[0] or thoughts[1]
                    )
                    done_reason = text_field(choice, "finish_reason") or done_reason
                    # In a frame of its own, without a choice, after the one with the reason.
                    usage: Mapping[str, Any] = frame.get("usage") or {}
                    prompt_tokens = count_field(usage, "prompt_tokens") or prompt_tokens
                    reply_tokens = count_field(usage, "completion_tokens") or reply_tokens
                yield piece
        if not done_reason:
            ignored = decoder.ignored.strip()
            if ignored.startswith("error:"):  # a field that older llama.cpp made up
                raise parse_failure(ignored.removeprefix("error:"), 200)
            if ignored:
                parse_frame(ignored)  # an error as plain JSON, the page of a proxy
            raise ModelServerError("broken_stream")
        yield ChatPiece(
            done_reason=done_reason,
            prompt_tokens=prompt_tokens,
            reply_tokens=reply_tokens,
        )

    def _chat_body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": request.model,
            "messages": list(request.messages),
            "stream": True,
            "temperature": request.temperature,
            "max_tokens": request.reply_tokens,
            "seed": request.seed,
        }
        if self._takes_options:
            body["stream_options"] = {"include_usage": True}
            if request.think is False:
                # The switch of Qwen's template, which vLLM, SGLang and llama.cpp pass through.
                body["chat_template_kwargs"] = {"enable_thinking": False}
        return {key: value for key, value in body.items() if value is not None}

    async def _find_cause(self, body: dict[str, Any], error: ModelServerError) -> ModelServerError:
        """Return why a reply broke off before its first word, `error` if that stays unknown.

        llama-cpp-python ends the stream when the prompt is too long, and names the reason only to
        the same request without streaming, on another connection.
        """
        whole = body | {"stream": False, "max_tokens": 1}
        whole.pop("stream_options", None)
        server = ServerConnection(
            self.url, timeout_s=CAUSE_TIMEOUT_S, headers=self._headers, busy_waits_s=()
        )
        try:
            await server.request("POST", _CHAT_PATH, whole)
        except ModelServerError as cause:
            return cause if cause.status else error
        finally:
            await server.close()
        return error


def parse_frame(text: str) -> dict[str, Any]:
    """Return one frame of a reply, which has `choices`, or raise what stands in its place."""
    try:
        frame = parse_json_object(text)
    except StreamFormatError as error:
        raise ModelServerError("wrong_protocol", text) from error
    if frame.get("error"):  # some servers have "error": null in each frame
        raise parse_failure(text, 200)
    if "choices" not in frame:
        raise ModelServerError("wrong_protocol", text)
    return frame
