"""How a page is asked for: robots.txt, errors, waits and what is reported of each request."""

import asyncio
import gzip
import logging
import socket
import threading

import pytest

from ingest.documents import Page, RequestRecord
from ingest.foundation.errors import SettingsError
from ingest.web.fetch.http import HttpClient
from ingest.web.ssrf import AddressGuard
from tests.http_kit import AGENT, MAX_BYTES, Kit, failure
from tests.internet.net import Drip, Internet, Reply, Request
from tests.internet.weird import install, page_en, page_zh

pytestmark = pytest.mark.anyio


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
