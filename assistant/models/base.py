"""The protocol of chat models, and a reader of whole replies."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from assistant.events import AnswerDelta, ModelEvent, Notice, ReasoningDelta
from assistant.values import AnswerKind, Prompt

SMALL_PARAMETERS = 4.5e9
"""Parameters up to which a model counts as small: what is sold as 4B has up to 4.4 billion."""

TINY_PARAMETERS = 1e9
"""Parameters up to which it counts as tiny: one that says nothing of use in a third of its replies.
"""

ModelSize = Literal["tiny", "small", "large"]
MODEL_SIZES: Final[tuple[ModelSize, ...]] = ("tiny", "small", "large")

_SIZE_IN_NAME = re.compile(r"(?<![a-z0-9.])(?P<number>\d+(?:\.\d+)?)\s?(?P<unit>[bm])(?![a-z0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTraits:
    """What decides how a model is asked."""

    context_tokens: int
    """Tokens that prompt and reply share."""
    size: ModelSize
    """Small models get the evidence and one instruction, large ones whole passages and rules.
    Tiny ones are asked as small ones, and once more where their reply is none."""
    digest: str = ""
    """Digest of its weights, as its server reports it; "" where it reports none."""
    temperature: float | None = None
    """None where nothing is sampled."""


class ChatModel(Protocol):
    """Streams replies to prompts."""

    @property
    def name(self) -> str:
        """The model's name on its server, e.g. "deepseek-r1:1.5b"."""
        ...

    @property
    def kind(self) -> AnswerKind:
        """Return "model", or "quotes" when it only repeats sentences of the passages."""
        ...

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and reply share; the prompt is cut to fit before it is sent."""
        ...

    async def describe(self) -> ModelTraits:
        """Return what is known of the model before the first prompt.

        Raises:
            ModelError: it can never answer: it is missing, or is no chat model. What may pass
                (the server is busy, or does not answer yet) is left to the real request.
        """
        ...

    async def check(self, *, timeout_s: float) -> None:
        """Raise `ModelError` if the model cannot be used, as far as `timeout_s` seconds show."""
        ...

    async def warm_up(self) -> None:
        """Load the model while other work goes on. Never raises: the real request will say why."""
        ...

    def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        """Yield the reply in pieces and end with one `ReplyFinished`, or raise `ModelError`."""
        ...

    async def close(self) -> None:
        """Give back connections. May be called twice."""
        ...


def size_of_model(parameters: float | None, *, name: str, chosen: str = "auto") -> ModelSize:
    """Return how large a model is: as `chosen`, else by its parameters, else by its name.

    "deepseek-r1:1.5b" and "SmolLM2-135M" say it; a model of unknown size counts as large,
    because those are the hosted ones.
    """
    for size in MODEL_SIZES:
        if chosen == size:
            return size
    if parameters is None and (match := _SIZE_IN_NAME.search(name.casefold())):
        parameters = float(match["number"]) * (1e9 if match["unit"] == "b" else 1e6)
    if parameters is None or parameters > SMALL_PARAMETERS:
        return "large"
    return "tiny" if parameters <= TINY_PARAMETERS else "small"


MAX_THINKING_CHARACTERS = 2_000
"""Characters of thinking after which a helper task (rewriting, further queries) does without."""


async def collect_reply(model: ChatModel, prompt: Prompt, *, longest: int) -> str:
    """Return a model's answer without its thinking, read no further than it can be of use.

    Reading stops when the answer has more than `longest` characters, or the thinking more than
    `MAX_THINKING_CHARACTERS`; the caller sees the former by the length.

    Raises:
        ModelError: the model failed.
    """
    answer, thought = "", 0
    # Closed here: breaking off must also end the request, or the server goes on generating.
    async with aclosing(model.stream(prompt)) as events:
        async for event in events:
            match event:
                case AnswerDelta():
                    answer += event.text
                case ReasoningDelta():
                    thought += len(event.text)
                case Notice(code="reasoning_leaked"):
                    # What was taken for the answer so far was thinking without its first tag.
                    answer = ""
                case _:
                    pass
            if len(answer) > longest or thought > MAX_THINKING_CHARACTERS:
                break
    return answer
