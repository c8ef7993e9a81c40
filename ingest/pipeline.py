"""`Ingestor`: from a URL to searchable chunks, one event for each page."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from pathlib import Path

from ingest.concurrency import in_completion_order
from ingest.documents import Chunk, Document, FetcherName, Page
from ingest.embed.base import FLUENCY_FLOOR, Embedder
from ingest.errors import EmbedError, ExtractError, IngestError, MissingPartError
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.extract import extract, read_file
from ingest.fetch.base import Fetcher
from ingest.prune import choose
from ingest.split import split
from ingest.store.base import ChunkStore
from ingest.tracing import span
from ingest.wording import Language


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

        async def read_one(url: str) -> IngestEvent:
            try:
                return await self._read_one(url, question=question, until=until)
            except IngestError as error:
                return _skipped(error, language)

        events = in_completion_order(read_one, urls, limit=self.concurrency)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()

    async def _read_one(
        self, url: str, *, question: str | None, until: float | None
    ) -> IngestEvent:
        try:
            async with asyncio.timeout(_left(until)):
                page, document = await self._load(url)
        except TimeoutError:
            return PageSkipped(url=url, reason="deadline")
        return await self.add(
            document, question=question, until=until, robots=page.robots, fetcher=page.fetcher
        )

    async def _load(self, url: str) -> tuple[Page, Document]:
        """Fetch plainly first; open in the browser only what plain HTTP cannot show."""
        with span("fetch"):
            page = await self.fetcher.fetch(url)
        try:
            return page, await asyncio.to_thread(extract, page)
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
        return page, await asyncio.to_thread(extract, page)

    async def add_file(self, path: Path, *, language: Language = "en") -> IngestEvent:
        """Store a local document. `path` is absolute."""
        try:
            document = await asyncio.to_thread(read_file, path)
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
        until: float | None = None,
        robots: str = "",
        fetcher: FetcherName = "file",
    ) -> PageStored:
        """Store a document whole, findable by words at once, then embed what `question` wants."""
        chunks = await asyncio.to_thread(
            split, document, size=self.chunk_size, overlap=self.chunk_overlap
        )
        with span("store", chunks=len(chunks)):
            await self.store.replace(document, chunks, {}, space=self._space)
        wanted = self._worth_embedding(document, chunks, question)
        return PageStored(
            url=document.url,
            title=document.title,
            chunks=len(chunks),
            embedded=await self._embed(wanted, until=until),
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

    async def _embed(self, chunks: list[Chunk], *, until: float | None) -> int:
        """Embed and store vectors, as far as time and the encoder allow. Returns how many.

        A slow or missing encoder costs nothing but vectors: words find the chunks all the same.
        """
        if not chunks or self.embedder is None:
            return 0
        missing = await self.store.unembedded(
            [c.id for c in chunks], space=self.embedder.space, limit=len(chunks)
        )
        try:
            async with asyncio.timeout(_left(until)):
                with span("embed", chunks=len(missing)):
                    vectors = await self.embedder.embed_documents([c.text for c in missing])
        except (TimeoutError, EmbedError):
            return len(chunks) - len(missing)
        await self.store.add_vectors(
            {c.id: v for c, v in zip(missing, vectors, strict=True)}, space=self.embedder.space
        )
        return len(chunks)


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
