"""The promise that every chat model keeps."""

from collections.abc import AsyncGenerator
from typing import Protocol

from assistant.events import ModelEvent
from assistant.values import AnswerKind, Prompt


class ChatModel(Protocol):
    """Talks."""

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

    async def warm_up(self) -> None:
        """Load the model while other work goes on. Never raises: the real request will say why."""
        ...

    def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        """Yield the reply in pieces and end with one `ReplyFinished`, or raise `ModelError`."""
        ...

    async def close(self) -> None:
        """Give back connections. May be called twice."""
        ...
