"""What every adapter of a model server shares: the HTTP client, and what its failures mean."""

import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx

from assistant.errors import ModelError, ModelNotFoundError
from assistant.events import Notice
from ingest.foundation.messages import SILENCE, Language, Wording
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
    start: Wording
    """What to do when nothing answers."""
    fetch: Wording
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


def reasoning_leaked(language: Language) -> Notice:
    """All answer deltas before this notice were thinking; the answer begins after it."""
    text = Wording(
        "What was shown as the answer so far was the model's thinking.",
        "到此为止显示的内容是模型的思考过程，不是回答。",
    )
    return Notice(code="reasoning_leaked", text=text.to(language))


def unreachable(server: Server) -> ModelError:
    """No server answers at its address."""
    return ModelError(
        Wording(
            f"no model server answers at {server.url}",
            f"{server.url} 上没有模型服务",
        ),
        kind="unreachable",
        hint=server.start,
    )


def not_found(server: Server) -> ModelNotFoundError:
    """The server does not have the model."""
    return ModelNotFoundError(
        Wording(
            f'model "{server.model}" is not on {server.url}',
            f"{server.url} 上没有模型“{server.model}”",
        ),
        hint=server.fetch,
    )


def busy(server: Server) -> ModelError:
    """The server's queue is full, and stayed full."""
    return ModelError(
        Wording(
            f"the model server at {server.url} is busy",
            f"{server.url} 上的模型服务正忙",
        ),
        kind="busy",
        hint=Wording("ask again in a moment", "请稍后再问"),
    )


def too_long(server: Server, words: str) -> ModelError:
    """Prompt and reply do not fit the context; the server's words may hold both counts."""
    counts = _TOO_LONG_COUNTS.search(words)
    en, zh = "", ""
    if counts:
        asked, fit = counts["prompt"] or counts["asked"], counts["context"] or counts["most"]
        en = f" ({asked} tokens, {fit} fit)"
        zh = f"（{asked} 个词元，只容得下 {fit} 个）"
    return ModelError(
        Wording(
            f'the prompt is too long for model "{server.model}"{en}',
            f"提示超出了模型“{server.model}”的上下文长度{zh}",
        ),
        kind="too_long",
        hint=Wording(
            "ask a shorter question, take fewer passages (--top-k 3), or lower the model's "
            "context_tokens to what the server really has",
            "请缩短问题、减少段落（--top-k 3），或把 context_tokens 调低到服务器实际的大小",
        ),
    )


def no_thinking(server: Server) -> ModelError:
    """The model cannot think aloud, but was told to."""
    return ModelError(
        Wording(
            f'model "{server.model}" does not support thinking',
            f"模型“{server.model}”不支持思考过程",
        ),
        kind="no_thinking",
        hint=Wording(
            "leave the model's thinking setting out, then it is used where it exists",
            "请去掉模型的 thinking 设置，支持时会自动使用",
        ),
    )


def broken_stream(server: Server, detail: str = "") -> ModelError:
    """The reply ended without its end."""
    told = _brief(detail)
    return ModelError(
        Wording(
            f'model "{server.model}" stopped in mid-answer' + (f" ({told})" if told else ""),
            f"模型“{server.model}”在回答途中停止了" + (f"（{told}）" if told else ""),
        ),
        kind="broken_stream",
        hint=Wording(
            "ask again; if it happens again, the server may lack memory: try a smaller model or "
            "context, and read the server's log",
            "请再问一次；若再次发生，可能是服务器内存不足：请换更小的模型或上下文，并查看服务器日志",
        ),
    )


def silent(server: Server) -> ModelError:
    """No piece came within the time that we wait for each."""
    return ModelError(
        Wording(
            f'model "{server.model}" said nothing for {server.timeout_s:g} s',
            f"模型“{server.model}”已有 {server.timeout_s:g} 秒没有回应",
        ),
        kind="timeout",
        hint=Wording(
            "the machine may be too slow for it: try a smaller model, or raise the model's "
            "timeout_s",
            "机器可能太慢：请换更小的模型，或调高模型的 timeout_s",
        ),
    )


def failed(server: Server, detail: str) -> ModelError:
    """Anything else, in the server's own words."""
    told = _brief(detail)
    return ModelError(
        Wording(
            f'model "{server.model}" at {server.url} failed: {told}',
            f"{server.url} 上的模型“{server.model}”出错：{told}",
        ),
        kind="failed",
        hint=SILENCE,
    )


def not_a_model_server(server: Server, expected: str) -> ModelError:
    """Something answers, but it does not speak the protocol."""
    return ModelError(
        Wording(
            f"what answers at {server.url} does not speak {expected}",
            f"{server.url} 上的服务不是 {expected}",
        ),
        kind="failed",
        hint=Wording(
            "check the address, and that no proxy stands between: assistant doctor",
            "请检查地址，以及中间有没有代理：assistant doctor",
        ),
    )


def _brief(detail: str) -> str:
    return " ".join(detail.split())[:DETAIL_CHARACTERS]
