"""A model on an Ollama server, asked by its chat API with the messages of the records."""

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
from ingest.foundation.settings import default_ollama_host

SILENCE_S = 600.0
"""Seconds for which nothing may come: a large model is loaded from a slow disk in less."""
DETAIL_CHARACTERS = 200


class OllamaGenerator:
    """One model of one server; one question at a time, since the server queues them anyway."""

    def __init__(
        self, model: str, recipe: Recipe, *, host: str = "", silence_s: float = SILENCE_S
    ) -> None:
        """Look the model up; `host` "" is $OLLAMA_HOST or this machine.

        Raises:
            EvaluationError: no server answers, or it does not have the model.
        """
        import ollama  # heavy: 1 s

        self.name = f"ollama:{model}"
        self._model = model
        self._recipe = recipe
        self._format = chat_format(recipe.model.format)
        self._host = host or default_ollama_host()
        self._client = ollama.Client(host=self._host, timeout=silence_s)
        self._failures = (ollama.ResponseError, ConnectionError, httpx.HTTPError)
        self._think: bool | None = self._thinking()
        self.identity = digest_of(self._digest())

    def generate(self, records: Sequence[Record], *, progress: Progress) -> Iterator[Prediction]:
        with asking(progress, self.name, len(records)) as stage:
            for record in records:
                yield self._ask(record)
                stage.advance()

    def _thinking(self) -> bool | None:
        """Return what to ask of the server: formats of R1 say it, others leave it open."""
        if self._format.thinks:
            return True
        return False if self._format.opening else None

    def _digest(self) -> str:
        try:
            listed = {one.model: one.digest for one in self._client.list().models}
        except self._failures as error:
            raise self._failure(error) from error
        full = self._model if ":" in self._model else f"{self._model}:latest"
        if full not in listed:
            raise self._missing()
        return str(listed[full])

    def _ask(self, record: Record) -> Prediction:
        begun = time.perf_counter()
        thinking = content = reason = ""
        tokens = 0
        try:
            for part in self._parts(record):
                thinking += part.message.thinking or ""
                content += part.message.content or ""
                reason = part.done_reason or reason
                tokens = part.eval_count or tokens
        except self._failures as error:
            raise self._failure(error) from error
        if not reason:
            raise self._cut_short()
        return served(
            self._format,
            record.id,
            thinking=thinking,
            content=content,
            stopped=reason == "stop",
            seconds=time.perf_counter() - begun,
            tokens=tokens,
        )

    def _parts(self, record: Record) -> Iterator[Any]:
        """Yield the parts of a reply; a model that cannot think in a field is asked without."""
        import ollama  # heavy: 1 s

        try:
            yield from self._stream(record)
        except ollama.ResponseError as error:
            if "does not support thinking" not in error.error or self._think is None:
                raise
            self._think = None
            yield from self._stream(record)

    def _stream(self, record: Record) -> Iterator[Any]:
        settings = self._recipe.evaluate
        yield from self._client.chat(
            model=self._model,
            messages=messages(record),
            think=self._think,
            stream=True,
            options={
                "num_predict": settings.max_new_tokens,
                "num_ctx": self._recipe.export.num_ctx,
                "temperature": settings.temperature,
                "seed": self._recipe.seed,
            },
        )

    def _failure(self, error: Exception) -> EvaluationError:
        status = getattr(error, "status_code", 0)
        if status == 404 and "not found" in str(error):
            return self._missing()
        if isinstance(error, ConnectionError | httpx.ConnectError | httpx.ConnectTimeout):
            return EvaluationError(
                Message("no Ollama answers at {host}", host=self._host),
                hint=Message("start it: ollama serve"),
            )
        told = " ".join(str(error).split())[:DETAIL_CHARACTERS] or type(error).__name__
        return EvaluationError(
            Message(
                "model {model} on {host} failed: {told}",
                model=self._model,
                host=self._host,
                told=told,
            ),
            hint=_GO_ON,
        )

    def _cut_short(self) -> EvaluationError:
        return EvaluationError(
            Message(
                "model {model} on {host} broke off in mid-reply", model=self._model, host=self._host
            ),
            hint=_GO_ON,
        )

    def _missing(self) -> EvaluationError:
        return EvaluationError(
            Message("Ollama at {host} has no model {model}", host=self._host, model=self._model),
            hint=Message(
                "run: ollama pull {model}, or export ours: python -m finetune export RECIPE "
                "--to ollama",
                model=self._model,
            ),
        )


_GO_ON = Message("run the same command again: replies that came are kept")
