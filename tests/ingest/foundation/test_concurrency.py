"""Tasks that nobody waits for any more: they run on for a while, and none is lost."""

import asyncio

import pytest

from ingest.foundation.concurrency import BackgroundTasks

pytestmark = pytest.mark.anyio


async def test_ctrl_c_while_latecomers_are_waited_for_ends_them_all() -> None:
    latecomers = BackgroundTasks()
    late = asyncio.create_task(asyncio.Event().wait())
    latecomers.adopt({late})
    closing = asyncio.create_task(latecomers.close(seconds=60))
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled()
    assert late.cancelled()
    assert len(latecomers) == 0


async def test_latecomers_that_finish_in_time_are_not_ended() -> None:
    latecomers = BackgroundTasks()
    late = asyncio.create_task(asyncio.sleep(0.01, result="read"))
    latecomers.adopt({late})
    await latecomers.close(seconds=60)
    assert late.result() == "read"
