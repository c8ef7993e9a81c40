"""Chooses and opens the parts of the ingest half. Only here and in registries are they named.

Heavy libraries are imported inside functions, when their part is first needed; so is all that reads
pages, which a question to the index alone does without (docs/decisions/0012-footprint.md).
"""

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.crawl_log import CrawlLog
from ingest.encoder_setup import embedder_config, prepare_encoder
from ingest.errors import StoreError
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message
from ingest.foundation.private_files import hide_from_others
from ingest.foundation.telemetry import disable_telemetry
from ingest.index.embed.base import Embedder
from ingest.index.embed.following import OTHER_ENCODER, FollowingEmbedder
from ingest.index.embed.registry import EMBEDDERS, open_embedder
from ingest.index.store.base import ChunkStore
from ingest.settings import IngestSettings

if TYPE_CHECKING:
    from ingest.bulk.archives import ArchiveReader
    from ingest.bulk.crawl import LinkCollector
    from ingest.extract.worker_pool import ReaderPool
    from ingest.index.store.hybrid import Index
    from ingest.index.store.maintenance import IndexMaintenance
    from ingest.pipeline import IndexingPipeline
    from ingest.question_reader import QuestionReader
    from ingest.web.fetch.base import Fetcher
    from ingest.web.tiered_fetcher import TieredFetcher
    from ingest.web_bootstrap import ReadingEngine

CATALOG = "index.sqlite"
VECTORS = "chroma"
CACHE = "web.sqlite"
EXPIRED_AT_ONCE = 200
"""Pages dropped for their age at the end of one command: about a second."""
RUNS = "runs.sqlite"


async def nothing_to_follow() -> None:
    """Stand for `FollowingEmbedder.follow` where there is no encoder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexComponents:
    """The opened index: all that an answer needs when no page is read."""

    store: ChunkStore
    embedder: Embedder | None
    """None: passages are found by words alone."""
    diagnostics: tuple[Message, ...]
    """What a person should know about the choice of parts, e.g. that no encoder is installed."""
    follow: Callable[[], Awaitable[Message | None]] = nothing_to_follow
    """To be called before each question: goes along when the index is moved to another encoder, and
    returns what a person should know about that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingComponents:
    """What reads pages into an index."""

    pipeline: "IndexingPipeline"
    reader: "QuestionReader"
    site_lists: "Fetcher"
    """Fetches sitemaps and feeds as they are, which are longer than pages."""
    links: "LinkCollector | None"
    """Has the links of pages for a crawl; None where none was asked for."""
    archives: "ArchiveReader"
    jobs: int
    """Pages that may be read at once."""
    cache: ExpiringCache
    """What goes stale and is not ours: robots.txt here, search results in `assistant`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestComponents:
    """The opened ingest half."""

    index: IndexComponents
    reading: ReadingComponents


@asynccontextmanager
async def open_ingest(
    settings: IngestSettings,
    *,
    crawl_log: Path | None = None,
    follow_links: bool = False,
    cluster: str | None = None,
    say: Callable[[Message], None] = lambda _: None,
) -> AsyncIterator[IngestComponents]:
    """Open index, embedder and fetchers, and close them at the end, whatever happens.

    Args:
        settings: What to build.
        crawl_log: File to which a line is added for every page, None for no log.
        follow_links: Whether `reading.links` is to collect links.
        cluster: Address of a Ray cluster that reads and embeds; None: this process does.
        say: Called with what takes seconds before anything else can happen.

    Raises:
        CrawlLogError: it cannot be written.
        StoreError: the index cannot be opened.
    """
    async with (
        open_index(settings, say=say) as index,
        open_reading(
            settings, index, crawl_log=crawl_log, follow_links=follow_links, cluster=cluster
        ) as reading,
    ):
        yield IngestComponents(index=index, reading=reading)


@asynccontextmanager
async def open_index(
    settings: IngestSettings, *, say: Callable[[Message], None] = lambda _: None
) -> AsyncIterator[IndexComponents]:
    """Open the index and its embedder, which may take seconds once: `say` is called before.

    Raises:
        StoreError: the index cannot be opened.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        space = await store.current_space()
        embedder, diagnostics = await choose_embedder(settings, space=space)
        if embedder is None:
            yield IndexComponents(store=store, embedder=None, diagnostics=diagnostics)
            return
        await prepare_encoder(embedder, say)
        if space and not diagnostics and space != await _wanted_space(settings, embedder):
            diagnostics = (OTHER_ENCODER,)
        following = FollowingEmbedder(
            embedder,
            space=space,
            current_space=store.current_space,
            reopen=lambda space: choose_embedder(settings, space=space),
            notice=diagnostics[0] if diagnostics else None,
        )
        stack.push_async_callback(following.close)
        yield IndexComponents(
            store=store, embedder=following, diagnostics=diagnostics, follow=following.follow
        )


async def _wanted_space(settings: IngestSettings, embedder: Embedder) -> str:
    """Return the space that a migration would lead to, if that is cheap to know."""
    if not embedder.space.startswith("builtin:"):  # a server would have to be asked
        return embedder.space
    wanted, _ = await choose_migration_target(settings, space=embedder.space)
    if wanted is None:
        return embedder.space
    await wanted.close()
    return wanted.space


async def choose_migration_target(
    settings: IngestSettings, *, space: str
) -> tuple[Embedder | None, tuple[Message, ...]]:
    """Return the embedder that an index of `space` is moved to, as `choose_embedder` returns it.

    "auto" moves from one built-in encoder to a better one, and from one model of a server to
    another: an Ollama that was started to chat with is no reason to leave the built-in one,
    and an Ollama that is away for a minute none to delete its vectors.
    """
    provider = space.partition(":")[0]
    if settings.embed.provider == "auto" and provider in EMBEDDERS:
        embed = settings.embed.model_copy(update={"provider": provider})
        settings = settings.model_copy(update={"embed": embed})
    return await choose_embedder(settings, space="")


@asynccontextmanager
async def open_reading(
    settings: IngestSettings,
    index: IndexComponents,
    *,
    crawl_log: Path | None = None,
    follow_links: bool = False,
    cluster: str | None = None,
    opens_web: bool = False,
) -> AsyncIterator[ReadingComponents]:
    """Open the fetchers and what turns their pages into chunks of `index`.

    With `opens_web` all that requests pages is opened now, and not by the first that is requested.

    Raises:
        CrawlLogError: the crawl log cannot be written.
        ClusterError: the cluster cannot be used.
    """
    from ingest import web_bootstrap
    from ingest.question_reader import QuestionReader

    async with AsyncExitStack() as stack:
        log = stack.enter_context(closing(CrawlLog(crawl_log))) if crawl_log else None
        cache = stack.enter_context(closing(open_cache(settings)))
        workers = web_bootstrap.open_reader_pool(settings, stack)
        archives = web_bootstrap.open_archives(settings, workers, stack)
        engine = await _open_engine(settings, index.embedder, cluster, workers, cache, stack)
        if opens_web and engine.access is not None:
            await engine.access.get()
        links = web_bootstrap.link_collector(settings, engine.loader) if follow_links else None
        pages = web_bootstrap.page_reader(settings, index.store, links or engine.loader, cache, log)
        pipeline = web_bootstrap.indexing_pipeline(
            settings, index.store, pages, engine.embedder, archives
        )
        reader = QuestionReader(
            pages=pages,
            pipeline=pipeline,
            page_budget=settings.crawl.page_budget,
            question_budget=settings.crawl.question_budget,
            preload_reader=workers.preload,
        )
        stack.push_async_exit(partial(_close_reader, reader, index.store, settings))
        yield ReadingComponents(
            pipeline=pipeline,
            reader=reader,
            site_lists=engine.site_lists,
            links=links,
            archives=archives,
            jobs=engine.jobs,
            cache=cache,
        )


async def _open_engine(
    settings: IngestSettings,
    embedder: Embedder | None,
    cluster: str | None,
    workers: "ReaderPool",
    cache: ExpiringCache,
    stack: AsyncExitStack,
) -> "ReadingEngine":
    from ingest.web_bootstrap import ReadingEngine, open_engine, open_web_access, site_list_fetcher

    if cluster is None:
        return await open_engine(settings, embedder, workers=workers, cache=cache, stack=stack)
    from ingest.ray_cluster import open_cluster

    web = open_web_access(settings, cache, stack)
    remote = await stack.enter_async_context(
        open_cluster(settings, address=cluster, embedder=embedder)
    )
    return ReadingEngine(
        loader=remote.loader,
        embedder=remote.embedder,
        site_lists=site_list_fetcher(settings, remote.gate(web)),
        jobs=settings.crawl.concurrency * remote.workers,
    )


async def _close_reader(
    reader: "QuestionReader",
    store: ChunkStore,
    settings: IngestSettings,
    kind: type[BaseException] | None,
    *_: object,
) -> None:
    # After an error or Ctrl-C no caller is to wait, for late pages or for what has become too old.
    await reader.close(seconds=settings.crawl.linger if kind is None else 0.0)
    if kind is None:
        with suppress(StoreError):  # the next one does it
            before = datetime.now(UTC) - timedelta(days=settings.index.web_days)
            await store.drop_expired(before=before, limit=EXPIRED_AT_ONCE)


@asynccontextmanager
async def open_tiered_fetcher(settings: IngestSettings) -> AsyncIterator["TieredFetcher"]:
    """Open what fetches pages and extracts their text, and stores nothing."""
    from ingest import web_bootstrap

    async with AsyncExitStack() as stack:
        cache = open_cache(settings)
        stack.callback(cache.close)
        workers = web_bootstrap.open_reader_pool(settings, stack)
        workers.preload()
        web = web_bootstrap.open_web_access(settings, cache, stack)
        yield web_bootstrap.tiered_fetcher(settings, workers, web, stack)


def open_cache(settings: IngestSettings) -> ExpiringCache:
    """Return the cache of robots.txt files and search results. The caller closes it."""
    return ExpiringCache(settings.index.path / CACHE)


@asynccontextmanager
async def open_store(settings: IngestSettings) -> AsyncIterator[ChunkStore]:
    """Open the index in the folder that the settings name.

    Raises:
        StoreError: it cannot be opened.
    """
    store = _index(settings)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_maintenance(settings: IngestSettings) -> AsyncIterator["IndexMaintenance"]:
    """Open the index to check it or to move it to another vector space.

    Raises:
        StoreError: it cannot be opened.
    """
    from ingest.index.store.maintenance import IndexMaintenance

    store = _index(settings)
    try:
        yield IndexMaintenance(store)
    finally:
        await store.close()


def _index(settings: IngestSettings) -> "Index":
    from ingest.index.store.catalog import Catalog
    from ingest.index.store.hybrid import Index
    from ingest.index.store.vector_copier import VectorCopier
    from ingest.index.store.vector_stores.chroma import ChromaVectors

    folder = settings.index.path
    names = ("index.*", "run*", f"{VECTORS}/**/*", VECTORS)
    hide_from_others(path for name in names for path in folder.glob(name))
    catalog = Catalog(folder / CATALOG)
    if not settings.index.url:
        copier = VectorCopier(folder / CATALOG, folder / VECTORS)
        return Index(catalog=catalog, vectors=ChromaVectors(folder / VECTORS), copier=copier)
    from ingest.index.store.vector_stores.chroma_server import ChromaServerVectors, copy_owner

    server = ChromaServerVectors(settings.index.url, owner=partial(copy_owner, catalog))
    return Index(catalog=catalog, vectors=server)


def serve_vector_copier(catalog: Path, folder: Path) -> None:
    """Be the process of a `VectorCopier` for these paths until the input ends."""
    from ingest.index.store.catalog import Catalog
    from ingest.index.store.hybrid import Index
    from ingest.index.store.vector_copier import BATCH, SCANNED_BATCH, serve_copies
    from ingest.index.store.vector_stores.chroma import ChromaVectors

    index = Index(
        catalog=Catalog(catalog),
        vectors=ChromaVectors(folder),
        journal_batch=BATCH,
        scanned_batch=SCANNED_BATCH,
    )
    serve_copies(index.carry_out_batch)
    index.vectors.close()


def preload(embedder: Embedder | None, *, documents: bool) -> None:
    """Load in a thread what retrieval will need, while the program waits for the network.

    Call it when all is open and the first request is about to leave: before that it would only
    take turns with the other imports (bench/README.md).

    Args:
        embedder: None: nothing is needed.
        documents: Whether pages will be embedded, and not the question alone.
    """
    if embedder is None:
        return
    disable_telemetry()
    # A daemon, because an import cannot be cancelled: Ctrl-C is not to wait two seconds for it.
    threading.Thread(
        target=_preload, args=(embedder, documents), name="preload", daemon=True
    ).start()


def _preload(embedder: Embedder, documents: bool) -> None:
    # Chroma is not among it: no question to an index of ordinary size asks it.
    with suppress(QiuzhengError):  # raised again, and explained, when it is needed
        embedder.preload(documents=documents)


async def choose_embedder(
    settings: IngestSettings, *, space: str
) -> tuple[Embedder | None, tuple[Message, ...]]:
    """Return the embedder to use, None for none, and what a person should know about the choice.

    `embed.provider` decides (`open_embedder`); `space`: of the index, "" while it has no vector.
    """
    embedder, problem = await open_embedder(embedder_config(settings), space=space)
    return embedder, (problem,) if problem else ()
