"""A loopback server that speaks Ollama's API on the wire, and its OpenAI-compatible half.

    with OllamaServer(models=["deepseek-r1:1.5b"]) as server:
        server.answer = "Drones need lights at night [1]."
        ... server.url ...

    python -m tests.engines.ollama_server --port 0     # prints its URL and serves until Ctrl-C

It answers with scripted text, replays recorded bodies byte for byte, and fails on demand. Shapes
and error texts follow a true Ollama 0.33 (recordings in tests/data/ollama-golden).
"""

import argparse
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ingest.text.words import words
from tests.engines.replies import (
    EMBED_ERRORS,
    ENGINE_BUSY,
    ENGINE_KILLED,
    ENGINE_LOST,
    EmbedFault,
    Failure,
    Json,
    Plan,
    Request,
    ThinkingStyle,
    choice,
    embedding,
    faulty_row,
    in_style,
    listed,
    message,
    missing,
    openai_too_long,
    pulled,
    quote_passages,
    too_long,
    until,
)
from tests.engines.wire_handler import QuietServer, WireHandler

GOLDEN = Path(__file__).parent.parent / "data" / "ollama-golden"
CREATED = "2026-11-21T00:00:00.000000000Z"

Answer = str | Callable[[list[Json]], tuple[str, str]]
"""The text of the reply, or a function of the messages that returns (thinking, text)."""


PROXY_REFUSED = (
    'pull model manifest: Get "https://registry.test/v2/library/offline/manifests/latest": '
    "proxyconnect tcp: dial tcp 127.0.0.1:9: connect: connection refused"
)


@dataclass(kw_only=True)
class OllamaServer:
    """Runs in a thread on an ephemeral loopback port between `with` and its end."""

    models: list[str] = field(default_factory=lambda: ["deepseek-r1:1.5b"])
    embedders: list[str] = field(default_factory=lambda: ["nomic-embed-text:latest"])
    embed_faults: dict[str, EmbedFault] = field(default_factory=dict)
    """What embedding meets where a text holds this marker; "" is in every text."""
    retry_after: str = "1"
    """The header of a request that is "throttled"."""
    answer: Answer | None = None
    """None: quote the first sentence of each passage in the prompt."""
    thought: str = "Let me read the passages."
    """The thinking that goes with a text in `answer`, if the model thinks."""
    thinking: ThinkingStyle = "field"
    capable: bool = True
    """Whether /api/show lists "thinking" for the chat models."""
    delay_s: float = 0.0
    """Before each token."""
    piece: int = 4
    """Characters in each token."""
    done_reason: str = "stop"
    prompt_tokens: int | None = None
    """What `prompt_eval_count` says; None: one per word."""
    raw_json: bool = False
    """Write U+2028 and its like as they are, as llama.cpp does."""
    reasoning_key: str = "reasoning"
    """The field of /v1 that carries thinking."""
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set when a client closes the connection in mid-stream."""
    closing: threading.Event = field(default_factory=threading.Event)
    _plans: dict[str, Plan] = field(default_factory=dict)
    _server: QuietServer | None = None

    @property
    def handler(self) -> "type[Handler]":
        """What answers the requests."""
        return Handler

    @property
    def url(self) -> str:
        assert self._server is not None, "use it as a context manager"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        handler = type("Bound", (self.handler,), {"fake": self})
        self._server = QuietServer(("127.0.0.1", self.port), handler)
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._server is not None
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def fail(self, failure: Failure, *, path: str = "/api/chat", times: int | None = None) -> None:
        """Let the next `times` requests to `path` fail (None: all)."""
        self._plans[path] = Plan(failure=failure, times=times)

    def replay(self, golden: str, *, path: str = "/api/chat", times: int | None = None) -> None:
        """Answer `path` with a recorded body, byte for byte."""
        self._plans[path] = Plan(golden=golden, times=times)

    def heal(self, path: str = "/api/chat") -> None:
        """Answer `path` as usual again."""
        self._plans.pop(path, None)

    def asked(self, path: str) -> list[Json]:
        """Return the bodies of the requests to `path`, oldest first."""
        return [request.body for request in self.requests if request.path == path]

    def plan(self, path: str) -> Plan:
        """Return what this request to `path` meets, and count it."""
        plan = self._plans.get(path)
        if plan is None or plan.times == 0:
            return Plan()
        if plan.times is not None:
            plan.times -= 1
        return plan

    def has(self, model: str) -> bool:
        """Tell whether the model is pulled; ":latest" may be left out."""
        return full_name(model) in {full_name(name) for name in [*self.models, *self.embedders]}

    def reply(self, messages: list[Json]) -> tuple[str, str]:
        """Return (thinking, text) for a conversation."""
        if self.answer is None:
            return quote_passages(messages)
        if isinstance(self.answer, str):
            return (self.thought if self.capable else ""), self.answer
        return self.answer(messages)

    def deltas(self, messages: list[Json]) -> list[tuple[str, str]]:
        """Return the reply as (thinking, content) deltas in the style of this server."""
        return in_style(*self.reply(messages), style=self.thinking, size=self.piece)


def full_name(model: str) -> str:
    return model if ":" in model else f"{model}:latest"


class Handler(WireHandler):
    """One connection. `fake` is the server's script."""

    fake: OllamaServer

    def answer(self, body: Json) -> None:
        """Answer as the script says."""
        path = self.path.split("?", 1)[0]
        self.fake.requests.append(
            Request(method=self.command, path=path, headers=dict(self.headers), body=body)
        )
        plan = self.fake.plan(path)
        try:
            if plan.golden:
                self._replay(plan.golden)
            elif plan.failure is None or not self._fail(plan.failure, path, body):
                self._route(path, body, plan.failure)
        except (BrokenPipeError, ConnectionResetError):
            self.fake.hung_up.set()
            self.close_connection = True

    def _route(self, path: str, body: Json, failure: Failure | None) -> None:
        name = str(body.get("model") or body.get("name") or "")
        match path:
            case "/" | "/api/version":
                self.send_json(200, {"version": "0.33.0"})
            case "/api/tags" | "/api/ps":
                self.send_json(200, {"models": [listed(m) for m in self._names()]})
            case "/v1/models":
                self.send_json(200, {"object": "list", "data": [{"id": m} for m in self._names()]})
            case "/api/pull":
                self._pull(name)
            case _ if not self.fake.has(name):
                self.send_json(404, missing(path, name))
            case "/api/show":
                self.send_json(200, self._shown(name))
            case "/api/embed":
                self._embed(name, body)
            case "/api/generate":
                loaded = {"model": name, "created_at": CREATED, "response": "", "done": True}
                self.send_json(200, {**loaded, "done_reason": "load"})
            case "/api/chat":
                self._chat(name, body, failure)
            case "/v1/chat/completions":
                self._chat_openai(name, body, failure)
            case _:
                self.send_whole(404, b"404 page not found", "text/plain")

    def _names(self) -> list[str]:
        return [full_name(name) for name in [*self.fake.models, *self.fake.embedders]]

    def _shown(self, name: str) -> Json:
        embeds = full_name(name) in {full_name(embedder) for embedder in self.fake.embedders}
        thinks = ["thinking"] if self.fake.capable else []
        capabilities = ["embedding"] if embeds else ["completion", *thinks]
        info = {"general.architecture": "qwen2", "qwen2.context_length": 131072}
        return {"template": "{{ .Prompt }}", "capabilities": capabilities, "model_info": info}

    def _embed(self, name: str, body: Json) -> None:
        given = body.get("input", [])
        texts = [given] if isinstance(given, str) else given
        vectors: list[object] = []
        for text in texts:
            fault = next((f for mark, f in self.fake.embed_faults.items() if mark in text), None)
            if fault in EMBED_ERRORS:
                self.send_json(500, {"error": EMBED_ERRORS[fault]})
                return
            vectors.append(faulty_row(fault, embedding(text)) if fault else embedding(text))
        count = sum(len(words(text)) for text in texts)
        self.send_json(200, {"model": name, "embeddings": vectors, "prompt_eval_count": count})

    def _pull(self, name: str) -> None:
        if "missing" in name:
            self._lines([{"error": "pull model manifest: file does not exist"}])
            return
        if "offline" in name:
            self._lines([{"error": PROXY_REFUSED}])
            return
        self._lines(pulled(name))
        self.fake.models.append(name)

    def _chat(self, name: str, body: Json, failure: Failure | None) -> None:
        if not self.fake.capable and body.get("think"):
            self.send_json(400, {"error": f'"{name}" does not support thinking'})
            return
        line = {"model": name, "created_at": CREATED}
        if not body.get("messages"):
            loaded = {"message": message("", ""), "done": True, "done_reason": "load"}
            self.send_json(200, {**line, **loaded})
            return
        messages = body["messages"]
        if body.get("think") is False and self.fake.thinking == "field":
            deltas = [("", content) for thinking, content in self.fake.deltas(messages) if content]
        else:
            deltas = self.fake.deltas(messages)
        lines = [
            {**line, "message": message(thinking, content), "done": False}
            for thinking, content in deltas
        ]
        end = {**line, "message": message("", ""), "done": True, **self._counts(messages, deltas)}
        self._stream([json.dumps(each).encode() + b"\n" for each in [*lines, end]], failure)

    def _counts(self, messages: list[Json], deltas: list[tuple[str, str]]) -> Json:
        prompt = sum(len(words(each["content"])) for each in messages)
        return {
            "done_reason": self.fake.done_reason,
            "prompt_eval_count": self.fake.prompt_tokens or prompt,
            "eval_count": len(deltas),
        }

    def _chat_openai(self, name: str, body: Json, failure: Failure | None) -> None:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": name}
        deltas = self.fake.deltas(body["messages"])
        key = self.fake.reasoning_key
        events = [
            choice(head, {"content": content, **({key: thinking} if thinking else {})}, None)
            for thinking, content in deltas
        ]
        events.append(choice(head, {}, self.fake.done_reason))
        if (body.get("stream_options") or {}).get("include_usage"):
            counts = self._counts(body["messages"], deltas)
            prompt, reply = counts["prompt_eval_count"], counts["eval_count"]
            usage = {"prompt_tokens": prompt, "completion_tokens": reply}
            events.append({**head, "choices": [], "usage": usage})
        texts = (json.dumps(event, ensure_ascii=not self.fake.raw_json) for event in events)
        frames = [f"data: {text}\n\n".encode() for text in texts]
        self._stream([*frames, b"data: [DONE]\n\n"], failure, media="text/event-stream")

    def _fail(self, failure: Failure, path: str, body: Json) -> bool:
        """Fail before the first byte; False when the failure comes in mid-stream."""
        match failure:
            case "missing":
                self.send_json(404, missing(path, str(body.get("model", ""))))
            case "busy":
                self.send_json(503, {"error": ENGINE_BUSY})
            case "throttled":
                self.send_whole(429, b"{}", headers={"Retry-After": self.fake.retry_after})
            case "too_long":
                self.send_json(400, too_long(path))
            case "mute_too_long" if body.get("stream"):
                self._stream([], None, media="text/event-stream")
            case "mute_too_long":
                self.send_json(400, openai_too_long())
            case "unknown_field":
                self.send_json(
                    400, {"error": {"message": "Unrecognized request argument supplied"}}
                )
            case "crashed":
                self.send_json(500, {"error": ENGINE_KILLED})
            case "hang":
                self.fake.closing.wait()
            case "not_json":
                self.send_whole(200, b"<html><body>Welcome to the hotel network</body></html>")
            case "plain_404":
                self.send_whole(404, b"<html><body>Not Found</body></html>")
            case _:
                return False
        return True

    def _stream(
        self, frames: list[bytes], failure: Failure | None, media: str = "application/x-ndjson"
    ) -> None:
        """Send frames one by one, or only as far as the failure lets them come."""
        self.begin(200, media)
        for frame in until(frames, failure):
            time.sleep(self.fake.delay_s)
            self.send_chunk(frame)
        match failure:
            case "stall":
                self.fake.closing.wait()
            case "reset":
                self.close_connection = True
            case "error_line":
                prefix = b"data: " if media == "text/event-stream" else b""
                self.send_chunk(prefix + json.dumps({"error": ENGINE_LOST}).encode() + b"\n\n")
                self.send_chunk(b"")
            case _:
                self.send_chunk(b"")

    def _lines(self, lines: list[Json]) -> None:
        self._stream([json.dumps(line).encode() + b"\n" for line in lines], None)

    def _replay(self, golden: str) -> None:
        head = GOLDEN / f"{golden}.head"
        first = head.read_text() if head.exists() else "HTTP/1.1 200 OK\n"
        media = re.search(r"^content-type: *(\S+)", first, re.M | re.I)
        body = (GOLDEN / f"{golden}.body").read_bytes()
        self.send_whole(int(first.split()[1]), body, media[1] if media else "application/x-ndjson")


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="A loopback server that speaks Ollama's API.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", action="append", help="may be given more than once")
    parser.add_argument("--answer", help="say this to every question")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each token")
    given = parser.parse_args()
    server = OllamaServer(port=given.port, answer=given.answer, delay_s=given.delay)
    server.models = given.model or server.models
    with server:
        print(server.url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
