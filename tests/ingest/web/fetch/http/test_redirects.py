"""Where a page leads: redirects, cookies on the way, and pages that lead on by themselves."""

import socket
from contextlib import suppress

import pytest

from ingest.web.fetch.http import MAX_REDIRECTS
from tests.http_kit import Kit, failure
from tests.internet.net import Internet, Reply, Request
from tests.internet.weird import page_en

pytestmark = pytest.mark.anyio


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
