"""Chooses and opens what fetches pages and extracts their text: the reading half of `bootstrap`.

A worker on another machine opens the same, without an index.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.foundation.cache import ExpiringCache
from ingest.foundation.concurrency import LazyResource
from ingest.settings import IngestSettings

if TYPE_CHECKING:
    from ingest.bulk.archives import ArchiveReader
    from ingest.bulk.crawl import LinkCollector
    from ingest.crawl_log import CrawlLog
    from ingest.extract.worker_pool import ReaderPool
    from ingest.index.embed.base import Embedder
    from ingest.index.store.base import ChunkStore
    from ingest.page_reader import PageLoader, PageReader
    from ingest.pipeline import IndexingPipeline
    from ingest.web.fetch.base import Fetcher
    from ingest.web.fetch.wire import HttpClient
    from ingest.web.lazy_access import OpenedAccess
    from ingest.web.rate_limit import RateLimiter
    from ingest.web.robots import RobotsPolicy
    from ingest.web.ssrf import AddressGuard
    from ingest.web.tiered_fetcher import TieredFetcher

UNPACKED = "unpacked"
"""Folder beside the index in which archives are unpacked while they are read."""


def open_reader_pool(settings: IngestSettings, stack: AsyncExitStack) -> "ReaderPool":
    """Return the processes that extract text, closed with `stack`."""
    from ingest.extract.worker_pool import ReaderPool

    pool = ReaderPool(timeout_s=settings.crawl.read_timeout)
    stack.push_async_callback(pool.close)
    return pool


def open_archives(
    settings: IngestSettings, workers: "ReaderPool", stack: AsyncExitStack
) -> "ArchiveReader":
    """Return what reads files, also those in archives, closed with `stack`."""
    from ingest.bulk.archives import ArchiveReader

    archives = ArchiveReader(folder=settings.index.path / UNPACKED, pool=workers)
    stack.push_async_callback(archives.close)
    return archives


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAccess:
    """What all fetchers share: a host cannot tell them apart, so what it allows is the same."""

    guard: "AddressGuard"
    client: "HttpClient"
    robots: "RobotsPolicy"
    rate_limiter: "RateLimiter"


def open_web_access(
    settings: IngestSettings, cache: ExpiringCache, stack: AsyncExitStack
) -> WebAccess:
    """Return what all fetchers share, closed with `stack`."""
    from ingest.web.fetch.wire import HttpClient
    from ingest.web.rate_limit import RateLimiter
    from ingest.web.robots import RobotsPolicy
    from ingest.web.ssrf import AddressGuard

    crawl = settings.crawl
    guard = AddressGuard(
        allowed_hosts=frozenset(crawl.allowed_hosts), allowed_ports=frozenset(crawl.allowed_ports)
    )
    client = HttpClient(guard=guard, agent=crawl.user_agent, timeout_s=crawl.timeout)
    stack.push_async_callback(client.close)
    robots = RobotsPolicy(
        agent=crawl.user_agent, read=client.read_robots, lenient=crawl.lenient_robots, cache=cache
    )
    stack.push_async_callback(robots.close)
    rate_limiter = RateLimiter(
        per_host=crawl.per_host, gap_s=crawl.host_gap, max_delay_s=crawl.max_delay
    )
    return WebAccess(guard=guard, client=client, robots=robots, rate_limiter=rate_limiter)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingEngine:
    """Where pages are read and embedded: in this process or on a cluster."""

    loader: "PageLoader"
    embedder: "Embedder | None"
    site_lists: "Fetcher"
    jobs: int
    access: "LazyResource[OpenedAccess] | None" = None
    """What `loader` and `site_lists` open with the first request; None: they are open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenedAccess:
    """The fetchers of this process."""

    pages: "TieredFetcher"
    site_lists: "Fetcher"


async def open_engine(
    settings: IngestSettings,
    embedder: "Embedder | None",
    *,
    workers: "ReaderPool",
    cache: ExpiringCache,
    stack: AsyncExitStack,
) -> ReadingEngine:
    """Return what reads and embeds in this process, closed with `stack`."""
    from ingest.web.lazy_access import LazyLoader, LazySiteLists

    @asynccontextmanager
    async def open_access() -> AsyncIterator["OpenedAccess"]:
        async with AsyncExitStack() as opened:
            web = open_web_access(settings, cache, opened)
            pages = tiered_fetcher(settings, workers, web, opened)
            yield _OpenedAccess(pages=pages, site_lists=site_list_fetcher(settings, web))

    access = await stack.enter_async_context(LazyResource(open_access))
    return ReadingEngine(
        loader=LazyLoader(access),
        embedder=embedder,
        site_lists=LazySiteLists(access),
        jobs=settings.crawl.concurrency,
        access=access,
    )


def page_reader(
    settings: IngestSettings,
    store: "ChunkStore",
    loader: "PageLoader",
    cache: ExpiringCache,
    log: "CrawlLog | None",
) -> "PageReader":
    """Return what reads pages side by side, and passes over those that failed a moment ago."""
    from ingest.page_reader import PageReader
    from ingest.web.negative_cache import NegativeCache

    return PageReader(
        fetcher=loader,
        store=store,
        concurrency=settings.crawl.concurrency,
        ttl_s=settings.crawl.ttl,
        negative_cache=NegativeCache(cache=cache, respected=settings.crawl.respect),
        on_event=log.write if log else None,
    )


def indexing_pipeline(
    settings: IngestSettings,
    store: "ChunkStore",
    pages: "PageReader",
    embedder: "Embedder | None",
    archives: "ArchiveReader",
) -> "IndexingPipeline":
    """Return what stores pages and files as chunks of `store`."""
    from ingest.index.split import current_chunking
    from ingest.pipeline import IndexingPipeline

    return IndexingPipeline(
        pages=pages,
        store=store,
        embedder=embedder,
        chunking=current_chunking(size=settings.chunk.size, overlap=settings.chunk.overlap),
        read_file=archives.read_file,
        collection=settings.index.collection,
    )


def link_collector(settings: IngestSettings, fetcher: "PageLoader") -> "LinkCollector":
    """Return `fetcher` with a memory for the links of its pages."""
    from ingest.bulk.crawl import LinkCollector

    return LinkCollector(fetcher, agent=settings.crawl.user_agent)


def site_list_fetcher(settings: IngestSettings, web: WebAccess) -> "Fetcher":
    """Return what fetches sitemaps and feeds as they are."""
    from ingest.bulk.site_lists import GZIP_TYPES, MAX_BYTES
    from ingest.web.fetch.http import HttpFetcher

    return HttpFetcher(
        client=web.client,
        robots=web.robots,
        timeout_s=settings.crawl.timeout,
        max_bytes=MAX_BYTES,
        rate_limiter=web.rate_limiter,
        document_types=GZIP_TYPES,
    )


def tiered_fetcher(
    settings: IngestSettings, workers: "ReaderPool", web: WebAccess, stack: AsyncExitStack
) -> "TieredFetcher":
    """Return plain HTTP and, unless it is switched off, the browser for what needs it."""
    from ingest.extract.registry import DOCUMENT_TYPES
    from ingest.web.fetch.http import HttpFetcher
    from ingest.web.tiered_fetcher import TieredFetcher

    crawl = settings.crawl
    plain = HttpFetcher(
        client=web.client,
        robots=web.robots,
        timeout_s=crawl.timeout,
        max_bytes=crawl.max_bytes,
        rate_limiter=web.rate_limiter,
        document_types=DOCUMENT_TYPES,
    )
    return TieredFetcher(
        http=plain,
        browser=_browser(settings, web, stack),
        read=workers.read,
        respected=frozenset(directive.lower() for directive in crawl.respect),
    )


def _browser(
    settings: IngestSettings, web: WebAccess, stack: AsyncExitStack
) -> "LazyResource[Fetcher] | None":
    crawl = settings.crawl
    if crawl.browser == "never":
        return None

    @asynccontextmanager
    async def open_browser() -> AsyncIterator["Fetcher"]:
        # Few questions meet a page that needs it: its modules are imported by the first one.
        from ingest.web.fetch.browser import BrowserFetcher

        browser = BrowserFetcher(
            guard=web.guard,
            robots=web.robots,
            user_agent=crawl.user_agent,
            executable=crawl.browser_path or None,
            timeout_s=crawl.timeout,
            max_bytes=crawl.max_bytes,
            rate_limiter=web.rate_limiter,
        )
        try:
            yield browser
        finally:
            await browser.close()

    lazy = LazyResource(open_browser)
    stack.push_async_exit(lazy)
    return lazy
