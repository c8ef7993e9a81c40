"""Streams and contexts cross from the event loop to a plain thread, and nothing stays behind."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from assistant.errors import ModelError
from ingest.foundation.messages import Message
from ui.bridge import EventLoopThread, SharedResource

pytestmark = pytest.mark.anyio


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


class NumberedValues:
    """Opens 1, then 2, and notes what is opened and closed, and in which task."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.tasks: list[asyncio.Task[None] | None] = []
        self.failures = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[int]:
        self.tasks.append(asyncio.current_task())
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise ModelError(Message.bilingual("no model", "没有模型"), kind="unreachable")
        number = sum(line.startswith("open") for line in self.log) + 1
        self.log.append(f"open {number}")
        try:
            yield number
        finally:
            await asyncio.sleep(0)
            self.tasks.append(asyncio.current_task())
            self.log.append(f"close {number}")


async def test_a_value_stays_open_between_uses_and_closes_in_the_task_that_opened_it() -> None:
    values = NumberedValues()
    shared = SharedResource(values)
    assert (await shared.get(), await shared.get()) == (1, 1)
    assert values.log == ["open 1"]
    await shared.close()
    assert values.log == ["open 1", "close 1"]
    assert values.tasks[0] is values.tasks[1]
    assert values.tasks[0] is not asyncio.current_task()


async def test_a_closed_value_is_opened_anew_by_the_next_use() -> None:
    values = NumberedValues()
    shared = SharedResource(values)
    await shared.get()
    await shared.close()
    assert await shared.get() == 2
    await shared.close()
    assert values.log == ["open 1", "close 1", "open 2", "close 2"]


async def test_opening_that_fails_says_why_and_is_tried_again() -> None:
    values = NumberedValues()
    values.failures = 1
    shared = SharedResource(values)
    with pytest.raises(ModelError):
        await shared.get()
    assert await shared.get() == 1
    await shared.close()
    await shared.close()
    assert values.log == ["open 1", "close 1"]


async def test_all_who_come_at_once_share_one_value() -> None:
    values = NumberedValues()
    shared = SharedResource(values)
    assert await asyncio.gather(*(shared.get() for _ in range(5))) == [1] * 5
    assert values.log == ["open 1"]
    await shared.close()


async def test_opening_that_nobody_waits_for_any_more_is_given_up() -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def slow() -> AsyncIterator[int]:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        yield 1

    shared = SharedResource(slow)
    waiting = asyncio.create_task(shared.get())
    await entered.wait()
    waiting.cancel()
    await left.wait()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await shared.close()


@pytest.mark.parametrize("turns", range(6))
async def test_whenever_the_first_one_leaves_the_next_one_gets_a_value_and_one_is_open(
    turns: int,
) -> None:
    values = NumberedValues()
    shared = SharedResource(values)
    leaving = asyncio.create_task(shared.get())
    for _ in range(turns):  # of the loop, in each of which opening comes one step further
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    last = await shared.get()
    opened = [line for line in values.log if line.startswith("open")]
    assert opened[-1] == f"open {last}"
    await shared.close()
    assert len(values.log) == 2 * len(opened)
