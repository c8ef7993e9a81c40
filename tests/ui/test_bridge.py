"""Streams and contexts cross from the event loop to a plain thread, and nothing stays behind."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from assistant.errors import ModelError
from ingest.foundation.messages import Message
from ui.bridge import Bridge, SharedResource

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def bridge() -> Bridge:
    return Bridge()


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


def test_items_arrive_in_order_from_the_loops_own_thread(bridge: Bridge) -> None:
    stream = Stream(length=500)
    assert list(bridge.iterate(stream)) == list(range(500))
    assert stream.threads == {"assistant"}
    assert stream.closed


def test_an_error_crosses_with_its_type_after_what_came_before(bridge: Bridge) -> None:
    error = ModelError(Message.bilingual("gone", "断了"), kind="broken_stream")
    items = bridge.iterate(Stream(length=2, error=error))
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(ModelError) as caught:
        next(items)
    assert caught.value is error


def test_leaving_early_has_closed_the_stream_when_it_returns(bridge: Bridge) -> None:
    stream = Stream(length=1_000_000_000)
    items = bridge.iterate(stream)
    assert next(items) == 0
    items.close()
    assert stream.closed
    assert stream.closed_by in {asyncio.CancelledError, GeneratorExit}


def test_leaving_a_silent_stream_cancels_it(bridge: Bridge) -> None:
    closed = threading.Event()

    async def silent() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    items = bridge.iterate(silent, poll_interval_s=0.01)
    assert next(items) == 1
    assert next(items) is None
    items.close()
    assert closed.is_set()


def test_two_threads_read_two_streams_at_once(bridge: Bridge) -> None:
    first, second = bridge.iterate(Stream()), bridge.iterate(Stream())
    assert [next(first), next(second), next(first), next(second)] == [0, 0, 1, 1]
    first.close()
    assert list(second) == [2]


def test_a_call_returns_its_result_and_raises_its_error(bridge: Bridge) -> None:
    async def double(number: int) -> int:
        return number * 2

    async def fail() -> None:
        raise ModelError(Message.bilingual("gone", "断了"), kind="failed")

    assert bridge.call(double(21)) == 42
    with pytest.raises(ModelError):
        bridge.call(fail())


class Door:
    """Opens numbered rooms and notes what happens to them, and in which task."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.tasks: list[asyncio.Task[None] | None] = []
        self.fails = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[int]:
        self.tasks.append(asyncio.current_task())
        await asyncio.sleep(0)
        if self.fails:
            self.fails -= 1
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
    door = Door()
    shared = SharedResource(door)
    async with shared.use() as first:
        pass
    async with shared.use() as second:
        assert (first, second) == (1, 1)
    assert door.log == ["open 1"]
    await shared.close()
    assert door.log == ["open 1", "close 1"]
    assert door.tasks[0] is door.tasks[1]
    assert door.tasks[0] is not asyncio.current_task()


async def test_opening_that_fails_says_why_and_is_tried_again() -> None:
    door = Door()
    door.fails = 1
    shared = SharedResource(door)
    with pytest.raises(ModelError):
        async with shared.use():
            pass
    async with shared.use() as value:
        assert value == 1
    await shared.close()
    await shared.close()
    assert door.log == ["open 1", "close 1"]


async def test_all_who_come_at_once_share_one_value() -> None:
    door = Door()
    shared = SharedResource(door)

    async def visit() -> int:
        async with shared.use() as value:
            await asyncio.sleep(0)
            return value

    assert await asyncio.gather(*(visit() for _ in range(5))) == [1] * 5
    assert door.log == ["open 1"]
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

    async def visit() -> None:
        async with shared.use():
            pass

    visitor = asyncio.create_task(visit())
    await entered.wait()
    visitor.cancel()
    await left.wait()
    with pytest.raises(asyncio.CancelledError):
        await visitor
    await shared.close()
