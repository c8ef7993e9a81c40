import asyncio
import base64
import gzip
import logging
import random
import socket
import threading
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from ingest.documents import Page, PageValidators, RequestRecord
from ingest.errors import IngestError
from ingest.extract.registry import DOCUMENT_TYPES
from ingest.foundation.errors import SettingsError
from ingest.web.fetch.http import MAX_REDIRECTS, HttpClient, HttpFetcher
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy
from ingest.web.ssrf import AddressGuard
from tests.internet.net import Drip, Internet, Reply, Request
from tests.internet.weird import install, page_en, page_zh

pytestmark = pytest.mark.anyio

AGENT = "qiuzheng/0.1.0 (+https://example.test/)"
MAX_BYTES = 1_000_000


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    internet = Internet()
    with internet.serve():
        for name, value in internet.variables.items():
            monkeypatch.setenv(name, value)
        yield internet


class Kit:
    """A fetcher and what it is made of."""

    def __init__(
        self,
        *,
        timeout_s: float = 8.0,
        allowed_hosts: frozenset[str] = frozenset(),
        rate_limiter: RateLimiter | None = None,
    ) -> None:
        guard = AddressGuard(allowed_hosts=allowed_hosts)
        client = HttpClient(guard=guard, agent=AGENT, timeout_s=timeout_s)
        self.robots = RobotsPolicy(agent=AGENT, read=client.read_robots)
        self.fetcher = HttpFetcher(
            client=client,
            robots=self.robots,
            timeout_s=timeout_s,
            max_bytes=MAX_BYTES,
            rate_limiter=RateLimiter(per_host=2, gap_s=0.0, max_delay_s=10.0)
            if rate_limiter is None  # an unused one is false, since it remembers no host
            else rate_limiter,
            document_types=DOCUMENT_TYPES,
        )

    async def close(self) -> None:
        await self.robots.close()
        await self.fetcher.close()


@pytest.fixture
async def kit(net: Internet) -> AsyncIterator[Kit]:
    kit = Kit()
    yield kit
    await kit.close()


@pytest.fixture
async def hasty(net: Internet) -> AsyncIterator[Kit]:
    kit = Kit(timeout_s=2.0)
    yield kit
    await kit.close()


async def failure(kit: Kit, url: str) -> IngestError:
    with pytest.raises(IngestError) as caught:
        await kit.fetcher.fetch(url)
    assert caught.value.message.localize("zh")
    assert "\n" not in caught.value.localize("en")
    return caught.value


async def test_a_page_comes_with_its_claims_and_the_rule_that_allowed_it(
    net: Internet, kit: Kit
) -> None:
    net.page(
        "https://a.test/x?id=1", page_zh().encode("gbk"), content_type="Text/HTML; charset=GBK"
    )
    net.robots("a.test", "User-agent: *\nAllow: /x\nDisallow: /\n")
    page = await kit.fetcher.fetch("https://a.test/x?id=1")
    assert page.url == page.final_url == "https://a.test/x?id=1"
    assert (page.media_type, page.charset, page.fetcher) == ("text/html", "gbk", "http")
    assert page.body == page_zh().encode("gbk")
    assert page.robots == "robots.txt line 2: Allow: /x"
    assert page.fetched_at.utcoffset() is not None


async def test_we_say_who_we_are_to_robots_txt_and_pages_alike(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", page_en())
    await kit.fetcher.fetch("https://a.test/")
    assert [request.path for request in net.log] == ["/robots.txt", "/"]
    assert {request.headers["user-agent"] for request in net.log} == {AGENT}
    assert net.log[-1].headers["accept-language"].startswith("zh")
    assert net.log[-1].headers["accept-encoding"] == "gzip, deflate"


async def test_ten_pages_of_one_site_cost_one_robots_txt(net: Internet, kit: Kit) -> None:
    for number in range(10):
        net.page(f"https://a.test/{number}", page_en())
    urls = [f"https://a.test/{number}" for number in range(10)]
    pages = await asyncio.gather(*map(kit.fetcher.fetch, urls))
    assert [page.url for page in pages] == urls
    assert net.hits("a.test").count("/robots.txt") == 1


async def test_a_page_that_robots_txt_forbids_is_not_asked_for(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/private", page_en())
    net.robots("a.test", "User-agent: qiuzheng\nDisallow: /private\n")
    error = await failure(kit, "https://a.test/private")
    assert (error.reason, error.robots) == ("robots", "robots.txt line 2: Disallow: /private")
    assert net.hits("a.test") == ["/robots.txt"]


async def test_robots_txt_of_every_temper(net: Internet, kit: Kit) -> None:
    weird = install(net, bomb_mebibytes=1, huge_mebibytes=1)
    for name, rule in {
        "robots-404": "robots.txt: 404",
        "robots-403": "robots.txt: 403",
        "robots-slow": "robots.txt line 2: Allow: /",
        "robots-loop": "robots.txt: 302",
        "robots-huge": "no rule matches",
        "robots-html": "no rule matches",
    }.items():
        page = await kit.fetcher.fetch(weird[name])
        assert page.robots == rule
    for name, rule in {
        "robots-forbid": "robots.txt line 2: Disallow: /",
        "robots-moved": "robots.txt line 2: Disallow: /",
        "robots-500": "robots.txt unreachable: 500",
        "robots-reset": "robots.txt unreachable: robots-reset.test cannot be reached",
        "robots-hang": "robots.txt unreachable: no answer within 4 s",
    }.items():
        error = await failure(kit, weird[name])
        # Nobody forbids a page by a line that breaks.
        assert error.reason == ("unreachable" if name == "robots-reset" else "robots")
        assert error.robots.startswith(rule)


async def test_a_redirect_is_followed_and_the_final_page_named(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", status=301, location="//www.a.test/new?utm_source=x&id=2#top")
    net.page("https://www.a.test/new", page_en())
    page = await kit.fetcher.fetch("https://a.test/")
    assert page.url == "https://a.test/"
    assert page.final_url == "https://www.a.test/new?id=2"
    assert net.hits("www.a.test") == ["/robots.txt", "/new?utm_source=x&id=2"]


async def test_a_redirect_to_a_site_that_forbids_us_ends_there(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", status=302, location="https://b.test/secret")
    net.page("https://b.test/secret", page_en())
    net.robots("b.test", "User-agent: *\nDisallow: /secret\n")
    error = await failure(kit, "https://a.test/")
    assert error.reason == "robots"
    assert error.url == "https://b.test/secret"
    assert net.hits("b.test") == ["/robots.txt"]


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://[::1]:{}/"]
)
async def test_a_redirect_to_our_own_machine_is_refused_and_nothing_arrives_there(
    net: Internet, kit: Kit, name: str
) -> None:
    connections: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        net.page("https://a.test/", status=302, location=name.format(listener.getsockname()[1]))
        error = await failure(kit, "https://a.test/")
        with suppress(TimeoutError):
            connections.append(str(listener.accept()[1]))
    assert error.reason == "address"
    assert connections == []
    assert net.hits() == ["https://a.test/robots.txt", "https://a.test/"]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "address"),
        ("http://169.254.169.254/latest/meta-data/", "address"),
        ("http://[::ffff:10.0.0.1]/", "address"),
        ("data:text/html,hello", "address"),
        ("https://user:secret@b.test/", "address"),
        ("https://user@b.test/", "address"),
        ("gopher://b.test/", "address"),
        ("https://b.test:22/", "address"),
        ("http://[", "unsupported"),
        ("https://b.test/" + "x" * 70_000, "unsupported"),
    ],
)
async def test_a_redirect_to_where_no_page_can_be_is_refused(
    net: Internet, kit: Kit, location: str, reason: str
) -> None:
    net.page("https://a.test/", status=302, location=location)
    net.page("https://b.test/", page_en())
    assert (await failure(kit, "https://a.test/")).reason == reason
    assert net.hits("b.test") == []


async def test_redirects_in_a_circle_or_without_end_are_given_up(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", status=302, location="/")
    assert (await failure(kit, "https://a.test/")).reason == "refused"
    assert net.hits("a.test") == ["/robots.txt", "/"]

    def onward(request: Request) -> Reply:
        return Reply(status=302, location=f"{request.path}x")

    net.route("b.test", onward)
    assert (await failure(kit, "https://b.test/")).reason == "refused"
    assert len([path for path in net.hits("b.test") if "robots" not in path]) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503, 302, 304])
async def test_an_error_names_its_status(net: Internet, kit: Kit, status: int) -> None:
    net.page("https://a.test/x", "no", status=status)
    error = await failure(kit, "https://a.test/x")
    assert error.reason == "refused"
    assert str(status) in str(error)
    assert error.robots == "robots.txt: 404"


async def test_a_server_that_asks_us_to_wait_is_quoted(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", "slow down", status=429, headers={"Retry-After": "30"})
    assert "30 s" in (await failure(kit, "https://a.test/")).localize("en")


@pytest.mark.parametrize(
    "wait", ["999999999999", "Wed, 21 Oct 2099 07:28:00 GMT", "0", "-5", "soon"]
)
async def test_a_wait_that_helps_nobody_is_not_quoted(net: Internet, kit: Kit, wait: str) -> None:
    net.page("https://a.test/", "no", status=429, headers={"Retry-After": wait})
    assert (await failure(kit, "https://a.test/")).localize("en") == "the server answers 429"


async def test_text_that_is_said_to_be_packed_and_is_not_is_read(net: Internet, kit: Kit) -> None:
    text = "港务局每年春天登记泊位。\n".encode()
    headers = {"Content-Encoding": "gzip"}
    net.page("https://a.test/", text, headers=headers, content_type="text/plain")
    assert (await kit.fetcher.fetch("https://a.test/")).body == text


@pytest.mark.parametrize(
    ("content_range", "is_page"),
    [
        ("bytes 0-11/12", True),
        ("", True),
        ("bytes 0-11/900", False),
        ("bytes 5-16/17", False),
        ("bytes 0-11/*", False),
    ],
)
async def test_a_part_that_nobody_asked_for_is_not_taken_for_the_page(
    net: Internet, kit: Kit, content_range: str, is_page: bool
) -> None:
    headers = {"Content-Range": content_range} if content_range else {}
    net.page("https://a.test/", "<p>hello</p>", status=206, headers=headers)
    if is_page:
        assert (await kit.fetcher.fetch("https://a.test/")).body == b"<p>hello</p>"
    else:
        error = await failure(kit, "https://a.test/")
        assert error.localize("en") == "the server sends a part of the page only"


async def test_a_bomb_costs_its_limit_and_no_more(net: Internet, kit: Kit) -> None:
    weird = install(net, bomb_mebibytes=100, huge_mebibytes=3)
    assert (await failure(kit, weird["bomb"])).reason == "too_large"
    assert (await failure(kit, weird["huge"])).reason == "too_large"


async def test_a_page_without_length_is_cut_off_at_the_limit(net: Internet, kit: Kit) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    net.page("https://a.test/", Reply(raw=head + b"a" * (MAX_BYTES + 1)))
    net.page("https://b.test/", Reply(raw=head + b"a" * MAX_BYTES))
    assert (await failure(kit, "https://a.test/")).reason == "too_large"
    assert len((await kit.fetcher.fetch("https://b.test/")).body) == MAX_BYTES


def with_picture(size: int) -> bytes:
    """Return a page with words before and behind a picture of `size` bytes."""
    picture = base64.b64encode(random.Random(7).randbytes(size * 3 // 4))
    return (
        b"<html><p>Words before it.</p><img alt=quay src='data:image/png;base64,"
        + picture
        + b"'><p>Words behind it.</p></html>"
    )


@pytest.mark.parametrize("packing", ["", "gzip"])
@pytest.mark.parametrize("size", [MAX_BYTES + 1, 3 * MAX_BYTES])
async def test_words_around_a_picture_that_is_too_long_are_read(
    net: Internet, kit: Kit, packing: str, size: int
) -> None:
    body = with_picture(size)
    headers = {"Content-Encoding": packing} if packing else {}
    net.page("https://a.test/", gzip.compress(body) if packing else body, headers=headers)
    page = await kit.fetcher.fetch("https://a.test/")
    assert len(page.body) <= MAX_BYTES
    assert page.body.startswith(b"<html><p>Words before it.</p><img alt=quay src=")
    assert page.body.endswith(b"'><p>Words behind it.</p></html>")


async def test_a_picture_within_the_limit_stays_as_it_is(net: Internet, kit: Kit) -> None:
    body = with_picture(MAX_BYTES // 2)
    net.page("https://a.test/", body)
    assert (await kit.fetcher.fetch("https://a.test/")).body == body


async def test_pictures_make_no_page_endless(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", with_picture(4 * MAX_BYTES + 1))
    assert (await failure(kit, "https://a.test/")).reason == "too_large"
    packed = gzip.compress(b"<p>x <img src='data:image/png;base64," + b"A" * 50 * MAX_BYTES)
    net.page("https://b.test/", packed, headers={"Content-Encoding": "gzip"})
    assert (await failure(kit, "https://b.test/")).reason == "too_large"
    net.page("https://c.test/", with_picture(MAX_BYTES + 1), content_type="text/plain")
    assert (await failure(kit, "https://c.test/")).reason == "too_large"


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"<p>hello</p>", mtime=0)),
        ("x-gzip", gzip.compress(b"<p>hello</p>", mtime=0)),
        ("deflate", zlib.compress(b"<p>hello</p>")),
        ("deflate", zlib.compress(b"<p>hello</p>")[2:-4]),
        ("identity", b"<p>hello</p>"),
        ("GZIP", gzip.compress(b"<p>hello</p>", mtime=0)),
        ("gzip, gzip", gzip.compress(gzip.compress(b"<p>hello</p>", mtime=0), mtime=0)),
        # Servers that name a charset, or nothing, or a packing that they have not done.
        ("utf-8", b"<p>hello</p>"),
        ("none", b"<p>hello</p>"),
        ("utf-8, gzip", gzip.compress(b"<p>hello</p>", mtime=0)),
        ("gzip", b"<p>hello</p>"),
        ("gzip, gzip", gzip.compress(b"<p>hello</p>", mtime=0)),
        # RFC 1952, 2.2: members follow each other, and what is no member is padding.
        ("gzip", gzip.compress(b"<p>he", mtime=0) + gzip.compress(b"llo</p>", mtime=0)),
        ("gzip", gzip.compress(b"<p>hello</p>", mtime=0) + bytes(512)),
        # Packed by the program and once more by the server, which names its own packing only.
        ("gzip", gzip.compress(gzip.compress(b"<p>hello</p>", mtime=0), mtime=0)),
        ("", gzip.compress(b"<p>hello</p>", mtime=0)),
    ],
)
async def test_packed_pages_are_unpacked(
    net: Internet, kit: Kit, encoding: str, packed: bytes
) -> None:
    net.page("https://a.test/", packed, headers={"Content-Encoding": encoding})
    assert (await kit.fetcher.fetch("https://a.test/")).body == b"<p>hello</p>"


@pytest.mark.parametrize(
    ("encoding", "packed", "reason"),
    [
        ("br", b"\x0b\x05\x80hello\x03", "unsupported"),
        ("gzip, gzip, gzip, gzip", b"hello", "unsupported"),
        ("gzip", gzip.compress(b"a", mtime=0) * 2_000, "unreachable"),
        ("gzip", b"not gzip at all", "unreachable"),
        ("deflate", b"\xff\xff\xff\xff", "unreachable"),
        ("gzip", gzip.compress(b"<p>hello</p>" * 99, mtime=0)[:-9], "unreachable"),
    ],
)
async def test_what_cannot_be_unpacked_is_no_page(
    net: Internet, kit: Kit, encoding: str, packed: bytes, reason: str
) -> None:
    net.page("https://a.test/", packed, headers={"Content-Encoding": encoding})
    assert (await failure(kit, "https://a.test/")).reason == reason


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(body=page_en(), drip=Drip(size=100, pause=0.3)),
        Reply(fault="hang"),
        Reply(body="late", delay=30),
    ],
)
async def test_a_page_that_takes_its_time_is_given_up_at_the_deadline(
    net: Internet, hasty: Kit, trouble: Reply
) -> None:
    net.page("https://a.test/", trouble)
    error = await failure(hasty, "https://a.test/")
    assert (error.reason, error.robots) == ("timeout", "robots.txt: 404")


@pytest.mark.parametrize("name", ["reset", "truncated", "garbage", "bad-tls", "nosuch"])
async def test_a_broken_connection_is_unreachable(net: Internet, kit: Kit, name: str) -> None:
    weird = install(net, bomb_mebibytes=1, huge_mebibytes=1)
    host = weird[name].split("/")[2]
    if name not in ("bad-tls", "nosuch"):  # there robots.txt is unreachable already
        net.robots(host, "")
        assert (await failure(kit, weird[name])).reason == "unreachable"
        return
    error = await failure(kit, weird[name])
    assert error.reason == "unreachable"
    assert error.robots.startswith("robots.txt unreachable: ")
    told = error.localize("en")
    assert ("not trusted" in told) is (name == "bad-tls")
    assert "forbids" not in told
    assert "lenient_robots" not in told


@pytest.mark.parametrize(
    "media_type",
    ["image/png", "image/svg+xml", "video/mp4", "audio/mpeg", "application/zip", "font/woff2"],
)  # fmt: skip
async def test_what_is_not_text_is_refused_before_its_body(
    net: Internet, hasty: Kit, media_type: str
) -> None:
    stuck = f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: 9\r\n\r\n"
    net.page("https://a.test/", Reply(raw=stuck.encode()))
    error = await failure(hasty, "https://a.test/")
    assert error.reason == "unsupported"
    assert media_type in str(error)


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "text/plain",
        "application/xhtml+xml",
        "application/octet-stream",
        *sorted(DOCUMENT_TYPES),
    ],
)
async def test_text_documents_and_the_untyped_are_accepted(
    net: Internet, kit: Kit, media_type: str | None
) -> None:
    net.page("https://a.test/", "hello", content_type=media_type)
    page = await kit.fetcher.fetch("https://a.test/")
    assert (page.media_type, page.charset) == (media_type or "", None)


async def test_cookies_go_along_with_the_redirects_of_one_page_and_nowhere_else(
    net: Internet, kit: Kit
) -> None:
    cookie = {"Set-Cookie": "id=me; Path=/; Domain=a.test"}
    net.page("https://a.test/", status=302, location="https://a.test/in", headers=cookie)
    net.page("https://a.test/in", page_en(), headers=cookie)
    net.page("https://a.test/again", page_en())
    await kit.fetcher.fetch("https://a.test/")
    await kit.fetcher.fetch("https://a.test/again")
    assert [request.headers.get("cookie", "") for request in net.log] == ["", "", "id=me", ""]


async def test_a_cookie_stays_with_the_site_that_set_it(net: Internet, kit: Kit) -> None:
    to_b = {"Set-Cookie": "id=me; Domain=b.test"}
    net.page("https://a.test/", status=302, location="https://b.test/", headers=to_b)
    own = {"Set-Cookie": "own=1; Secure"}
    net.page("https://b.test/", status=302, location="https://c.test/", headers=own)
    net.page("https://c.test/", page_en())
    await kit.fetcher.fetch("https://a.test/")
    assert all("cookie" not in request.headers for request in net.log)


async def test_a_site_that_waits_for_its_cookie_lets_us_in(net: Internet, kit: Kit) -> None:
    def gate(request: Request) -> Reply | None:
        if request.path == "/check":
            cookie = {"Set-Cookie": "seen=1; Path=/"}
            return Reply(status=302, location="/a", headers=cookie)
        if "seen=1" in request.headers.get("cookie", "") or request.path == "/robots.txt":
            return None
        return Reply(status=302, location="/check")

    def itself(request: Request) -> Reply | None:
        if "n=2" in request.headers.get("cookie", "") or request.path == "/robots.txt":
            return None
        count = 2 if "n=1" in request.headers.get("cookie", "") else 1
        return Reply(status=302, location="/", headers={"Set-Cookie": f"n={count}"})

    net.route("a.test", gate)
    net.page("https://a.test/a", page_en())
    net.route("b.test", itself)
    net.page("https://b.test/", page_en())
    assert (await kit.fetcher.fetch("https://a.test/a")).body == page_en().encode()
    assert (await kit.fetcher.fetch("https://b.test/")).body == page_en().encode()


async def test_a_site_that_never_has_enough_of_its_cookies_is_a_circle(
    net: Internet, kit: Kit
) -> None:
    count = 0

    def counted(request: Request) -> Reply | None:
        nonlocal count
        if request.path == "/robots.txt":
            return None
        count += 1
        return Reply(status=302, location="/", headers={"Set-Cookie": f"n={count}"})

    net.route("a.test", counted)
    assert "circle" in (await failure(kit, "https://a.test/")).localize("en")
    assert count == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<META HTTP-EQUIV=REFRESH CONTENT='0; URL=/site/'>"),
        Reply(body=b"<meta content='1;url=&quot;/site/&quot;' http-equiv='Refresh'>Redirecting"),
        Reply(body=b"", headers={"Refresh": "0; url=/site/"}),
        Reply(body=b"", headers={"Refresh": "0;/site/"}, content_type=None),
    ],
)
async def test_a_page_that_leads_on_by_itself_is_followed(
    net: Internet, kit: Kit, reply: Reply
) -> None:
    net.page("https://a.test/", reply)
    net.page("https://a.test/site/", page_en())
    page = await kit.fetcher.fetch("https://a.test/")
    assert (page.final_url, page.body) == ("https://a.test/site/", page_en().encode())
    assert [hop.status for hop in page.hops] == [200, 200]


@pytest.mark.parametrize(
    "body",
    [
        "<meta http-equiv=refresh content='300; url=/other'>News",
        "<noscript><meta http-equiv=refresh content='0; url=/other'></noscript>App",
        "<!-- <meta http-equiv=refresh content='0; url=/other'> -->Text",
        "<meta http-equiv=refresh content='5'>Waiting",
        "<meta http-equiv=refresh content='0; url=/'>Loop",
        page_en("<meta http-equiv=refresh content='0; url=/other'>"),
    ],
)
async def test_a_page_that_is_there_to_be_read_leads_nowhere(
    net: Internet, kit: Kit, body: str
) -> None:
    net.page("https://a.test/", body)
    assert (await kit.fetcher.fetch("https://a.test/")).body == body.encode()


async def test_where_a_page_leads_is_asked_of_robots_txt_and_the_address_rules(
    net: Internet, kit: Kit
) -> None:
    net.page("https://a.test/", "<meta http-equiv=refresh content='0; url=/closed'>")
    net.robots("a.test", "User-agent: *\nDisallow: /closed\n")
    net.page("https://b.test/", headers={"Refresh": "0; url=http://127.0.0.1/secret"})
    assert (await failure(kit, "https://a.test/")).reason == "robots"
    assert (await failure(kit, "https://b.test/")).reason == "address"
    assert net.hits("a.test") == ["/robots.txt", "/"]


async def test_a_redirect_keeps_the_bytes_of_its_address(net: Internet, kit: Kit) -> None:
    head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /"
    gbk, utf8 = "港口".encode("gbk"), "港口".encode()
    net.page("https://a.test/gbk", Reply(raw=head + gbk + b"\r\n\r\n"))
    net.page("https://a.test/utf8", Reply(raw=head + utf8 + b"\r\n\r\n"))
    net.page("https://a.test/%B8%DB%BF%DA", "<p>gbk</p>")
    net.page("https://a.test/%E6%B8%AF%E5%8F%A3", "<p>utf8</p>")
    assert (await kit.fetcher.fetch("https://a.test/gbk")).body == b"<p>gbk</p>"
    assert (await kit.fetcher.fetch("https://a.test/utf8")).body == b"<p>utf8</p>"


async def test_a_server_that_is_busy_for_a_moment_is_asked_once_more(
    net: Internet, kit: Kit
) -> None:
    answers = [Reply(status=503, body="busy", headers={"Retry-After": "1"})] * 3

    def busy(request: Request) -> Reply | None:
        if request.path in ("/robots.txt", "/late"):
            return None
        return answers.pop() if answers else None

    net.route("a.test", busy)
    net.page("https://a.test/", page_en())
    net.page("https://a.test/late", "busy", status=503, headers={"Retry-After": "30"})
    # Two of the three answers: the page is not asked for a third time.
    assert "503" in (await failure(kit, "https://a.test/")).localize("en")
    assert (await kit.fetcher.fetch("https://a.test/")).body == page_en().encode()
    assert "30" in (await failure(kit, "https://a.test/late")).localize("en")
    assert net.hits("a.test").count("/late") == 1


async def test_a_host_of_our_own_network_can_be_allowed(net: Internet) -> None:
    """Without a proxy: the page comes straight from the socket that was allowed."""
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(body.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        kit = Kit(allowed_hosts=frozenset({"127.0.0.1"}))
        page = await kit.fetcher.fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        await kit.close()
        server.join()
    assert page.body == b"hello"
    assert net.log == []


async def test_giving_up_leaves_the_fetcher_usable(net: Internet, kit: Kit) -> None:
    net.page("https://slow.test/", page_en(), delay=30)
    net.page("https://a.test/", page_en())
    slow = asyncio.create_task(kit.fetcher.fetch("https://slow.test/"))
    while "/" not in net.hits("slow.test"):
        await asyncio.sleep(0.01)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert isinstance(await kit.fetcher.fetch("https://a.test/"), Page)


async def test_urls_are_not_logged(
    net: Internet, kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    net.page("https://a.test/secret", page_en())
    with caplog.at_level(logging.INFO):
        await kit.fetcher.fetch("https://a.test/secret")
    assert "secret" not in caplog.text


async def test_certificates_that_cannot_be_read_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(SettingsError, match="SSL_CERT_FILE"):
        HttpClient(guard=AddressGuard(), agent=AGENT, timeout_s=1)


@pytest.mark.parametrize("agent", ["求证/1.0", "qiuzheng/1\r\nX: y"])
def test_a_name_that_cannot_be_sent_is_refused(agent: str) -> None:
    with pytest.raises(SettingsError, match="user_agent"):
        HttpClient(guard=AddressGuard(), agent=agent, timeout_s=1)


async def test_a_proxy_that_cannot_be_used_is_named(
    net: Internet, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "gopher://proxy.test:70")
    with pytest.raises(SettingsError, match="proxy"):
        await kit.fetcher.fetch("https://a.test/")


async def test_every_request_for_a_page_is_reported_in_order(net: Internet, kit: Kit) -> None:
    net.robots("a.test", "User-agent: *\nAllow: /old\n")
    net.page("https://a.test/old", "moved", status=301, location="https://b.test/new")
    net.page("https://b.test/new", page_en(), gzip=True)
    page = await kit.fetcher.fetch("https://a.test/old")
    assert page.hops == (
        RequestRecord(
            url="https://a.test/old",
            robots="robots.txt line 2: Allow: /old",
            robots_line=2,
            status=301,
            wire_bytes=5,
        ),
        RequestRecord(
            url="https://b.test/new",
            robots="robots.txt: 404",
            status=200,
            wire_bytes=len(gzip.compress(page_en().encode())),
        ),
    )
    assert page.status == 200
    assert page.robots == "robots.txt: 404"


@pytest.mark.parametrize(
    ("location", "status", "robots"),
    [
        ("https://shut.test/x", 0, "robots.txt line 2: Disallow: /"),
        ("http://127.0.0.1/", 0, ""),
        ("https://nosuch.test/", 0, "robots.txt unreachable: "),
        ("https://teapot.test/", 418, "robots.txt: 404"),
        ("https://reset.test/", 0, "robots.txt: 404"),
        ("https://huge.test/", 200, "robots.txt: 404"),
        ("https://bomb.test/", 200, "robots.txt: 404"),
        ("https://hang.test/", 0, "robots.txt: 404"),
    ],
)
async def test_a_page_that_is_not_had_tells_its_requests_too(
    net: Internet, hasty: Kit, location: str, status: int, robots: str
) -> None:
    net.page("https://a.test/", status=302, location=location)
    net.robots("shut.test", "User-agent: *\nDisallow: /\n")
    net.page("https://teapot.test/", "short and stout", status=418)
    net.page("https://reset.test/", Reply(fault="reset"))
    net.page("https://reset.test/robots.txt", Reply(status=404))
    net.page("https://huge.test/", b"a" * (MAX_BYTES + 1))
    net.page("https://bomb.test/", b"a" * (MAX_BYTES + 1), gzip=True)
    net.page("https://hang.test/", Reply(fault="hang"))
    net.page("https://hang.test/robots.txt", Reply(status=404))
    error = await failure(hasty, "https://a.test/")
    first, last = error.hops
    assert (first.url, first.status) == ("https://a.test/", 302)
    assert (last.url, last.status) == (location, status)
    assert last.robots.startswith(robots)
    assert (last.robots_line == 2) is (location == "https://shut.test/x")


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
        together.wait(timeout=20)
        return None

    urls = [f"https://h{number}.test/" for number in range(6)]
    for number, url in enumerate(urls):
        net.page(url, page_en())
        net.route(f"h{number}.test", answer)
    pages = await asyncio.gather(*map(kit.fetcher.fetch, urls))
    assert [page.robots for page in pages] == ["robots.txt: 404"] * 6
