"""Background tasks run on for a while, and none is lost; resources open late and close in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ingest.foundation.concurrency import BackgroundTasks, LazyResource

pytestmark = pytest.mark.anyio


async def test_ctrl_c_during_the_wait_cancels_every_task() -> None:
    background = BackgroundTasks()
    late = asyncio.create_task(asyncio.Event().wait())
    background.adopt({late})
    closing = asyncio.create_task(background.close(seconds=60))
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled()
    assert late.cancelled()
    assert len(background) == 0


async def test_tasks_that_finish_in_time_are_not_cancelled() -> None:
    background = BackgroundTasks()
    late = asyncio.create_task(asyncio.sleep(0.01, result="read"))
    background.adopt({late})
    await background.close(seconds=60)
    assert late.result() == "read"


async def test_a_lazy_resource_is_opened_once_at_its_first_use_and_closed_with_its_owner() -> None:
    log: list[str] = []

    @asynccontextmanager
    async def open_one() -> AsyncIterator[int]:
        log.append("open")
        await asyncio.sleep(0)
        try:
            yield 1
        finally:
            log.append("close")

    async with LazyResource(open_one) as lazy:
        assert log == []
        assert await asyncio.gather(*(lazy.get() for _ in range(3))) == [1, 1, 1]
        assert log == ["open"]
    assert log == ["open", "close"]


async def test_a_lazy_resource_that_was_never_used_is_never_opened() -> None:
    @asynccontextmanager
    async def open_one() -> AsyncIterator[int]:
        raise AssertionError("nobody needs it")
        yield 1

    async with LazyResource(open_one):
        pass


async def test_what_was_opened_learns_of_the_error_that_closes_it() -> None:
    seen: list[type[BaseException] | None] = []

    class Resource:
        async def __aenter__(self) -> int:
            return 1

        async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
            seen.append(kind)

    async def fail_while_it_is_open() -> None:
        async with LazyResource(Resource) as lazy:
            await lazy.get()
            raise KeyError

    with pytest.raises(KeyError):
        await fail_while_it_is_open()
    assert seen == [KeyError]


async def test_what_is_being_opened_while_its_owner_leaves_is_closed_too() -> None:
    log: list[str] = []
    entered = asyncio.Event()

    @asynccontextmanager
    async def open_one() -> AsyncIterator[int]:
        entered.set()
        await asyncio.sleep(0.01)
        log.append("open")
        yield 1
        log.append("close")

    async with LazyResource(open_one) as lazy:
        getting = asyncio.create_task(lazy.get())
        await entered.wait()
    await asyncio.wait([getting])
    assert log == ["open", "close"]
    with pytest.raises(RuntimeError):
        await lazy.get()


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
            raise OSError("not yet")
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
    shared = LazyResource(values)
    assert (await shared.get(), await shared.get()) == (1, 1)
    assert values.log == ["open 1"]
    await shared.close()
    assert values.log == ["open 1", "close 1"]
    assert values.tasks[0] is values.tasks[1]
    assert values.tasks[0] is not asyncio.current_task()


async def test_a_closed_value_is_opened_anew_by_the_next_use() -> None:
    values = NumberedValues()
    shared = LazyResource(values)
    await shared.get()
    await shared.close()
    assert await shared.get() == 2
    await shared.close()
    assert values.log == ["open 1", "close 1", "open 2", "close 2"]


async def test_opening_that_fails_is_tried_again_at_the_next_use() -> None:
    values = NumberedValues()
    values.failures = 1
    shared = LazyResource(values)
    with pytest.raises(OSError, match="not yet"):
        await shared.get()
    assert await shared.get() == 1
    await shared.close()
    await shared.close()
    assert values.log == ["open 1", "close 1"]


async def test_all_who_come_at_once_share_one_value() -> None:
    values = NumberedValues()
    shared = LazyResource(values)
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

    shared = LazyResource(slow)
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
    shared = LazyResource(values)
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


async def test_closing_does_not_fail_where_opening_was_given_up_just_now() -> None:
    entered = asyncio.Event()

    @asynccontextmanager
    async def slow() -> AsyncIterator[int]:
        entered.set()
        await asyncio.Event().wait()
        yield 1

    async with LazyResource(slow) as lazy:
        waiting = asyncio.create_task(lazy.get())
        await entered.wait()
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
