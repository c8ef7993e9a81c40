"""Requests to one host: few at once, in order, with gaps and blocks."""

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


def limiter_of(clock: Clock | None = None, **more: object) -> RateLimiter:
    options: dict[str, object] = {"per_host": 2, "gap_s": 0.0, "max_delay_s": 10.0}
    if clock is not None:
        options |= {"clock": clock, "sleep": clock.sleep}
    return RateLimiter(**{**options, **more})  # type: ignore[arg-type]


class Requests:
    """Requests that note who has started, and go on until all are let end."""

    def __init__(self, limiter: RateLimiter) -> None:
        self.limiter = limiter
        self.started: list[str] = []
        self.may_end = asyncio.Event()

    async def make(self, name: str, url: str) -> None:
        async with self.limiter.acquire(url):
            self.started.append(name)
            await self.may_end.wait()

    def send(self, name: str, url: str) -> asyncio.Task[None]:
        return asyncio.create_task(self.make(name, url))


async def test_one_host_gets_a_few_requests_at_once_and_others_are_not_held_up() -> None:
    requests = Requests(limiter_of(per_host=2))
    tasks = [requests.send(f"a{n}", f"{A}{n}") for n in range(5)]
    tasks += [requests.send(f"b{n}", f"{B}{n}") for n in range(2)]
    await settle()
    assert requests.started == ["a0", "a1", "b0", "b1"]
    requests.may_end.set()
    await asyncio.gather(*tasks)
    assert requests.started[4:] == ["a2", "a3", "a4"]  # first come, first served


async def test_a_cancelled_request_frees_its_slot() -> None:
    requests = Requests(limiter_of(per_host=1))
    first, second, third = (requests.send(name, A) for name in ("first", "second", "third"))
    await settle()
    second.cancel()  # while it waits
    await settle()
    first.cancel()  # while it is under way
    await settle()
    assert requests.started == ["first", "third"]
    requests.may_end.set()
    await third


async def test_a_request_cancelled_in_the_gap_frees_its_slot() -> None:
    clock = Clock()
    asleep = asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    limiter = limiter_of(clock, per_host=1, gap_s=5.0, sleep=sleep)
    async with limiter.acquire(A):
        pass
    waiting = asyncio.create_task(Requests(limiter).make("late", A))
    await asleep.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    clock.now += 5.0
    async with limiter.acquire(A):
        assert clock.now == 105.0


@pytest.mark.parametrize(
    ("gap_s", "crawl_delay", "starts"),
    [
        (0.0, None, [100.0, 100.0, 100.0]),
        (1.5, None, [100.0, 101.5, 103.0]),
        (1.5, 4.0, [100.0, 104.0, 108.0]),
        (1.5, 0.0, [100.0, 100.0, 100.0]),  # the site's own delay counts
        (0.0, 3600.0, [100.0, 110.0, 120.0]),  # up to max_delay_s
    ],
)
async def test_between_two_starts_lies_the_gap_that_the_site_asks_for(
    gap_s: float, crawl_delay: float | None, starts: list[float]
) -> None:
    clock = Clock()
    limiter = limiter_of(clock, gap_s=gap_s)
    seen = []

    async def request() -> None:
        async with limiter.acquire(A, crawl_delay):
            seen.append(clock.now)

    await asyncio.gather(*(request() for _ in starts))
    assert seen == starts


async def test_gaps_lie_between_starts_also_when_two_are_under_way_at_once() -> None:
    clock = Clock()
    limiter = limiter_of(clock, per_host=2, gap_s=3.0)
    async with limiter.acquire(A), limiter.acquire(f"{A}x"):
        assert clock.now == 103.0


@pytest.mark.parametrize(("wanted", "waited"), [(4.0, 4.0), (600.0, 10.0)])
async def test_a_blocked_host_gets_no_request_for_that_time(wanted: float, waited: float) -> None:
    clock = Clock()
    limiter = limiter_of(clock, max_delay_s=10.0)
    limiter.block_until(A, wanted)
    async with limiter.acquire(B):
        assert clock.now == 100.0
    async with limiter.acquire(A):
        assert clock.now == 100.0 + waited


async def test_a_wait_that_is_asked_for_meanwhile_counts_too() -> None:
    clock = Clock()

    async def sleep(seconds: float) -> None:
        if clock.now == 100.0:
            limiter.block_until(A, 8.0)
        await clock.sleep(seconds)

    limiter = limiter_of(clock, gap_s=2.0, sleep=sleep)
    async with limiter.acquire(A):
        pass
    async with limiter.acquire(A):
        assert clock.now == 108.0


async def test_a_shorter_wait_does_not_undo_a_longer_one() -> None:
    clock = Clock()
    limiter = limiter_of(clock)
    limiter.block_until(A, 9.0)
    limiter.block_until(A, 1.0)
    async with limiter.acquire(A):
        assert clock.now == 109.0


async def test_hosts_are_forgotten_before_they_fill_the_memory_but_not_while_in_use() -> None:
    limiter = limiter_of(per_host=1)
    requests = Requests(limiter)
    staying = requests.send("stays", A)
    await settle()
    for number in range(MAX_HOSTS + 10):
        async with limiter.acquire(f"https://h{number}.test/"):
            pass
    late = requests.send("late", A)
    await settle()
    assert requests.started == ["stays"]  # its host is still known to be busy
    requests.may_end.set()
    await asyncio.gather(staying, late)
    assert len(limiter) == MAX_HOSTS
