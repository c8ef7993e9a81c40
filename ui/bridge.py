"""From Streamlit's script threads to the one event loop in which the assistant lives."""

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

CLOSE_TIMEOUT_S = 5.0
"""How long a consumer that leaves early waits for the stream to be closed behind it. Longer, and a
model server that does not react to a hang-up would freeze the page."""


@dataclass(frozen=True, slots=True)
class _StreamEnd:
    """The last item in a queue: how the stream ended."""

    error: BaseException | None


class EventLoopThread:
    """One event loop in one daemon thread, for callers in other threads."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="assistant", daemon=True).start()

    def iterate(
        self, start: Callable[[], AsyncGenerator[T, None]], *, poll_interval_s: float | None = None
    ) -> Generator[T | None, None, None]:
        """Yield what the async generator yields; errors arrive here with their type.

        Leaving early cancels the stream and waits until it has closed what it opened.

        Args:
            start: Called in the loop.
            poll_interval_s: Yield None after so many seconds of silence: a chance to leave.
        """
        # Unbounded: `put` must not block the loop, where all other tabs have their streams.
        inbox: queue.SimpleQueue[T | _StreamEnd] = queue.SimpleQueue()
        # A task, not the future of run_coroutine_threadsafe: that one counts as done as soon as it
        # is cancelled, while the stream behind it still closes its connections.
        task = self.call(_start_forwarding(start, inbox))
        try:
            while True:
                try:
                    item = inbox.get(timeout=poll_interval_s)
                except queue.Empty:
                    yield None
                    continue
                if isinstance(item, _StreamEnd):
                    if item.error is not None:
                        raise item.error
                    return
                yield item
        finally:
            self._loop.call_soon_threadsafe(task.cancel)
            with suppress(TimeoutError):
                self.call(asyncio.wait([task]), timeout_s=CLOSE_TIMEOUT_S)

    def call(self, coroutine: Coroutine[Any, Any, T], *, timeout_s: float | None = None) -> T:
        """Run `coroutine` in the loop and return its result; TimeoutError when it takes longer."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)


async def _start_forwarding(
    start: Callable[[], AsyncGenerator[T, None]], inbox: "queue.SimpleQueue[T | _StreamEnd]"
) -> asyncio.Task[None]:
    """Return the task that puts each item of the stream into `inbox`, and at last how it ended."""

    async def forward_items() -> None:
        """Run the stream."""
        # All of it in one task, not one call per item: timeouts and task groups belong to the task
        # that entered them (PEP 789).
        async with aclosing(start()) as items:
            async for item in items:
                inbox.put(item)

    def put_end(task: asyncio.Task[None]) -> None:
        """Put the end, also of a stream that failed or was cancelled."""
        inbox.put(_StreamEnd(asyncio.CancelledError() if task.cancelled() else task.exception()))

    task = asyncio.create_task(forward_items())
    task.add_done_callback(put_end)
    return task


class SharedResource(Generic[T]):
    """One value that is opened when it is first needed and then serves all. In one event loop."""

    def __init__(self, open_one: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._open = open_one
        self._gate = asyncio.Lock()  # those who come while it is being opened share one value
        self._close_requested = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[T] | None = None

    async def get(self) -> T:
        """Return the value, which is opened if need be. Raises what opening it raised."""
        async with self._gate:
            opened = await self._start_owner() if self._opened is None else self._opened
            return opened.result()

    async def close(self) -> None:
        """Close the value. The next `get` opens it again."""
        async with self._gate:
            owner, self._owner = self._owner, None
            if owner is not None and not owner.done():
                self._close_requested.set()
                await owner

    async def _start_owner(self) -> asyncio.Future[T]:
        """Return the future that holds the value, once it does."""
        self._opened = opened = asyncio.get_running_loop().create_future()
        self._close_requested = asyncio.Event()
        self._owner = owner = asyncio.create_task(self._own(opened, self._close_requested))
        try:
            # Whichever comes first: the value, or the end of a task that failed to open it. Waiting
            # for `opened` alone would never end when opening fails, and `wait`, other than `await`,
            # leaves both as they are when our own caller is cancelled (Stop was pressed).
            await asyncio.wait([owner, opened], return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Cancelled before the value was there: opening is given up, and the next `get` tries
            # anew. It may have hung, and would hang that one, too. Cancelled in the very moment in
            # which the value came, the value stays open for the next.
            if not opened.done():
                self._opened = None
                owner.cancel()
        if not opened.done():
            await owner  # raises what opening raised
        return opened

    async def _own(self, opened: asyncio.Future[T], close_requested: asyncio.Event) -> None:
        """Enter the value's context and leave it again, both in this task.

        Scopes of anyio and asyncio that the context holds belong to the task that entered them; the
        tasks that call `get` come and go.
        """
        async with self._open() as value:
            opened.set_result(value)
            try:
                await close_requested.wait()
            finally:
                self._opened = None
