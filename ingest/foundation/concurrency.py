"""Tasks that run on in the background, and their orderly end."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from functools import wraps
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(work: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return a coroutine function that runs `work`, which blocks, in a thread of its own.

    A caller that is cancelled does not wait for the thread, which finishes its work.
    """

    @wraps(work)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(work, *args, **kwargs)

    return run


class BackgroundTasks:
    """Tasks whose result no caller waits for any more, kept until they end or are cancelled.

    asyncio itself holds tasks by weak references only: one that is not kept may be collected in
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
    """A resource that is opened when it is first needed and then serves all, in one event loop.

    Used as an async context manager, it is closed at the end and cannot be opened again.
    """

    def __init__(self, open_one: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._open_one = open_one
        self._lock = asyncio.Lock()  # those who come while it is being opened share one
        self._owner: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[T] | None = None
        self._leaving: asyncio.Future[BaseException | None] | None = None
        self._is_closed = False

    @classmethod
    def of(cls, value: T) -> "LazyResource[T]":
        """Return a resource that is open already and that another owner closes."""
        return cls(lambda: nullcontext(value))

    async def get(self) -> T:
        """Return the resource, opened now if it is not; raises what opening raises."""
        async with self._lock:
            if self._is_closed:
                raise RuntimeError("its owner has closed this resource")
            opened = await self._start_owner() if self._opened is None else self._opened
            return opened.result()

    async def close(self, error: BaseException | None = None) -> None:
        """Close the resource, which learns of `error`. The next `get` opens it again."""
        # Under the lock: what is being opened just now has to be closed, too.
        async with self._lock:
            owner, self._owner = self._owner, None
            if owner is not None and not owner.done():
                if self._leaving is not None and not self._leaving.done():
                    self._leaving.set_result(error)
                # Opening that was given up ends as cancelled, which is no error of closing.
                (ended,) = await asyncio.gather(owner, return_exceptions=True)
                if isinstance(ended, Exception):
                    raise ended

    async def __aenter__(self) -> "LazyResource[T]":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_closed = True
        # The error goes along: after Ctrl-C no caller is to wait for what is still being read.
        await self.close(error)

    async def _start_owner(self) -> asyncio.Future[T]:
        """Return the future that holds the resource, once it does."""
        loop = asyncio.get_running_loop()
        self._opened = opened = loop.create_future()
        self._leaving = leaving = loop.create_future()

        async def own() -> None:
            """Open and close it in one task, as scopes of anyio and asyncio that it holds demand.

            The tasks that call `get` come and go.
            """
            async with AsyncExitStack() as stack:
                opened.set_result(await stack.enter_async_context(self._open_one()))
                try:
                    error = await leaving
                finally:
                    self._opened = None
                if error is not None:
                    # As if it had been raised here, but for its way on: it is another task's.
                    await stack.__aexit__(type(error), error, error.__traceback__)

        self._owner = owner = asyncio.create_task(own())
        try:
            # Whichever comes first: the value, or the end of a task that failed to open it. Waiting
            # for `opened` alone would never end when opening fails, and `wait`, other than `await`,
            # leaves both as they are when our own caller is cancelled (Stop was pressed).
            await asyncio.wait([owner, opened], return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Cancelled before the value was there: opening is given up, and the next `get` tries
            # again. It may have hung, and would hang that one, too. Cancelled in the very moment in
            # which the value came, the value stays open for the next.
            if not opened.done():
                self._opened = None
                owner.cancel()
        if not opened.done():
            await owner  # raises what opening raised
        return opened
