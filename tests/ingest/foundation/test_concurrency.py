"""Background tasks run on for a while, and none is lost."""

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


async def test_opening_that_fails_is_tried_again_at_the_next_use() -> None:
    fails = [True, False]

    @asynccontextmanager
    async def open_one() -> AsyncIterator[int]:
        if fails.pop(0):
            raise OSError("not yet")
        yield 1

    async with LazyResource(open_one) as lazy:
        with pytest.raises(OSError, match="not yet"):
            await lazy.get()
        assert await lazy.get() == 1


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
