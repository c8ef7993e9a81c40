"""Whether the model is here, and a model on its way from Ollama's registry."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, field

from assistant.bootstrap import PROBE_TIMEOUT_S, ollama_at
from assistant.errors import ModelError
from assistant.settings import ModelSettings, load_settings
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message
from ingest.model_servers.ollama import with_tag
from ui.jobs.ingest_job import MIN_ELAPSED_S


@dataclass(slots=True, kw_only=True)
class ModelPull:
    """How far a model has come; it goes on whoever looks."""

    name: str
    status: str = ""
    """Ollama's word for the step."""
    share: float = 0.0
    """Share of the current layer that has come, 0 to 1."""
    is_done: bool = False
    error: ModelError | None = None
    _layer_since: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.is_done or self.error is not None

    @property
    def seconds_left(self) -> float:
        """How long the layer on its way will take at the speed so far; 0 where not known."""
        elapsed = time.monotonic() - self._layer_since
        if elapsed < MIN_ELAPSED_S or not 0 < self.share < 1:
            return 0.0
        return elapsed / self.share * (1 - self.share)

    async def run(self, settings: ModelSettings) -> None:
        """Pull it to its end."""
        server = ollama_at(settings)
        try:
            async with aclosing(server.pull(self.name)) as steps:
                async for step in steps:
                    if step.status != self.status:
                        self._layer_since = time.monotonic()
                    self.status = step.status
                    self.share = min(1.0, step.completed / step.total) if step.total else 0.0
            self.is_done = True
        except ModelError as error:
            self.error = error
        finally:
            await server.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingModel:
    """That no model answers, and what that means."""

    text: Message
    name: str = ""
    """Name of the model that the server could pull; "" where there is no server."""


async def find_missing_model() -> MissingModel | None:
    """Return what the first page says where no model answers; None where one does."""
    try:
        settings = await asyncio.to_thread(load_settings)
        if not settings.model.asks_ollama:
            return None
        server = ollama_at(settings.model, timeout_s=PROBE_TIMEOUT_S)
        try:
            installed = await server.installed()
        finally:
            await server.close()
    except QiuzhengError:
        return MissingModel(
            text=Message(
                "No model server is here, so answers are quotes from the pages. To have them in "
                "a model's words, start Ollama and choose a model under Settings."
            )
        )
    name = settings.model.name
    if with_tag(name) in installed:
        return None
    return MissingModel(
        text=Message(
            "{name} is not here yet: until it is pulled, answers are quotes from the pages.",
            name=name,
        ),
        name=name,
    )
