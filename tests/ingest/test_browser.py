import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ingest.addresses import AddressGuard
from ingest.errors import FetchError, IngestError, MissingPartError
from ingest.fetch.browser import BrowserFetcher, find_browser
from ingest.fetch.chromium import PROFILE_PREFIX
from ingest.fetch.http import HttpClient
from ingest.parts import install_command
from ingest.robots import RobotsGate
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
    ) -> None:
        guard = AddressGuard(allowed_hosts=allowed_hosts)
        self.client = HttpClient(guard=guard, agent=AGENT, timeout_s=timeout_s)
        self.robots = RobotsGate(agent=AGENT, read=self.client.read_robots)
        self.fetcher = BrowserFetcher(
            guard=guard,
            robots=self.robots,
            agent=AGENT,
            executable=executable,
            timeout_s=timeout_s,
            max_bytes=max_bytes,
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


class Socket:
    """A web server of our own network that notes who knocks."""

    def __init__(self, address: str, reply: str) -> None:
        self._address = address
        self._reply = reply
        self.asked: list[str] = []

    async def __aenter__(self) -> "Socket":
        self._server = await asyncio.start_server(self._answer, self._address, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://{self._address}:{self.port}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).decode().split()[1]
        self.asked.append(path)
        writer.write((NO_ROBOTS if path == "/robots.txt" else self._reply).encode())
        writer.close()


NO_ROBOTS = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
SECRET = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<p>secret</p>"


async def test_a_page_cannot_reach_into_our_own_network(net: Internet, kit: Kit) -> None:
    async with Socket("127.0.0.1", SECRET) as secret:
        spy = f"<script>fetch('{secret.url}').catch(() => 0)</script>"
        frame = f"<iframe src='http://localhost:{secret.port}/'></iframe>"
        net.page("https://a.test/", page_en(spy + frame))
        net.page("https://b.test/", status=302, location=secret.url)
        net.page("https://c.test/", status=302, location=f"http://localhost:{secret.port}/")
        assert b"secret" not in (await kit.fetcher.fetch("https://a.test/")).body
        for url in ("https://b.test/", "https://c.test/"):
            assert (await failure(kit, url)).reason == "address"
        assert (await failure(kit, secret.url)).reason == "address"
        assert secret.asked == []


async def test_without_a_proxy_a_redirect_reaches_allowed_hosts_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    kit = Kit(allowed_hosts=frozenset({"127.0.0.2", "127.0.0.3"}))
    async with Socket("127.0.0.1", SECRET) as secret, Socket("127.0.0.3", SECRET) as ours:
        async with Socket("127.0.0.2", moved_to(ours.url)) as door:
            assert (await kit.fetcher.fetch(door.url)).final_url == ours.url
        async with Socket("127.0.0.2", moved_to(secret.url)) as door:
            assert (await failure(kit, door.url)).reason == "address"
        assert secret.asked == []
    await kit.close()


def moved_to(url: str) -> str:
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nConnection: close\r\n\r\n"


async def test_troubles_have_reasons(net: Internet, strict: Kit) -> None:
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
        "bad-tls": "robots",
    }
    for name, reason in reasons.items():
        assert (name, (await failure(strict, weird[name])).reason) == (name, reason)


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


async def test_without_a_browser_the_command_that_brings_one_is_named(
    net: Internet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.page("https://a.test/", page_en())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert find_browser() is None
    kit = Kit()
    with pytest.raises(MissingPartError) as caught:
        await kit.fetcher.fetch("https://a.test/")
    await kit.close()
    assert "apt-get install chromium" in caught.value.to("zh")


async def test_without_crawl4ai_the_command_that_brings_it_is_named(
    net: Internet, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.page("https://a.test/", page_en())
    monkeypatch.setitem(sys.modules, "crawl4ai", None)
    with pytest.raises(MissingPartError) as caught:
        await kit.fetcher.fetch("https://a.test/")
    assert install_command("browser") in caught.value.to("en")


@pytest.mark.parametrize("executable", ["/bin/false", "/nowhere/chromium"])
async def test_a_browser_that_does_not_start_is_named(net: Internet, executable: str) -> None:
    net.page("https://a.test/", page_en())
    kit = Kit(executable=executable)
    with pytest.raises(FetchError, match=executable):
        await kit.fetcher.fetch("https://a.test/")
    await kit.close()


def test_a_browser_that_playwright_brought_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chrome = tmp_path / "chromium-1200" / "chrome-linux" / "chrome"
    chrome.parent.mkdir(parents=True)
    chrome.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert find_browser() == str(chrome)
