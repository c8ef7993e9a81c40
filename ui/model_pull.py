"""A model on its way from Ollama's registry."""

from contextlib import aclosing
from dataclasses import dataclass

from assistant.bootstrap import ollama_at
from assistant.errors import ModelError
from assistant.settings import ModelSettings


@dataclass(slots=True, kw_only=True)
class ModelPull:
    """How far a model has come; it goes on whoever looks."""

    name: str
    status: str = ""
    """Ollama's word for the step."""
    share: float = 0.0
    """Of the layer that is on its way, 0 to 1."""
    is_done: bool = False
    error: ModelError | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.is_done or self.error is not None

    async def run(self, settings: ModelSettings) -> None:
        """Pull it to its end."""
        server = ollama_at(settings)
        try:
            async with aclosing(server.pull(self.name)) as steps:
                async for step in steps:
                    self.status = step.status
                    self.share = min(1.0, step.completed / step.total) if step.total else 0.0
            self.is_done = True
        except ModelError as error:
            self.error = error
        finally:
            await server.close()
