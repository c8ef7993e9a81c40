"""Tasks that run on in the background, and their orderly end."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class BackgroundTasks:
    """Tasks whose result nobody waits for any more, kept until they end or are cancelled.

    asyncio itself holds tasks by weak references only: one that nobody keeps may be collected in
    the middle of its work.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def adopt(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        """Let `tasks` run on. What they return or raise is dropped."""
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            # Read once, or asyncio would log the exception as "never retrieved".
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    async def close(self, *, seconds: float = 0.0) -> None:
        """Give the tasks `seconds` to finish, then cancel them and return when all have ended.

        A caller that is cancelled in these seconds (Ctrl-C) cancels the tasks at once.
        """
        try:
            if self._tasks and seconds > 0:
                await asyncio.wait(self._tasks, timeout=seconds)
        finally:
            await cancel_and_wait(self._tasks)


async def cancel_and_wait(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel `tasks` and return when they have ended, whatever they raise."""
    ending = list(tasks)  # a copy: done callbacks take tasks out of the set while we wait
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


class LazyResource(Generic[T]):
    """A resource that is opened at its first use, and closed with whoever owns it.

    Use it as an async context manager: leaving it closes what was opened, if anything was.
    """

    def __init__(self, open_one: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._open_one = open_one
        self._stack = AsyncExitStack()
        self._opened: list[T] = []
        self._lock = asyncio.Lock()
        self._is_closed = False

    @classmethod
    def of(cls, value: T) -> "LazyResource[T]":
        """Return a resource that is open already and that somebody else closes."""
        return cls(lambda: nullcontext(value))

    async def get(self) -> T:
        """Return the resource, opened now if it is not yet; raises what opening raises."""
        # Two questions that come together must not open it twice.
        async with self._lock:
            if self._is_closed:
                raise RuntimeError("its owner has closed this resource")
            if not self._opened:
                self._opened.append(await self._stack.enter_async_context(self._open_one()))
            return self._opened[0]

    async def __aenter__(self) -> "LazyResource[T]":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Under the lock: what is being opened just now has to be closed, too.
        async with self._lock:
            self._is_closed = True
            self._opened.clear()
            # The error goes along: after Ctrl-C nobody is to wait for what is still being read.
            await self._stack.__aexit__(kind, error, trace)
