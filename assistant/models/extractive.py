"""Answers without a language model: the evidence that code chose from the passages."""

from collections.abc import AsyncGenerator

from assistant.events import AnswerDelta, ModelEvent, ReplyFinished
from assistant.models.base import ModelTraits
from assistant.values import AnswerKind, Prompt
from ingest.foundation.messages import Message

LABEL = Message("Quotes from the pages, not an answer written by a model:")
NO_QUOTE = Message("No sentence of the pages fits the question.")


class ExtractiveModel:
    """Quotes instead of answering. Needs no server and no memory to speak of."""

    kind: AnswerKind = "quotes"
    name = "quotes"
    context_tokens = 1_000_000  # reads no prompt: every passage may come

    async def describe(self) -> ModelTraits:
        """Return that there is room for every passage."""
        return ModelTraits(context_tokens=self.context_tokens, size="large")

    async def check(self, *, timeout_s: float) -> None:
        """Do nothing: it can always be used."""

    async def warm_up(self) -> None:
        """Do nothing: there is nothing to load."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        """Yield the blocks of the prompt's evidence, a list item each."""
        if prompt.evidence.blocks:
            yield AnswerDelta(text=LABEL.localize(prompt.language) + "\n")
            for block in prompt.evidence.blocks:
                yield AnswerDelta(text=f"\n- {block.text} [{block.passage}]")
        else:
            yield AnswerDelta(text=NO_QUOTE.localize(prompt.language))
        yield ReplyFinished(reason="stop")

    async def close(self) -> None:
        """Do nothing: there is nothing to give back."""
