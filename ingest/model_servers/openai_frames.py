"""The frames of an OpenAI chat stream, in the dialects that servers have made of them.

https://platform.openai.com/docs/api-reference/chat-streaming is the format. Beside it, servers send
pings, comments, empty frames and errors of their own, leave out the reason of the end, or send the
whole reply as plain JSON although a stream was asked for.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ingest.foundation.streams import (
    MAX_LINE_BYTES,
    SSEDecoder,
    StreamFormatError,
    parse_json_object,
)
from ingest.model_servers.base import ChatPiece, ModelServerError
from ingest.model_servers.failures import parse_failure
from ingest.model_servers.wire_values import (
    as_wrong_protocol,
    count_field,
    mapping_field,
    text_field,
    thinking_field,
)

REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
"""llama.cpp, DeepSeek and older vLLM send the first; Ollama's /v1, newer vLLM and OpenRouter the
second; some gateways Ollama's own."""

END: Mapping[str, Any] = {}
"""Stands for "[DONE]"."""

Frame = Mapping[str, Any]


class ChatFrameDecoder:
    """Turns bytes into frames: of server-sent events, or of JSON where a server does not stream."""

    def __init__(self) -> None:
        self._events = SSEDecoder()
        self._json = bytearray()
        self._is_json: bool | None = None
        self.is_complete = False
        """Whether the server said that the reply is whole, by "[DONE]" or by plain JSON."""

    @property
    def ignored(self) -> str:
        """The head of what was no part of an event stream."""
        return self._events.ignored.strip()

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """Return the frames that `chunk` completes."""
        if self._is_json is None and (first := chunk.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]):
            # No field of an event stream begins with a brace.
            self._is_json = first == b"{"
        if not self._is_json:
            return (
                frame
                for event in self._events.feed(chunk)
                for frame in self._frames(event.data, event.type)
            )
        self._json += chunk
        if len(self._json) > MAX_LINE_BYTES:
            raise StreamFormatError(f"a reply of over {MAX_LINE_BYTES:,} bytes", bytes(self._json))
        return iter(())

    def flush(self) -> Iterator[Frame]:
        """Return the frames of plain JSON: one reply, or an object a line."""
        self._events.flush()
        if self._is_json:
            yield from self._frames(self._json.decode("utf-8-sig", errors="replace"), "message")
            self.is_complete = True

    def _frames(self, text: str, kind: str) -> Iterator[Frame]:
        text = text.strip()
        if text == "[DONE]":
            self.is_complete = True
            yield END
        elif kind == "error":  # LM Studio: the event's type says so, its data has no "error"
            raise parse_failure(text, 200)
        elif text and not text.startswith(":"):  # a comment in the wrong place: OpenRouter's
            yield from _parsed(text)


def _parsed(text: str) -> list[Frame]:
    """Return the JSON object, or one a line: some gateways put several frames into one event."""
    try:
        return [parse_json_object(text)]
    except StreamFormatError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise ModelServerError("wrong_protocol", text) from error
    return [frame for line in lines for frame in _parsed(line)]


class ChatReply:
    """Reads the frames of one reply."""

    def __init__(self) -> None:
        self._done_reason = ""
        self._prompt_tokens: int | None = None
        self._reply_tokens: int | None = None
        self._is_known = False
        self._has_text = False
        self._strange = ""

    def read(self, frame: Frame) -> ChatPiece:
        """Return what one frame adds, an empty piece for a ping.

        Raises:
            ModelServerError: it is an error, or of another protocol.
        """
        # SGLang, older vLLM and FastAPI send the message itself, flat. Others have "error": null in
        # each frame.
        message = frame.get("message")  # Anthropic's is the message that begins, an object
        is_flat = "choices" not in frame and (
            (message and not isinstance(message, Mapping)) or frame.get("detail")
        )
        if frame.get("error") or is_flat:
            raise parse_failure(json.dumps(frame), 200)
        if "choices" not in frame and "usage" not in frame:
            self._strange = self._strange or json.dumps(frame)
            return ChatPiece()
        self._is_known = True
        with as_wrong_protocol(frame):
            choices = frame.get("choices") or []
            if not isinstance(choices, list):
                raise TypeError("choices")
            choice: Mapping[str, Any] = next(iter(choices), {})
            # A reply that does not stream has a message; gateways send it in a stream, too, some
            # of them at the end of all that they sent in pieces.
            delta = mapping_field(choice, "delta")
            if not self._has_text:
                delta = delta or mapping_field(choice, "message")
            self._done_reason = text_field(choice, "finish_reason") or self._done_reason
            # In a frame of its own, without a choice, after the one with the reason.
            usage = mapping_field(frame, "usage")
            self._prompt_tokens = count_field(usage, "prompt_tokens") or self._prompt_tokens
            self._reply_tokens = count_field(usage, "completion_tokens") or self._reply_tokens
            thoughts = (text_field(delta, key) for key in REASONING_KEYS)
            thinking = next(filter(None, thoughts), "") or thinking_field(delta, "content")
            piece = ChatPiece(
                # `refusal` is OpenAI's: the model's own words instead of an answer.
                content=text_field(delta, "content")
                or text_field(delta, "refusal")
                or text_field(choice, "text"),
                thinking=thinking or text_field(delta, "reasoning_details"),  # OpenRouter's
            )
            self._has_text = self._has_text or bool(piece.content)
            return piece

    def end(self, *, is_complete: bool, ignored: str) -> ChatPiece:
        """Return the last piece.

        Args:
            is_complete: Whether the server said that the reply is whole.
            ignored: What came that was no part of the stream.

        Raises:
            ModelServerError: the reply broke off, or none came.
        """
        if not self._done_reason:
            if ignored.startswith("error:"):  # a field that older llama.cpp made up
                raise parse_failure(ignored.removeprefix("error:"), 200)
            if not self._is_known and (strange := self._strange or ignored):
                raise ModelServerError("wrong_protocol", strange)  # the page of a proxy
            if not (is_complete and self._is_known):
                raise ModelServerError("broken_stream")
        return ChatPiece(
            # "[DONE]" without a reason: the server never says why it ends.
            done_reason=self._done_reason or "stop",
            prompt_tokens=self._prompt_tokens,
            reply_tokens=self._reply_tokens,
        )
