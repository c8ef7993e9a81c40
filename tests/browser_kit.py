"""A fetcher that drives Chromium, and what the tests of it look at."""

from pathlib import Path

import pytest

from ingest.errors import IngestError
from ingest.web.fetch.browser import BrowserFetcher
from ingest.web.fetch.http import HttpClient
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy
from ingest.web.ssrf import AddressGuard

AGENT = "qiuzheng/0.1.0 (+https://example.test/)"


class Kit:
    def __init__(
        self,
        *,
        executable: str | None = None,
        timeout_s: float = 15.0,
        max_bytes: int = 5_000_000,
        allowed_hosts: frozenset[str] = frozenset(),
        rate_limiter: RateLimiter | None = None,
        pages_per_browser: int = 50,
    ) -> None:
        guard = AddressGuard(allowed_hosts=allowed_hosts)
        self.client = HttpClient(guard=guard, agent=AGENT, timeout_s=timeout_s)
        self.robots = RobotsPolicy(agent=AGENT, read=self.client.read_robots)
        self.fetcher = BrowserFetcher(
            guard=guard,
            robots=self.robots,
            user_agent=AGENT,
            executable=executable,
            timeout_s=timeout_s,
            max_bytes=max_bytes,
            rate_limiter=rate_limiter,
            pages_per_browser=pages_per_browser,
        )

    async def close(self) -> None:
        await self.fetcher.close()
        await self.robots.close()
        await self.client.close()


def group_of(leader: int) -> list[int]:
    """Return the processes of the group that are still at work (a zombie is not)."""
    living = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader and fields[0] not in "ZX":
            living.append(int(folder.name))
    return living


async def failure(kit: Kit, url: str) -> IngestError:
    with pytest.raises(IngestError) as caught:
        await kit.fetcher.fetch(url)
    return caught.value
