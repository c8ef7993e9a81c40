"""What every adapter of a model server shares: the HTTP client, and what its failures mean."""

import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx

from assistant.errors import ModelError, ModelNotFoundError
from assistant.events import Notice
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.foundation.server_urls import is_loopback

CONNECT_TIMEOUT_S = 5.0
"""A server on this machine or in this house answers the knock at once, however busy it is."""

DETAIL_CHARACTERS = 200
"""Of a server's own words, in our message."""

_TOO_LONG = re.compile(
    r"exceed_context_size|context_length_exceeded|exceeds? the (available |model's )?context"
    r"|maximum context length|context (window|size|length)",
    re.IGNORECASE,
)
_TOO_LONG_COUNTS = re.compile(
    r"n_prompt_tokens\W+(?P<prompt>\d+)\W+n_ctx\W+(?P<context>\d+)"
    r"|context length is (?P<most>\d+) tokens\. However, you requested (?P<asked>\d+)"
)
"""llama.cpp's words, and OpenAI's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Which model we talk to, for the messages."""

    url: str
    model: str
    timeout_s: float
    start: Message
    """What to do when nothing answers."""
    fetch: Message
    """What to do when the model is missing."""


def http_client(
    url: str, *, timeout_s: float, headers: dict[str, str] | None = None
) -> httpx.AsyncClient:
    """Return a client that waits `timeout_s` seconds for each next piece, not for the whole.

    The environment's proxies are honoured, but never for a server on this machine.
    """
    return httpx.AsyncClient(
        base_url=url,
        headers=headers,
        timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
        trust_env=not is_loopback(url),
        verify=url.startswith("https:"),  # 60 ms of CPU, for nothing where there is no TLS
    )


async def lines(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield the body's lines as they come, without blank ones.

    httpx's own `aiter_lines` also cuts at U+0085 and U+2028, which may stand inside JSON text.
    """
    rest = b""
    async for piece in response.aiter_bytes():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if line.strip():
                yield line.strip()
    if rest.strip():
        yield rest.strip()


def parsed(text: bytes | str) -> dict[str, Any] | None:
    """Return the JSON object, None if it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def transport_failure(error: httpx.HTTPError, server: Server, *, started: bool) -> ModelError:
    """Return what a failure below HTTP's answers means. `started`: the reply had begun."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        return unreachable(server)
    if isinstance(error, httpx.TimeoutException):
        return silent(server)
    if started:
        return broken_stream(server)
    return failed(server, f"{type(error).__name__} {error}")


def refusal(status: int, text: str, server: Server) -> ModelError:
    """Return what an answer other than 200 means."""
    words = error_text(text)
    if status == 503 or status == 429:
        return busy(server)
    if status == 404 and "model" in words:
        return not_found(server)
    if _TOO_LONG.search(words):
        return too_long(server, words)
    if "does not support thinking" in words:
        return no_thinking(server)
    if "terminated" in words:
        return broken_stream(server, words)
    return failed(server, f"HTTP {status} {words}")


def interruption(text: str, server: Server) -> ModelError:
    """Return what an error inside a reply means that had begun with 200."""
    words = error_text(text)
    return too_long(server, words) if _TOO_LONG.search(words) else broken_stream(server, words)


def error_text(text: str) -> str:
    """Return the error of a body, whichever way it is wrapped: plain, JSON, JSON inside JSON."""
    body = parsed(text)
    if body is None:
        return text
    error = body.get("error", body.get("detail", text))
    if isinstance(error, str):
        return error_text(error) if error.startswith("{") else error
    return json.dumps(error)


REASONING_LEAKED = Notice(
    code="reasoning_leaked",
    text=Message("What was shown as the answer so far was the model's thinking."),
)
"""All answer deltas before this notice were thinking; the answer begins after it."""


def unreachable(server: Server) -> ModelError:
    """No server answers at its address."""
    return ModelError(
        Message("no model server answers at {url}", url=server.url),
        kind="unreachable",
        hint=server.start,
    )


def not_found(server: Server) -> ModelNotFoundError:
    """The server does not have the model."""
    return ModelNotFoundError(
        Message('model "{model}" is not on {url}', model=server.model, url=server.url),
        hint=server.fetch,
    )


def busy(server: Server) -> ModelError:
    """The server's queue is full, and stayed full."""
    return ModelError(
        Message("the model server at {url} is busy", url=server.url),
        kind="busy",
        hint=Message("ask again in a moment"),
    )


def too_long(server: Server, words: str) -> ModelError:
    """Prompt and reply do not fit the context; the server's words may hold both counts."""
    counts = _TOO_LONG_COUNTS.search(words)
    figures = NO_MESSAGE
    if counts:
        asked, fit = counts["prompt"] or counts["asked"], counts["context"] or counts["most"]
        figures = Message(" ({asked} tokens, {fit} fit)", asked=asked, fit=fit)
    return ModelError(
        Message(
            'the prompt is too long for model "{model}"{figures}',
            model=server.model,
            figures=figures,
        ),
        kind="too_long",
        hint=Message(
            "ask a shorter question, take fewer passages (--top-k 3), or lower the model's "
            "context_tokens to what the server really has"
        ),
    )


def no_thinking(server: Server) -> ModelError:
    """The model cannot think aloud, but was told to."""
    return ModelError(
        Message('model "{model}" does not support thinking', model=server.model),
        kind="no_thinking",
        hint=Message("leave the model's thinking setting out, then it is used where it exists"),
    )


def broken_stream(server: Server, detail: str = "") -> ModelError:
    """The reply ended without its end."""
    told = _brief(detail)
    return ModelError(
        Message(
            'model "{model}" stopped in mid-answer{why}',
            model=server.model,
            why=Message(" ({detail})", detail=told) if told else NO_MESSAGE,
        ),
        kind="broken_stream",
        hint=Message(
            "ask again; if it happens again, the server may lack memory: try a smaller model "
            "or context, and read the server's log"
        ),
    )


def silent(server: Server) -> ModelError:
    """No piece came within the time that we wait for each."""
    return ModelError(
        Message(
            'model "{model}" said nothing for {timeout_s:g} s',
            model=server.model,
            timeout_s=server.timeout_s,
        ),
        kind="timeout",
        hint=Message(
            "the machine may be too slow for it: try a smaller model, or raise the model's "
            "timeout_s"
        ),
    )


def failed(server: Server, detail: str) -> ModelError:
    """Anything else, in the server's own words."""
    told = _brief(detail)
    return ModelError(
        Message(
            'model "{model}" at {url} failed: {told}', model=server.model, url=server.url, told=told
        ),
        kind="failed",
        hint=NO_MESSAGE,
    )


def not_a_model_server(server: Server, expected: str) -> ModelError:
    """Something answers, but it does not speak the protocol."""
    return ModelError(
        Message(
            "what answers at {url} does not speak {expected}", url=server.url, expected=expected
        ),
        kind="failed",
        hint=Message("check the address, and that no proxy stands between: assistant doctor"),
    )


def _brief(detail: str) -> str:
    return " ".join(detail.split())[:DETAIL_CHARACTERS]
