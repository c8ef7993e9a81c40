import asyncio

import pytest

from ingest.web.rate_limit import MAX_HOSTS, RateLimiter

pytestmark = pytest.mark.anyio

A, B = "https://a.test/", "https://b.test/"


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Visitors:
    """Takes turns, writes down who has started, and stays until sent home."""

    def __init__(self, queue: RateLimiter) -> None:
        self.queue = queue
        self.started: list[str] = []
        self.leave = asyncio.Event()

    async def visit(self, name: str, url: str, crawl_delay: float | None = None) -> None:
        async with self.queue.acquire(url, crawl_delay):
            self.started.append(name)
            await self.leave.wait()

    def send(self, name: str, url: str) -> asyncio.Task[None]:
        return asyncio.create_task(self.visit(name, url))


async def test_one_host_serves_a_few_at_once_and_others_are_not_held_up() -> None:
    visitors = Visitors(RateLimiter(per_host=2))
    tasks = [visitors.send(f"a{n}", f"{A}{n}") for n in range(5)]
    tasks += [visitors.send(f"b{n}", f"{B}{n}") for n in range(2)]
    await settle()
    assert visitors.started == ["a0", "a1", "b0", "b1"]
    visitors.leave.set()
    await asyncio.gather(*tasks)
    assert visitors.started[4:] == ["a2", "a3", "a4"]  # first come, first served


async def test_who_gives_up_gives_the_turn_back() -> None:
    visitors = Visitors(RateLimiter(per_host=1))
    first, second, third = (visitors.send(name, A) for name in ("first", "second", "third"))
    await settle()
    second.cancel()  # while it waits
    await settle()
    first.cancel()  # while it is served
    await settle()
    assert visitors.started == ["first", "third"]
    visitors.leave.set()
    await third


async def test_giving_up_in_the_gap_gives_the_turn_back() -> None:
    clock = Clock()
    asleep = asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    queue = RateLimiter(per_host=1, gap_s=5.0, clock=clock, sleep=sleep)
    async with queue.acquire(A):
        pass
    waiting = asyncio.create_task(Visitors(queue).visit("late", A))
    await asleep.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    clock.now += 5.0
    async with queue.acquire(A):
        assert clock.now == 105.0


@pytest.mark.parametrize(
    ("gap_s", "crawl_delay", "starts"),
    [
        (0.0, None, [100.0, 100.0, 100.0]),
        (1.5, None, [100.0, 101.5, 103.0]),
        (1.5, 4.0, [100.0, 104.0, 108.0]),
        (1.5, 0.0, [100.0, 100.0, 100.0]),  # the site's own word counts
        (0.0, 3600.0, [100.0, 110.0, 120.0]),  # within reason
    ],
)
async def test_between_two_starts_lies_the_gap_that_the_site_asks_for(
    gap_s: float, crawl_delay: float | None, starts: list[float]
) -> None:
    clock = Clock()
    queue = RateLimiter(gap_s=gap_s, max_delay_s=10.0, clock=clock, sleep=clock.sleep)
    seen = []

    async def visit() -> None:
        async with queue.acquire(A, crawl_delay):
            seen.append(clock.now)

    await asyncio.gather(*(visit() for _ in starts))
    assert seen == starts


async def test_gaps_lie_between_starts_also_when_two_are_served_at_once() -> None:
    clock = Clock()
    queue = RateLimiter(per_host=2, gap_s=3.0, clock=clock, sleep=clock.sleep)
    async with queue.acquire(A), queue.acquire(f"{A}x"):
        assert clock.now == 103.0


@pytest.mark.parametrize(("asked", "waited"), [(4.0, 4.0), (600.0, 10.0)])
async def test_a_host_that_asks_us_to_wait_is_left_alone_for_that_time(
    asked: float, waited: float
) -> None:
    clock = Clock()
    queue = RateLimiter(max_delay_s=10.0, clock=clock, sleep=clock.sleep)
    queue.block_until(A, asked)
    async with queue.acquire(B):
        assert clock.now == 100.0
    async with queue.acquire(A):
        assert clock.now == 100.0 + waited


async def test_a_wait_that_is_asked_for_meanwhile_counts_too() -> None:
    clock = Clock()

    async def sleep(seconds: float) -> None:
        if clock.now == 100.0:
            queue.block_until(A, 8.0)
        await clock.sleep(seconds)

    queue = RateLimiter(gap_s=2.0, clock=clock, sleep=sleep)
    async with queue.acquire(A):
        pass
    async with queue.acquire(A):
        assert clock.now == 108.0


async def test_a_shorter_wait_does_not_undo_a_longer_one() -> None:
    clock = Clock()
    queue = RateLimiter(clock=clock, sleep=clock.sleep)
    queue.block_until(A, 9.0)
    queue.block_until(A, 1.0)
    async with queue.acquire(A):
        assert clock.now == 109.0


async def test_hosts_are_forgotten_before_they_fill_the_memory_but_not_while_in_use() -> None:
    queue = RateLimiter(per_host=1)
    visitors = Visitors(queue)
    staying = visitors.send("stays", A)
    await settle()
    for number in range(MAX_HOSTS + 10):
        async with queue.acquire(f"https://h{number}.test/"):
            pass
    late = visitors.send("late", A)
    await settle()
    assert visitors.started == ["stays"]  # its host is still known to be busy
    visitors.leave.set()
    await asyncio.gather(staying, late)
    assert len(queue) == MAX_HOSTS
