"""`IndexingPipeline`: stores documents so that they can be searched. Split, store, embed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from pathlib import Path
from typing import ParamSpec, TypeVar

from ingest.documents import Chunk, Document
from ingest.errors import IngestError
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.extract import extractor
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.tracing import span
from ingest.index import split
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR, Embedder
from ingest.index.embedding_queue import EmbeddingQueue
from ingest.index.store.base import ChunkStore
from ingest.page_reader import PageContent, PageReader, skipped_event, stored_event

P = ParamSpec("P")
R = TypeVar("R")

COMPUTE_THREADS = 2
"""Documents split or ranked at once. The threads take turns at the interpreter's lock anyway: with
ten at once the event loop waits longer for its own turn, and ten pages' words are in memory
(bench/hostile.py)."""


class IndexingPipeline:
    """Stores pages and files whole, each found by its words and, with an embedder, by vectors.

    Args:
        pages: Reads the pages of `add_urls`.
        store: The index.
        embedder: None: chunks are found by words alone.
        chunk_size: Longest chunk, in characters.
        chunk_overlap: Characters that neighbouring chunks share, at most.
    """

    def __init__(
        self,
        *,
        pages: PageReader,
        store: ChunkStore,
        embedder: Embedder | None,
        chunk_size: int,
        chunk_overlap: int,
    ) -> None:
        self._pages = pages
        self._store = store
        self._embedder = embedder
        self._chunk_size = chunk_size
        self._chunk_overlap = chunk_overlap
        self._computing = asyncio.Semaphore(COMPUTE_THREADS)

    async def add_urls(
        self, urls: Iterable[str], *, fresh: bool = False
    ) -> AsyncGenerator[IngestEvent, None]:
        """Read and store pages and yield one event for each, first finished first.

        Args:
            urls: Canonical URLs.
            fresh: Request every page, also one that is fresh in the index.

        Raises:
            StoreError: the index cannot be read or written.
        """
        wanted = list(dict.fromkeys(urls))
        reading = await self._pages.start(wanted, store=self._add, fresh=fresh)
        try:
            while (event := await reading.next_event()) is not None:
                yield event
        finally:
            await reading.cancel()

    async def add_file(self, path: Path) -> IngestEvent:
        """Store a local document and return its event. `path` is absolute."""
        event: IngestEvent
        try:
            event = await self.add_document(await asyncio.to_thread(extractor.read_file, path))
        except IngestError as error:
            event = skipped_event(path.as_uri(), error)
        except MissingDependencyError as error:
            event = PageSkipped(url=path.as_uri(), reason="unsupported", detail=error.full_message)
        self._pages.report(event)
        return event

    async def add_document(self, document: Document) -> PageStored:
        """Store a document, embed all of it, and return its event."""
        return await self._add(PageContent(document=document, origin="file"))

    async def _add(self, page: PageContent) -> PageStored:
        chunks = await self.chunks_of(page)
        wanted = chunks if await self.compute(self.is_embeddable, page.document) else []
        missing = await self.without_vector(wanted)
        embedded = len(wanted) - len(missing)
        if queue := self.embedding_queue():
            embedded += await queue.embed(missing)
        return stored_event(page, chunks=len(chunks), embedded=embedded)

    async def chunks_of(self, page: PageContent) -> list[Chunk]:
        """Return the chunks of a page, after storing them if they are not in the index.

        Chunks that are new have no vector yet; those whose text was on the page before keep theirs.
        """
        document = page.document
        if page.origin in {"memory", "revalidated"}:
            return await self._store.chunks(document.url)
        chunks = await self.compute(
            split.split, document, size=self._chunk_size, overlap=self._chunk_overlap
        )
        with span("store", chunks=len(chunks)):
            await self._store.replace(document, chunks, {}, space=self._space)
        if page.validators is not None:
            # Only now: validators without a document would answer the next request with a 304 for
            # a page that is not here.
            await self._store.remember(page.validators)
        return chunks

    def is_embeddable(self, document: Document) -> bool:
        """Return whether there is an embedder that knows the document's language.

        May load the embedder's tokenizer: call it in a thread.
        """
        return (
            self._embedder is not None
            and self._embedder.language_coverage(document.text) >= LANGUAGE_COVERAGE_FLOOR
        )

    async def without_vector(self, chunks: list[Chunk]) -> list[Chunk]:
        """Return those of `chunks` that have no vector in the embedder's space."""
        if not chunks:
            return []
        ids = [chunk.id for chunk in chunks]
        return await self._store.unembedded(ids, space=self._space, limit=len(ids))

    def embedding_queue(self) -> EmbeddingQueue | None:
        """Return a new queue that embeds chunks of this index, None without an embedder."""
        if self._embedder is None:
            return None
        return EmbeddingQueue(embedder=self._embedder, store=self._store)

    async def compute(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function that computes in a thread, `COMPUTE_THREADS` at once in all."""
        async with self._computing:
            return await asyncio.to_thread(function, *args, **kwargs)

    @property
    def _space(self) -> str:
        return self._embedder.space if self._embedder else ""
