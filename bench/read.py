"""How fast are pages read? `python -m bench.read [--runs 3] [--pages 50] [--browser-pages 10]`.

50 real pages, replayed without latency from a process of their own. Each side is a fresh process
that reads all of them twice: *fresh* counts from the start of the process, imports included;
*warm* is the second time.

* ours: address rules, robots.txt, plain HTTP, main text in two reader processes, 10 pages at once.
* bare: httpx, then trafilatura.bare_extraction in a thread, 10 pages at once. No robots.txt, no
  bounds; what a page does to it, it does to the whole program.
* browser: crawl4ai's crawler with its own defaults and the system's Chromium (whose memory is not
  counted), 10 pages at once, in one run.

Sides take turns. Memory is the peak of the process and, for ours, of each reader. The pages are in
articles/ of bench/data.py, outside this repository.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.data import DATA
from bench.memory import peak_bytes

AT_ONCE = 10
ROUNDS = 2
MEGABYTE = 1_000_000
SIDES = ("ours", "bare")
LONGEST_S = 300
Read = Callable[[str], Awaitable[int]]
"""Reads one URL and returns how many characters it found."""


async def all_pages(urls: Sequence[str], read: Read) -> int:
    """Read every page and return how many had text."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(url: str) -> int:
        async with gate:
            return await read(url)

    return sum(found > 0 for found in await asyncio.gather(*map(one, urls)))


async def rounds(urls: Sequence[str], read: Read, **more: Any) -> None:
    """Read all pages twice and say after each how it went."""
    for _ in range(ROUNDS):
        began = time.perf_counter()
        with_text = await all_pages(urls, read)
        report = {"seconds": time.perf_counter() - began, "with_text": with_text}
        print(json.dumps(report | {"peak": peak_bytes()} | more), flush=True)


async def ours(urls: Sequence[str]) -> None:
    from ingest.extract.worker_pool import ReaderPool

    pool = ReaderPool(timeout_s=5)
    pool.preload()
    from ingest.errors import IngestError
    from ingest.web.fetch.http import HttpClient, HttpFetcher
    from ingest.web.rate_limit import RateLimiter
    from ingest.web.robots import RobotsPolicy
    from ingest.web.ssrf import AddressGuard

    client = HttpClient(guard=AddressGuard(), agent="bench/1.0", timeout_s=20)
    robots = RobotsPolicy(agent="bench/1.0", read=client.read_robots)
    fetcher = HttpFetcher(
        client=client,
        robots=robots,
        timeout_s=20,
        max_bytes=5_000_000,
        rate_limiter=RateLimiter(per_host=2, gap_s=0.0, max_delay_s=10.0),
    )

    async def read(url: str) -> int:
        try:
            return len((await pool.read(await fetcher.fetch(url))).text)
        except IngestError:
            return 0

    await rounds(urls, read)
    print(json.dumps({"readers": [peak_bytes(pid) for pid in pool.pids]}), flush=True)
    await pool.close()
    await robots.close()
    await fetcher.close()


async def bare(urls: Sequence[str]) -> None:
    import httpx
    import trafilatura

    async with httpx.AsyncClient(follow_redirects=True, timeout=20) as client:

        async def read(url: str) -> int:
            response = await client.get(url)
            found = await asyncio.to_thread(
                trafilatura.bare_extraction, response.content, url=url, with_metadata=True
            )
            return len(found.text or "") if found else 0

        await rounds(urls, read)


async def browser(urls: Sequence[str]) -> None:
    from crawl4ai import AsyncWebCrawler, BrowserConfig, CacheMode, CrawlerRunConfig

    from bench.seed_pipeline import chromium

    anew = CrawlerRunConfig(cache_mode=CacheMode.BYPASS, verbose=False)
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with folder as profile, chromium(Path(profile)) as address:
        config = BrowserConfig(cdp_url=address, create_isolated_context=True, verbose=False)
        async with AsyncWebCrawler(config=config) as crawler:

            async def read(url: str) -> int:
                result = await crawler.arun(url, config=anew)
                return len(str(result.markdown or ""))

            await rounds(urls, read)


@contextmanager
def replayed(limit: int) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Serve the pages from a process of their own; gives its environment and the URLs."""
    command = [sys.executable, "-m", "bench.read", "--serve", "--pages", str(limit)]
    root = Path(__file__).parents[1]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe) as server:
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        try:
            yield os.environ | told["variables"], told["urls"]
        finally:
            server.kill()


def serve(limit: int) -> None:
    """Serve the pages until standard input ends."""
    from bench.replay import real_pages
    from tests.internet.net import Internet

    net = Internet()
    urls = [result.url for result in real_pages(net, limit)]
    with net.serve():
        print(json.dumps({"variables": net.variables, "urls": urls}), flush=True)
        sys.stdin.read()


def run(side: str, urls: Sequence[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run one side in a fresh process and return its times, in seconds, and its memory."""
    with tempfile.TemporaryDirectory(prefix="read-", ignore_cleanup_errors=True) as folder:
        own = {"CRAWL4_AI_BASE_DIRECTORY": folder, "CRAWL4AI_NO_CLOUD_NOTICE": "1"}
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.read", "--side", side],
            cwd=Path(__file__).parents[1],
            env=environment | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(urls).encode() + b"\n")
        process.stdin.close()
        lines = [
            (time.monotonic(), json.loads(line)) for line in process.stdout if line.startswith(b"{")
        ]
        if process.wait(LONGEST_S):
            sys.exit(f"{side} failed")
    (first_at, first), (_, second), *rest = lines
    return {
        "fresh": first_at - began,
        "warm": second["seconds"],
        "with_text": first["with_text"],
        "peak": second["peak"],
        "readers": rest[0][1]["readers"] if rest else [],
    }


def show(side: str, found: Sequence[dict[str, Any]], pages: int) -> None:
    fresh, warm = (statistics.median(run[state] for run in found) for state in ("fresh", "warm"))
    peak = max(run["peak"] for run in found) / MEGABYTE
    readers = " + ".join(f"{held / MEGABYTE:.0f}" for held in found[-1]["readers"])
    print(
        f"{side:8}{pages:6}{fresh:9.2f}{warm:9.2f}{warm / pages * 1000:10.0f}"
        f"{found[0]['with_text']:8}{peak:8.0f}{' + ' + readers if readers else ''}"
    )


def spread(ours_: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]], state: str) -> str:
    found = [mine[state] / theirs[state] for mine, theirs in zip(ours_, others, strict=True)]
    return f"{statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, metavar="N")
    parser.add_argument("--pages", type=int, default=50, metavar="N")
    parser.add_argument("--browser-pages", type=int, default=10, metavar="N", help="0: without it")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.pages)
        return 0
    if arguments.side:
        side = {"ours": ours, "bare": bare, "browser": browser}[arguments.side]
        asyncio.run(side(json.loads(sys.stdin.readline())))
        return 0
    with replayed(arguments.pages) as (environment, urls):
        if not urls:
            print(f"skipped: {DATA / 'articles'} is missing (93 pages)")
            return 0
        compare(urls, environment, runs=arguments.runs, browser_pages=arguments.browser_pages)
    return 0


def compare(
    urls: Sequence[str], environment: dict[str, str], *, runs: int, browser_pages: int
) -> None:
    """Let the sides take turns, then print what they took."""
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for number in range(runs):
        for side in SIDES if number % 2 else reversed(SIDES):
            found[side].append(run(side, urls, environment))
    load = os.getloadavg()[0]
    print(f"median of {runs} runs, {os.cpu_count()} CPUs, load {load:.1f} at the end")
    print(f"{'':8}{'pages':>6}{'fresh s':>9}{'warm s':>9}{'ms a page':>10}{'text':>8}{'MB':>8}")
    for side, results in found.items():
        show(side, results, len(urls))
    ratios = {state: spread(found["ours"], found["bare"], state) for state in ("fresh", "warm")}
    print(f"ours / bare: fresh {ratios['fresh']}, warm {ratios['warm']}")
    if browser_pages:
        few = urls[:browser_pages]
        theirs = run("browser", few, environment)
        show("browser", [theirs], len(few))
        mine = statistics.median(result["warm"] for result in found["ours"]) / len(urls)
        print(f"browser / ours, warm, a page: {theirs['warm'] / len(few) / mine:.1f}")


if __name__ == "__main__":
    sys.exit(main())
