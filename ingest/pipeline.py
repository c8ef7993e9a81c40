"""`Ingestor`: from a URL to searchable chunks, one event for each page."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

from ingest.documents import Chunk, Document, Page, PageValidators
from ingest.errors import IngestError
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.extract import extractor
from ingest.foundation.concurrency import BackgroundTasks, cancelled
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message
from ingest.foundation.tracing import span
from ingest.index import split
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR, Embedder
from ingest.index.embedding_queue import EmbeddingQueue
from ingest.index.rank import choose
from ingest.index.store.base import ChunkStore
from ingest.straggler_cutoff import StragglerCutoff
from ingest.text.words import content_words, words
from ingest.web.negative_cache import NegativeCache
from ingest.web.tiered_fetcher import TieredFetcher
from ingest.web.validators import confirmed, is_withdrawn, validators_of

P = ParamSpec("P")
R = TypeVar("R")

COMPUTE_AT_ONCE = 2
"""Threads that split and rank. They take turns at one lock anyway: with ten at once the event loop
waits longer for its own turn, and ten pages' words are in memory (bench/hostile.py)."""
EMBED_GRACE_S = 1.0
"""In this time the built-in encoder makes half of ten pages' vectors on two cores. A model on
Ollama without a GPU would need ten times as long: the best chunks get theirs at retrieval."""


class _Budget:
    """Tokens that one question may have embedded, granted page by page as they come."""

    def __init__(self, tokens: int) -> None:
        self._left = tokens

    def grant(self, tokens: int) -> int:
        """Return how many of `tokens` are granted; 0 still gets a page its best block."""
        granted = min(tokens, self._left)
        self._left -= granted
        return granted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What the pages of one call share."""

    question: str | None
    records: dict[str, PageValidators]
    """What is known of the pages, by the URL asked for."""
    fresh: bool
    backlog: EmbeddingQueue | None
    budget: _Budget
    gate: asyncio.Semaphore
    patience: StragglerCutoff


@dataclass(frozen=True, kw_only=True)
class Ingestor:
    """Turns pages into chunks of the index, side by side."""

    ladder: TieredFetcher
    embedder: Embedder | None
    """None: chunks are found by words alone."""
    store: ChunkStore
    chunk_size: int
    chunk_overlap: int
    page_budget: int
    """Tokens of a page that are embedded for a question; the rest when it is wanted."""
    question_budget: int
    """Tokens of all pages of a question together."""
    concurrency: int
    ttl_s: float = 0.0
    """Seconds for which a page is not asked for again when its site does not say (RFC 9111)."""
    refusals: NegativeCache | None = None
    """Pages that were no use a moment ago and are not asked for again."""
    watch: Callable[[IngestEvent], None] | None = None
    """Told of every page, of those also that came too late for the answer: the ledger."""
    warm_up: Callable[[], None] | None = None
    """Gets the parts ready that the first page will need, and returns at once."""
    latecomers: BackgroundTasks = field(default_factory=BackgroundTasks)
    """Pages that are still read while the answer is given already. Whoever opened us ends them."""
    computing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(COMPUTE_AT_ONCE))

    def get_ready(self) -> None:
        """Import and start, beside the search, what the first page will need."""
        if self.warm_up is not None:
            self.warm_up()
        threading.Thread(target=split.preload, name="get-ready", daemon=True).start()

    async def read(
        self,
        urls: Iterable[str],
        *,
        question: str | None = None,
        until: float | None = None,
        enough: int | None = None,
        fresh: bool = False,
    ) -> AsyncGenerator[IngestEvent, None]:
        """Fetch and store pages and yield one event for each, first finished first.

        Args:
            urls: Canonical URLs.
            question: What the reader wants to know: only blocks that bear on it are embedded
                now. None embeds whole pages.
            until: Time on the `time.monotonic` clock after which pages are no longer waited
                for. They are reported as late, and are read on for the next question.
            enough: So many pages that bear on the question will do: then, or when nearly all
                are there, the slow ones get about as long again as the others took
                (`ingest.straggler_cutoff`). None: all are waited for.
            fresh: Ask every site again, also where the page in the index is fresh.

        Raises:
            StoreError: the index cannot be read or written.
        """
        wanted = list(dict.fromkeys(urls))
        reading = _Reading(
            question=question,
            records=await self.store.recall(wanted),
            fresh=fresh,
            backlog=self._backlog() if question is not None else None,
            budget=_Budget(self.question_budget),
            gate=asyncio.Semaphore(self.concurrency),
            patience=StragglerCutoff(until=until, enough=enough, wanted=len(wanted)),
        )
        tasks = {asyncio.create_task(self._event(url, reading)): url for url in wanted}
        # asyncio.wait would look at all that are left for each that ends: 25 s for 20,000 URLs.
        ended: asyncio.Queue[asyncio.Task[IngestEvent]] = asyncio.Queue()
        for task in tasks:
            task.add_done_callback(ended.put_nowait)
        waiting = set(tasks)
        try:
            while waiting and (finished := await _next(ended, reading.patience)):
                waiting.remove(finished)
                event = finished.result()
                reading.patience.count(event)
                yield event
            for task in waiting:
                yield PageSkipped(url=tasks[task], reason="deadline")
            if reading.backlog is not None:
                await reading.backlog.finish(seconds=_grace(until))
        finally:
            await self._leave(waiting, reading)

    async def _leave(self, waiting: set["asyncio.Task[IngestEvent]"], reading: _Reading) -> None:
        """Let late pages of a question be read on; end everything else."""
        if reading.question is None:
            await cancelled(waiting)
        else:
            reading.patience.end()
            self.latecomers.adopt(waiting)
        if reading.backlog is not None:
            await reading.backlog.close()

    def _backlog(self) -> EmbeddingQueue | None:
        return EmbeddingQueue(embedder=self.embedder, store=self.store) if self.embedder else None

    async def _event(self, url: str, reading: _Reading) -> IngestEvent:
        """Return what became of one page, and tell it to whoever watches."""
        event: IngestEvent = PageSkipped(url=url, reason="deadline")
        started = time.monotonic()
        try:
            async with reading.gate:
                started = time.monotonic()
                if not reading.patience.is_over:
                    event = await self._read_one(url, reading)
        except IngestError as error:
            event = await self._left_out(url, error, reading)
        except asyncio.CancelledError:
            self._report(replace(event, seconds=time.monotonic() - started))
            raise
        event = replace(event, seconds=time.monotonic() - started)
        self._report(event)
        return event

    def _report(self, event: IngestEvent) -> None:
        if self.watch is not None:
            self.watch(event)

    async def _read_one(self, url: str, reading: _Reading) -> PageStored:
        known = reading.records.get(url)
        if known is not None and not reading.fresh and known.fresh_until > datetime.now(UTC):
            held = await self._from_index(known, reading)
            if held is not None:
                return held
        if self.refusals and not reading.fresh and (refusal := self.refusals.recall(url)):
            raise refusal
        loaded = await self.ladder.load(url, known=known)
        if loaded.document is None and known is not None:
            held = await self._confirmed(known, loaded.page, reading)
            if held is not None:
                return held
            loaded = await self.ladder.load(url)
        page, document = loaded.page, loaded.document
        assert document is not None  # only a page that was known comes back without one
        stored = await self._add(document, reading)
        await self.store.remember(validators_of(page, ttl_s=self.ttl_s))
        return replace(
            stored,
            asked=url,
            hops=page.hops,
            origin="network",
            robots=page.robots,
            fetcher=page.fetcher,
        )

    async def _confirmed(
        self, known: PageValidators, page: Page, reading: _Reading
    ) -> PageStored | None:
        """Return a page that is as it was, None if it has left the index in the meantime."""
        record = confirmed(known, page, ttl_s=self.ttl_s)
        await self.store.remember(record)
        held = await self._from_index(record, reading)
        return held and replace(held, origin="revalidated", hops=page.hops)

    async def _from_index(self, known: PageValidators, reading: _Reading) -> PageStored | None:
        """Return a page of the index, its vectors seen to; None if it has just been deleted."""
        document = (await self.store.documents([known.final_url])).get(known.final_url)
        if document is None:
            return None
        chunks = await self.store.chunks(document.url)
        stored = await self._see_to_vectors(document, chunks, reading)
        return replace(
            stored, asked=known.url, origin="memory", robots=known.robots, fetcher=known.fetcher
        )

    async def _left_out(self, url: str, error: IngestError, reading: _Reading) -> PageSkipped:
        """Return the event of a page that could not be used, and keep in mind that it could not.

        One that its site has withdrawn leaves the index.
        """
        known = reading.records.get(url)
        if known is not None and is_withdrawn(error):
            await self.store.delete(known.final_url)
        if self.refusals is not None:
            self.refusals.keep(url, error)
        return _skipped(url, error)

    async def add_file(self, path: Path) -> IngestEvent:
        """Store a local document. `path` is absolute."""
        event: IngestEvent
        try:
            document = await asyncio.to_thread(extractor.read_file, path)
            event = await self.add(document)
        except IngestError as error:
            event = _skipped(path.as_uri(), error)
        except MissingDependencyError as error:
            event = PageSkipped(url=path.as_uri(), reason="unsupported", detail=error.full_message)
        self._report(event)
        return event

    async def add(self, document: Document) -> PageStored:
        """Store a document whole, findable by words and, where an encoder is, by vectors."""
        return await self._add(document, None)

    async def _add(self, document: Document, reading: _Reading | None) -> PageStored:
        chunks = await self._computed(
            split.split, document, size=self.chunk_size, overlap=self.chunk_overlap
        )
        with span("store", chunks=len(chunks)):
            await self.store.replace(document, chunks, {}, space=self._space)
        return await self._see_to_vectors(document, chunks, reading)

    async def _see_to_vectors(
        self, document: Document, chunks: list[Chunk], reading: _Reading | None
    ) -> PageStored:
        """Embed the chunks that are worth it and have no vector yet.

        For a question they are embedded while other pages are read; else before we return.
        """
        question = reading.question if reading else None
        budget = reading.budget.grant(self.page_budget) if reading and question else None
        wanted = await self._computed(
            self._worth_embedding, document, chunks, question, budget=budget
        )
        missing = await self._without_vector(wanted)
        embedded = len(wanted) - len(missing)
        if reading is not None and reading.backlog is not None:
            reading.backlog.add(missing)
        elif own := self._backlog():
            embedded += await own.embed(missing)
        return PageStored(
            url=document.url,
            title=document.title,
            chunks=len(chunks),
            embedded=embedded,
            robots="",
            fetcher="file",
            origin="file",
            coverage=await self._computed(_coverage, document, question),
        )

    async def _computed(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run what computes in a thread, a few at a time."""
        async with self.computing:
            return await asyncio.to_thread(function, *args, **kwargs)

    @property
    def _space(self) -> str:
        return self.embedder.space if self.embedder else ""

    def _worth_embedding(
        self, document: Document, chunks: list[Chunk], question: str | None, *, budget: int | None
    ) -> list[Chunk]:
        """Return the chunks that bear on the question, in a language that the encoder knows."""
        if (
            self.embedder is None
            or self.embedder.language_coverage(document.text) < LANGUAGE_COVERAGE_FLOOR
        ):
            return []
        if question is None or budget is None:
            return chunks
        blocks = choose(document, question, budget=budget)
        return [c for c in chunks if any(c.start < b.end and b.start < c.end for b in blocks)]

    async def _without_vector(self, chunks: list[Chunk]) -> list[Chunk]:
        if not chunks:
            return []
        ids = [chunk.id for chunk in chunks]
        return await self.store.unembedded(ids, space=self._space, limit=len(ids))


async def _next(
    ended: "asyncio.Queue[asyncio.Task[IngestEvent]]", patience: StragglerCutoff
) -> "asyncio.Task[IngestEvent] | None":
    """Return the next page that is done with, None when the patience ends before."""
    try:
        async with asyncio.timeout(patience.left()):
            return await ended.get()
    except TimeoutError:
        return None if ended.empty() else ended.get_nowait()


def _coverage(document: Document, question: str | None) -> float:
    """Return the share of the question's telling words that stand in the document."""
    asked = set(content_words(question)) if question else set()
    if not asked:
        return 1.0
    return len(asked.intersection(words(f"{document.title}\n{document.text}"))) / len(asked)


def _skipped(url: str, error: IngestError) -> PageSkipped:
    ruled = error.reason == "robots" and error.robots
    return PageSkipped(
        url=url,
        reason=error.reason,
        detail=Message.verbatim(error.robots) if ruled else error.full_message,
        robots=error.robots,
        fetcher=error.fetcher,
        hops=error.hops,
    )


def _grace(until: float | None) -> float:
    """Return the seconds that the last vectors may take once every page is there."""
    left = EMBED_GRACE_S if until is None else until - time.monotonic()
    return max(0.0, min(EMBED_GRACE_S, left))
