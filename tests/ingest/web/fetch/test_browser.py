import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from ingest.errors import FetchError, IngestError
from ingest.foundation.errors import MissingDependencyError
from ingest.web.fetch.browser import BrowserFetcher
from ingest.web.fetch.chromium import PROFILE_PREFIX, find_browser
from ingest.web.fetch.http import HttpClient
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy
from ingest.web.ssrf import AddressGuard
from tests.internet.net import Internet
from tests.internet.weird import BY_SCRIPT, install, page_by_script, page_en, page_zh

pytestmark = [pytest.mark.anyio, pytest.mark.chromium]

AGENT = "qiuzheng/0.1.0 (+https://example.test/)"


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    internet = Internet()
    with internet.serve():
        for name, value in internet.variables.items():
            monkeypatch.setenv(name, value)
        yield internet


class Kit:
    def __init__(
        self,
        *,
        executable: str | None = None,
        timeout_s: float = 15.0,
        max_bytes: int = 5_000_000,
        allowed_hosts: frozenset[str] = frozenset(),
        rate_limiter: RateLimiter | None = None,
        pages_per_browser: int = 50,
    ) -> None:
        guard = AddressGuard(allowed_hosts=allowed_hosts)
        self.client = HttpClient(guard=guard, agent=AGENT, timeout_s=timeout_s)
        self.robots = RobotsPolicy(agent=AGENT, read=self.client.read_robots)
        self.fetcher = BrowserFetcher(
            guard=guard,
            robots=self.robots,
            user_agent=AGENT,
            executable=executable,
            timeout_s=timeout_s,
            max_bytes=max_bytes,
            rate_limiter=rate_limiter,
            pages_per_browser=pages_per_browser,
        )

    async def close(self) -> None:
        await self.fetcher.close()
        await self.robots.close()
        await self.client.close()


@pytest.fixture
async def kit(net: Internet) -> AsyncIterator[Kit]:
    kit = Kit()
    yield kit
    await kit.close()


@pytest.fixture
async def strict(net: Internet) -> AsyncIterator[Kit]:
    kit = Kit(timeout_s=6.0, max_bytes=100_000)
    yield kit
    await kit.close()


def group_of(leader: int) -> list[int]:
    """Return the processes of the group that are still at work (a zombie is not)."""
    living = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader and fields[0] not in "ZX":
            living.append(int(folder.name))
    return living


async def failure(kit: Kit, url: str) -> IngestError:
    with pytest.raises(IngestError) as caught:
        await kit.fetcher.fetch(url)
    return caught.value


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
    net.page("https://a.test/app", f"<html><body>{app}</body></html>")
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


async def test_each_failure_has_its_reason(net: Internet, strict: Kit) -> None:
    weird = install(net, bomb_mebibytes=1, huge_mebibytes=1)
    net.page(weird["huge"], page_en() * 50)
    for name in ("reset", "hanging", "bad-tls"):
        net.robots(weird[name].split("/")[2], "")
    reasons = {
        "403": "refused",
        "500": "refused",
        "reset": "unreachable",
        "hanging": "timeout",
        "huge": "too_large",
        "bad-tls": "unreachable",
    }
    for name, reason in reasons.items():
        assert (name, (await failure(strict, weird[name])).reason) == (name, reason)


async def test_a_robots_txt_that_never_comes_is_a_page_too_slow(net: Internet) -> None:
    async def never(url: str) -> NoReturn:
        await asyncio.sleep(3600)
        raise AssertionError

    robots = RobotsPolicy(agent=AGENT, read=never)
    fetcher = BrowserFetcher(
        guard=AddressGuard(),
        robots=robots,
        user_agent=AGENT,
        executable=None,
        timeout_s=0.5,
        max_bytes=100_000,
    )
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch("https://slow.test/")
    await fetcher.close()
    await robots.close()
    assert caught.value.reason == "timeout"


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


@pytest.mark.parametrize("status", [200, 403, 503])
async def test_a_challenge_is_no_page(net: Internet, kit: Kit, status: int) -> None:
    challenge = "<title>Just a moment...</title><p>Verify you are human</p>"
    net.page("https://a.test/", challenge, status=status)
    error = await failure(kit, "https://a.test/")
    assert error.reason == "refused"
    assert "challenge" in error.localize("en")


async def test_a_challenge_that_lets_the_browser_through_is_waited_for(
    net: Internet, kit: Kit
) -> None:
    passed = "<script>setTimeout(() => { location = '/in' }, 300)</script>"
    challenge = f"<title>Just a moment...</title><p>Checking your browser</p>{passed}"
    net.page("https://a.test/", challenge, status=403)
    net.page("https://a.test/in", page_en())
    assert b"Drone law" in (await kit.fetcher.fetch("https://a.test/")).body


HOSTILE = {
    "endless": ("<script>for (;;) {}</script>", {"timeout"}),
    "alerts": ("<script>for (;;) alert('again')</script>", {"timeout"}),
    "bloated": (
        "<script>document.write('<p>' + 'word '.repeat(8e6))</script>",
        {"too_large", "timeout"},
    ),
    "breeding": (
        "<div id=d></div><script>setInterval(() => { for (let i = 0; i < 1000; i++)"
        " d.append(document.createElement('p')) }, 10)</script>",
        {"too_large", "timeout", ""},
    ),
    "hungry": (
        "<script>kept = []; setInterval(() => kept.push(new Uint8Array(1e8).fill(1)), 20)</script>"
        "<script>setInterval(() => document.body.append('more '), 50)</script>",
        {"too_large"},
    ),
    "reloading": ("<script>location.reload()</script>", {"refused", "timeout"}),
    "wandering": (
        "<script>location = '/' + Math.random()</script>",
        {"refused", "timeout"},
    ),
    "deaf": (
        "<script>onbeforeunload = () => 'stay'; for (;;) {}</script>",
        {"timeout"},
    ),
    "popups": ("<script>setInterval(() => open('/popups'), 10)</script>", {"", "timeout"}),
    "attached": ("", {"unsupported"}),
}
"""Pages that do not want to end, and how they may."""


async def test_no_page_can_hold_the_browser_and_the_next_one_is_read(
    net: Internet, strict: Kit
) -> None:
    net.page("https://good.test/", page_en())
    for name, (html, _) in HOSTILE.items():
        net.page(f"https://{name}.test/", f"<title>x</title><body>{html}")
    attachment = {"Content-Disposition": "attachment; filename=x.html"}
    net.page("https://attached.test/", page_en(), headers=attachment)
    for name, (_, endings) in HOSTILE.items():
        try:
            await strict.fetcher.fetch(f"https://{name}.test/")
            ending = ""
        except IngestError as error:
            ending = error.reason
        assert (name, ending in endings, ending) == (name, True, ending)
        assert b"Drone law" in (await strict.fetcher.fetch("https://good.test/")).body


async def test_the_process_of_a_page_that_does_not_end_is_ended(net: Internet, strict: Kit) -> None:
    net.page("https://good.test/", page_en())
    net.page("https://endless.test/", "<script>for (;;) {}</script>")
    await strict.fetcher.fetch("https://good.test/")
    assert strict.fetcher.pid is not None
    before = len(group_of(strict.fetcher.pid))
    assert (await failure(strict, "https://endless.test/")).reason == "timeout"
    assert strict.fetcher.pid is not None
    while len(group_of(strict.fetcher.pid)) > before:
        await asyncio.sleep(0.05)


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


async def test_one_chromium_serves_all_and_ends_with_the_fetcher(net: Internet, kit: Kit) -> None:
    urls = [f"https://{name}.test/" for name in "abcde"]
    for url in urls:
        net.page(url, page_en())
    pages = await asyncio.gather(*map(kit.fetcher.fetch, urls))
    assert [page.url for page in pages] == urls
    pid = kit.fetcher.pid
    assert pid is not None
    assert len(group_of(pid)) > 1
    await kit.close()
    await kit.close()
    assert group_of(pid) == []
    assert kit.fetcher.pid is None


async def test_giving_up_in_the_middle_leaves_no_chromium_behind(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", page_en())
    net.page("https://slow.test/", page_en(), delay=60)
    await kit.fetcher.fetch("https://a.test/")
    pid = kit.fetcher.pid
    assert pid is not None
    slow = asyncio.create_task(kit.fetcher.fetch("https://slow.test/"))
    while "/" not in net.hits("slow.test"):
        await asyncio.sleep(0.02)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    await kit.close()
    assert group_of(pid) == []


async def test_closing_while_chromium_starts_leaves_none_behind(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", page_en())
    fetch = asyncio.create_task(kit.fetcher.fetch("https://a.test/"))
    while not (started := children(PROFILE_PREFIX)):
        await asyncio.sleep(0.005)
    profile = next(word for word in words_of(started[0]) if PROFILE_PREFIX in word)
    await kit.close()
    with pytest.raises(asyncio.CancelledError):
        await fetch
    assert naming(profile) == []
    assert not Path(profile).exists()


def words_of(pid: int) -> list[str]:
    """Return the command line of a process, [] if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def naming(text: str) -> list[int]:
    """Return the processes whose command line holds `text`."""
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if text in "".join(words_of(pid))]


def children(text: str) -> list[int]:
    """Return our direct children whose command line holds `text`."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [pid for pid in map(int, listed) if text in "".join(words_of(pid))]


async def test_a_chromium_that_crashes_is_replaced(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", page_en())
    await kit.fetcher.fetch("https://a.test/")
    first = kit.fetcher.pid
    assert first is not None
    os.killpg(first, signal.SIGKILL)
    while kit.fetcher.pid is not None:
        await asyncio.sleep(0.01)
    await kit.fetcher.fetch("https://a.test/")
    assert kit.fetcher.pid not in (None, first)


async def test_a_page_under_which_chromium_crashes_is_read_all_the_same(
    net: Internet, kit: Kit
) -> None:
    net.page("https://a.test/", page_en(), delay=1)
    page = asyncio.create_task(kit.fetcher.fetch("https://a.test/"))
    while "/" not in net.hits("a.test"):
        await asyncio.sleep(0.02)
    assert kit.fetcher.pid is not None
    os.killpg(kit.fetcher.pid, signal.SIGKILL)
    assert b"Drone law" in (await page).body
    assert [hop.status for hop in (await page).hops] == [200]


async def test_a_chromium_that_has_served_its_pages_is_replaced(net: Internet) -> None:
    kit = Kit(pages_per_browser=2)
    net.page("https://a.test/", page_en())
    pids = []
    for _ in range(3):
        await kit.fetcher.fetch("https://a.test/")
        pids.append(kit.fetcher.pid)
    assert pids[0] is not None
    assert pids[1] is None  # it ended with its second page
    assert pids[2] not in (None, pids[0])
    assert group_of(pids[0]) == []
    await kit.close()


async def test_closing_under_an_open_page_ends_it_and_no_other_begins(
    net: Internet, kit: Kit
) -> None:
    net.page("https://slow.test/", page_en(), delay=60)
    slow = asyncio.create_task(kit.fetcher.fetch("https://slow.test/"))
    while "/" not in net.hits("slow.test"):
        await asyncio.sleep(0.02)
    await kit.close()
    with pytest.raises(FetchError):
        await slow
    assert (await failure(kit, "https://slow.test/")).reason == "unreachable"
    assert children(PROFILE_PREFIX) == []


async def test_without_a_browser_the_command_that_brings_one_is_named(
    net: Internet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.page("https://a.test/", page_en())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert find_browser() is None
    kit = Kit()
    with pytest.raises(MissingDependencyError) as caught:
        await kit.fetcher.fetch("https://a.test/")
    await kit.close()
    assert "apt-get install chromium" in caught.value.localize("zh")


@pytest.mark.parametrize("executable", ["/bin/false", "/nowhere/chromium"])
async def test_a_browser_that_does_not_start_is_named(net: Internet, executable: str) -> None:
    net.page("https://a.test/", page_en())
    kit = Kit(executable=executable)
    with pytest.raises(FetchError, match=executable):
        await kit.fetcher.fetch("https://a.test/")
    await kit.close()


async def test_a_browser_that_lets_nobody_in_is_named_and_nothing_is_left_of_it(
    net: Internet, tmp_path: Path
) -> None:
    net.page("https://a.test/", page_en())
    executable = tmp_path / "closed-browser"
    executable.write_text(
        "#!/bin/sh\nexec 3<&- 4>&-; exec sleep 60\n"  # closes the debugging socket, and lives on
    )
    executable.chmod(0o755)
    kit = Kit(executable=str(executable))
    with pytest.raises(FetchError, match="closed-browser does not start"):
        await kit.fetcher.fetch("https://a.test/")
    await kit.close()
    assert naming(str(executable)) == []


def test_a_browser_that_playwright_brought_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chrome = tmp_path / "chromium-1200" / "chrome-linux" / "chrome"
    chrome.parent.mkdir(parents=True)
    chrome.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert find_browser() == str(chrome)
