"""A model on a server, asked with the messages of the records."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from finetune.errors import EvaluationError
from finetune.evaluate.generate.base import chat_messages, reply_stage
from finetune.model.chat_format import chat_format, split_reply
from finetune.model.chat_templates import THOUGHT_BEGINS, THOUGHT_ENDS
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.records import Prediction, Record
from ingest.foundation.messages import Message
from ingest.model_servers.base import (
    ChatClient,
    ChatRequest,
    ModelServerError,
    run_exchange,
    whole_reply,
)

SILENCE_S = 600.0
"""Seconds for which nothing may come: a large model is loaded from a slow disk in less."""


class ServedGenerator:
    """One model of one server; one question at a time, since the servers queue them anyway."""

    def __init__(
        self,
        client: ChatClient,
        recipe: Recipe,
        *,
        model: str,
        name: str,
        identity: str,
        start_hint: Message,
        think: bool | None = None,
        context_tokens: int | None = None,
    ) -> None:
        """Ask one model of `client` for replies.

        Args:
            client: The server's client, which is used for all requests.
            recipe: Says chat format, temperature, longest reply and seed.
            model: What the server calls the model.
            name: What reports call the model.
            identity: What the model is, weights included: replies are kept under it.
            start_hint: What to do when nothing answers.
            think: Whether to ask for thinking; None leaves it to the server.
            context_tokens: Context to ask for; None leaves it to the server.
        """
        self.name = name
        self.identity = identity
        self._client = client
        self._fmt = chat_format(recipe.model.format)
        self._start_hint = start_hint
        self._request = ChatRequest(
            model=model,
            messages=(),
            temperature=recipe.evaluate.temperature,
            reply_tokens=recipe.evaluate.max_new_tokens,
            context_tokens=context_tokens,
            seed=recipe.seed,
            think=think,
        )

    def generate(self, records: Sequence[Record], *, progress: Progress) -> Iterator[Prediction]:
        """Yield one reply for each record, in order.

        Raises:
            EvaluationError: the server cannot answer; what was yielded stays good.
        """
        try:
            with reply_stage(progress, self.name, len(records)) as stage:
                for record in records:
                    # An event loop for each question: the caller's code runs between two.
                    yield run_exchange(self._client, self._predict(record))
                    stage.advance()
        except ModelServerError as error:
            if error.kind == "unreachable":
                raise unreachable_error(self._client.url, error, self._start_hint) from error
            why = Message.verbatim(error.detail or error.kind)
            if error.kind == "broken_stream" and not error.detail:
                why = Message("the reply broke off")
            hint = Message("run the same command again: replies that came are kept")
            if error.kind == "too_long":
                hint = Message("give it a longer context (on Ollama: export.num_ctx)")
            model, url = self._request.model, self._client.url
            raise EvaluationError(
                Message("model {model} at {url} failed: {why}", model=model, url=url, why=why),
                hint=hint,
            ) from error

    async def _predict(self, record: Record) -> Prediction:
        begun = time.perf_counter()
        request = replace(self._request, messages=chat_messages(record))
        try:
            reply = await whole_reply(self._client.chat(request))
        except ModelServerError as error:
            if error.kind != "no_thinking" or self._request.think is None:
                raise
            # The thinking then comes in the text, and is found there by its tags.
            self._request = replace(self._request, think=None)
            return await self._predict(record)
        thinking, content = reply.thinking.strip(), reply.content.strip()
        stopped = reply.done_reason == "stop"
        text = content
        if thinking:
            text = THOUGHT_BEGINS + thinking + (THOUGHT_ENDS + content if content else "")
            think, answer = thinking, content
        else:
            think, answer = split_reply(self._fmt, content, cut_short=not stopped)
        return Prediction(
            id=record.id,
            text=text,
            think=think,
            answer=answer,
            stopped=stopped,
            seconds=round(time.perf_counter() - begun, 4),
            tokens=reply.reply_tokens or 0,
        )


def unreachable_error(url: str, error: ModelServerError, start_hint: Message) -> EvaluationError:
    """Return the error of a server that does not answer, or is none."""
    return EvaluationError(
        Message(
            "no chat model answers at {url} ({reason})", url=url, reason=error.detail or error.kind
        ),
        hint=start_hint,
    )
