"""From URL to searchable chunk: one event a page, and nobody waits for the slowest."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ingest.documents import Page, PageValidators, RequestRecord
from ingest.errors import EmbedError, FetchError, IngestError, SkipReason, StoreError
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message
from ingest.index.embed.base import Embedder, Vector
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.store.base import ChunkStore
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.memory import MemoryVectors
from ingest.pipeline import Ingestor
from ingest.text.words import words
from ingest.web.fetch.base import Fetcher
from ingest.web.fetch.memory import MemoryFetcher, html_page
from tests.ladders import ladder

pytestmark = pytest.mark.anyio

TEA = "https://tea.test/"
SCRIPT = "https://script.test/"
HANG = "https://hang.test/"
QUESTION = "How hot should the water for green tea be?"
PARAGRAPHS = (
    "Green tea wants water of 80 degrees, not boiling water, or it turns bitter.",
    *(f"Chapter {n} tells of harbours, ships and the people of the coast." * 6 for n in range(30)),
)


def article(*paragraphs: str) -> str:
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return f"<html><head><title>Tea</title></head><body><article>{text}</article></body></html>"


PAGES: dict[str, Page | IngestError] = {
    TEA: html_page(TEA, article(*PARAGRAPHS)),
    SCRIPT: html_page(
        SCRIPT, "<html><body><div id='app'></div><script>draw('tea')</script></body></html>"
    ),
}


class HangingFetcher(MemoryFetcher):
    """One of its pages never comes."""

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        if url == HANG:
            await asyncio.Event().wait()
        return await super().fetch(url, known=known)


class StallingEmbedder(HashingEmbedder):
    """An encoder that never answers."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        await asyncio.Event().wait()
        raise AssertionError


class CountingEmbedder(HashingEmbedder):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        self.texts += texts
        return await super().embed_documents(texts)


class AbsentBrowser:
    """A browser that is not installed."""

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        raise MissingDependencyError(Message.bilingual("no browser", "没有浏览器"))

    async def close(self) -> None:
        """Nothing to close."""


class Deaf(CountingEmbedder):
    """An encoder that knows no word of the text."""

    def language_coverage(self, text: str) -> float:
        return 0.1


def ingestor(
    embedder: Embedder | None,
    *,
    pages: Mapping[str, Page | IngestError] = PAGES,
    browser: Fetcher | None = None,
    store: ChunkStore | None = None,
    fetcher: Fetcher | None = None,
    ttl_s: float = 0.0,
    watch: Callable[[IngestEvent], None] | None = None,
) -> Ingestor:
    return Ingestor(
        ladder=ladder(fetcher or HangingFetcher(pages), browser=browser),
        embedder=embedder,
        store=store or Index(catalog=Catalog(None), vectors=MemoryVectors()),
        chunk_size=400,
        chunk_overlap=100,
        page_budget=200,
        question_budget=1_000,
        concurrency=4,
        ttl_s=ttl_s,
        watch=watch,
    )


async def read(
    ingestor: Ingestor,
    *urls: str,
    question: str | None = None,
    seconds: float | None = None,
    fresh: bool = False,
    enough: int | None = None,
) -> list[IngestEvent]:
    until = None if seconds is None else time.monotonic() + seconds
    reading = ingestor.read(urls, question=question, until=until, fresh=fresh, enough=enough)
    async with aclosing(reading) as events:
        return [event async for event in events]


def only(events: Sequence[IngestEvent]) -> IngestEvent:
    (event,) = events
    return event


async def test_whole_page_is_stored_but_only_what_bears_on_the_question_is_embedded() -> None:
    embedder = CountingEmbedder()
    one = ingestor(embedder)
    stored = only(await read(one, TEA, question=QUESTION))
    assert isinstance(stored, PageStored)
    assert any("80 degrees" in text for text in embedder.texts)
    assert len(embedder.texts) < stored.chunks / 3
    assert await one.store.matching(words("chapter 29 harbours"), top_k=1)


async def test_without_a_question_every_chunk_is_embedded_before_the_event() -> None:
    stored = only(await read(ingestor(CountingEmbedder()), TEA))
    assert isinstance(stored, PageStored)
    assert stored.embedded == stored.chunks


async def test_page_read_again_unchanged_is_not_embedded_again() -> None:
    embedder = CountingEmbedder()
    one = ingestor(embedder)
    await read(one, TEA)
    before = len(embedder.texts)
    stored = only(await read(one, TEA))
    assert len(embedder.texts) == before
    assert isinstance(stored, PageStored)
    assert stored.embedded == stored.chunks


async def test_encoder_that_stalls_holds_up_no_page_and_no_answer() -> None:
    one = ingestor(StallingEmbedder())
    stored = only(await asyncio.wait_for(read(one, TEA, question=QUESTION), timeout=30))
    assert isinstance(stored, PageStored)
    assert await one.store.matching(words("green tea"), top_k=1)


async def test_encoder_that_fails_leaves_words() -> None:
    class Failing(CountingEmbedder):
        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            raise EmbedError(Message.bilingual("gone", "不在了"))

    stored = only(await read(ingestor(Failing()), TEA))
    assert isinstance(stored, PageStored)
    assert stored.embedded == 0


async def test_text_in_a_language_that_the_encoder_does_not_know_is_not_embedded() -> None:
    embedder = Deaf()
    await read(ingestor(embedder), TEA)
    assert embedder.texts == []


async def test_page_that_hangs_is_left_behind_at_the_deadline() -> None:
    events = await asyncio.wait_for(
        read(ingestor(None), HANG, TEA, question=QUESTION, seconds=2), timeout=30
    )
    assert [type(event) for event in events] == [PageStored, PageSkipped]
    late = events[-1]
    assert isinstance(late, PageSkipped)
    assert (late.url, late.reason) == (HANG, "deadline")


async def test_page_made_by_scripts_is_opened_in_the_browser() -> None:
    browser = MemoryFetcher({SCRIPT: html_page(SCRIPT, article(*PARAGRAPHS))})
    stored = only(await read(ingestor(None, browser=browser), SCRIPT))
    assert isinstance(stored, PageStored)
    assert browser.asked == [SCRIPT]


@pytest.mark.parametrize("browser", [None, AbsentBrowser()])
async def test_without_a_browser_such_a_page_is_skipped_and_says_so(
    browser: Fetcher | None,
) -> None:
    skipped = only(await read(ingestor(None, browser=browser), SCRIPT))
    assert isinstance(skipped, PageSkipped)
    assert skipped.reason == "needs_browser"


async def test_bulk_reading_left_early_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    one = ingestor(StallingEmbedder())
    async with aclosing(one.read([TEA, HANG])) as events:
        task = asyncio.create_task(anext(events))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert asyncio.all_tasks() == before


class SlowFetcher(MemoryFetcher):
    """Holds one page back until it is told."""

    def __init__(self, pages: Mapping[str, Page | IngestError], *, slow: str) -> None:
        super().__init__(pages)
        self._slow = slow
        self.go = asyncio.Event()

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        if url == self._slow:
            await self.go.wait()
        return await super().fetch(url, known=known)


async def test_page_too_late_for_the_answer_is_there_for_the_next_question() -> None:
    late = "https://late.test/"
    pages = PAGES | {late: html_page(late, article("Tea from Lapsang smells of smoke."))}
    fetcher = SlowFetcher(pages, slow=late)
    seen: list[IngestEvent] = []
    one = ingestor(None, fetcher=fetcher, watch=seen.append)
    events = await read(one, TEA, late, question=QUESTION, seconds=1)
    assert [type(event) for event in events] == [PageStored, PageSkipped]
    assert not await one.store.matching(["lapsang"], top_k=1)
    fetcher.go.set()
    await one.latecomers.close(seconds=30)
    assert await one.store.matching(["lapsang"], top_k=1)
    assert [event.url for event in seen] == [TEA, late]
    assert isinstance(seen[-1], PageStored)


async def test_late_page_that_is_given_up_is_told_to_the_watcher_as_late() -> None:
    seen: list[IngestEvent] = []
    one = ingestor(None, watch=seen.append)
    await read(one, TEA, HANG, question=QUESTION, seconds=1)
    await one.latecomers.close()
    assert len(one.latecomers) == 0
    late = seen[-1]
    assert isinstance(late, PageSkipped)
    assert (late.url, late.reason) == (HANG, "deadline")


async def test_enough_good_pages_end_the_wait_for_a_host_that_hangs() -> None:
    events = await asyncio.wait_for(
        read(ingestor(None), HANG, TEA, question=QUESTION, enough=1), timeout=30
    )
    assert [type(event) for event in events] == [PageStored, PageSkipped]


async def test_pages_that_do_not_bear_on_the_question_are_not_enough() -> None:
    off = "https://off.test/"
    pages = PAGES | {off: html_page(off, article("A page on the harbours of the coast." * 9))}
    fetcher = SlowFetcher(pages, slow=TEA)
    one = ingestor(None, fetcher=fetcher)
    task = asyncio.create_task(read(one, off, TEA, question=QUESTION, enough=1, seconds=60))
    await asyncio.sleep(1.5)  # longer than the shortest grace
    assert not task.done()
    fetcher.go.set()
    events = await task
    assert all(isinstance(event, PageStored) for event in events)


class Site(MemoryFetcher):
    """Serves one page with an ETag, and answers 304 to whoever has it."""

    def __init__(self, html: str) -> None:
        super().__init__({})
        self.html = html
        self.max_age = ""
        self.has_etag = True
        self.known: list[str | None] = []

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        self.asked.append(url)
        self.known.append(known.etag if known else None)
        page = html_page(url, self.html, fetched_at=datetime.now(UTC))
        etag = str(hash(self.html)) if self.has_etag else ""
        same = known is not None and bool(etag) and known.etag == etag
        hop = RequestRecord(url=url, robots="no rule matches", status=304 if same else 200)
        body = b"" if same else page.body
        return replace(page, body=body, etag=etag, cache_control=self.max_age, hops=(hop,))


async def test_fresh_page_costs_no_request_and_no_embedding() -> None:
    site, embedder = Site(article(*PARAGRAPHS)), CountingEmbedder()
    one = ingestor(embedder, fetcher=site, ttl_s=3_600)
    await read(one, TEA)
    before = len(embedder.texts)
    again = only(await read(one, TEA))
    assert isinstance(again, PageStored)
    assert (again.origin, again.embedded) == ("memory", again.chunks)
    assert again.chunks > 10
    assert site.asked == [TEA]
    assert len(embedder.texts) == before


async def test_fresh_page_gets_the_vectors_that_another_question_wants() -> None:
    site, embedder = Site(article(*PARAGRAPHS)), CountingEmbedder()
    one = ingestor(embedder, fetcher=site, ttl_s=3_600)
    await read(one, TEA, question=QUESTION)
    await read(one, TEA, question="What does chapter 17 tell of harbours?")
    assert site.asked == [TEA]
    assert any("Chapter 17" in text for text in embedder.texts)


async def test_stale_page_that_is_unchanged_is_confirmed_and_keeps_its_vectors() -> None:
    site, embedder = Site(article(*PARAGRAPHS)), CountingEmbedder()
    one = ingestor(embedder, fetcher=site)
    await read(one, TEA)
    before, (document,) = len(embedder.texts), (await one.store.documents([TEA])).values()
    again = only(await read(one, TEA))
    assert isinstance(again, PageStored)
    assert again.origin == "revalidated"
    assert again.hops[0].status == 304
    assert len(embedder.texts) == before
    (confirmed,) = (await one.store.documents([TEA])).values()
    assert confirmed.fetched_at > document.fetched_at
    assert confirmed.text == document.text


async def test_page_without_validators_whose_bytes_are_the_same_is_not_read_again() -> None:
    site = Site(article(*PARAGRAPHS))
    site.has_etag = False
    one = ingestor(None, fetcher=site)
    await read(one, TEA)
    again = only(await read(one, TEA))
    assert isinstance(again, PageStored)
    assert (again.origin, again.hops[0].status) == ("revalidated", 200)


async def test_changed_page_is_embedded_only_where_it_changed() -> None:
    site, embedder = Site(article(*PARAGRAPHS)), CountingEmbedder()
    one = ingestor(embedder, fetcher=site)
    await read(one, TEA)
    before = len(embedder.texts)
    site.html = article(*PARAGRAPHS, "A last word on white tea.")
    again = only(await read(one, TEA))
    assert isinstance(again, PageStored)
    assert again.origin == "network"
    assert 0 < len(embedder.texts) - before < 4
    assert await one.store.matching(words("white tea"), top_k=1)


async def test_fresh_asks_the_site_though_its_page_is_fresh() -> None:
    site = Site(article(*PARAGRAPHS))
    one = ingestor(None, fetcher=site, ttl_s=3_600)
    await read(one, TEA)
    again = only(await read(one, TEA, fresh=True))
    assert isinstance(again, PageStored)
    assert again.origin == "revalidated"
    assert site.known[0] is None
    assert site.known[1] is not None


async def test_what_the_site_says_of_freshness_goes_before_the_setting() -> None:
    site = Site(article(*PARAGRAPHS))
    site.max_age = "no-cache"
    one = ingestor(None, fetcher=site, ttl_s=3_600)
    await read(one, TEA)
    await read(one, TEA)
    assert site.asked == [TEA, TEA]


@pytest.mark.parametrize(
    ("header", "meta"), [(("noindex",), ""), ((), "noindex, follow"), ((), "NOAI")]
)
async def test_page_that_asks_to_be_left_out_is_left_out(
    header: tuple[str, ...], meta: str
) -> None:
    tag = f'<meta name="robots" content="{meta}">' if meta else ""
    html = article(*PARAGRAPHS).replace("<title>", f"{tag}<title>")
    page = replace(html_page(TEA, html), directives=header)
    skipped = only(await read(ingestor(None, pages={TEA: page}), TEA))
    assert isinstance(skipped, PageSkipped)
    assert skipped.reason == "robots"
    assert "no" in skipped.robots.lower()


async def test_site_that_wants_to_see_a_browser_gets_one() -> None:
    wall = FetchError(Message.bilingual("a wall", "一堵墙"), url=TEA, reason="needs_browser")
    wall.hops = (RequestRecord(url=TEA, status=403),)
    browser = MemoryFetcher({TEA: html_page(TEA, article(*PARAGRAPHS))})
    stored = only(await read(ingestor(None, pages={TEA: wall}, browser=browser), TEA))
    assert isinstance(stored, PageStored)
    assert [hop.status for hop in stored.hops] == [403]


async def test_index_that_fails_is_not_told_to_the_watcher_as_a_late_page() -> None:
    class Broken(Index):
        async def remember(self, record: PageValidators) -> None:
            raise StoreError(Message.bilingual("no room", "没有空间"))

    seen: list[IngestEvent] = []
    store = Broken(catalog=Catalog(None), vectors=MemoryVectors())
    with pytest.raises(StoreError):
        await read(ingestor(None, store=store, watch=seen.append), TEA)
    assert seen == []


@pytest.mark.parametrize(
    ("status", "reason", "stays"),
    [(410, "refused", False), (200, "robots", False), (404, "refused", True), (0, "robots", True)],
    ids=["gone", "noindex", "not found", "robots.txt"],
)
async def test_page_that_its_site_withdraws_leaves_the_index(
    status: int, reason: SkipReason, stays: bool
) -> None:
    pages: dict[str, Page | IngestError] = {TEA: PAGES[TEA]}
    fetcher = MemoryFetcher(pages)
    one = ingestor(None, fetcher=fetcher)
    await read(one, TEA)
    error = FetchError(Message.bilingual("no", "不"), url=TEA, reason=reason)
    error.hops = (RequestRecord(url=TEA, status=status),)
    again = ingestor(None, fetcher=MemoryFetcher({TEA: error}), store=one.store)
    skipped = only(await read(again, TEA))
    assert isinstance(skipped, PageSkipped)
    assert skipped.fetcher == "http"
    assert bool(await one.store.documents([TEA])) == stays
