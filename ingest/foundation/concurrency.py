"""Running a few things side by side without losing track of them."""

import asyncio
from collections.abc import Collection
from typing import Any


class BackgroundTasks:
    """Tasks that nobody waits for any more and that may still bring something for next time."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def adopt(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        """Let `tasks` run on. What they return or raise is nobody's business any more."""
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._done)

    async def close(self, *, seconds: float = 0.0) -> None:
        """Give them `seconds` to finish, then end them and wait until they have.

        Whoever is cancelled in these seconds (Ctrl-C) ends them at once.
        """
        try:
            if self._tasks and seconds > 0:
                await asyncio.wait(self._tasks, timeout=seconds)
        finally:
            await cancelled(self._tasks)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # asked for, so that asyncio does not report it as never retrieved


async def cancelled(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel `tasks` and return when they have ended, however they did."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
