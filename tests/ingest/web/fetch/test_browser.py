import asyncio

import pytest

from ingest.web.rate_limit import RateLimiter
from tests.browser_kit import AGENT, Kit, failure
from tests.internet.net import Internet
from tests.internet.weird import BY_SCRIPT, page_by_script, page_en, page_zh

pytestmark = [pytest.mark.anyio, pytest.mark.chromium]


async def test_what_scripts_write_is_read_and_nobody_else_is_called(
    net: Internet, kit: Kit
) -> None:
    net.page("https://app.test/", page_by_script())
    net.robots("app.test", "User-agent: *\nAllow: /\n")
    page = await kit.fetcher.fetch("https://app.test/")
    assert BY_SCRIPT in page.body.decode()
    assert (page.media_type, page.charset, page.fetcher) == ("text/html", "utf-8", "browser")
    assert page.robots == "robots.txt line 2: Allow: /"
    assert {request.headers["user-agent"] for request in net.log} == {AGENT}
    assert net.refused == []


HARBOUR = "The harbour office keeps a register of every mooring and prints it each spring. "


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            f"<div><template shadowrootmode=open><p>{HARBOUR * 4}</p><slot></slot></template>"
            "<p>Slotted sentence.</p></div>",
            id="declared shadow root",
        ),
        pytest.param(
            "<x-a><p>Slotted sentence.</p></x-a><script>const one = document.querySelector('x-a')"
            ".attachShadow({mode: 'open'}); one.innerHTML = '<section><x-b></x-b><slot></slot>';"
            "one.querySelector('x-b').attachShadow({mode: 'open'}).innerHTML ="
            f"'<p>{HARBOUR * 4}</p>'</script>",
            id="shadow root in a shadow root",
        ),
        pytest.param(
            f'<h1>Menu</h1><iframe height=400 srcdoc="<p>{HARBOUR * 4}</p><p>Slotted sentence.">',
            id="srcdoc",
        ),
        pytest.param("<h1>Menu</h1><iframe height=400 src=/inner></iframe>", id="frame"),
        pytest.param(
            "<script>setTimeout(() => document.body.innerHTML ="
            f"'<p>{HARBOUR * 4}</p><p>Slotted sentence.', 5000)</script><p>Loading…</p>",
            id="late",
        ),
    ],
)
async def test_what_a_person_sees_is_read(net: Internet, kit: Kit, body: str) -> None:
    net.page("https://a.test/", f"<!doctype html><body>{body}")
    net.page("https://a.test/inner", f"<p>{HARBOUR * 4}</p><p>Slotted sentence.</p>")
    text = (await kit.fetcher.fetch("https://a.test/")).body.decode()
    shown = text.replace("srcdoc=", "").partition("<p>The harbour")[2]
    assert shown.startswith(" office keeps a register")
    assert "Slotted sentence." in shown
    assert "shadowrootmode" not in text
    assert net.refused == []


async def test_a_frameset_is_read_without_its_apology(net: Internet, kit: Kit) -> None:
    frames = "<frameset cols=200,*><frame src=/menu><frame src=/text></frameset>"
    apology = "<noframes>Your browser does not support frames</noframes>"
    net.page("https://a.test/", frames.replace("</frameset>", f"{apology}</frameset>"))
    net.page("https://a.test/menu", "<a href=/>Home</a>")
    net.page("https://a.test/text", f"<p>{HARBOUR * 4}</p>")
    text = (await kit.fetcher.fetch("https://a.test/")).body.decode()
    assert HARBOUR.strip() in text
    assert "not support" not in text


async def test_a_frame_shows_nothing_that_robots_txt_or_its_site_keeps(
    net: Internet, kit: Kit
) -> None:
    net.robots("a.test", "User-agent: *\nDisallow: /inner\n")
    net.page(
        "https://a.test/",
        "<h1>Menu</h1><iframe height=400 src=/inner></iframe><iframe height=400 src=/moved>"
        "</iframe><iframe height=400 src=https://b.test/></iframe>",
    )
    net.page("https://a.test/moved", status=302, location="/inner?x")
    net.page("https://a.test/inner", f"<p>{HARBOUR * 4}</p>")
    net.page("https://b.test/", f"<p>{HARBOUR * 4}</p>")
    text = (await kit.fetcher.fetch("https://a.test/")).body.decode()
    assert "harbour office" not in text
    assert not any(path.startswith("/inner") for path in net.hits("a.test"))


async def test_each_route_of_an_app_is_a_page_of_its_own(net: Internet, kit: Kit) -> None:
    app = (
        "<div id=app></div><script>document.getElementById('app').textContent ="
        " 'The page of ' + location.hash.slice(2)</script>"
    )
    # With text enough that no script is waited for any more.
    net.page("https://a.test/app", f"<html><body>{app}<p>{HARBOUR * 4}</p></body></html>")
    for route in ("fees", "rules"):
        page = await kit.fetcher.fetch(f"https://a.test/app#/{route}")
        assert f"The page of {route}" in page.body.decode()
        assert page.final_url == f"https://a.test/app#/{route}"


async def test_pages_of_other_charsets_and_after_redirects_arrive(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", status=302, location="https://b.test/new?utm_source=x")
    meta = '<meta charset="gb2312">'
    net.page("https://b.test/new", page_zh(meta).encode("gbk"), content_type="text/html")
    page = await kit.fetcher.fetch("https://a.test/")
    assert (page.url, page.final_url) == ("https://a.test/", "https://b.test/new")
    assert "无人机飞行安全管理规定" in page.body.decode()


async def test_robots_txt_is_asked_before_and_again_where_the_page_ended(
    net: Internet, kit: Kit
) -> None:
    net.page("https://closed.test/", page_en())
    net.robots("closed.test", "User-agent: *\nDisallow: /\n")
    net.page("https://a.test/", status=302, location="https://closed.test/")
    assert (await failure(kit, "https://closed.test/")).reason == "robots"
    assert kit.fetcher.pid is None  # that much could be said without a browser
    error = await failure(kit, "https://a.test/")
    assert (error.reason, error.robots) == ("robots", "robots.txt line 2: Disallow: /")


class PrivateServer:
    """A web server of our own network that records the paths of its requests."""

    def __init__(self, address: str, reply: str) -> None:
        self._address = address
        self._reply = reply
        self.paths: list[str] = []

    async def __aenter__(self) -> "PrivateServer":
        self._server = await asyncio.start_server(self._answer, self._address, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://{self._address}:{self.port}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).decode().split()[1]
        self.paths.append(path)
        writer.write((NO_ROBOTS if path == "/robots.txt" else self._reply).encode())
        writer.close()


NO_ROBOTS = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


SECRET = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<p>secret</p>"


async def test_a_page_cannot_reach_into_our_own_network(net: Internet, kit: Kit) -> None:
    async with PrivateServer("127.0.0.1", SECRET) as secret:
        spy = f"<script>fetch('{secret.url}').catch(() => 0)</script>"
        frame = f"<iframe src='http://localhost:{secret.port}/'></iframe>"
        net.page("https://a.test/", page_en(spy + frame))
        net.page("https://b.test/", status=302, location=secret.url)
        net.page("https://c.test/", status=302, location=f"http://localhost:{secret.port}/")
        assert b"secret" not in (await kit.fetcher.fetch("https://a.test/")).body
        for url in ("https://b.test/", "https://c.test/"):
            assert (await failure(kit, url)).reason == "address"
        assert (await failure(kit, secret.url)).reason == "address"
        assert secret.paths == []


async def test_without_a_proxy_a_redirect_reaches_allowed_hosts_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    kit = Kit(allowed_hosts=frozenset({"127.0.0.2", "127.0.0.3"}))
    async with (
        PrivateServer("127.0.0.1", SECRET) as secret,
        PrivateServer("127.0.0.3", SECRET) as ours,
    ):
        async with PrivateServer("127.0.0.2", moved_to(ours.url)) as site:
            assert (await kit.fetcher.fetch(site.url)).final_url == ours.url
        async with PrivateServer("127.0.0.2", moved_to(secret.url)) as site:
            assert (await failure(kit, site.url)).reason == "address"
        assert secret.paths == []
    await kit.close()


def moved_to(url: str) -> str:
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nConnection: close\r\n\r\n"


async def test_each_request_is_reported_with_its_status_and_the_rule_that_allowed_it(
    net: Internet, kit: Kit
) -> None:
    net.robots("a.test", "User-agent: *\nAllow: /\n")
    net.page("https://a.test/", status=302, location="https://b.test/new")
    tag = {"X-Robots-Tag": "NoSnippet, otherbot: noindex"}
    net.page("https://b.test/new", page_en(), headers=tag)
    page = await kit.fetcher.fetch("https://a.test/")
    hops = [(hop.url, hop.status, hop.robots_line) for hop in page.hops]
    assert hops == [("https://a.test/", 302, 2), ("https://b.test/new", 200, None)]
    assert page.hops[-1].robots == page.robots == "robots.txt: 404"
    assert page.directives == ("nosnippet",)


async def test_a_redirect_to_what_is_forbidden_is_not_followed(net: Internet, kit: Kit) -> None:
    net.page("https://closed.test/", page_en())
    net.robots("closed.test", "User-agent: *\nDisallow: /\n")
    net.page("https://a.test/", status=302, location="https://closed.test/")
    error = await failure(kit, "https://a.test/")
    assert [(hop.url, hop.status) for hop in error.hops] == [
        ("https://a.test/", 302),
        ("https://closed.test/", 0),
    ]
    assert net.hits("closed.test") == ["/robots.txt"]


async def test_a_script_cannot_lead_an_article_to_what_is_forbidden(
    net: Internet, kit: Kit
) -> None:
    net.page("https://closed.test/", page_en())
    net.robots("closed.test", "User-agent: *\nDisallow: /\n")
    leave = "<script>location = 'https://closed.test/'</script>"
    net.page("https://article.test/", page_en(leave))
    net.page("https://gateway.test/", f"<p>One moment</p>{leave}")
    page = await kit.fetcher.fetch("https://article.test/")
    assert b"Drone law" in page.body
    assert page.final_url == "https://article.test/"
    assert (page.status, page.robots) == (200, "robots.txt: 404")
    assert (await failure(kit, "https://gateway.test/")).reason == "robots"
    assert net.hits("closed.test") == ["/robots.txt"]


async def test_pages_share_no_cookies_and_no_workers(net: Internet, kit: Kit) -> None:
    tell = "<script>document.body.append('workers: ' + ('serviceWorker' in navigator))</script>"
    keep = "<script>document.cookie = 'b=2'</script>"
    net.page("https://a.test/", page_en(keep + tell), headers={"Set-Cookie": "a=1; Path=/"})
    for _ in range(2):
        assert b"workers: false" in (await kit.fetcher.fetch("https://a.test/")).body
    asked = [request for request in net.log if request.path == "/"]
    assert [request.headers.get("cookie") for request in asked] == [None, None]


async def test_the_rate_limiter_spaces_requests_to_a_host(net: Internet) -> None:
    waits: list[float] = []
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        now += seconds

    rate_limiter = RateLimiter(
        per_host=2, gap_s=0.0, max_delay_s=10.0, clock=lambda: now, sleep=sleep
    )
    kit = Kit(rate_limiter=rate_limiter)
    net.page("https://a.test/", page_en())
    net.robots("a.test", "User-agent: *\nCrawl-delay: 7\n")
    for _ in range(2):
        await kit.fetcher.fetch("https://a.test/")
    await kit.close()
    assert waits == [7.0]
