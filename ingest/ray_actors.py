"""What runs on the machines of a Ray cluster: readers of pages, and the one that owns politeness.

No state of a run is here. A worker that is lost takes with it only what it was doing, and the
driver, which alone writes the index, has that done again elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any, cast

from ingest.documents import PageValidators
from ingest.encoder_setup import embedder_config
from ingest.errors import EmbedError, IngestError
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.messages import Message
from ingest.index.embed.base import Embedder, Vector
from ingest.index.embed.registry import open_embedder
from ingest.settings import IngestSettings
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy, robots_error
from ingest.web.robots_parser import RobotsVerdict
from ingest.web.tiered_fetcher import Loaded
from ingest.web_bootstrap import WebAccess, open_reader_pool, open_web_access, tiered_fetcher

LEASE_PAGES = 3
"""Pages in whose time a slot at a host must be given back; then its worker is taken for lost."""


class HostGate:
    """Owns robots.txt and the rate limits of all hosts, so that they hold across the cluster.

    One for all workers: two that each allowed two requests at once would together ask a host four
    times at once, and a redirect may lead any worker to any host.
    """

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._web: WebAccess | None = None
        self._numbers = count(1)
        self._leases: dict[int, asyncio.Event] = {}
        # asyncio keeps only weak references to tasks.
        self._held: set[asyncio.Task[None]] = set()

    async def check(self, url: str) -> RobotsVerdict | IngestError:
        """Return what robots.txt says of `url`, or why it cannot be told."""
        try:
            return await self._access().robots.check(url)
        except IngestError as error:
            return error

    async def acquire(self, url: str, crawl_delay: float | None) -> int:
        """Wait for a slot at the host of `url`, and return the number to release it by."""
        number = next(self._numbers)
        self._leases[number] = asyncio.Event()
        started = asyncio.Event()
        task = asyncio.create_task(self._hold(number, url, crawl_delay, started))
        self._held.add(task)
        task.add_done_callback(self._held.discard)
        await started.wait()
        return number

    async def release(self, number: int) -> None:
        """Give the slot back. One that was taken back already is ignored."""
        if lease := self._leases.pop(number, None):
            lease.set()

    async def block_until(self, url: str, seconds: float) -> None:
        """Let no request start at the host of `url` for `seconds`."""
        self._access().rate_limiter.block_until(url, seconds)

    async def _hold(
        self, number: int, url: str, crawl_delay: float | None, started: asyncio.Event
    ) -> None:
        async with self._access().rate_limiter.acquire(url, crawl_delay):
            started.set()
            # A worker that was killed gives nothing back, and its hosts would stay closed.
            with suppress(TimeoutError):
                async with asyncio.timeout(LEASE_PAGES * self._settings.crawl.timeout):
                    await self._leases[number].wait()
        self._leases.pop(number, None)

    def _access(self) -> WebAccess:
        if self._web is None:
            # Here and not before: the event loop of an actor runs only in its methods.
            self._web = open_web_access(self._settings, ExpiringCache(), self._stack)
        return self._web


class GatedRobots:
    """`RobotsPolicy` as a worker sees it: the gate decides."""

    def __init__(self, gate: Any) -> None:
        self._gate = gate

    async def check(self, url: str) -> RobotsVerdict:
        """Return whether `url` may be read, as `RobotsPolicy.check` does."""
        verdict = await self._gate.check.remote(url)
        if isinstance(verdict, IngestError):
            raise verdict
        return cast("RobotsVerdict", verdict)

    async def permit(self, url: str) -> RobotsVerdict:
        """Return the verdict that lets us read `url`, as `RobotsPolicy.permit` does."""
        verdict = await self.check(url)
        if not verdict.allowed:
            raise robots_error(url, verdict)
        return verdict


class GatedRateLimiter:
    """`RateLimiter` as a worker sees it: the gate gives slots."""

    def __init__(self, gate: Any) -> None:
        self._gate = gate

    @asynccontextmanager
    async def acquire(self, url: str, crawl_delay: float | None = None) -> AsyncIterator[None]:
        """Wait until a request to the host of `url` may start, and hold a slot in the block."""
        number = await self._gate.acquire.remote(url, crawl_delay)
        try:
            yield
        finally:
            self._gate.release.remote(number)

    def block_until(self, url: str, seconds: float) -> None:
        """Let no request start at the host of `url` for `seconds`."""
        self._gate.block_until.remote(url, seconds)


def gated_access(web: WebAccess, gate: Any) -> WebAccess:
    """Return `web` with the robots.txt and the limits of the gate in place of its own."""
    # Fetchers ask for nothing of these two that the gate does not offer.
    return replace(
        web,
        robots=cast("RobotsPolicy", GatedRobots(gate)),
        rate_limiter=cast("RateLimiter", GatedRateLimiter(gate)),
    )


class ReadingWorker:
    """Fetches pages, extracts their text and embeds chunks, many at once; stores nothing."""

    def __init__(self, settings: IngestSettings, gate: Any) -> None:
        self._settings = settings
        self._gate = gate
        self._stack = AsyncExitStack()
        self._fetcher: Any = None
        self._embedders: dict[str, Embedder] = {}
        self._opening = asyncio.Lock()

    async def ready(self) -> None:
        """Return when the worker has started."""

    async def load(self, url: str, known: PageValidators | None) -> Loaded | IngestError:
        """Return the page behind `url`, or why there is none."""
        try:
            if self._fetcher is None:
                own = open_web_access(self._settings, ExpiringCache(), self._stack)
                web = gated_access(own, self._gate)
                workers = open_reader_pool(self._settings, self._stack)
                self._fetcher = tiered_fetcher(self._settings, workers, web, self._stack)
            return cast("Loaded", await self._fetcher.load(url, known=known))
        except IngestError as error:
            return error

    async def embed(self, texts: Sequence[str], space: str) -> list[Vector] | EmbedError:
        """Return the vectors of `texts` in `space`, or why there are none."""
        try:
            return await (await self._embedder(space)).embed_documents(texts)
        except EmbedError as error:
            return error

    async def _embedder(self, space: str) -> Embedder:
        async with self._opening:
            if space not in self._embedders:
                embedder, _ = await open_embedder(embedder_config(self._settings), space=space)
                if embedder is None or embedder.space != space:
                    # Vectors of another encoder, filed under this one, would mislead all searches.
                    raise EmbedError(
                        Message("a worker of the cluster has not the encoder {space}", space=space),
                        hint=Message("install the same version and encoder on every node"),
                    )
                self._embedders[space] = embedder
        return self._embedders[space]
