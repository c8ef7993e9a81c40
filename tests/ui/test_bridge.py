"""Streams cross from the event loop to a plain thread, and nothing stays behind."""

import asyncio
import threading
from collections.abc import AsyncGenerator

import pytest

from assistant.errors import ModelError
from ingest.foundation.messages import Message
from ui.bridge import EventLoopThread


@pytest.fixture(scope="module")
def loop() -> EventLoopThread:
    return EventLoopThread()


class Stream:
    """Counts up, and knows whether it was closed."""

    def __init__(self, *, length: int = 3, error: Exception | None = None) -> None:
        self.length = length
        self.error = error
        self.threads: set[str] = set()
        self.closed_by: type[BaseException] | None = None
        self.closed = False

    async def __call__(self) -> AsyncGenerator[int, None]:
        try:
            async with asyncio.timeout(30):  # a scope that belongs to the task that entered it
                await asyncio.sleep(0)
            for number in range(self.length):
                self.threads.add(threading.current_thread().name)
                yield number
                await asyncio.sleep(0)
            if self.error is not None:
                raise self.error
        except (asyncio.CancelledError, GeneratorExit) as left:
            self.closed_by = type(left)
            raise
        finally:
            self.closed = True


def test_items_arrive_in_order_from_the_loops_own_thread(loop: EventLoopThread) -> None:
    stream = Stream(length=500)
    assert list(loop.iterate(stream)) == list(range(500))
    assert stream.threads == {"assistant"}
    assert stream.closed


def test_an_error_crosses_with_its_type_after_what_came_before(loop: EventLoopThread) -> None:
    error = ModelError(Message.bilingual("gone", "断了"), kind="broken_stream")
    items = loop.iterate(Stream(length=2, error=error))
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(ModelError) as caught:
        next(items)
    assert caught.value is error


def test_leaving_early_has_closed_the_stream_when_it_returns(loop: EventLoopThread) -> None:
    stream = Stream(length=1_000_000_000)
    items = loop.iterate(stream)
    assert next(items) == 0
    items.close()
    assert stream.closed
    assert stream.closed_by in {asyncio.CancelledError, GeneratorExit}


def test_leaving_a_silent_stream_cancels_it(loop: EventLoopThread) -> None:
    closed = threading.Event()

    async def silent() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    items = loop.iterate(silent, poll_interval_s=0.01)
    assert next(items) == 1
    assert next(items) is None
    items.close()
    assert closed.is_set()


def test_two_threads_read_two_streams_at_once(loop: EventLoopThread) -> None:
    first, second = loop.iterate(Stream()), loop.iterate(Stream())
    assert [next(first), next(second), next(first), next(second)] == [0, 0, 1, 1]
    first.close()
    assert list(second) == [2]


def test_a_call_returns_its_result_and_raises_its_error(loop: EventLoopThread) -> None:
    async def double(number: int) -> int:
        return number * 2

    async def fail() -> None:
        raise ModelError(Message.bilingual("gone", "断了"), kind="failed")

    assert loop.call(double(21)) == 42
    with pytest.raises(ModelError):
        loop.call(fail())
