"""`Ingestor`: from a URL to searchable chunks, one event for each page."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from pathlib import Path

from ingest import extract, split
from ingest.backlog import Backlog
from ingest.concurrency import in_completion_order
from ingest.documents import Chunk, Document, FetcherName, Page
from ingest.embed.base import FLUENCY_FLOOR, Embedder
from ingest.errors import ExtractError, IngestError, MissingPartError
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.fetch.base import Fetcher
from ingest.prune import choose
from ingest.store.base import ChunkStore
from ingest.tracing import span
from ingest.wording import Language

EMBED_GRACE_S = 1.0
"""In this time the built-in encoder makes half of ten pages' vectors on two cores. A model on
Ollama without a GPU would need ten times as long: the best chunks get theirs at retrieval."""


@dataclass(frozen=True, kw_only=True)
class Ingestor:
    """Turns pages into chunks of the index, side by side."""

    fetcher: Fetcher
    browser: Fetcher | None
    """Opens pages that only scripts can show; None: such pages are skipped."""
    embedder: Embedder | None
    """None: chunks are found by words alone."""
    store: ChunkStore
    chunk_size: int
    chunk_overlap: int
    page_budget: int
    """Characters of a page that are embedded for a question; the rest when it is wanted."""
    concurrency: int

    def get_ready(self) -> None:
        """Import, in a thread, what the first page will need. Call it while a search is on."""
        threading.Thread(target=_import_libraries, name="get-ready", daemon=True).start()

    async def read(
        self,
        urls: Iterable[str],
        *,
        question: str | None = None,
        until: float | None = None,
        language: Language = "en",
    ) -> AsyncGenerator[IngestEvent, None]:
        """Fetch and store pages and yield one event for each, first finished first.

        Args:
            urls: Canonical URLs.
            question: What the reader wants to know: only blocks that bear on it are embedded
                now. None embeds whole pages.
            until: Time on the `time.monotonic` clock after which pages are no longer waited
                for: what has been fetched by then is stored, the rest is skipped.
            language: Of the details of pages that are skipped.

        Raises:
            StoreError: the index cannot be written.
        """
        backlog = self._backlog() if question is not None else None

        async def read_one(url: str) -> IngestEvent:
            try:
                return await self._read_one(url, question=question, until=until, backlog=backlog)
            except IngestError as error:
                return _skipped(error, language)

        events = in_completion_order(read_one, urls, limit=self.concurrency)
        try:
            async for event in events:
                yield event
            if backlog is not None:
                await backlog.finish(seconds=_grace(until))
        finally:
            await events.aclose()
            if backlog is not None:
                await backlog.close()

    def _backlog(self) -> Backlog | None:
        return Backlog(embedder=self.embedder, store=self.store) if self.embedder else None

    async def _read_one(
        self, url: str, *, question: str | None, until: float | None, backlog: Backlog | None
    ) -> IngestEvent:
        try:
            async with asyncio.timeout(_left(until)):
                page, document = await self._load(url)
        except TimeoutError:
            return PageSkipped(url=url, reason="deadline")
        return await self.add(
            document, question=question, robots=page.robots, fetcher=page.fetcher, backlog=backlog
        )

    async def _load(self, url: str) -> tuple[Page, Document]:
        """Fetch plainly first; open in the browser only what plain HTTP cannot show."""
        with span("fetch"):
            page = await self.fetcher.fetch(url)
        try:
            return page, await asyncio.to_thread(extract.extract, page)
        except ExtractError as error:
            if error.reason != "needs_browser" or self.browser is None:
                raise
        try:
            with span("browse"):
                page = await self.browser.fetch(url)
        except MissingPartError as error:
            raise ExtractError(
                error.message, hint=error.hint, url=url, reason="needs_browser", robots=page.robots
            ) from error
        return page, await asyncio.to_thread(extract.extract, page)

    async def add_file(self, path: Path, *, language: Language = "en") -> IngestEvent:
        """Store a local document. `path` is absolute."""
        try:
            document = await asyncio.to_thread(extract.read_file, path)
        except IngestError as error:
            return _skipped(error, language)
        except MissingPartError as error:
            return PageSkipped(url=path.as_uri(), reason="unsupported", detail=error.to(language))
        return await self.add(document)

    async def add(
        self,
        document: Document,
        *,
        question: str | None = None,
        robots: str = "",
        fetcher: FetcherName = "file",
        backlog: Backlog | None = None,
    ) -> PageStored:
        """Store a document whole, findable by words at once, and see to its vectors.

        With a `backlog` they are made while other pages are read; without one, before we return.
        """
        chunks = await asyncio.to_thread(
            split.split, document, size=self.chunk_size, overlap=self.chunk_overlap
        )
        with span("store", chunks=len(chunks)):
            await self.store.replace(document, chunks, {}, space=self._space)
        wanted = self._worth_embedding(document, chunks, question)
        missing = await self._without_vector(wanted)
        embedded = len(wanted) - len(missing)
        if backlog is not None:
            backlog.add(missing)
        elif own := self._backlog():
            embedded += await own.embed(missing)
        return PageStored(
            url=document.url,
            title=document.title,
            chunks=len(chunks),
            embedded=embedded,
            robots=robots,
            fetcher=fetcher,
        )

    @property
    def _space(self) -> str:
        return self.embedder.space if self.embedder else ""

    def _worth_embedding(
        self, document: Document, chunks: list[Chunk], question: str | None
    ) -> list[Chunk]:
        """Return the chunks that bear on the question, in a language that the encoder knows."""
        if self.embedder is None or self.embedder.fluency(document.text) < FLUENCY_FLOOR:
            return []
        if question is None:
            return chunks
        blocks = choose(document, question, budget=self.page_budget)
        return [c for c in chunks if any(c.start < b.end and b.start < c.end for b in blocks)]

    async def _without_vector(self, chunks: list[Chunk]) -> list[Chunk]:
        if not chunks:
            return []
        ids = [chunk.id for chunk in chunks]
        return await self.store.unembedded(ids, space=self._space, limit=len(ids))


def _import_libraries() -> None:
    extract.preload()
    split.preload()


def _skipped(error: IngestError, language: Language) -> PageSkipped:
    ruled = error.reason == "robots" and error.robots
    return PageSkipped(
        url=error.url,
        reason=error.reason,
        detail=error.robots if ruled else error.to(language),
        robots=error.robots,
    )


def _left(until: float | None) -> float | None:
    """Return the seconds left until a time on the `time.monotonic` clock."""
    return None if until is None else until - time.monotonic()


def _grace(until: float | None) -> float:
    """Return the seconds that the last vectors may take once every page is there."""
    left = _left(until)
    return EMBED_GRACE_S if left is None else max(0.0, min(EMBED_GRACE_S, left))
