"""`IndexingPipeline`: stores documents so that they can be searched. Split, store, embed."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from ingest.documents import (
    DEFAULT_COLLECTION,
    Chunk,
    Chunking,
    Document,
    PageValidators,
    Processing,
)
from ingest.errors import IngestError
from ingest.events import IngestEvent, PageRecut, PageSkipped, PageStored
from ingest.extract.base import EXTRACTOR_VERSION, is_emptied
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.tracing import span
from ingest.index import split
from ingest.index.chunk_embedding import EmbeddedChunks
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR, Embedder, Vector
from ingest.index.embed.bisection import embed_each
from ingest.index.embed.following import current_embedder
from ingest.index.embedding_queue import BATCH, EmbeddingQueue
from ingest.index.store.base import ChunkStore
from ingest.local_files import file_validators, is_gone, modified_at, path_of_url
from ingest.page_reader import PageContent, PageReader, skipped_event, stored_event

P = ParamSpec("P")
R = TypeVar("R")

COMPUTE_THREADS = 2
"""Documents split or ranked at once. The threads take turns at the interpreter's lock anyway: with
ten at once the event loop waits longer for its own turn, and ten pages' words are in memory
(bench/hostile.py)."""

INGEST_BATCH = 32
"""Chunks embedded in one call where no question waits for them: 54 ms of CPU a chunk against 58 in
batches of 8 and 52 of the encoder alone (170 chunks of Python's manual)."""

GONE_BATCH = 500
"""URLs that are asked of the index at once while files are looked for that are gone."""

RECUT_BATCH = 20
"""Documents whose texts are in memory while the index is cut again."""


def _gone_among(urls: Iterable[str]) -> list[str]:
    """Return those of `urls` that name a file which is certainly gone."""
    return [url for url in urls if (path := path_of_url(url)) is not None and is_gone(path)]


class IndexingPipeline:
    """Stores pages and files whole, each found by its words and, with an embedder, by vectors.

    Args:
        pages: Reads the pages of `add_urls`.
        store: The index.
        embedder: None: chunks are found by words alone.
        chunking: How documents are cut (`ingest.index.split.current_chunking`).
        read_file: Returns the text of a local file (`ReaderPool.read_file`).
        collection: Which one documents are put into.
    """

    def __init__(
        self,
        *,
        pages: PageReader,
        store: ChunkStore,
        embedder: Embedder | None,
        chunking: Chunking,
        read_file: Callable[[Path], Awaitable[Document]],
        collection: str = DEFAULT_COLLECTION,
    ) -> None:
        self._collection = collection
        self._pages = pages
        self._read_file = read_file
        self._store = store
        self._embedder = embedder
        self._chunking = chunking
        self._processing = Processing(extractor=EXTRACTOR_VERSION, chunking=chunking)
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
        settled = {} if fresh else await self.unchanged(wanted)
        for stored in settled.values():
            yield stored
        wanted = [url for url in wanted if url not in settled]
        reading = await self._pages.start(wanted, store=self._add, fresh=fresh)
        try:
            while (event := await reading.next_event()) is not None:
                yield event
        finally:
            # The caller may leave early, e.g. by Ctrl-C: nothing is read on without a caller.
            await reading.cancel()

    async def add_url(self, url: str, *, fresh: bool = False) -> IngestEvent:
        """Read and store one page, as `add_urls` does, and return its event.

        Raises:
            StoreError: the index cannot be read or written.
        """
        reading = await self._pages.start([url], store=self._add, fresh=fresh)
        try:
            event = await reading.next_event()
        finally:
            await reading.cancel()
        assert event is not None  # without a deadline a page that was started ends
        return event

    async def unchanged(self, urls: Sequence[str]) -> dict[str, PageStored]:
        """Return the events of those pages and files that are in the index as they are now, by URL.

        Many at once, with four look-ups for all of them; no text is read, no site asked and nothing
        written. What is not among them may be unchanged, too: `add_url` and `add_file` tell.
        """
        paths = {url: path for url in urls if (path := path_of_url(url)) is not None}
        fresh = await self._pages.fresh_pages([url for url in urls if url not in paths])
        now = await asyncio.to_thread(
            lambda: {url: file_validators(path) for url, path in paths.items()}
        )
        for url, stored_validators in (await self._store.recall(list(paths))).items():
            validators = now[url]
            if validators is not None and validators.etag == stored_validators.etag:
                fresh[url] = stored_validators
        stored = await self._store.summaries(
            [stored_validators.final_url for stored_validators in fresh.values()],
            space=self._space,
            processing=self._processing,
            collection=self._collection,
        )
        events = {}
        for url, stored_validators in fresh.items():
            found = stored.get(stored_validators.final_url)
            # Where a vector is missing it is tried again.
            if found is not None and (self._embedder is None or found.embedded == found.chunks):
                is_file = url in paths
                events[url] = PageStored(
                    url=stored_validators.final_url,
                    title=found.title,
                    kind=found.kind,
                    chunks=found.chunks,
                    embedded=found.embedded,
                    robots=stored_validators.robots,
                    fetcher=stored_validators.fetcher,
                    asked="" if is_file else url,
                    origin="revalidated" if is_file else "memory",
                )
        for event in events.values():
            self._pages.report(event)
        return events

    async def add_file(self, path: Path, *, fresh: bool = False) -> IngestEvent:
        """Store a local document and return its event.

        A file whose size and time of change are those of the last time is not read.

        Args:
            path: Absolute.
            fresh: Read it in each case.

        Raises:
            StoreError: the index cannot be read or written.
        """
        event: IngestEvent
        started = time.monotonic()
        try:
            validators = await asyncio.to_thread(file_validators, path)
            known_page = None if fresh or validators is None else await self._known_file(validators)
            if known_page is not None:
                event = await self._add(known_page)
            else:
                document = await self._read_file(path)
                if validators is not None and document.modified is None:
                    document = replace(document, modified=modified_at(validators).date())
                content = PageContent(document=document, origin="file", validators=validators)
                event = await self._add(content)
        except IngestError as error:
            # Of a file that was emptied, what it said before is to be found no longer.
            if is_emptied(path, error.reason) and await self._store.processing([path.as_uri()]):
                await self._store.delete(path.as_uri())
            event = skipped_event(path.as_uri(), error)
        except MissingDependencyError as error:
            # One file of a kind that needs an extra must not end the reading of a folder.
            event = PageSkipped(url=path.as_uri(), reason="unsupported", detail=error.full_message)
        event = replace(event, seconds=time.monotonic() - started)
        self._pages.report(event)
        return event

    async def _known_file(self, validators: PageValidators) -> PageContent | None:
        """Return a file as the index has it, None if it has changed or was extracted otherwise."""
        url = validators.url
        known = (await self._store.recall([url])).get(url)
        if known is None or known.etag != validators.etag:
            return None
        processing = (await self._store.processing([url])).get(url)
        if processing is None or processing.extractor != EXTRACTOR_VERSION:
            return None
        document = (await self._store.documents([url])).get(url)
        return PageContent(document=document, origin="revalidated") if document else None

    async def gone_files(self, folder: Path) -> AsyncGenerator[str, None]:
        """Yield the URLs of documents of the index whose files are no longer below `folder`."""
        async for urls in self.stored_below(folder):
            # One thread for the batch: to start one for each file costs more than to look.
            for url in await asyncio.to_thread(_gone_among, urls):
                yield url

    async def stored_below(self, folder: Path) -> AsyncGenerator[Sequence[str], None]:
        """Yield the URLs of documents whose files lie below a folder or archive, in batches."""
        last = ""
        while urls := await self._store.urls_below(
            f"{folder.as_uri()}/", after=last, limit=GONE_BATCH
        ):
            last = urls[-1]
            yield urls

    async def remove(self, url: str) -> None:
        """Delete a document from the index."""
        await self._store.delete(url)

    async def add_document(self, document: Document) -> PageStored:
        """Store a document, embed all of it, and return its event."""
        return await self._add(PageContent(document=document, origin="file"))

    async def _add(self, page: PageContent) -> PageStored:
        chunks = await self.chunks_of(page)
        missing = await self.without_vector(chunks)
        wanted_chunks = chunks
        # Only where a vector is missing: the tokenizer walks through the whole text.
        if missing and not await self.compute(self.is_embeddable, page.document):
            wanted_chunks = missing = []
        embedding = EmbeddedChunks()
        # Awaited, unlike for a question: there is no deadline, and the count is final.
        if queue := self.embedding_queue():
            embedding = await queue.embed(missing, batch_size=INGEST_BATCH)
        if embedding.ended_by is not None:
            # The server failed for all that are left. Without a note no one would know that this
            # page was to be embedded whole, unlike those that a question has read.
            untried = [
                c.id for c in await self.without_vector(missing) if c.id not in embedding.failures
            ]
            reasons = dict.fromkeys(untried, embedding.ended_by.full_message)
            await self._store.note_failures(reasons, space=self._space, is_of_text=False)
        return stored_event(
            page,
            chunks=len(chunks),
            embedded=len(wanted_chunks) - len(missing) + embedding.embedded,
            unembedded=len(missing) - embedding.embedded,
            unembedded_reason=embedding.reason,
        )

    async def chunks_of(self, page: PageContent, *, collection: str = "") -> list[Chunk]:
        """Return the chunks of a page, after storing them if they are not in the index.

        The page is put into `collection` ("": that of the pipeline) beside those that it is in. One
        whose chunks were cut otherwise than set is cut again. New chunks have no vector yet; those
        whose text was on the page before keep theirs.
        """
        document = page.document
        if page.origin in {"memory", "revalidated"}:
            # One whose cut is outdated is cut again.
            known = (await self._store.processing([document.url])).get(document.url)
            if known is None or known.chunking != self._chunking:
                chunks = await self._split(document)
                await self._store.recut(
                    document, chunks, {}, space=self._space, chunking=self._chunking
                )
            # Read back in each case: another process may have stored a newer version by now.
            chunks = await self._store.chunks(document.url)
            await self._store.put_in_collection(document.url, collection or self._collection)
            return chunks
        chunks = await self._split(document)
        with span("store", chunks=len(chunks)):
            # Validators without a document would have a 304 sent for a page that is not here.
            await self._store.replace(
                document,
                chunks,
                {},
                space=self._space,
                processing=self._processing,
                collection=collection or self._collection,
                validators=page.validators,
            )
        return chunks

    async def _split(self, document: Document) -> list[Chunk]:
        return await self.compute(
            split.split, document, size=self._chunking.size, overlap=self._chunking.overlap
        )

    async def count_outdated(self) -> int:
        """Return how many pages of the index `recut` would cut again."""
        return await self._store.count_outdated(self._chunking)

    async def recut(self) -> AsyncGenerator[PageRecut, None]:
        """Cut again every stored page whose chunks were cut otherwise than set, and yield each.

        A page is replaced in one transaction and is not outdated after it, so an interrupted call
        leaves nothing half done and the next one goes on with the rest. A page that was embedded
        whole is embedded whole again; of others, a question embeds what it needs.

        Raises:
            StoreError: the index cannot be read or written.
            EmbedError: the embedding model fails for every text; the page's old chunks stay.
        """
        last = ""
        while urls := await self._store.outdated_urls(
            self._chunking, after=last, limit=RECUT_BATCH
        ):
            # By URL, not by "the first that are outdated": a page that another process replaces
            # meanwhile stays outdated and would come back for ever.
            last = urls[-1]
            for document in (await self._store.documents(urls)).values():
                event = await self._recut(document)
                if event is not None:
                    yield event

    async def _recut(self, document: Document) -> PageRecut | None:
        # Taken before anything is awaited: the index may be moved to another encoder meanwhile.
        embedder = current_embedder(self._embedder) if self._embedder else None
        before = await self._store.chunks(document.url)
        chunks = await self._split(document)
        vectors: dict[str, Vector] = {}
        if embedder is not None and before and not await self.without_vector(before):
            # Embedded before the chunks are replaced: who interrupts loses no vector by it.
            known_texts = {chunk.text for chunk in before}
            missing = [chunk for chunk in chunks if chunk.text not in known_texts]
            for start in range(0, len(missing), BATCH):
                batch = missing[start : start + BATCH]
                vectors_made = await embed_each(embedder, [chunk.text for chunk in batch])
                if vectors_made.ended_by is not None:
                    raise vectors_made.ended_by
                vectors |= {
                    chunk.id: vector
                    for chunk, vector in zip(batch, vectors_made.vectors, strict=True)
                    if vector is not None
                }
        space = embedder.space if embedder else ""
        is_done = await self._store.recut(
            document, chunks, vectors, space=space, chunking=self._chunking
        )
        if not is_done:
            return None
        return PageRecut(
            url=document.url,
            title=document.title,
            chunks_before=len(before),
            chunks=len(chunks),
            embedded=len(chunks) - len(await self.without_vector(chunks)),
        )

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
        # The default executor has more threads, but they would all compete for one lock.
        async with self._computing:
            return await asyncio.to_thread(function, *args, **kwargs)

    @property
    def _space(self) -> str:
        return self._embedder.space if self._embedder else ""
