"""What every fetcher promises, asked of each of them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from ingest.documents import PageValidators
from ingest.errors import FetchError, ForbiddenError
from ingest.foundation.messages import Message
from ingest.web.fetch.base import Fetcher
from ingest.web.fetch.browser import BrowserFetcher
from ingest.web.fetch.http import HttpClient, HttpFetcher
from ingest.web.fetch.memory import MemoryFetcher, html_page
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy
from ingest.web.ssrf import AddressGuard
from ingest.web.urls import canonical_url
from tests.internet.net import Internet, Reply, Request
from tests.internet.weird import page_en

pytestmark = pytest.mark.anyio

AGENT = "qiuzheng/0.1.0 (+https://example.test/)"
OLD, NEW = "https://a.test/old", "https://a.test/new?id=1"
ETAG = '"1"'
CLOSED, MISSING = "https://closed.test/", "https://a.test/missing"


def memory() -> MemoryFetcher:
    no = Message.bilingual("the site says no", "网站不允许抓取")
    return MemoryFetcher(
        {
            OLD: html_page(OLD, page_en(), final_url=NEW),
            NEW: html_page(NEW, page_en()),
            CLOSED: ForbiddenError(no, url=CLOSED, reason="robots", robots="robots.txt line 2"),
        }
    )


def unchanged(request: Request) -> Reply | None:
    if request.headers.get("if-none-match") == ETAG:
        return Reply(status=304, content_type=None)
    return None


def internet() -> Internet:
    net = Internet()
    net.route("a.test", unchanged)
    net.page(OLD, status=301, location="/new?utm_source=old&id=1#top")
    net.page("https://a.test/new", page_en())
    net.page(CLOSED, page_en())
    net.robots("closed.test", "User-agent: *\nDisallow: /\n")
    return net


@pytest.fixture(params=["memory", "http", pytest.param("browser", marks=pytest.mark.chromium)])
async def fetcher(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Fetcher]:
    if request.param == "memory":
        yield memory()
        return
    with internet().serve() as net:
        for name, value in net.variables.items():
            monkeypatch.setenv(name, value)
        guard = AddressGuard()
        client = HttpClient(guard=guard, agent=AGENT, timeout_s=15)
        robots = RobotsPolicy(agent=AGENT, read=client.read_robots)
        made: Fetcher
        if request.param == "http":
            made = HttpFetcher(
                client=client,
                robots=robots,
                timeout_s=15,
                max_bytes=100_000,
                rate_limiter=RateLimiter(per_host=2, gap_s=0.0, max_delay_s=10.0),
            )
        else:
            made = BrowserFetcher(
                guard=guard,
                robots=robots,
                user_agent=AGENT,
                executable=None,
                timeout_s=15,
                max_bytes=5_000_000,
            )
        yield made
        await made.close()
        await robots.close()
        await client.close()
        assert net.refused == []


async def test_a_page_knows_where_it_was_asked_for_and_where_it_was_found(
    fetcher: Fetcher,
) -> None:
    page = await fetcher.fetch(OLD)
    assert (page.url, page.final_url) == (OLD, NEW)
    assert page.media_type == "text/html"
    assert b"<h1>Drone law</h1>" in page.body
    assert page.fetched_at.tzinfo is not None
    assert page.robots


async def test_a_page_that_we_know_comes_whole_or_as_a_304_without_body(fetcher: Fetcher) -> None:
    then = datetime(2026, 11, 1, tzinfo=UTC)
    known = PageValidators(url=OLD, final_url=NEW, checked_at=then, fresh_until=then, etag=ETAG)
    page = await fetcher.fetch(OLD, known=known)
    assert (page.url, page.final_url) == (OLD, NEW)
    assert page.status in (200, 304)
    assert (b"<h1>Drone law</h1>" in page.body) is (page.status == 200)
    assert bool(page.body) is (page.status == 200)


async def test_the_last_request_of_a_page_is_for_where_it_was_found(fetcher: Fetcher) -> None:
    page = await fetcher.fetch(OLD)
    assert page.status == 200
    assert [canonical_url(hop.url) for hop in page.hops[-1:]] in ([], [NEW])


async def test_a_page_that_is_not_there_is_an_error_that_names_it(fetcher: Fetcher) -> None:
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(MISSING)
    assert caught.value.url == MISSING
    assert caught.value.reason in ("refused", "unreachable")


async def test_a_page_that_robots_txt_forbids_is_forbidden_with_its_rule(fetcher: Fetcher) -> None:
    with pytest.raises(ForbiddenError) as caught:
        await fetcher.fetch(CLOSED)
    assert caught.value.reason == "robots"
    assert caught.value.robots.startswith("robots.txt line 2")


async def test_closing_twice_is_harmless(fetcher: Fetcher) -> None:
    await fetcher.fetch(NEW)
    await fetcher.close()
    await fetcher.close()
