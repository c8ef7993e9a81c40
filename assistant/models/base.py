"""The protocol of chat models, and a reader of whole replies."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from assistant.events import AnswerDelta, ModelEvent, Notice, ReasoningDelta
from assistant.values import AnswerKind, Prompt


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


LONGEST_THINKING = 2_000
"""Characters of thinking after which a helper task (rewriting, further queries) does without."""


async def collect_reply(model: ChatModel, prompt: Prompt, *, longest: int) -> str:
    """Return a model's answer without its thinking, read no further than it can be of use.

    Reading stops when the answer has more than `longest` characters, or the thinking more than
    `LONGEST_THINKING`; the caller sees the former by the length.

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
            if len(answer) > longest or thought > LONGEST_THINKING:
                break
    return answer
