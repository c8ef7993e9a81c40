"""Nothing that a page does in the browser reaches our own network: `python -m bench.ssrf_browser`.

Pages of the replayed internet try to open connections that they may not: each way in which a page
can cause a request, aimed at a listener on loopback; and private, metadata and disguised addresses
in many spellings. The listener counts connections and datagrams; the proxy of the replayed internet
counts requests for what is not on it. Neither may get any.

Two controls say that the pages do try: on each page a sub-request to an allowed site has to
arrive, and with loopback opened (allowed_hosts) most ways have to reach the listener. Exits 1 if
more connections than `--floor` come through, or if a control fails.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from ingest.errors import IngestError
from ingest.web.fetch.browser import BrowserFetcher
from ingest.web.robots import RobotsPolicy, RobotsReply
from ingest.web.ssrf import WEB_PORTS, AddressGuard
from tests.internet.net import Internet, Reply, Request

AGENT = "qiuzheng-bench/1.0"
TIMEOUT_S = 30.0
PAGES_AT_ONCE = 3
TRYING_MS = 900
"""For so long a page goes on writing, and is kept open."""
WORKING_WAYS = 28
"""With loopback opened, at least so many ways have to reach the listener. Chromium does not try the
others: images are off, popups are closed, prefetches wait for a person."""
HOST = "attack.test"
FRIEND = "friend.test"

WAYS = {
    "img": "<img src='{url}'>",
    "srcset": "<img srcset='{url} 1x, {url}2 2x'>",
    "script": "<script src='{url}'></script>",
    "module": "<script type=module>import('{url}').catch(() => 0)</script>",
    "stylesheet": "<link rel=stylesheet href='{url}'>",
    "@import": "<style>@import url('{url}');</style>",
    "css url()": "<style>body {{ background: url('{url}') }}</style>",
    "font": "<style>@font-face {{ font-family: x; src: url('{url}') }}"
    " p {{ font-family: x }}</style>",
    "iframe": "<iframe src='{url}'></iframe>",
    "srcdoc": "<iframe srcdoc=\"<script src='{url}'></script>\"></iframe>",
    "object": "<object data='{url}'></object>",
    "embed": "<embed src='{url}'>",
    "video": "<video src='{url}' autoplay muted preload=auto></video>",
    "audio": "<audio src='{url}' autoplay preload=auto></audio>",
    "track": "<video><track default src='{url}'></video>",
    "preload": "<link rel=preload as=script href='{url}'>",
    "modulepreload": "<link rel=modulepreload href='{url}'>",
    "prefetch": "<link rel=prefetch href='{url}'>",
    "preconnect": "<link rel=preconnect href='{url}'>",
    "prerender": "<script type=speculationrules>"
    '{{"prerender": [{{"urls": ["{url}"], "eagerness": "immediate"}}]}}</script>',
    "speculative prefetch": "<script type=speculationrules>"
    '{{"prefetch": [{{"urls": ["{url}"], "eagerness": "immediate"}}]}}</script>',
    "icon": "<link rel=icon href='{url}'>",
    "manifest": "<link rel=manifest href='{url}'>",
    "fetch": "<script>fetch('{url}', {{mode: 'no-cors'}}).catch(() => 0)</script>",
    "fetch keepalive": "<script>fetch('{url}', {{mode: 'no-cors', keepalive: true}})</script>",
    "XHR": "<script>x = new XMLHttpRequest(); x.open('GET', '{url}'); x.send()</script>",
    "sendBeacon": "<script>navigator.sendBeacon('{url}', 'x')</script>",
    "EventSource": "<script>new EventSource('{url}')</script>",
    "WebSocket": "<script>new WebSocket('{url}'.replace('http', 'ws'))</script>",
    "worker": "<script>new Worker(URL.createObjectURL(new Blob([`fetch('{url}',"
    " {{mode: 'no-cors'}})`])))</script>",
    "worker import": "<script>new Worker(URL.createObjectURL(new Blob([`importScripts('{url}')`])))"
    "</script>",
    "shared worker": "<script>new SharedWorker(URL.createObjectURL(new Blob([`fetch('{url}',"
    " {{mode: 'no-cors'}})`])))</script>",
    "worklet": "<script>CSS.paintWorklet ? CSS.paintWorklet.addModule('{url}') :"
    " fetch('{url}', {{mode: 'no-cors'}})</script>",
    "form": "<form id=f action='{url}' method=post></form><script>f.submit()</script>",
    "form into a frame": "<iframe name=t></iframe><form id=f action='{url}' target=t></form>"
    "<script>f.submit()</script>",
    "meta refresh": "<meta http-equiv=refresh content='0;url={url}'>",
    "window.open": "<script>window.open('{url}')</script>",
    "location": "<script>setTimeout(() => {{ location = '{url}' }}, 100)</script>",
    "link click": "<a id=a href='{url}'>x</a><script>a.click()</script>",
    "new tab click": "<a id=a target=_blank href='{url}'>x</a><script>a.click()</script>",
    "ping": "<a id=a href='#x' ping='{url}'>x</a><script>a.click()</script>",
    "download": "<a id=a download href='{url}'>x</a><script>a.click()</script>",
    "SVG use": "<svg><image href='{url}'/><use href='{url}#x'/></svg>",
    "XSLT or XInclude": "<iframe src=\"data:text/xml,<?xml-stylesheet type='text/xsl'"
    " href='{url}'?><a/>\"></iframe>",
    "CSP report": "<meta http-equiv=Content-Security-Policy content=\"img-src 'none'\">"
    "<img src=x><script>fetch('{url}', {{mode: 'no-cors'}}).catch(() => 0)</script>",
    "redirected script": "<script src='https://bounce.test/?{url}'></script>",
    "redirected fetch": "<script>fetch('https://bounce.test/?{url}', {{mode: 'no-cors'}})</script>",
    "redirected frame": "<iframe src='https://bounce.test/?{url}'></iframe>",
    "redirected page": "<meta http-equiv=refresh content='0;url=https://bounce.test/?{url}'>",
}
"""How a page can cause a request: HTML with "{url}" for the target."""

UDP = {
    "WebRTC STUN": "<script>p = new RTCPeerConnection({{iceServers: [{{urls:"
    " 'stun:{host}:{port}'}}]}}); p.createDataChannel('x');"
    " p.createOffer().then(o => p.setLocalDescription(o))</script>",
    "WebRTC TURN": "<script>p = new RTCPeerConnection({{iceServers: [{{urls:"
    " ['turn:{host}:{port}', 'turn:{host}:{port}?transport=tcp'], username: 'a',"
    " credential: 'b'}}]}}); p.createDataChannel('x');"
    " p.createOffer().then(o => p.setLocalDescription(o))</script>",
    "WebTransport": "<script>new WebTransport('https://{host}:{port}/').ready.catch(() => 0)"
    "</script>",
}
"""The same, past TCP."""

PRIVATE = (
    "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://LOCALHOST.:{port}/",
    "http://sub.localhost:{port}/", "http://127.1:{port}/", "http://2130706433:{port}/",
    "http://0x7f000001:{port}/", "http://0177.0.0.1:{port}/", "http://0x7f.1:{port}/",
    "http://127.0.0.1.:{port}/", "http://０ｘ７ｆ.1:{port}/", "http://①②⑦.0.0.1:{port}/",
    "http://0:{port}/", "http://0.0.0.0:{port}/", "http://127.9.9.9:{port}/",
    "http://[::1]:{port}/", "http://[::]:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/",
    "http://user:pw@127.0.0.1:{port}/", "http://friend.test@127.0.0.1:{port}/",
    "http://127.0.0.1:80/", "https://127.0.0.1/", "https://127.0.0.1:{port}/",
    "http://10.0.0.1/", "http://192.168.0.1/", "http://172.16.0.1/", "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://2852039166/", "http://0xa9fea9fe/",
    "http://[::ffff:169.254.169.254]/", "http://[fd00:ec2::254]/", "http://100.100.100.200/",
    "http://metadata.google.internal/", "http://metadata/", "http://router/", "http://nas.local/",
    "http://db.corp/", "file:///etc/passwd", "ftp://127.0.0.1:{port}/",
)  # fmt: skip
"""Spellings of what is not public."""

NAMES = {
    "loopback.test": ["127.0.0.1"],
    "loopback6.test": ["::1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "private.test": ["10.0.0.1"],
    "metadata.test": ["169.254.169.254"],
    "mixed.test": ["93.184.216.34", "127.0.0.1"],
    "zero.test": ["0.0.0.0"],
}
"""Names that look public, and what they resolve to."""

SPELLING_WAYS = ("script", "iframe", "fetch", "WebSocket", "redirected script")
"""Ways in which each spelling is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A page that tries something."""

    name: str
    body: str
    attempts: int = 1


class Listener:
    """A port on loopback, for TCP and UDP, that records what reaches it."""

    def __init__(self) -> None:
        self.arrivals: list[str] = []
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Listener"]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        six = None
        with suppress(OSError):  # a machine without IPv6
            six = await asyncio.start_server(self._answer, "::1", self.port)
        loop = asyncio.get_running_loop()
        datagrams, _ = await loop.create_datagram_endpoint(
            lambda: Datagrams(self.arrivals), ("127.0.0.1", self.port)
        )
        try:
            yield self
        finally:
            datagrams.close()
            for each in filter(None, (server, six)):
                each.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.arrivals)
        self.arrivals.append("TCP, nothing sent")
        with suppress(OSError):
            head = (await reader.read(4096)).decode("latin-1").partition("\r")[0]
            if head and number < len(self.arrivals):  # else the next round has begun
                self.arrivals[number] = head
            body = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
            writer.write(body + b"Access-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()


class Datagrams(asyncio.DatagramProtocol):
    """Notes each datagram."""

    def __init__(self, arrivals: list[str]) -> None:
        self._arrivals = arrivals

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._arrivals.append(f"UDP, {len(data)} bytes from {addr}")


def page(case: Case, friend: str) -> str:
    """Return a page that calls `friend`, tries what it is for, and writes on for `TRYING_MS`."""
    return (
        f"<!doctype html><title>x</title><script src='{friend}/{slug(case.name)}'></script>"
        f"<p id=text>{'This page has enough text to be read. ' * 8}</p>{case.body}<script>"
        "const until = Date.now() + " + str(TRYING_MS) + ", writing = setInterval(() => {"
        "text.textContent += ' more'; if (Date.now() > until) clearInterval(writing) }, 50)"
        "</script>"
    )


def slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def way_cases(port: int) -> list[Case]:
    """Return one page for each way, aimed at the listener."""
    aimed = [
        Case(name=way, body=html.format(url=f"http://127.0.0.1:{port}/{slug(way)}"))
        for way, html in WAYS.items()
    ]
    past_tcp = [
        Case(name=way, body=html.format(host="127.0.0.1", port=port)) for way, html in UDP.items()
    ]
    return aimed + past_tcp


def spelling_cases(urls: Sequence[str]) -> list[Case]:
    """Return one page for each of `SPELLING_WAYS`, aimed at all of `urls`."""
    return [
        Case(
            name=f"spellings by {way}",
            body="".join(WAYS[way].format(url=url) for url in urls),
            attempts=len(urls),
        )
        for way in SPELLING_WAYS
    ]


def internet(cases: Sequence[Case]) -> Internet:
    """Return an internet of the cases, a site that redirects, and the allowed site."""
    net = Internet()
    for case in cases:
        net.page(f"http://{HOST}/{slug(case.name)}", page(case, f"http://{FRIEND}"))

    def bounce(request: Request) -> Reply:
        return Reply(status=302, location=request.path.partition("?")[2])

    def friend(_: Request) -> Reply:
        return Reply(body="", content_type="text/javascript")

    net.route("bounce.test", bounce)
    net.route(FRIEND, friend)
    return net


async def open_pages(cases: Sequence[Case], site: str, guard: AddressGuard) -> None:
    """Open every page of `site` in the browser. What becomes of it does not matter here."""

    async def no_robots(_: str) -> RobotsReply:
        return RobotsReply(status=404)

    robots = RobotsPolicy(agent=AGENT, read=no_robots)
    fetcher = BrowserFetcher(
        guard=guard,
        robots=robots,
        user_agent=AGENT,
        executable=None,
        timeout_s=TIMEOUT_S,
        max_bytes=5_000_000,
    )
    gate = asyncio.Semaphore(PAGES_AT_ONCE)

    async def one(case: Case) -> None:
        async with gate:
            with suppress(IngestError):
                await fetcher.fetch(f"{site}/{slug(case.name)}")

    try:
        await asyncio.gather(*map(one, cases))
    finally:
        await fetcher.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a round of pages did."""

    arrivals: tuple[str, ...]
    strays: tuple[str, ...]
    """Requests at the internet's proxy for what is not on it."""
    silent: tuple[str, ...]
    """Pages whose allowed sub-request did not arrive: they did not run."""


async def attack(listener: Listener, cases: Sequence[Case], guard: AddressGuard) -> Outcome:
    """Open the pages behind the replayed internet."""
    listener.arrivals.clear()
    net = internet(cases)
    with net.serve():
        os.environ.update(net.variables)
        await open_pages(cases, f"http://{HOST}", guard)
        called = set(net.hits(FRIEND))
        return Outcome(
            arrivals=tuple(listener.arrivals),
            strays=tuple(net.refused),
            silent=tuple(case.name for case in cases if f"/{slug(case.name)}" not in called),
        )


async def attack_directly(listener: Listener) -> Outcome:
    """Open pages of an allowed host without a proxy: names are looked up here, and refused here."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
    listener.arrivals.clear()
    urls = [f"http://{name}:{listener.port}/" for name in NAMES]
    cases = {f"/{slug(case.name)}": case for case in spelling_cases(urls)}
    paths: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).decode().split()[1]
        paths.append(path)
        body = page(cases[path], "/friend") if path in cases else ""
        body = body.replace("https://bounce.test/", "/bounce")
        moved = f"302 Found\r\nLocation: {path.partition('?')[2]}"
        writer.write(
            f"HTTP/1.1 {moved if path.startswith('/bounce') else '200 OK'}\r\n"
            f"Content-Type: text/html\r\nContent-Length: {len(body)}\r\n"
            f"Connection: close\r\n\r\n{body}".encode()
        )
        writer.close()

    async def resolve(name: str) -> Sequence[str]:
        return ["127.0.0.1"] if name == HOST else NAMES[name]

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        guard = AddressGuard(
            allowed_hosts=frozenset({HOST}),
            allowed_ports=WEB_PORTS | {listener.port},
            resolve=resolve,
        )
        port = server.sockets[0].getsockname()[1]
        await open_pages(list(cases.values()), f"http://{HOST}:{port}", guard)
    silent = tuple(path for path in cases if f"/friend{path}" not in paths)
    return Outcome(arrivals=tuple(listener.arrivals), strays=(), silent=silent)


async def run() -> tuple[int, bool]:
    """Return how many connections came through, and whether the controls hold."""
    async with Listener().open() as listener:
        ports = WEB_PORTS | {listener.port}
        ways = way_cases(listener.port)
        spellings = spelling_cases([url.format(port=listener.port) for url in PRIVATE])
        closed = AddressGuard(allowed_ports=ports)
        opened = AddressGuard(allowed_ports=ports, allowed_hosts=frozenset({"127.0.0.1"}))
        control = await attack(listener, ways, opened)
        reached = {way for way in WAYS for line in control.arrivals if f"/{slug(way)} " in line}
        rounds = {
            f"{len(ways)} ways": await attack(listener, ways, closed),
            f"{len(SPELLING_WAYS) * len(PRIVATE)} spellings": await attack(
                listener, spellings, closed
            ),
            f"{len(SPELLING_WAYS) * len(NAMES)} names, no proxy": await attack_directly(listener),
        }
    return report(rounds, reached)


def report(rounds: dict[str, Outcome], reached: set[str]) -> tuple[int, bool]:
    """Print what happened, and return how much came through and whether the controls hold."""
    through = 0
    sound = len(reached) >= WORKING_WAYS
    print(f"with loopback opened, {len(reached)} of {len(WAYS)} ways reach the listener")
    print(f"  the others: {', '.join(way for way in WAYS if way not in reached)}")
    for name, outcome in rounds.items():
        came = [*outcome.arrivals, *outcome.strays]
        through += len(came)
        sound = sound and not outcome.silent
        print(f"{name}: {len(came)} came through", *came[:10], sep="\n  ")
        if outcome.silent:
            print(f"  did not call the allowed site: {', '.join(outcome.silent)}")
    return through, sound


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--floor", type=int, default=0, help="connections that may come through")
    options = parser.parse_args()
    through, sound = asyncio.run(run())
    return 0 if through <= options.floor and sound else 1


if __name__ == "__main__":
    sys.exit(main())
