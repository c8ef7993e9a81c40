"""What the loopback server says: a useful fake answer, deterministic vectors, Ollama's shapes."""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ingest.text.language import language_of
from ingest.text.words import sentence_spans, words

DIMENSIONS = 64
ENGINE_BUSY = "server busy, please try again.  maximum pending requests exceeded"
ENGINE_KILLED = "llama-server process has terminated: signal: killed"
ENGINE_LOST = "an error was encountered while running the model: unexpected EOF"

Json = dict[str, Any]

ThinkingStyle = Literal["field", "lone_tag", "inline", "none"]
"""How thinking goes over the wire: own field, text up to a lone </think>, <think>…</think>, not."""

Failure = Literal[
    "missing",  # 404
    "busy",  # 503, queue full
    "throttled",  # 429 with a Retry-After header
    "too_long",  # 400 with JSON inside JSON
    "mute_too_long",  # the same, but a stream ends before its first word
    "unknown_field",  # 400, the server is strict
    "crashed",  # 500, the runner died
    "hang",  # no byte ever comes
    "stall",  # a few tokens, then silence
    "error_line",  # a few tokens, then a line {"error": …}
    "reset",  # a few tokens, then the connection breaks
    "no_done",  # the stream ends without its last line
    "not_json",  # a proxy's HTML
    "plain_404",  # a web server that is no Ollama
]


EmbedFault = Literal["nan", "oversized", "zeros", "empty", "no_row", "words", "digits", "longer"]
"""What a model makes of a text that it cannot embed: an error of the whole request (as NaN comes
out as JSON, or "larger than the max context size"), or a row that is no vector of its space."""

EMBED_ERRORS: dict[EmbedFault, str] = {
    "nan": "failed to encode response: json: unsupported value: NaN",
    "oversized": "input (5120 tokens) is too large to process. increase the physical batch size;"
    " input is larger than the max context size. skipping",
}


def faulty_row(fault: EmbedFault, vector: list[float]) -> Any:
    """Return what stands in place of `vector`."""
    rows: dict[EmbedFault, Any] = {
        "zeros": [0.0] * len(vector),
        "empty": [],
        "no_row": None,
        "words": ["not", "a", "number"],
        "digits": [str(x) for x in vector],
        "longer": [*vector, 0.0],
    }
    return rows[fault]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: Json


@dataclass(slots=True)
class Plan:
    """What the next requests to one path meet instead of an answer."""

    failure: Failure | None = None
    golden: str | None = None
    times: int | None = None


def quote_passages(messages: list[Json]) -> tuple[str, str]:
    """Answer as a careful small model would: the first sentence of each passage, cited."""
    prompt = messages[-1]["content"] if messages else ""
    chinese = language_of(prompt.strip().splitlines()[-1] if prompt.strip() else "") == "zh"
    found = [
        f"{note[: sentence_spans(note)[0][1]]}"
        for note in re.findall(r"^- (.*\S.*)$", prompt, re.M)
        if sentence_spans(note)
    ][:2]
    for number, lines in re.findall(r"^\[(\d+)\][^\n]*\n((?:(?!\[\d+\]).*\n?)*)", prompt, re.M):
        quoted = re.findall(r"^> ?([^#\s|].*)$", lines, re.M)
        text = " ".join(quoted).strip()
        spans = sentence_spans(text)
        if spans:
            found.append(f"{text[spans[0][0] : spans[0][1]]} [{number}]")
    if not found:
        nothing = "提供的网页没有答案。" if chinese else "The pages do not hold the answer."
        return ("没有可用的段落。" if chinese else "There is no passage to use."), nothing
    thought = f"{len(found)} 个段落可用。" if chinese else f"{len(found)} passages can be used."
    return thought, ("" if chinese else " ").join(found)


def embedding(text: str) -> list[float]:
    """Return a unit vector of the text's words: equal words, equal direction.

    Prefixes such as "search_query:" count for nothing, so a query and a document can meet.
    """
    vector = [0.0] * DIMENSIONS
    for word in words(re.sub(r"^search_\w+:", "", text)):
        digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
        vector[digest[0] % DIMENSIONS] += 1.0 if digest[1] % 2 else -1.0
    if not any(vector):
        vector[0] = 1.0
    length = math.sqrt(math.fsum(x * x for x in vector))
    return [x / length for x in vector]


def listed(name: str) -> Json:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {"name": name, "model": name, "digest": digest, "size": 1_117_322_599}


def pulled(name: str) -> list[Json]:
    """Return what a server says while it downloads a model."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    layer = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": 1000}
    loading = [{**layer, "completed": done} for done in (0, 250, 500, 750, 1000)]
    after = ["verifying sha256 digest", "writing manifest", "success"]
    return [{"status": "pulling manifest"}, *loading, *({"status": status} for status in after)]


def message(thinking: str, content: str) -> Json:
    return {
        "role": "assistant",
        "content": content,
        **({"thinking": thinking} if thinking else {}),
    }


def missing(path: str, name: str) -> Json:
    """Return what each half of the API says of a model that is not there."""
    if path.startswith("/v1/"):
        return {"error": {"message": f"model '{name}' not found", "type": "not_found_error"}}
    if path == "/api/embed":
        return {"error": f'model "{name}" not found, try pulling it first'}
    return {"error": f"model '{name}' not found"}


def choice(head: Json, delta: Json, reason: str | None) -> Json:
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def openai_too_long() -> Json:
    text = (
        "This model's maximum context length is 512 tokens. However, you requested 2706 tokens "
        "(2706 in the messages, None in the completion)."
    )
    return {"error": {"message": text, "code": "context_length_exceeded"}}


def too_long(path: str) -> Json:
    inner = {
        "code": 400,
        "message": "request (2006 tokens) exceeds the available context size (512 tokens)",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 2006,
        "n_ctx": 512,
    }
    return {"error": inner} if path.startswith("/v1/") else {"error": json.dumps({"error": inner})}


def in_style(thinking: str, text: str, *, style: ThinkingStyle, size: int) -> list[tuple[str, str]]:
    """Cut a reply into (thinking, content) deltas of `size` characters."""
    if thinking and style == "field":
        cut = [(piece, "") for piece in _cut(thinking, size)]
        return [*cut, *(("", piece) for piece in _cut("\n\n" + text, size))]
    if thinking and style != "none":
        opening = "<think>\n" if style == "inline" else ""
        text = f"{opening}{thinking}\n</think>\n\n{text}"
    return [("", piece) for piece in _cut(text, size)]


def _cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def until(frames: list[bytes], failure: Failure | None) -> Iterator[bytes]:
    """Yield all frames, or the few that come before the failure."""
    if failure in ("stall", "reset", "error_line"):
        yield from frames[:3]
    elif failure == "no_done":
        yield from [frame for frame in frames[:-1] if b'"usage"' not in frame][:5]
    else:
        yield from frames
