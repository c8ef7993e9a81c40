"""Running a few things side by side without losing track of them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def in_completion_order(
    function: Callable[[T], Awaitable[R]], items: Iterable[T], *, limit: int
) -> AsyncGenerator[R, None]:
    """Yield `function(item)` for every item, first finished first, at most `limit` at a time.

    Closing the generator cancels the rest and waits for it to end. Plain tasks, not a task
    group: a `yield` inside a task group ties its cancel scope to whichever task happens to ask
    for the next value (PEP 789).
    """
    gate = asyncio.Semaphore(limit)

    async def guarded(item: T) -> R:
        async with gate:
            return await function(item)

    tasks = [asyncio.create_task(guarded(item)) for item in items]
    try:
        for finished in asyncio.as_completed(tasks):
            yield await finished
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
