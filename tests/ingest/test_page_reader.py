"""Reading a page: from the index, confirmed by its site, or fetched, in the browser if need be."""

from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ingest.documents import Page, RequestRecord
from ingest.errors import FetchError, IngestError, SkipReason, StoreError
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.foundation.messages import Message
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.web.fetch.base import Fetcher
from ingest.web.fetch.memory import MemoryFetcher, html_page
from tests.ingest_parts import IngestParts, ingest_parts
from tests.tea_pages import (
    PAGES,
    PARAGRAPHS,
    SCRIPT,
    TEA,
    AbsentBrowser,
    CountingEmbedder,
    Site,
    article,
    only,
)

pytestmark = pytest.mark.anyio


async def add(parts: IngestParts, *urls: str, fresh: bool = False) -> list[IngestEvent]:
    async with aclosing(parts.pipeline.add_urls(urls, fresh=fresh)) as events:
        return [event async for event in events]


async def test_page_made_by_scripts_is_opened_in_the_browser() -> None:
    browser = MemoryFetcher({SCRIPT: html_page(SCRIPT, article(*PARAGRAPHS))})
    stored = only(await add(ingest_parts(PAGES, embedder=None, browser=browser), SCRIPT))
    assert isinstance(stored, PageStored)
    assert browser.asked == [SCRIPT]


@pytest.mark.parametrize("browser", [None, AbsentBrowser()])
async def test_without_a_browser_such_a_page_is_skipped_and_says_so(
    browser: Fetcher | None,
) -> None:
    skipped = only(await add(ingest_parts(PAGES, embedder=None, browser=browser), SCRIPT))
    assert isinstance(skipped, PageSkipped)
    assert skipped.reason == "needs_browser"


async def test_fresh_page_costs_no_request_and_no_embedding() -> None:
    site, embedder = Site(article(*PARAGRAPHS)), CountingEmbedder()
    one = ingest_parts(site, embedder=embedder, ttl_s=3_600)
    await add(one, TEA)
    before = len(embedder.texts)
    again = only(await add(one, TEA))
    assert isinstance(again, PageStored)
    assert (again.origin, again.embedded) == ("memory", again.chunks)
    assert again.chunks > 10
    assert site.asked == [TEA]
    assert len(embedder.texts) == before


async def test_page_that_was_read_while_the_clock_was_ahead_is_asked_for_again() -> None:
    site = Site(article(*PARAGRAPHS))
    one = ingest_parts(site, embedder=None, ttl_s=3_600)
    await add(one, TEA)
    ((_, known),) = (await one.store.recall([TEA])).items()
    ahead = datetime(2131, 1, 1, tzinfo=UTC)
    await one.store.remember(replace(known, checked_at=ahead, fresh_until=ahead))
    again = only(await add(one, TEA))
    assert isinstance(again, PageStored)
    assert again.origin == "revalidated"
    (document,) = (await one.store.documents([TEA])).values()
    assert document.fetched_at < ahead


async def test_stale_page_that_is_unchanged_is_confirmed_and_keeps_its_vectors() -> None:
    site, embedder = Site(article(*PARAGRAPHS)), CountingEmbedder()
    one = ingest_parts(site, embedder=embedder)
    await add(one, TEA)
    before, (document,) = len(embedder.texts), (await one.store.documents([TEA])).values()
    again = only(await add(one, TEA))
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
    one = ingest_parts(site, embedder=None)
    await add(one, TEA)
    again = only(await add(one, TEA))
    assert isinstance(again, PageStored)
    assert (again.origin, again.hops[0].status) == ("revalidated", 200)


async def test_fresh_asks_the_site_though_its_page_is_fresh() -> None:
    site = Site(article(*PARAGRAPHS))
    one = ingest_parts(site, embedder=None, ttl_s=3_600)
    await add(one, TEA)
    again = only(await add(one, TEA, fresh=True))
    assert isinstance(again, PageStored)
    assert again.origin == "revalidated"
    assert site.known[0] is None
    assert site.known[1] is not None


async def test_what_the_site_says_of_freshness_goes_before_the_setting() -> None:
    site = Site(article(*PARAGRAPHS))
    site.max_age = "no-cache"
    one = ingest_parts(site, embedder=None, ttl_s=3_600)
    await add(one, TEA)
    await add(one, TEA)
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
    skipped = only(await add(ingest_parts({TEA: page}, embedder=None), TEA))
    assert isinstance(skipped, PageSkipped)
    assert skipped.reason == "robots"
    assert "no" in skipped.robots.lower()


async def test_site_that_wants_to_see_a_browser_gets_one() -> None:
    wall = FetchError(Message.bilingual("a wall", "一堵墙"), url=TEA, reason="needs_browser")
    wall.hops = (RequestRecord(url=TEA, status=403),)
    browser = MemoryFetcher({TEA: html_page(TEA, article(*PARAGRAPHS))})
    stored = only(await add(ingest_parts({TEA: wall}, embedder=None, browser=browser), TEA))
    assert isinstance(stored, PageStored)
    assert [hop.status for hop in stored.hops] == [403]


def lost_error(*, browser_may_help: bool) -> FetchError:
    error = FetchError(Message.bilingual("lost", "丢失"), url=TEA, reason="unreachable")
    error.hops, error.browser_may_help = (RequestRecord(url=TEA, status=200),), browser_may_help
    return error


async def test_page_that_plain_http_has_lost_is_opened_in_the_browser_once() -> None:
    browser = MemoryFetcher({TEA: html_page(TEA, article(*PARAGRAPHS))})
    pages = {TEA: lost_error(browser_may_help=True)}
    stored = only(await add(ingest_parts(pages, embedder=None, browser=browser), TEA))
    assert isinstance(stored, PageStored)
    assert browser.asked == [TEA]


@pytest.mark.parametrize("browser_may_help", [True, False])
async def test_page_that_the_browser_loses_too_is_told_as_plain_http_met_it(
    browser_may_help: bool,
) -> None:
    seen = FetchError(Message.bilingual("gone", "没有了"), url=TEA, reason="timeout")
    browser = MemoryFetcher({TEA: seen})
    pages = {TEA: lost_error(browser_may_help=browser_may_help)}
    skipped = only(await add(ingest_parts(pages, embedder=None, browser=browser), TEA))
    assert isinstance(skipped, PageSkipped)
    assert (skipped.reason, skipped.detail.localize("en")) == ("unreachable", "lost")
    assert browser.asked == ([TEA] if browser_may_help else [])


async def test_html_without_a_text_that_we_see_is_shown_to_the_browser() -> None:
    pages = {TEA: html_page(TEA, "<frameset><frame src=/a></frameset>")}
    browser = MemoryFetcher({TEA: html_page(TEA, article(*PARAGRAPHS))})
    stored = only(await add(ingest_parts(pages, embedder=None, browser=browser), TEA))
    assert isinstance(stored, PageStored)


async def test_check_that_the_browser_does_not_pass_is_named_and_not_stored() -> None:
    check = "<h2>环境异常</h2><p>当前环境异常，完成验证后即可继续访问。</p><script>go()</script>"
    pages = {TEA: html_page(TEA, check)}
    browser = MemoryFetcher({TEA: html_page(TEA, check)})
    parts = ingest_parts(pages, embedder=None, browser=browser)
    skipped = only(await add(parts, TEA))
    assert isinstance(skipped, PageSkipped)
    assert skipped.reason == "refused"
    assert "check" in skipped.detail.localize("en")
    assert await parts.store.documents([TEA]) == {}


async def test_index_that_fails_is_not_reported_as_a_late_page() -> None:
    class Broken(Index):
        async def replace(self, *_: object, **__: object) -> None:
            raise StoreError(Message.bilingual("no room", "没有空间"))

    seen: list[IngestEvent] = []
    store = Broken(catalog=Catalog(None), vectors=MemoryVectors())
    with pytest.raises(StoreError):
        await add(
            ingest_parts(PAGES, embedder=None, store=store, on_event=seen.append),
            TEA,
        )
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
    one = ingest_parts(fetcher, embedder=None)
    await add(one, TEA)
    error = FetchError(Message.bilingual("no", "不"), url=TEA, reason=reason)
    error.hops = (RequestRecord(url=TEA, status=status),)
    again = ingest_parts({TEA: error}, embedder=None, store=one.store)
    skipped = only(await add(again, TEA))
    assert isinstance(skipped, PageSkipped)
    assert skipped.fetcher == "http"
    assert bool(await one.store.documents([TEA])) == stays
