"""Reads one page: from the index while it is fresh, confirmed by its site, or fetched.

`ingest` and `ask --web` share this. Each starts one task per URL and says how a page that was
read is stored; the page comes back as exactly one event.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ingest.documents import Document, FetcherName, PageValidators, Processing, RequestRecord
from ingest.errors import IngestError
from ingest.events import IngestEvent, PageOrigin, PageSkipped, PageStored
from ingest.extract.base import EXTRACTOR_VERSION
from ingest.foundation.concurrency import cancel_and_wait
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.index.store.base import ChunkStore
from ingest.web.negative_cache import NegativeCache
from ingest.web.tiered_fetcher import Loaded
from ingest.web.validators import is_withdrawn, refresh_validators, validators_of

log = logging.getLogger(__name__)

CLOCK_SLACK = timedelta(minutes=5)
"""How far the clocks of two machines that share an index may be apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContent:
    """A page that was read: its document, and how it came here."""

    document: Document
    origin: PageOrigin
    url: str = ""
    """Canonical URL that was requested, before redirects; "" for a file."""
    robots: str = ""
    """The robots rule that allowed the page."""
    fetcher: FetcherName = "file"
    hops: tuple[RequestRecord, ...] = ()
    """Every request that it took, in order."""
    validators: PageValidators | None = None
    """To remember once the document is stored; None if it is in the index already."""


class PageLoader(Protocol):
    """What fetches a page and extracts its text, here or on another machine."""

    async def load(self, url: str, *, known: PageValidators | None = None) -> Loaded:
        """Return the page behind the canonical `url`, as `TieredFetcher.load` does."""
        ...


StorePage = Callable[[PageContent], Awaitable[PageStored]]
"""Stores a page that was read and returns its event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What the pages of one call share."""

    known: Mapping[str, PageValidators]
    """Validators of the pages that are in the index, by the URL requested."""
    processing: Mapping[str, Processing]
    """What shaped their documents, by the URL that each page led to."""
    fresh: bool
    store: StorePage
    is_over: Callable[[], bool]
    gate: asyncio.Semaphore


class PageTasks:
    """Pages that are read side by side. Returns their events, first finished first."""

    def __init__(self, tasks: Mapping[asyncio.Task[IngestEvent], str]) -> None:
        self.unfinished = dict(tasks)
        """The URL of each task whose event has not been returned."""
        # asyncio.wait would look at all that are left for each that ends: 25 s for 20,000 URLs.
        self._ended: asyncio.Queue[asyncio.Task[IngestEvent]] = asyncio.Queue()
        for task in tasks:
            task.add_done_callback(self._ended.put_nowait)

    async def next_event(self, *, seconds: float | None = None) -> IngestEvent | None:
        """Return the event of the next page that ends, None after `seconds` or the last page.

        Raises:
            StoreError: the index could not be read or written.
        """
        if not self.unfinished:
            return None
        try:
            async with asyncio.timeout(seconds):
                task = await self._ended.get()
        except TimeoutError:
            # With 0 seconds left the timeout strikes before the queue is looked at, so a page that
            # has ended in time would count as late.
            if self._ended.empty():
                return None
            task = self._ended.get_nowait()
        del self.unfinished[task]
        return task.result()

    async def cancel(self) -> None:
        """Cancel what is unfinished, and return when it has ended."""
        await cancel_and_wait(self.unfinished)


class PageReader:
    """Reads pages side by side and remembers what makes reading them again cheap.

    Args:
        fetcher: Requests pages and extracts their text.
        store: The index: pages that are fresh there are not requested.
        concurrency: Pages read at once in one call of `start`.
        ttl_s: Seconds for which a page is fresh when its site does not say (RFC 9111, 4.2).
        negative_cache: Pages that could not be used a moment ago; they are not requested again.
        on_event: Called with the event of every page, also of those too late for the answer.
    """

    def __init__(
        self,
        *,
        fetcher: PageLoader,
        store: ChunkStore,
        concurrency: int,
        ttl_s: float = 0.0,
        negative_cache: NegativeCache | None = None,
        on_event: Callable[[IngestEvent], None] | None = None,
    ) -> None:
        self._fetcher = fetcher
        self._store = store
        self._concurrency = concurrency
        self._ttl_s = ttl_s
        self._negative_cache = negative_cache
        self._on_event = on_event

    async def start(
        self,
        urls: Sequence[str],
        *,
        store: StorePage,
        fresh: bool = False,
        is_over: Callable[[], bool] = lambda: False,
    ) -> PageTasks:
        """Start reading and return the tasks; the caller waits for them or cancels them.

        Args:
            urls: Canonical URLs, each once.
            store: Stores each page that was read.
            fresh: Request every page, also one that is fresh in the index.
            is_over: Whether a page whose turn comes is left out, with the reason "deadline".

        Raises:
            StoreError: the index cannot be read.
        """
        known_validators = await self._store.recall(urls)
        batch = _Batch(
            known=known_validators,
            processing=await self._store.processing(
                [page.final_url for page in known_validators.values()]
            ),
            fresh=fresh,
            store=store,
            is_over=is_over,
            # Per call: the pages of a second question do not queue behind those of a first.
            gate=asyncio.Semaphore(self._concurrency),
        )
        return PageTasks({asyncio.create_task(self._event(url, batch)): url for url in urls})

    async def fresh_pages(self, urls: Sequence[str]) -> dict[str, PageValidators]:
        """Return those of the canonical `urls` that need no request now, by URL."""
        known = await self._store.recall(urls)
        return {url: page for url, page in known.items() if _is_fresh(page)}

    def report(self, event: IngestEvent) -> None:
        """Pass an event to `on_event`."""
        if self._on_event is not None:
            self._on_event(event)

    async def _event(self, url: str, batch: _Batch) -> IngestEvent:
        # What is reported if the page is cancelled, or its turn comes too late.
        event: IngestEvent = PageSkipped(url=url, reason="deadline")
        started = time.monotonic()
        try:
            async with batch.gate:
                started = time.monotonic()  # waiting for a turn is not this page's time
                if not batch.is_over():
                    event = await batch.store(await self._read(url, batch))
        except IngestError as error:
            event = await self._skip(url, error, batch)
        except asyncio.CancelledError:
            # The page was requested, so the log names it, although no caller reads its event.
            self.report(replace(event, seconds=time.monotonic() - started))
            raise
        except QiuzhengError:
            raise  # the index or the installation: no other page would fare better
        except Exception as error:
            # A fault of ours that one page has found must not end the question for all the others.
            # By its type alone: the text of an error may quote the page.
            log.warning("%s is left out, reading it failed: %s", url, type(error).__name__)
            log.debug("where it failed", exc_info=error)
            detail = Message("reading it failed ({reason})", reason=type(error).__name__)
            event = PageSkipped(url=url, reason="unsupported", detail=detail)
        event = replace(event, seconds=time.monotonic() - started)
        self.report(event)
        return event

    async def _read(self, url: str, batch: _Batch) -> PageContent:
        known_validators = batch.known.get(url)
        if known_validators is not None and not batch.fresh and _is_fresh(known_validators):
            content = await self._from_index(known_validators)
            if content is not None:
                return content
        # The negative cache comes after the index: a page that was read before may be fresh there.
        if (
            self._negative_cache
            and not batch.fresh
            and (earlier_error := self._negative_cache.recall(url))
        ):
            raise earlier_error
        processing = (
            batch.processing.get(known_validators.final_url)
            if known_validators is not None
            else None
        )
        if processing is not None and processing.extractor != EXTRACTOR_VERSION:
            # Asked with its validators the site would say that the page is as it was, and send no
            # body to extract; equal bytes would not be extracted either.
            known_validators = None
        loaded = await self._fetcher.load(url, known=known_validators)
        if loaded.document is None and known_validators is not None:
            validators = refresh_validators(known_validators, loaded.page, ttl_s=self._ttl_s)
            await self._store.remember(validators)
            content = await self._from_index(validators)
            if content is not None:
                return replace(content, origin="revalidated", hops=loaded.page.hops)
            # Another process has deleted the document since `recall`: a 304 has no body to read.
            loaded = await self._fetcher.load(url)
        assert loaded.document is not None  # only a page that was known comes back without one
        return PageContent(
            document=loaded.document,
            origin="network",
            url=url,
            robots=loaded.page.robots,
            fetcher=loaded.page.fetcher,
            hops=loaded.page.hops,
            validators=validators_of(loaded.page, ttl_s=self._ttl_s),
        )

    async def _from_index(self, known: PageValidators) -> PageContent | None:
        """Return a page as the index has it, None if it has just been deleted."""
        document = (await self._store.documents([known.final_url])).get(known.final_url)
        if document is None:
            return None
        return PageContent(
            document=document,
            origin="memory",
            url=known.url,
            robots=known.robots,
            fetcher=known.fetcher,
        )

    async def _skip(self, url: str, error: IngestError, batch: _Batch) -> PageSkipped:
        """Return the event of a page that could not be used, and remember that it could not.

        A page that its site has withdrawn is deleted from the index.
        """
        known = batch.known.get(url)
        # "noindex" or 410 since the last time: to quote the old text would ignore the site.
        if known is not None and is_withdrawn(error):
            await self._store.delete(known.final_url)
        if self._negative_cache is not None:
            self._negative_cache.keep(url, error)
        return skipped_event(url, error)


def skipped_event(url: str, error: IngestError) -> PageSkipped:
    """Return the event of a page that could not be used."""
    # "robots.txt line 2: Disallow: /" says more than the sentence around it.
    is_rule = error.reason == "robots" and error.robots
    return PageSkipped(
        url=url,
        reason=error.reason,
        detail=Message.verbatim(error.robots) if is_rule else error.full_message,
        robots=error.robots,
        fetcher=error.fetcher,
        hops=error.hops,
    )


def _is_fresh(known: PageValidators) -> bool:
    # What was checked in the future was checked while the clock was ahead: it would be fresh for
    # years.
    now = datetime.now(UTC)
    return known.checked_at <= now + CLOCK_SLACK and known.fresh_until > now


def stored_event(
    page: PageContent,
    *,
    chunks: int,
    embedded: int,
    coverage: float = 1.0,
    unembedded: int = 0,
    unembedded_reason: Message = NO_MESSAGE,
) -> PageStored:
    """Return the event of a page that is stored, with `embedded` of its `chunks` in vectors."""
    return PageStored(
        url=page.document.url,
        title=page.document.title,
        kind=page.document.kind,
        chunks=chunks,
        embedded=embedded,
        robots=page.robots,
        fetcher=page.fetcher,
        asked=page.url,
        origin=page.origin,
        hops=page.hops,
        coverage=coverage,
        unembedded=unembedded,
        unembedded_reason=unembedded_reason,
        notes=page.document.notes,
    )
