"""The chat models of one open assistant: each opened once, at its first question."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from assistant.events import Notice
from assistant.models.base import ChatModel

RETRY_S = 30.0
"""Seconds after which a missing model is looked for again: a server started in the meantime is
noticed, and a host that does not answer does not delay every question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenModel:
    """A model to answer with, and notices about the choice."""

    model: ChatModel
    notices: tuple[Notice, ...] = ()
    """Not empty where another model than the one in the settings answers."""


OpenModel = Callable[[str | None], Awaitable[ChosenModel]]
"""Opens a model by name, None for the one in the settings, or raises `ModelError`."""


class ModelPool:
    """Opens chat models by name and keeps them open for the questions that follow."""

    def __init__(
        self, *, open_model: OpenModel, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_model = open_model
        self._clock = clock
        self._chosen: dict[str | None, ChosenModel] = {}
        self._looked_at: dict[str | None, float] = {}
        self._retired: list[ChatModel] = []
        self._lock = asyncio.Lock()

    @classmethod
    def holding(cls, model: ChatModel, *notices: Notice) -> "ModelPool":
        """Return a pool that has `model` under every name: for tests and for your own model."""

        async def open_given_model(name: str | None) -> ChosenModel:
            return ChosenModel(model=model, notices=notices)

        return cls(open_model=open_given_model)

    async def get(self, name: str | None = None) -> ChosenModel:
        """Return the model of this name, None for the one in the settings.

        Raises:
            ModelError: there is no model of this name, or its server does not answer.
        """
        # One lock for all names: two questions that come together must not open a model twice.
        async with self._lock:
            chosen = self._chosen.get(name)
            # A notice says that another model stands in: the real one may have come meanwhile.
            if chosen is not None and not (
                chosen.notices and self._clock() - self._looked_at[name] >= RETRY_S
            ):
                return chosen
            opened = await self._open_model(name)
            self._looked_at[name] = self._clock()
            if chosen is not None and opened.model is not chosen.model:
                # A question may still be reading from it, so it is closed with the pool.
                self._retired.append(chosen.model)
            self._chosen[name] = opened
            return opened

    async def close(self) -> None:
        """Close every model that was opened, also where closing another one fails."""
        async with self._lock, AsyncExitStack() as stack:
            for model in (*self._retired, *(chosen.model for chosen in self._chosen.values())):
                stack.push_async_callback(model.close)
            self._retired, self._chosen = [], {}
