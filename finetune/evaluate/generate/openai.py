"""A model behind OpenAI's chat completions: vLLM, llama.cpp, SGLang, or our own `serve`."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from finetune.errors import EvaluationError
from finetune.evaluate.generate.base import asking, messages, served
from finetune.model.chat_format import chat_format
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.records import Prediction, Record
from finetune.runs import digest_of
from ingest.foundation.messages import Message

SILENCE_S = 600.0
"""Seconds for which nothing may come."""
CONNECT_S = 10.0
DETAIL_CHARACTERS = 200
THINKING_FIELDS = ("reasoning_content", "reasoning")
"""llama.cpp, DeepSeek and older vLLM say the first; Ollama and newer vLLM the second."""

_END = b"[DONE]"


class OpenAIGenerator:
    """One model of one server. $OPENAI_API_KEY is sent if it is set."""

    def __init__(self, address: str, recipe: Recipe, *, silence_s: float = SILENCE_S) -> None:
        """Take "http://host:8000/v1", or "…/v1#model" where a server has more than one.

        Raises:
            EvaluationError: no such server answers, or it does not have the model.
        """
        self._url, _, model = address.partition("#")
        self._url = self._url.rstrip("/")
        key = os.environ.get("OPENAI_API_KEY", "")
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(silence_s, connect=CONNECT_S),
        )
        self._recipe = recipe
        self._format = chat_format(recipe.model.format)
        self._model = self._known(model)
        self.name = f"openai:{self._model}"
        self.identity = digest_of(self._url, self._model)

    def generate(self, records: Sequence[Record], *, progress: Progress) -> Iterator[Prediction]:
        with asking(progress, self.name, len(records)) as stage:
            for record in records:
                yield self._ask(record)
                stage.advance()

    def _known(self, wanted: str) -> str:
        """Return the model to ask: the one wanted, or the server's first."""
        try:
            response = self._client.get(f"{self._url}/models")
            names = [str(one["id"]) for one in response.raise_for_status().json()["data"]]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
            raise self._unreachable(error) from error
        if not names or (wanted and wanted not in names):
            known = ", ".join(names)[:DETAIL_CHARACTERS] or "-"
            raise EvaluationError(
                Message("{url} has no model {wanted}", url=self._url, wanted=wanted),
                hint=Message("it has: {known}", known=known),
            )
        return wanted or names[0]

    def _ask(self, record: Record) -> Prediction:
        begun = time.perf_counter()
        thinking = content = reason = ""
        tokens = 0
        for frame in self._frames(record):
            choice: dict[str, Any] = next(iter(frame.get("choices") or ()), {})
            delta = choice.get("delta") or {}
            content += delta.get("content") or ""
            thinking += next((delta[key] for key in THINKING_FIELDS if delta.get(key)), "")
            reason = choice.get("finish_reason") or reason
            tokens = (frame.get("usage") or {}).get("completion_tokens", tokens)
        if not reason:
            raise self._failed(Message("the reply broke off"))
        return served(
            self._format,
            record.id,
            thinking=thinking,
            content=content,
            stopped=reason == "stop",
            seconds=time.perf_counter() - begun,
            tokens=tokens,
        )

    def _frames(self, record: Record) -> Iterator[dict[str, Any]]:
        settings = self._recipe.evaluate
        body = {
            "model": self._model,
            "messages": messages(record),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": settings.max_new_tokens,
            "temperature": settings.temperature,
            "seed": self._recipe.seed,
        }
        address = f"{self._url}/chat/completions"
        try:
            with self._client.stream("POST", address, json=body) as response:
                if response.status_code != httpx.codes.OK:
                    told = f"HTTP {response.status_code} {response.read().decode(errors='replace')}"
                    raise self._failed(Message.verbatim(_one_line(told)))
                yield from self._events(response)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _events(self, response: httpx.Response) -> Iterator[dict[str, Any]]:
        """Yield the JSON of each `data:` line (https://html.spec.whatwg.org, 9.2) to the end."""
        for line in _lines(response):
            field, _, value = line.partition(b":")
            if value.strip() == _END:
                return
            if field != b"data":
                continue
            try:
                frame = json.loads(value)
            except ValueError:
                frame = None
            if not isinstance(frame, dict) or "error" in frame:
                told = value.decode(errors="replace")
                raise self._failed(Message.verbatim(_one_line(told)))
            yield frame

    def _failed(self, why: Message) -> EvaluationError:
        return EvaluationError(
            Message(
                "model {model} at {url} failed: {why}",
                model=self._model,
                url=self._url,
                why=why,
            ),
            hint=Message("run the same command again: replies that came are kept"),
        )

    def _unreachable(self, error: Exception) -> EvaluationError:
        told = " ".join(str(error).split())[:DETAIL_CHARACTERS] or type(error).__name__
        return EvaluationError(
            Message("no chat model answers at {url} ({told})", url=self._url, told=told),
            hint=Message(
                "start it, for example: vllm serve FOLDER; the address ends in /v1 as a rule"
            ),
        )


def _lines(response: httpx.Response) -> Iterator[bytes]:
    """Yield a body's lines; httpx's own would also cut at U+2028, which may stand in JSON."""
    rest = b""
    for piece in response.iter_bytes():
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.strip() for line in whole if line.strip())
    if rest.strip():
        yield rest.strip()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:DETAIL_CHARACTERS]
