"""When the next request to a host may start: few at once, a gap between them, a wait on demand.

A site may ask for more by `Crawl-delay` in robots.txt (not in RFC 9309, but Bing, Yandex and many
sites know it) and by `Retry-After` on 429 and 503 (RFC 9110, 10.2.3).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ingest.web.urls import host_of

MAX_HOSTS = 4_096
"""Hosts that are remembered without a request under way."""
LONG_AGO = -1e9
"""Seconds on the clock before any request; a monotonic clock may begin at 0."""


@dataclass(slots=True, kw_only=True)
class _Host:
    """What is under way at one host."""

    slots: asyncio.Semaphore
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the request that starts next."""
    pending: int = 0
    """Requests that wait or are under way."""
    started_at: float = LONG_AGO
    blocked_until: float = LONG_AGO


class RateLimiter:
    """Lets requests through to their hosts, first come, first served.

    Args:
        per_host: requests at once to one host.
        gap_s: least seconds between two starts at one host, where the site names no delay.
        max_delay_s: most seconds that a site can ask for, between starts or before the next.
        clock: seconds.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        *,
        per_host: int,
        gap_s: float,
        max_delay_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._per_host = per_host
        self._gap_s = gap_s
        self._max_delay_s = max_delay_s
        self._clock = clock
        self._sleep = sleep
        self._hosts: dict[str, _Host] = {}

    def __len__(self) -> int:
        """Return how many hosts are remembered."""
        return len(self._hosts)

    @asynccontextmanager
    async def acquire(self, url: str, crawl_delay: float | None = None) -> AsyncIterator[None]:
        """Wait until a request to the host of `url` may start, and hold a slot in the block.

        Args:
            url: what is requested; all ports of a host are one host.
            crawl_delay: seconds that its robots.txt asks for between two requests.
        """
        gap_s = self._gap_s if crawl_delay is None else min(crawl_delay, self._max_delay_s)
        host = self._host(url)
        # Counted before the first await: a host that is waited for must not be forgotten, or the
        # next request would get a second semaphore for it.
        host.pending += 1
        try:
            async with host.slots:
                # One at a time through the gap. Two that measured it from the same last start
                # would wake up together and start together.
                async with host.starting:
                    # Computed again after each sleep: meanwhile `block_until` may have been called.
                    while True:
                        start = max(host.started_at + gap_s, host.blocked_until)
                        wait_s = start - self._clock()
                        if wait_s <= 0:
                            break
                        await self._sleep(wait_s)
                    host.started_at = self._clock()
                yield
        finally:
            host.pending -= 1

    def block_until(self, url: str, seconds: float) -> None:
        """Let no request start at the host of `url` for `seconds`, `max_delay_s` at most.

        For a Retry-After; requests that are under way go on.
        """
        until = self._clock() + min(seconds, self._max_delay_s)
        host = self._host(url)
        # A shorter wait that another reply names does not undo a longer one.
        host.blocked_until = max(host.blocked_until, until)

    def _host(self, url: str) -> _Host:
        """Return what is known of the host, and forget the idle one that was used least lately."""
        name = host_of(url)
        host = self._hosts.pop(name, None) or _Host(slots=asyncio.Semaphore(self._per_host))
        self._hosts[name] = host  # put back at the end: dicts keep the order of insertion
        if len(self._hosts) > MAX_HOSTS:
            idle = (name for name, host in self._hosts.items() if not host.pending)
            del self._hosts[next(idle)]
        return host
