"""When a site may be asked again: few requests at once, a gap between them, a wait if it says so.

What a polite crawler leaves to a site's taste is `Crawl-delay` in robots.txt (not in RFC 9309, but
Bing, Yandex and many sites know it) and `Retry-After` on 429 and 503 (RFC 9110, 10.2.3).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ingest.web.urls import host_of

PER_HOST = 2
"""Requests to one host at once: what a person with two tabs asks for."""
MAX_DELAY_S = 10.0
"""The longest wait that a site can ask for: with "Crawl-delay: 3600" nobody could read a page."""
MAX_HOSTS = 4_096
"""Hosts that are remembered while nobody asks them."""


@dataclass(slots=True, kw_only=True)
class _Host:
    """What is under way at one host."""

    places: asyncio.Semaphore
    door: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the next to start, so that gaps lie between all of them."""
    guests: int = 0
    """Who waits or is being served."""
    started_at: float = -1e9
    closed_until: float = -1e9


class RateLimiter:
    """Lets requests through to their hosts, first come, first served.

    Args:
        per_host: requests at once to one host.
        gap_s: least seconds between two starts at one host, where the site names no delay.
        max_delay_s: most seconds that a site can ask for, between starts or before the next.
        clock: seconds.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        *,
        per_host: int = PER_HOST,
        gap_s: float = 0.0,
        max_delay_s: float = MAX_DELAY_S,
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
        """Hosts that are remembered."""
        return len(self._hosts)

    @asynccontextmanager
    async def acquire(self, url: str, crawl_delay: float | None = None) -> AsyncIterator[None]:
        """Wait until the host of `url` may be asked, and keep its place until the block ends.

        Args:
            url: what is asked for; all ports of a host are one host.
            crawl_delay: seconds that its robots.txt asks for between two requests.
        """
        host = self._host(url)
        host.guests += 1
        try:
            async with host.places:
                async with host.door:
                    await self._wait(host, self._gap(crawl_delay))
                    host.started_at = self._clock()
                yield
        finally:
            host.guests -= 1

    def block_until(self, url: str, seconds: float) -> None:
        """Let nobody start at the host of `url` for so long, or for `max_delay_s` if that is less.

        For a Retry-After: who is being served goes on.
        """
        until = self._clock() + min(seconds, self._max_delay_s)
        host = self._host(url)
        host.closed_until = max(host.closed_until, until)

    def _gap(self, crawl_delay: float | None) -> float:
        return self._gap_s if crawl_delay is None else min(crawl_delay, self._max_delay_s)

    async def _wait(self, host: _Host, gap_s: float) -> None:
        """Return when the host may be asked; while we wait, it may have been closed for longer."""
        while (start := max(host.started_at + gap_s, host.closed_until)) > (now := self._clock()):
            await self._sleep(start - now)

    def _host(self, url: str) -> _Host:
        """Return what is known of the host, and forget those that were last in use long ago."""
        name = host_of(url)
        host = self._hosts.pop(name, None) or _Host(places=asyncio.Semaphore(self._per_host))
        self._hosts[name] = host
        if len(self._hosts) > MAX_HOSTS:
            idle = (name for name, host in self._hosts.items() if not host.guests)
            del self._hosts[next(idle)]
        return host
