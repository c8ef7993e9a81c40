"""A chat model that replies with a given script."""

from collections.abc import AsyncGenerator

from assistant.errors import ModelError
from assistant.events import AnswerDelta, ModelEvent, ReplyFinished
from assistant.models.base import ModelSize, ModelTraits
from assistant.values import AnswerKind, Prompt


class ScriptedModel:
    """The in-memory twin of the chat models: yields given events, or raises.

    It ends with `ReplyFinished` of its own accord if the script does not.
    """

    def __init__(
        self,
        *script: str | ModelEvent | ModelError,
        name: str = "scripted",
        kind: AnswerKind = "model",
        context_tokens: int = 4096,
        size: ModelSize = "large",
    ) -> None:
        """Say each string as a piece of the answer; raise an error where one stands."""
        self._size: ModelSize = size
        self.name = name
        self.kind: AnswerKind = kind
        self.context_tokens = context_tokens
        self.prompts: list[Prompt] = []
        self.warmed_up = False
        self.closed_early = 0
        """How many replies were not read to their end."""
        self._script = script

    async def describe(self) -> ModelTraits:
        """Return what it was made with."""
        return ModelTraits(context_tokens=self.context_tokens, size=self._size)

    async def check(self, *, timeout_s: float) -> None:
        """Do nothing: it can always be used."""

    async def warm_up(self) -> None:
        """Note that it was called."""
        self.warmed_up = True

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        """Yield the script's events and keep the prompt, or raise the script's error."""
        self.prompts.append(prompt)
        finished = False
        try:
            for line in self._script:
                if isinstance(line, ModelError):
                    finished = True
                    raise line
                yield AnswerDelta(text=line) if isinstance(line, str) else line
                finished = isinstance(line, ReplyFinished)
            if not finished:
                yield ReplyFinished(reason="stop")
            finished = True
        finally:
            self.closed_early += not finished

    async def close(self) -> None:
        """Do nothing: there is nothing to give back."""
