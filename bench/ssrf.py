"""Nothing private is reached: `python -m bench.ssrf [--floor 0]`.

Every URL of `bench.ssrf_cases` goes through the real fetcher three ways: as it stands, as a person
types it, and as the Location of a redirect. Connections are dialled to loopback: to a small web
where the address is that of a public site, and to a trap anywhere else. *Through* is what reaches
the trap or brings a page. Controls are requests that have to succeed, some of them in the trap
itself. Exits 1 when more than the floor gets through, or when a control fails.
"""

import argparse
import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote, unquote

import httpcore

from bench.ssrf_cases import PUBLIC, PUBLIC_HOST, Case, cases, spellings
from ingest.errors import IngestError
from ingest.web.fetch.http import HttpClient, HttpFetcher
from ingest.web.fetch.pinned_network import dial_tcp
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy
from ingest.web.ssrf import PIN_S, WEB_PORTS, AddressGuard
from ingest.web.urls import canonical_url, endpoint_of, resolve_reference

PUBLIC_ADDRESSES = frozenset({PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:808:808"})
PRIVATE_ANSWERS = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0",
                   "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "0.0.0.0")  # fmt: skip
CONTROLS = (
    f"http://{PUBLIC_HOST}/", f"http://{PUBLIC_HOST}:8080/x?y=1", f"http://{PUBLIC_HOST}.:80/",
    "http://my_site.example.net/", "http://例子.测试/", "http://xn--fsqu00a.xn--0zwm56d/",
    f"http://{PUBLIC}/", "http://0x5db8d70e/", f"http://[{sorted(PUBLIC_ADDRESSES)[0]}]/",
    "http://[::ffff:8.8.8.8]/", f"http://{PUBLIC_HOST}#@127.0.0.1/",
    f"http://{PUBLIC_HOST}/http://127.0.0.1/", f"http://{PUBLIC_HOST}?u=http://169.254.169.254/",
    "http://127.0.0.1.example.net/", "http://localhost.example.net/", "http://metadata.example.net/",
)  # fmt: skip
OPENED = (
    ("10.9.9.9", "http://10.9.9.9:81/"), ("10.9.9.9:81", "http://10.9.9.9:81/"),
    ("10.9.0.0/16", "http://10.9.9.9/"), ("wiki.corp", "http://wiki.corp/"),
    ("[fd00::7]", "http://[fd00::7]/"),
)  # fmt: skip

Resolver = Callable[[str], Sequence[str]]


class Ground:
    """A small web and a trap, each on a loopback port, and who was caught."""

    web = 0
    trap = 0
    caught = 0

    async def dial(
        self, address: str, port: int, timeout_s: float | None
    ) -> httpcore.AsyncNetworkStream:
        public = address in PUBLIC_ADDRESSES and port in WEB_PORTS
        return await dial_tcp("127.0.0.1", self.web if public else self.trap, timeout_s)

    async def dial_openly(
        self, address: str, port: int, timeout_s: float | None
    ) -> httpcore.AsyncNetworkStream:
        """Connect where we are told to, but leave the true internet alone."""
        if address in PUBLIC_ADDRESSES:
            return await self.dial(address, port, timeout_s)
        return await dial_tcp(address, port, timeout_s)

    async def serve_web(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, asyncio.LimitOverrunError):
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1]
            status, extra = b"200 OK", b""
            if path.endswith(b"/robots.txt"):
                status = b"404 Not Found"
            elif path.startswith(b"/to?"):
                status = b"302 Found"
                extra = b"Location: " + unquote(path[4:].decode()).encode() + b"\r\n"
            writer.write(answer(status, extra))
            await writer.drain()
        writer.close()

    async def serve_trap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.caught += 1
        writer.write(answer(b"200 OK", b""))
        with suppress(OSError):
            await writer.drain()
        writer.close()


def answer(status: bytes, extra: bytes) -> bytes:
    head = b"HTTP/1.1 " + status + b"\r\nContent-Type: text/html\r\nContent-Length: 6\r\n"
    return head + extra + b"Connection: close\r\n\r\nsecret"


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    made = Ground()
    servers = [
        await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
        for serve in (made.serve_web, made.serve_trap)
    ]
    made.web, made.trap = (server.sockets[0].getsockname()[1] for server in servers)
    yield made
    for server in servers:
        server.close()


def public_unless_local(host: str) -> Sequence[str]:
    return ["10.9.9.9"] if host.endswith(".corp") else [PUBLIC]


@asynccontextmanager
async def fetching(
    site: Ground,
    *,
    resolver: Resolver = public_unless_local,
    real: bool = False,
    clock: Callable[[], float] = lambda: 0.0,
    allowed: str = "",
) -> AsyncIterator[HttpFetcher]:
    """Open the real fetcher; `real` dials private addresses, and the trap's port is a web port."""

    async def looked_up(host: str) -> Sequence[str]:
        return resolver(host)

    guard = AddressGuard(
        allowed_hosts=frozenset({allowed} - {""}),
        allowed_ports=WEB_PORTS | ({site.trap} if real else set()),
        resolve=looked_up,
        clock=clock,
    )
    agent = "qiuzheng-bench/0"
    dial = site.dial_openly if real else site.dial
    client = HttpClient(guard=guard, agent=agent, timeout_s=5, dial=dial)
    robots = RobotsPolicy(agent=agent, read=client.read_robots)
    queue = RateLimiter(per_host=2, gap_s=0.0, max_delay_s=10.0)
    yield HttpFetcher(
        client=client, robots=robots, timeout_s=10, max_bytes=10_000, rate_limiter=queue
    )
    await robots.close()
    await client.close()


async def brings(fetcher: HttpFetcher, url: str) -> bool:
    """Return whether a page comes."""
    try:
        await fetcher.fetch(url)
    except IngestError:
        return False
    return True


def ways(case: Case) -> list[str]:
    """Return the URLs by which a case is tried."""
    found = [case.url]
    with suppress(IngestError):
        found.append(canonical_url(case.url))
    hop = f"http://{PUBLIC_HOST}/to?{quote(case.url, safe='')}"
    if not set("\r\n") & set(case.url) and not stays(hop, case.url):
        found.append(hop)
    return found


def stays(hop: str, location: str) -> bool:
    """Return whether a redirect is a path on the same site: "http:127.0.0.1/" on http is one."""
    try:
        end = endpoint_of(resolve_reference(hop, location))
    except IngestError:
        return False
    return end is not None and end.host == PUBLIC_HOST and end.port == 80 and "@" not in location


class Tally:
    """Counts by class, and what went wrong."""

    def __init__(self) -> None:
        self.cases: Counter[str] = Counter()
        self.tries: Counter[str] = Counter()
        self.wrong: dict[str, list[str]] = {}

    def add(self, kind: str, tries: int, wrong: list[str]) -> None:
        self.cases[kind] += 1
        self.tries[kind] += tries
        self.wrong.setdefault(kind, []).extend(wrong)

    def show(self, title: str, verb: str) -> int:
        """Print the table and return how much went wrong."""
        print(f"{title:24}{'cases':>7}{'tries':>7}{verb:>10}")
        for kind, count in self.cases.items():
            print(f"{kind:24}{count:>7}{self.tries[kind]:>7}{len(self.wrong[kind]):>10}")
            for url in self.wrong[kind]:
                print(f"    {url[:100]!r}")
        total = sum(map(len, self.wrong.values()))
        tries = sum(self.tries.values())
        print(f"{'all':24}{sum(self.cases.values()):>7}{tries:>7}{total:>10}\n")
        return total


async def try_case(site: Ground, fetcher: HttpFetcher, case: Case, tally: Tally) -> None:
    wrong = []
    urls = ways(case)
    for url in urls:
        before = site.caught
        if await brings(fetcher, url) or site.caught > before:
            wrong.append(url)
    tally.add(case.kind, len(urls), wrong)


async def try_urls(site: Ground, tally: Tally) -> None:
    async with fetching(site) as fetcher:
        for case in cases():
            await try_case(site, fetcher, case, tally)
    async with fetching(site, real=True) as fetcher:
        for host in (*spellings("127.0.0.1"), "localhost", "[::1]", "[::ffff:127.0.0.1]"):
            case = Case(kind="real sockets", url=f"http://{host}:{site.trap}/")
            await try_case(site, fetcher, case, tally)


async def try_resolvers(site: Ground, tally: Tally) -> None:
    """Names that resolve to private addresses: at once, among public ones, later, or in turns."""
    for private in PRIVATE_ANSWERS:
        for kind, answers, forgetful in (
            ("resolves to private", [[private]], False),
            ("public and private", [[PUBLIC, private]], False),
            ("private and public", [[private, PUBLIC]], False),
            ("rebinds after the check", [[PUBLIC], [private]], True),
            ("rebinds at once", [[PUBLIC], [private]], False),
            ("rebinds in turns", [[PUBLIC], [private]] * 9, True),
        ):
            caught = await is_rebound(site, answers, forgetful=forgetful)
            tally.add(kind, 2, [private] if caught else [])


async def is_rebound(site: Ground, answers: list[list[str]], *, forgetful: bool) -> bool:
    """Return whether a name with such answers leads into the trap; a public page may come.

    `forgetful`: so much time passes between two steps that the name is looked up anew.
    """
    left, now = list(answers), 0.0

    def resolver(host: str) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    def clock() -> float:
        nonlocal now
        now += PIN_S if forgetful else 0.0
        return now

    before = site.caught
    async with fetching(site, resolver=resolver, clock=clock) as fetcher:
        await brings(fetcher, "http://rebind.example.net/")
        await brings(fetcher, "http://rebind.example.net/to?%2Fagain")
    return site.caught > before


async def try_behind_proxy(site: Ground, tally: Tally) -> None:
    """The trap as a proxy: it must not be asked for any of these."""
    os.environ["http_proxy"] = f"http://127.0.0.1:{site.trap}"
    async with fetching(site, real=True) as fetcher:
        for case in cases():
            before = site.caught
            leaked = await brings(fetcher, case.url) or site.caught > before
            tally.add("behind a proxy", 1, [case.url] if leaked else [])
    del os.environ["http_proxy"]


async def try_controls(site: Ground, tally: Tally) -> None:
    async with fetching(site) as fetcher:
        for url in CONTROLS:
            urls = [canonical_url(url), f"http://{PUBLIC_HOST}/to?{quote(url, safe='')}"]
            failed = [one for one in urls if not await brings(fetcher, one)]
            tally.add("public sites", len(urls), failed)
    for allowed, url in OPENED:
        async with fetching(site, allowed=allowed) as fetcher:
            before = site.caught
            reached = await brings(fetcher, url) and site.caught > before
            tally.add("allowed_hosts, trapped", 1, [] if reached else [url])


async def run() -> tuple[int, int]:
    """Return how many got through, and how many controls failed."""
    tries, controls = Tally(), Tally()
    async with ground() as site:
        await try_urls(site, tries)
        await try_resolvers(site, tries)
        await try_behind_proxy(site, tries)
        await try_controls(site, controls)
    return tries.show("must not get through", "through"), controls.show("controls", "failed")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--floor", type=int, default=0, help="how many may get through")
    options = parser.parse_args()
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    through, failed = asyncio.run(run())
    return 1 if through > options.floor or failed else 0


if __name__ == "__main__":
    sys.exit(main())
