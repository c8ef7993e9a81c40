"""From Streamlit's plain script threads to the one event loop in which the assistant lives."""

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

GOODBYE_S = 5.0
"""How long a reader that leaves early waits for the stream to be closed behind it."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """The last thing in a queue: how the stream ended."""

    error: BaseException | None


class Bridge:
    """One event loop in one daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="assistant", daemon=True).start()

    def iterate(
        self, start: Callable[[], AsyncGenerator[T, None]], *, poll_interval_s: float | None = None
    ) -> Generator[T | None, None, None]:
        """Yield what the async generator yields; errors arrive here with their type.

        The whole stream runs in one task, because timeouts belong to the task that entered them.
        Leaving early cancels that task and waits until it has closed what it opened.

        Args:
            start: Called in the loop.
            poll_interval_s: Yield None after so many seconds of silence: a chance to leave.
        """
        inbox: queue.SimpleQueue[T | _Ended] = queue.SimpleQueue()

        async def pump() -> None:
            async with aclosing(start()) as items:
                async for item in items:
                    inbox.put(item)

        task = self._begin(pump(), inbox.put)
        try:
            while True:
                try:
                    item = inbox.get(timeout=poll_interval_s)
                except queue.Empty:
                    yield None
                    continue
                if isinstance(item, _Ended):
                    if item.error is not None:
                        raise item.error
                    return
                yield item
        finally:
            self._loop.call_soon_threadsafe(task.cancel)
            with suppress(TimeoutError):
                self.call(_ended(task), timeout_s=GOODBYE_S)

    def call(self, coroutine: Coroutine[Any, Any, T], *, timeout_s: float | None = None) -> T:
        """Run `coroutine` in the loop and return its result; TimeoutError when it takes longer."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)

    def _begin(
        self, coroutine: Coroutine[Any, Any, None], report: Callable[[_Ended], None]
    ) -> asyncio.Task[None]:
        """Start a task in the loop; `report` hears how it ended."""

        async def begin() -> asyncio.Task[None]:
            task = asyncio.create_task(coroutine)
            task.add_done_callback(lambda task: report(_Ended(_error_of(task))))
            return task

        return self.call(begin())


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task])


def _error_of(task: asyncio.Task[Any]) -> BaseException | None:
    return asyncio.CancelledError() if task.cancelled() else task.exception()


class SharedResource(Generic[T]):
    """One value that stays open between uses and serves them all. Lives in one event loop.

    A task of its own enters and leaves the context, so that any task may come and go.
    """

    def __init__(self, open_one: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._open = open_one
        self._gate = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._value: list[T] = []

    @asynccontextmanager
    async def use(self) -> AsyncIterator[T]:
        """Enter the value's context if need be, and lend the value."""
        async with self._gate:
            if not self._value:
                await self._enter()
            value = self._value[0]
        yield value

    async def close(self) -> None:
        """Leave the value's context. The next use opens it again."""
        async with self._gate:
            await self._close()

    async def _enter(self) -> None:
        self._leave = asyncio.Event()
        entered = asyncio.Event()
        self._keeper = keeper = asyncio.create_task(self._keep(entered))
        waiting = asyncio.create_task(entered.wait())
        try:
            await asyncio.wait([keeper, waiting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            if not self._value:  # it failed, or nobody waits for it any more
                keeper.cancel()
        if not self._value:
            await keeper  # raises what opening raised

    async def _keep(self, entered: asyncio.Event) -> None:
        async with self._open() as value:
            self._value = [value]
            entered.set()
            try:
                await self._leave.wait()
            finally:
                self._value = []

    async def _close(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None and not keeper.done():
            self._leave.set()
            await keeper
