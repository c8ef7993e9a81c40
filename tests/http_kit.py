"""A fetcher over the small internet of a test, and what it is made of."""

import pytest

from ingest.errors import IngestError
from ingest.extract.registry import DOCUMENT_TYPES
from ingest.web.fetch.http import HttpClient, HttpFetcher
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy
from ingest.web.ssrf import AddressGuard

AGENT = "qiuzheng/0.1.0 (+https://example.test/)"
MAX_BYTES = 1_000_000


class Kit:
    """A fetcher and what it is made of."""

    def __init__(
        self,
        *,
        timeout_s: float = 8.0,
        allowed_hosts: frozenset[str] = frozenset(),
        rate_limiter: RateLimiter | None = None,
    ) -> None:
        guard = AddressGuard(allowed_hosts=allowed_hosts)
        client = HttpClient(guard=guard, agent=AGENT, timeout_s=timeout_s)
        self.robots = RobotsPolicy(agent=AGENT, read=client.read_robots)
        self.fetcher = HttpFetcher(
            client=client,
            robots=self.robots,
            timeout_s=timeout_s,
            max_bytes=MAX_BYTES,
            rate_limiter=RateLimiter(per_host=2, gap_s=0.0, max_delay_s=10.0)
            if rate_limiter is None  # an unused one is false, since it remembers no host
            else rate_limiter,
            document_types=DOCUMENT_TYPES,
        )

    async def close(self) -> None:
        await self.robots.close()
        await self.fetcher.close()


async def failure(kit: Kit, url: str) -> IngestError:
    with pytest.raises(IngestError) as caught:
        await kit.fetcher.fetch(url)
    assert caught.value.message.localize("zh")
    assert "\n" not in caught.value.localize("en")
    return caught.value
