"""A page or a host that was asked before: validators, browsers wanted, delays."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from ingest.documents import PageValidators
from ingest.web.rate_limit import RateLimiter
from tests.http_kit import Kit, failure
from tests.internet.net import Drip, Internet, Reply, Request
from tests.internet.weird import page_en

pytestmark = pytest.mark.anyio


async def test_the_headers_that_speak_of_age_and_use_are_kept(net: Internet, kit: Kit) -> None:
    headers = {
        "ETag": 'W/"1"',
        "Last-Modified": "Fri, 20 Nov 2026 10:00:00 GMT",
        "Cache-Control": "max-age=60",
        "Expires": "0",
        "X-Robots-Tag": "noarchive, otherbot: noindex",
    }
    net.page("https://a.test/", page_en(), headers=headers)
    page = await kit.fetcher.fetch("https://a.test/")
    assert (page.etag, page.cache_control, page.expires) == ('W/"1"', "max-age=60", "0")
    assert page.last_modified == "Fri, 20 Nov 2026 10:00:00 GMT"
    assert page.directives == ("noarchive",)


def record(final_url: str, *, etag: str = '"1"', last_modified: str = "") -> PageValidators:
    then = datetime(2026, 11, 1, tzinfo=UTC)
    return PageValidators(
        url="https://a.test/",
        final_url=final_url,
        checked_at=then,
        fresh_until=then,
        etag=etag,
        last_modified=last_modified,
    )


async def test_a_page_that_we_know_is_asked_for_again_only_if_it_has_changed(
    net: Internet, kit: Kit
) -> None:
    def conditional(request: Request) -> Reply | None:
        if request.headers.get("if-none-match") == '"1"':
            return Reply(status=304, content_type=None, headers={"ETag": '"1"'})
        return None

    net.route("b.test", conditional)
    net.page("https://a.test/", status=302, location="https://b.test/x?utm_source=a")
    net.page("https://b.test/x", page_en(), headers={"ETag": '"2"'})
    page = await kit.fetcher.fetch("https://a.test/", known=record("https://b.test/x"))
    assert (page.status, page.body, page.etag) == (304, b"", '"1"')
    assert page.final_url == "https://b.test/x"
    page = await kit.fetcher.fetch("https://a.test/", known=record("https://b.test/x", etag='"0"'))
    assert (page.status, page.etag) == (200, '"2"')
    asked = [r.headers.get("if-none-match") for r in net.log if "robots" not in r.path]
    assert asked == [None, '"1"', None, '"0"']  # the first hop is not the page that we know


async def test_conditions_are_sent_as_the_server_gave_them(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", page_en())
    date = "Fri, 20 Nov 2026 10:00:00 GMT"
    await kit.fetcher.fetch(
        "https://a.test/", known=record("https://a.test/", etag="", last_modified=date)
    )
    await kit.fetcher.fetch("https://a.test/", known=record("https://a.test/other"))
    first, second = (r.headers for r in net.log if "robots" not in r.path)
    assert first["if-modified-since"] == date
    assert "if-none-match" not in first
    assert not {"if-modified-since", "if-none-match"} & set(second)


async def test_an_etag_that_no_header_can_hold_is_not_sent(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", page_en())
    for etag in ('"é"', '"a\r\nX: y"', '"版本"'):
        known = record("https://a.test/", etag=etag)
        assert (await kit.fetcher.fetch("https://a.test/", known=known)).status == 200
    assert not any({"if-none-match", "x"} & set(request.headers) for request in net.log)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (403, {"CF-Mitigated": "challenge"}, "<title>Just a moment...</title>"),
        (503, {}, "<p>Checking your browser before accessing a.test</p>"),
        (200, {}, "<title>Just a moment...</title>"),
    ],
)
async def test_a_site_that_wants_to_see_a_browser_is_left_to_one(
    net: Internet, kit: Kit, status: int, headers: dict[str, str], body: str
) -> None:
    net.page("https://a.test/", body, status=status, headers=headers, gzip=True)
    error = await failure(kit, "https://a.test/")
    assert error.reason == "needs_browser"
    assert error.hops[-1].status == status


async def test_an_error_page_that_never_ends_is_cut_off(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", "no" * 5_000, status=403, drip=Drip(size=10, pause=0.5))
    assert (await failure(kit, "https://a.test/")).reason == "refused"
    net.page("https://b.test/", b"a" * 50_000_000, status=302, location="https://c.test/")
    net.page("https://c.test/", page_en())
    page = await kit.fetcher.fetch("https://b.test/")
    assert page.final_url == "https://c.test/"
    assert page.hops[0].wire_bytes < 1_000_000


class Naps:
    """A clock whose sleeps take no time, and which remembers them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
async def patient(net: Internet) -> AsyncIterator[tuple[Kit, Naps]]:
    naps = Naps()
    rate_limiter = RateLimiter(
        per_host=1, gap_s=0.0, max_delay_s=10.0, clock=lambda: naps.now, sleep=naps.sleep
    )
    kit = Kit(timeout_s=8.0, rate_limiter=rate_limiter)
    yield kit, naps
    await kit.close()


async def test_the_delay_that_robots_txt_asks_for_lies_between_pages_and_costs_no_page(
    net: Internet, patient: tuple[Kit, Naps]
) -> None:
    kit, naps = patient
    net.robots("a.test", "User-agent: *\nCrawl-delay: 9\n")
    for number in range(3):
        net.page(f"https://a.test/{number}", page_en())
    pages = await asyncio.gather(*(kit.fetcher.fetch(f"https://a.test/{n}") for n in range(3)))
    assert len(pages) == 3
    assert naps.slept == [9.0, 9.0]  # more than the 8 s of a page in all


async def test_a_host_that_says_retry_after_is_left_alone_for_that_time(
    net: Internet, patient: tuple[Kit, Naps]
) -> None:
    kit, naps = patient
    net.page("https://a.test/", "slow down", status=429, headers={"Retry-After": "9"})
    net.page("https://a.test/x", page_en())
    await failure(kit, "https://a.test/")
    await kit.fetcher.fetch("https://a.test/x")
    assert naps.slept == [9.0]


async def test_robots_txt_of_many_hosts_is_asked_for_at_once(net: Internet, kit: Kit) -> None:
    together = threading.Barrier(6)  # nobody is answered until all have asked

    def answer(request: Request) -> Reply | None:
        together.wait(timeout=60)
        return None

    urls = [f"https://h{number}.test/" for number in range(6)]
    for number, url in enumerate(urls):
        net.page(url, page_en())
        net.route(f"h{number}.test", answer)
    pages = await asyncio.gather(*map(kit.fetcher.fetch, urls))
    assert [page.robots for page in pages] == ["robots.txt: 404"] * 6
