"""`QuestionReader`: reads the pages that a search found, for a question whose asker waits."""

import time
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from functools import partial

from ingest.documents import WEB_COLLECTION, Chunk, Document
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.foundation.concurrency import BackgroundTasks
from ingest.index.embedding_queue import EmbeddingQueue
from ingest.index.rank import choose_blocks
from ingest.page_reader import PageContent, PageReader, stored_event
from ingest.pipeline import IndexingPipeline
from ingest.straggler_cutoff import StragglerCutoff
from ingest.text.words import content_words, words

EMBED_GRACE_S = 1.0
"""Longest wait for vectors once every page is here. In this time the built-in encoder makes half of
ten pages' vectors on two cores. A model on Ollama without a GPU would need ten times as long: the
best chunks get theirs at retrieval."""


class _TokenBudget:
    """Tokens that may be embedded for one question, granted page by page as they come."""

    def __init__(self, tokens: int) -> None:
        self._left = tokens

    def grant(self, tokens: int) -> int:
        """Return how many of `tokens` are granted; with 0 a page still gets its best block."""
        # In the order of arrival: to share fairly, the first page would have to wait for the last.
        granted = min(tokens, self._left)
        self._left -= granted
        return granted


@dataclass(frozen=True, slots=True, kw_only=True)
class _QuestionContext:
    """What the pages read for one question share."""

    question: str
    budget: _TokenBudget
    queue: EmbeddingQueue | None


class QuestionReader:
    """Reads pages until the deadline or until enough are here, and embeds what is relevant.

    Pages are stored whole, but only the chunks that are relevant to the question are embedded now,
    while other pages are still read (docs/decisions/0002-whole-pages.md). Pages that come too late
    are read on in the background, for the next question.

    Args:
        pages: Reads the pages.
        pipeline: Stores them.
        page_budget: Tokens of one page that are embedded for a question.
        question_budget: Tokens of all pages of a question together.
        preload_reader: Starts the processes that extract text, and returns at once.
    """

    def __init__(
        self,
        *,
        pages: PageReader,
        pipeline: IndexingPipeline,
        page_budget: int,
        question_budget: int,
        preload_reader: Callable[[], None] | None = None,
    ) -> None:
        self._pages = pages
        self._pipeline = pipeline
        self._page_budget = page_budget
        self._question_budget = question_budget
        self._preload_reader = preload_reader
        self._background = BackgroundTasks()

    def preload(self) -> None:
        """Import and start, while the search engine works, what the first page will need."""
        if self._preload_reader is not None:
            self._preload_reader()

    async def close(self, *, seconds: float = 0.0) -> None:
        """Give pages that are read in the background `seconds` to finish, then cancel them."""
        await self._background.close(seconds=seconds)

    async def read(
        self,
        urls: Iterable[str],
        *,
        question: str,
        until: float | None = None,
        enough: int | None = None,
        fresh: bool = False,
    ) -> AsyncGenerator[IngestEvent, None]:
        """Read and store pages and yield one event for each, first finished first.

        Args:
            urls: Canonical URLs.
            question: What the reader wants to know.
            until: Time on the `time.monotonic` clock after which pages are no longer waited
                for. They are reported as late, and are read on for the next question.
            enough: Relevant pages that suffice (`ingest.straggler_cutoff`). None: wait for all.
            fresh: Request every page, also one that is fresh in the index.

        Raises:
            StoreError: the index cannot be read or written.
        """
        distinct_urls = list(dict.fromkeys(urls))
        cutoff = StragglerCutoff(until=until, enough=enough, wanted=len(distinct_urls))
        context = _QuestionContext(
            question=question,
            budget=_TokenBudget(self._question_budget),
            queue=self._pipeline.embedding_queue(),
        )
        store = partial(self._store, context=context)
        reading = await self._pages.start(
            distinct_urls, store=store, fresh=fresh, is_over=lambda: cutoff.is_over
        )
        try:
            while (event := await reading.next_event(seconds=cutoff.left())) is not None:
                cutoff.count(event)
                yield event
            for url in reading.unfinished.values():
                yield PageSkipped(url=url, reason="deadline")
            if context.queue is not None:
                left_s = EMBED_GRACE_S if until is None else until - time.monotonic()
                await context.queue.finish(seconds=max(0.0, min(EMBED_GRACE_S, left_s)))
        finally:
            # Pages under way are worth finishing for the next question, wherever the caller left.
            # Those that have not begun are not: they would compete with it.
            cutoff.end()
            self._background.adopt(reading.unfinished)
            # A closed queue takes no chunks of late pages; the retriever embeds the best of them.
            if context.queue is not None:
                await context.queue.close()

    async def _store(self, page: PageContent, *, context: _QuestionContext) -> PageStored:
        chunks = await self._pipeline.chunks_of(page, collection=WEB_COLLECTION)
        budget = context.budget.grant(self._page_budget)
        wanted = await self._pipeline.compute(
            self._worth_embedding, page.document, chunks, context.question, budget=budget
        )
        missing = await self._pipeline.without_vector(wanted)
        # Queued and not awaited: the page is found by its words already, and the answer may start.
        if context.queue is not None:
            context.queue.add(missing)
        return stored_event(
            page,
            chunks=len(chunks),
            embedded=len(wanted) - len(missing),
            coverage=await self._pipeline.compute(
                query_term_coverage, page.document, context.question
            ),
        )

    def _worth_embedding(
        self, document: Document, chunks: list[Chunk], question: str, *, budget: int
    ) -> list[Chunk]:
        """Return the chunks that are relevant, if the embedder knows the document's language."""
        if not self._pipeline.is_embeddable(document):
            return []
        # Blocks and chunks are cut differently: a chunk that has part of a chosen block is wanted.
        blocks = choose_blocks(document, question, budget=budget)
        return [c for c in chunks if any(c.start < b.end and b.start < c.end for b in blocks)]


def query_term_coverage(document: Document, question: str) -> float:
    """Return the share of the question's content words that occur in the document, 0 to 1.

    1 for a question without content words: then any page may answer it.
    """
    wanted = set(content_words(question))
    if not wanted:
        return 1.0
    return len(wanted.intersection(words(f"{document.title}\n{document.text}"))) / len(wanted)
