"""The ingest half over pages in memory, put together as `ingest.bootstrap` does it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ingest.documents import Document, Page
from ingest.errors import IngestError
from ingest.events import IngestEvent
from ingest.extract.extractor import extract, read_file
from ingest.foundation.concurrency import LazyResource
from ingest.index.embed.base import Embedder
from ingest.index.split import current_chunking
from ingest.index.store.base import ChunkStore
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.page_reader import PageReader
from ingest.pipeline import IndexingPipeline
from ingest.question_reader import QuestionReader
from ingest.web.fetch.base import Fetcher
from ingest.web.fetch.memory import MemoryFetcher
from ingest.web.tiered_fetcher import TieredFetcher

Pages = Mapping[str, Page | IngestError]


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestParts:
    """What a test reads pages with, and the index to look into."""

    store: ChunkStore
    pipeline: IndexingPipeline
    reader: QuestionReader


async def extract_in_thread(page: Page) -> Document:
    return await asyncio.to_thread(extract, page)


def tiered_fetcher(pages: Pages | Fetcher, *, browser: Fetcher | None = None) -> TieredFetcher:
    http = MemoryFetcher(pages) if isinstance(pages, Mapping) else pages
    opened = LazyResource.of(browser) if browser else None
    return TieredFetcher(http=http, browser=opened, read=extract_in_thread)


def ingest_parts(
    pages: Pages | Fetcher,
    *,
    embedder: Embedder | None,
    browser: Fetcher | None = None,
    store: ChunkStore | None = None,
    ttl_s: float = 0.0,
    chunk_size: int = 400,
    chunk_overlap: int = 100,
    page_budget: int = 1_000,
    question_budget: int = 8_000,
    on_event: Callable[[IngestEvent], None] | None = None,
) -> IngestParts:
    store = store or Index(catalog=Catalog(None), vectors=MemoryVectors())
    reader = PageReader(
        fetcher=tiered_fetcher(pages, browser=browser),
        store=store,
        concurrency=4,
        ttl_s=ttl_s,
        on_event=on_event,
    )
    pipeline = IndexingPipeline(
        pages=reader,
        store=store,
        embedder=embedder,
        chunking=current_chunking(size=chunk_size, overlap=chunk_overlap),
        read_file=lambda path: asyncio.to_thread(read_file, path),
    )
    return IngestParts(
        store=store,
        pipeline=pipeline,
        reader=QuestionReader(
            pages=reader,
            pipeline=pipeline,
            page_budget=page_budget,
            question_budget=question_budget,
        ),
    )
