"""A fetch ladder over pages in memory, which reads them in a thread of this process."""

import asyncio
from collections.abc import Mapping

from ingest.documents import Document, Page
from ingest.errors import IngestError
from ingest.extract.extractor import extract
from ingest.web.fetch.base import Fetcher
from ingest.web.fetch.memory import MemoryFetcher
from ingest.web.tiered_fetcher import TieredFetcher


async def read_here(page: Page) -> Document:
    return await asyncio.to_thread(extract, page)


def ladder(
    pages: Mapping[str, Page | IngestError] | Fetcher, *, browser: Fetcher | None = None
) -> TieredFetcher:
    http = MemoryFetcher(pages) if isinstance(pages, Mapping) else pages
    return TieredFetcher(http=http, browser=browser, read=read_here)
