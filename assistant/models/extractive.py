"""Answers without a language model: the evidence that code chose from the passages."""

from collections.abc import AsyncGenerator

from assistant.events import AnswerDelta, ModelEvent, ReplyFinished
from assistant.labels import NEAREST, QUOTES_ABOVE
from assistant.models.base import ModelTraits
from assistant.values import AnswerKind, EvidenceBlock, Prompt
from ingest.foundation.messages import Message

BENEATH = Message("What the pages say:")
"""Stands between a small model's reply and the evidence."""
NO_QUOTE = Message("No sentence of the pages fits the question.")


class ExtractiveModel:
    """Quotes instead of answering. Needs no server and no memory to speak of."""

    kind: AnswerKind = "quotes"
    name = "quotes"
    context_tokens = 1_000_000  # reads no prompt: every passage may come

    async def describe(self) -> ModelTraits:
        """Return a context that holds every passage."""
        return ModelTraits(context_tokens=self.context_tokens, size="large")

    async def check(self, *, timeout_s: float) -> None:
        """Do nothing: it can always be used."""

    async def warm_up(self) -> None:
        """Do nothing: there is nothing to load."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        """Yield the blocks of the prompt's evidence, a list item each."""
        evidence = prompt.evidence
        if evidence.blocks:
            label = NEAREST if evidence.answerability == "nearest" else QUOTES_ABOVE
            if prompt.quotes_beneath:
                label = BENEATH
            yield AnswerDelta(text=label.localize(prompt.language) + "\n")
            for block in evidence.blocks:
                yield AnswerDelta(text=f"\n{render_block(block)}")
        else:
            yield AnswerDelta(text=NO_QUOTE.localize(prompt.language))
        yield ReplyFinished(reason="stop")

    async def close(self) -> None:
        """Do nothing: there is nothing to give back."""


def render_block(block: EvidenceBlock) -> str:
    """Return a block as an item of a Markdown list, with the marker of its passage."""
    heading = f"**{block.heading}** " if block.heading else ""
    prose, fence, code = block.text.partition("```")
    if not fence:
        lines = block.text.split("\n")
        is_row = block.kind == "row"
        lines[-1 if is_row else 0] += f" [{block.passage}]"
        # Two blanks: a line break in Markdown too, or head and row of a table run together.
        return f"- {heading}" + ("  \n  " if is_row else "\n  ").join(lines)
    # The marker is above the code: within it, it would be code.
    lead = f"{heading}{prose.strip()}".strip()
    lines = f"{fence}{code}".split("\n")
    return f"- {lead} [{block.passage}]\n\n" + "\n".join(f"  {line}" for line in lines) + "\n"
