"""No process and no folder is left of the browser: `python -m bench.chromium [--floor 0]`.

Reads 100 pages, gives ten up half-way, crashes Chromium under a page, ends a child process that
opens pages by SIGTERM and another by SIGKILL, and counts what is left `GRACE_S` seconds later:
Chromium, its supervisor, and folders in the temporary directory.
Exits 1 if more than `--floor` is left.
"""

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from ingest.web.fetch.browser import BrowserFetcher
from ingest.web.robots import RobotsPolicy, RobotsReply
from ingest.web.ssrf import AddressGuard
from tests.internet.net import Internet
from tests.internet.weird import page_en

AGENT = "qiuzheng-bench/1.0"
PAGES = 100
CANCELLATIONS = 10
TIMEOUT_S = 30.0
GRACE_S = 5.0
POLL_S = 0.05
SHOWN_CHARACTERS = 100
CHILD = "child"


class Census:
    """Counts what our browsers leave: processes, and folders in a temporary directory of ours."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._mark = folder.encode()
        self._groups: set[int] = set()

    def processes(self) -> set[int]:
        """Return those that have our folder in their environment or command line.

        And those in the process group of one that had: Chromium's children overwrite theirs.
        """
        marked, living = set(), {}
        for place in Path("/proc").glob("[0-9]*"):
            try:
                fields = (place / "stat").read_text(errors="replace").rpartition(")")[2].split()
                known = (place / "environ").read_bytes() + (place / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended by now
            if fields[0] in "ZX":
                continue
            living[int(place.name)] = int(fields[2])
            if self._mark in known:
                marked.add(int(place.name))
        self._groups |= {living[pid] for pid in marked} - {os.getpgrp()}
        return marked | {pid for pid, group in living.items() if group in self._groups}

    def folders(self) -> list[str]:
        """Return those in our temporary directory."""
        return [path.name for path in self._folder.iterdir()]

    def left(self) -> list[str]:
        """Wait until nothing is left, `GRACE_S` at most, and return what is."""
        until = time.monotonic() + GRACE_S
        while (found := self._left()) and time.monotonic() < until:
            time.sleep(POLL_S)
        return found

    def _left(self) -> list[str]:
        commands = []
        for pid in self.processes():
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
                commands.append(f"{pid} {' '.join(words)[:SHOWN_CHARACTERS]}")
        return commands + self.folders()


def fetcher() -> BrowserFetcher:
    """Return a fetcher that finds no robots.txt anywhere."""

    async def no_robots(_: str) -> RobotsReply:
        return RobotsReply(status=404)

    return BrowserFetcher(
        guard=AddressGuard(),
        robots=RobotsPolicy(agent=AGENT, read=no_robots),
        user_agent=AGENT,
        executable=None,
        timeout_s=TIMEOUT_S,
        max_bytes=5_000_000,
    )


async def read_pages(browser: BrowserFetcher) -> str:
    """Read `PAGES` pages, and return what one takes."""
    started = time.perf_counter()
    pages = await asyncio.gather(
        *(browser.fetch(f"https://h{number}.test/") for number in range(PAGES))
    )
    assert all(b"Drone law" in page.body for page in pages)
    return f"{(time.perf_counter() - started) / PAGES:.2f} s a page"


async def give_up(browser: BrowserFetcher, net: Internet) -> str:
    """Open pages that never come, and cancel them."""
    taken = []
    for number in range(CANCELLATIONS):
        waiting = asyncio.create_task(browser.fetch(f"https://slow{number}.test/"))
        while not net.hits(f"slow{number}.test"):
            await asyncio.sleep(POLL_S)
        started = time.perf_counter()
        waiting.cancel()
        await asyncio.wait([waiting])
        taken.append(time.perf_counter() - started)
    return f"{statistics.median(taken):.2f} s to give up"


async def crash(browser: BrowserFetcher, net: Internet) -> str:
    """Kill Chromium while it loads a page: the page comes anyway."""
    net.clear()
    page = asyncio.create_task(browser.fetch("https://late.test/"))
    while not net.hits("late.test"):
        await asyncio.sleep(POLL_S)
    assert browser.pid is not None
    os.killpg(browser.pid, signal.SIGKILL)
    assert b"Drone law" in (await page).body
    return "the page came anyway"


async def in_this_process(net: Internet, census: Census) -> list[tuple[str, str]]:
    """Read, give up and crash in this process, and say how each went."""
    browser = fetcher()
    try:
        results = [
            (f"{PAGES} pages", await read_pages(browser)),
            (f"{CANCELLATIONS} cancellations", await give_up(browser, net)),
            ("a crash under a page", await crash(browser, net)),
        ]
        assert census.processes(), "nothing is running, so nothing can be left"
        return results
    finally:
        await browser.close()


async def child() -> None:
    """Open pages until somebody ends us."""
    browser = fetcher()
    await browser.fetch("https://h0.test/")
    print("open", flush=True)
    await asyncio.gather(*(browser.fetch(f"https://slow{number}.test/") for number in range(2)))


def end_a_child(net: Internet, census: Census, number: signal.Signals) -> str:
    """Start a process that opens pages, send it a signal, and say what was running then."""
    net.clear()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.chromium", CHILD], env=net.env(), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"open\n"
    while not net.hits("slow1.test"):
        time.sleep(POLL_S)
    running = len(census.processes())
    process.send_signal(number)
    process.wait()
    return f"{running} processes were running"


def internet() -> Internet:
    """Return pages that come, pages that do not, and one that takes its time."""
    net = Internet()
    for number in range(PAGES):
        net.page(f"https://h{number}.test/", page_en())
    for number in range(CANCELLATIONS):
        net.page(f"https://slow{number}.test/", page_en(), delay=600)
    net.page("https://late.test/", page_en(), delay=1)
    return net


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("role", nargs="?", choices=[CHILD], help=argparse.SUPPRESS)
    parser.add_argument("--floor", type=int, default=0, help="what may be left, in all")
    options = parser.parse_args()
    if options.role == CHILD:
        asyncio.run(child())
        return 0
    if not Path("/proc/self").exists():
        print("skipped: without /proc nobody can be counted")
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, internet().serve() as net:
        os.environ.update(net.variables, TMPDIR=folder)
        tempfile.tempdir = folder
        census = Census(folder)
        total = 0
        for name, result in asyncio.run(in_this_process(net, census)):
            print(f"{name:24} {result}")
        total += report("…of all that", census)
        for number in (signal.SIGTERM, signal.SIGKILL):
            print(f"{f'a child and {number.name}':24} {end_a_child(net, census, number)}")
            total += report("…of it", census)
    return 0 if total <= options.floor else 1


def report(name: str, census: Census) -> int:
    """Print and return what is left."""
    left = census.left()
    print(f"{name:24} {len(left)} left after {GRACE_S:g} s", *left, sep="\n  ")
    return len(left)


if __name__ == "__main__":
    sys.exit(main())
