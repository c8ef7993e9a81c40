"""What the error bodies of model servers mean, however they are wrapped."""

import html
import json
import re
from collections.abc import Mapping, Sequence

import httpx

from ingest.foundation.streams import StreamFormatError, parse_json_object
from ingest.model_servers.base import FailureKind, ModelServerError

NESTING = 5
"""Errors inside errors that are unwrapped. Ollama around llama.cpp makes two."""

_TOO_LONG = re.compile(
    r"exceed_context_size|context_length_exceeded|exceeds? the (available |model's )?context"
    r"|maximum context length|context (window|size|length)",
    re.IGNORECASE,
)
# llama.cpp's words, OpenAI's and vLLM's, SGLang's. The first are JSON inside JSON on Ollama, hence
# \W.
_TOO_LONG_COUNTS = re.compile(
    r"n_prompt_tokens\W+(?P<prompt>\d+)\W+n_ctx\W+(?P<context>\d+)"
    r"|context length is (?P<most>\d+) tokens\. However, you requested (?P<asked>\d+)"
    r"|input \((?P<input>\d+) tokens\) is longer than the model's context length \((?P<fits>\d+)"
)
_NO_ENDPOINT = re.compile(
    r"unexpected endpoint|no such (route|endpoint)|cannot post", re.IGNORECASE
)
_NO_CREDIT = re.compile(
    r"insufficient_quota|insufficient (?:balance|credit|funds)|exceeded your current quota"
    r"|(?:out of|not enough) credits?|reached your [^.]{0,20}usage limit|余额不足|欠费",
    re.IGNORECASE,
)
_NO_MEMORY = re.compile(
    r"requires more (?:system|gpu|video)? ?memory|out of memory|insufficient memory"
    r"|(?:unable|failed) to allocate|cudaMalloc failed",
    re.IGNORECASE,
)
_NO_SUCH_MODEL = re.compile(r"\bmodel \W{0,3}[\w./:-]{1,120}\W{0,3} not found", re.IGNORECASE)
_KINDS_BY_STATUS: Mapping[int, FailureKind] = {
    401: "unauthorized",
    402: "no_credit",
    403: "unauthorized",
    405: "no_endpoint",
    429: "busy",
    502: "bad_gateway",
    503: "busy",
    504: "bad_gateway",
}
_KINDS_WITH_STATUS = ("failed", "no_endpoint", "unauthorized", "no_credit", "bad_gateway")
"""Kinds whose message says the status, too."""
_KINDS_BY_WORDS: Sequence[tuple[FailureKind, re.Pattern[str]]] = (
    ("too_long", _TOO_LONG),
    ("no_memory", _NO_MEMORY),
    ("not_found", _NO_SUCH_MODEL),
    ("no_thinking", re.compile("does not support thinking")),
)
_HTML_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_HTML = re.compile(r"\s*<(!doctype|html|head|body)", re.IGNORECASE)


def parse_failure(
    text: str, status: int, *, retry_after_s: float | None = None
) -> ModelServerError:
    """Return what a body means that is not the one wanted.

    Args:
        text: The body, or the part of a reply that holds `error`.
        status: Of the response: 200 if the error came inside a reply that had begun.
        retry_after_s: What its Retry-After header says.
    """
    detail = error_message(text)
    kind = _kind_of(text, detail, status)
    tokens = None
    if kind == "too_long" and (counts := _TOO_LONG_COUNTS.search(text)):
        prompt, context = (int(count) for count in counts.groups() if count is not None)
        # vLLM names the limit first.
        tokens = (context, prompt) if counts["most"] else (prompt, context)
    if kind in _KINDS_WITH_STATUS and status != httpx.codes.OK:
        detail = f"HTTP {status} {detail}"
    return ModelServerError(kind, detail, status=status, tokens=tokens, retry_after_s=retry_after_s)


def _kind_of(text: str, detail: str, status: int) -> FailureKind:
    """Return what `text`, of which `detail` is the message, means with this status."""
    if _NO_CREDIT.search(text):  # with status 429, too, where waiting helps nothing
        return "no_credit"
    if status in _KINDS_BY_STATUS:
        return _KINDS_BY_STATUS[status]
    # LM Studio says so with status 200; who redirects has moved, or wants people to log in.
    if _NO_ENDPOINT.search(detail) or httpx.codes.is_redirect(status):
        return "no_endpoint"
    if status == httpx.codes.NOT_FOUND:
        # Else it is another kind of server, or one whose paths begin with /v1.
        return "not_found" if "model" in text.lower() else "no_endpoint"
    if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        return "too_long"
    for kind, words in _KINDS_BY_WORDS:
        if words.search(text):
            return kind
    # "llama runner process has terminated"
    return "broken_stream" if status == httpx.codes.OK or "terminated" in text else "failed"


def error_message(text: str) -> str:
    """Return the message of an error body, whichever way it is wrapped.

    Seen are plain text, `{"error": "…"}`, `{"error": {"message": "…"}}`, FastAPI's `{"detail": …}`,
    vLLM's `{"message": …}`, Ollama's JSON of llama.cpp inside the string of its own, and the page
    of a proxy, of which the title is enough.
    """
    for _ in range(NESTING):
        try:
            body = parse_json_object(text)
        except StreamFormatError:
            break
        error = body.get("error") or body.get("detail") or body.get("message") or text
        if isinstance(error, dict):
            error = error.get("message") or error
        inner = error if isinstance(error, str) else json.dumps(error)
        if inner == text:
            break
        text = inner
    if _HTML.match(text):
        title = _HTML_TITLE.search(text)
        return html.unescape(title[1]).strip() if title else "an HTML page"
    return text
