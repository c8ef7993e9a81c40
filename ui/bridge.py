"""From Streamlit's script threads to the one event loop in which the assistant lives."""

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

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
            poll_interval_s: Seconds of silence after which None is yielded: a chance to leave.
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
