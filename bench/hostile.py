"""Can a page stall us or blow us up? `python -m bench.hostile [--floor] [--only NAME]`.

The hostile sites of tests.internet.hostile, served by a process of their own and read as in
production, for a question, into an index of their own: plain HTTP with robots.txt, a reader in a
process that can be killed, splitting, pruning, SQLite. Ten pages side by side, unless
named. With --floor it exits 1 if

* a page ends in anything but one event, or later than it may,
* this process holds more than 400 MB at any time,
* the event loop stands still for more than 200 ms (--block-ms; a heart beats every 10 ms), counted
  in CPU time of this process, because on a busy machine all that wait for a CPU stand still, or
* a reader is left when all is closed.
"""

import argparse
import asyncio
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.memory import peak_bytes
from ingest.bootstrap import open_ingest
from ingest.events import IngestEvent, PageStored
from ingest.question_reader import QuestionReader
from ingest.settings import IngestSettings, load_ingest_settings

SIDE_BY_SIDE = 10
FETCH_S = 10.0
READ_S = 5.0
DOCUMENT_S = 30.0
READERS = 2
BEAT_S = 0.01
MEGABYTE = 1_000_000
MOST_MEMORY = 400 * MEGABYTE
LONGEST_S = FETCH_S + DOCUMENT_S + math.ceil(SIDE_BY_SIDE / READERS) * (READ_S + 2)
"""A page's own time, and that of all that may stand before it at the readers."""
QUESTION = "May a drone fly at night? 无人机可以夜间飞行吗?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one site."""

    name: str
    said: str
    seconds: float
    is_expected: bool


@dataclass(slots=True)
class Heart:
    """Beats on the event loop and notes how long it was kept from beating."""

    longest_s: float = 0.0
    """CPU seconds of this process between two beats, at most the time that the beat was late."""
    latest_s: float = 0.0
    """By the clock on the wall."""
    during: str = ""
    """The sites that were being read at that moment."""
    reading: set[str] = field(default_factory=set)

    async def beat(self) -> None:
        while True:
            before, spent_before = time.perf_counter(), time.process_time()
            await asyncio.sleep(BEAT_S)
            late = time.perf_counter() - before - BEAT_S
            blocked = min(late, time.process_time() - spent_before)
            self.latest_s = max(self.latest_s, late)
            if blocked > self.longest_s:
                self.longest_s, self.during = blocked, " ".join(sorted(self.reading))


async def outcome(reader: QuestionReader, heart: Heart, name: str, url: str) -> Outcome:
    """Return what became of one site, read for a question as in production."""
    began = time.perf_counter()
    heart.reading.add(name)
    said: list[str] = []
    is_expected = True
    try:
        async with aclosing(reader.read([url], question=QUESTION)) as events:
            said = [told(event) async for event in events]
    except Exception as error:  # noqa: BLE001  the very thing that is looked for
        said.append(f"!! {error!r}")
        is_expected = False
    finally:
        heart.reading.discard(name)
    return Outcome(
        name=name,
        said="; ".join(said),
        seconds=time.perf_counter() - began,
        is_expected=is_expected and len(said) == 1,
    )


def told(event: IngestEvent) -> str:
    if isinstance(event, PageStored):
        return f"{event.chunks} chunks"
    return f"{event.reason}: {event.detail}"


async def read_all(
    places: Sequence[tuple[str, str]], *, encoder: str, show: Callable[[Outcome], None]
) -> Heart:
    """Read every site into an index of its own, and return how the heart of it went."""
    heart = Heart()
    crawl = {"browser": "never", "timeout": FETCH_S}
    settings = load_ingest_settings(
        IngestSettings, {"crawl": crawl, "embed": {"provider": encoder}}
    )
    async with open_ingest(settings) as parts:
        parts.reading.reader.preload()
        beating = asyncio.create_task(heart.beat())
        gate = asyncio.Semaphore(SIDE_BY_SIDE)

        async def read_one(name: str, url: str) -> None:
            async with gate:
                show(await outcome(parts.reading.reader, heart, name, url))

        await asyncio.gather(*(read_one(name, url) for name, url in places))
        beating.cancel()
    return heart


@contextmanager
def hostile_internet() -> Iterator[dict[str, str]]:
    """Serve the sites from another process, and lead this one there; gives name -> URL."""
    command = [sys.executable, "-m", "bench.hostile", "--serve"]
    server = subprocess.Popen(
        command, cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        told = json.loads(server.stdout.readline())
        os.environ.update(told["variables"])
        yield told["places"]
    finally:
        server.kill()
        server.wait()


def serve() -> None:
    """Serve the sites until standard input ends."""
    from tests.internet import hostile
    from tests.internet.net import Internet

    net = Internet()
    places = hostile.install(net)
    with net.serve():
        print(json.dumps({"variables": net.variables, "places": places}), flush=True)
        sys.stdin.read()


def children() -> list[int]:
    """Return the processes that this one has started and that have not ended (Linux)."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in listed.read_text().split()] if listed.exists() else []


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--floor", action="store_true", help="exit 1 beyond the bounds")
    parser.add_argument(
        "--encoder",
        choices=["none", "builtin"],
        default="none",
        help="builtin holds 250 MB of its own, whatever is read, and 600 when it is first set up",
    )
    parser.add_argument("--block-ms", type=int, default=200, metavar="MS", help="bound of a block")
    parser.add_argument("--only", action="append", metavar="NAME", help="repeatable")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return 0
    outcomes: list[Outcome] = []

    def show(outcome: Outcome) -> None:
        outcomes.append(outcome)
        print(f"{outcome.name:20}{outcome.seconds:7.1f} s  {outcome.said[:100]}", flush=True)

    with hostile_internet() as places, tempfile.TemporaryDirectory() as home:
        os.environ["ASSISTANT_HOME"] = home
        wanted = [(n, url) for n, url in places.items() if n in (arguments.only or places)]
        heart = asyncio.run(read_all(wanted, encoder=arguments.encoder, show=show))
        left = len(children()) - 1  # the sites themselves
    fallen = verdict(outcomes, heart, peak=peak_bytes(), left=left, longest_ms=arguments.block_ms)
    return int(bool(fallen) and arguments.floor)


def verdict(
    outcomes: Sequence[Outcome], heart: Heart, *, peak: int, left: int, longest_ms: int
) -> list[str]:
    """Print the figures and return those that are beyond their bound."""
    unexpected = [outcome.name for outcome in outcomes if not outcome.is_expected]
    late = [outcome.name for outcome in outcomes if outcome.seconds > LONGEST_S]
    slowest = max(outcome.seconds for outcome in outcomes)
    block, memory = heart.longest_s * 1000, peak / MEGABYTE
    figures = {
        f"{len(outcomes) - len(unexpected)} of {len(outcomes)} survived {unexpected or ''}": (
            not unexpected
        ),
        f"slowest page {slowest:.1f} s (bound {LONGEST_S:.0f})": not late,
        f"peak memory {memory:.0f} MB (bound 400)": peak < MOST_MEMORY,
        f"longest block {block:.0f} ms (bound {longest_ms}; {heart.latest_s * 1000:.0f} by the "
        f"clock), reading {heart.during}": block < longest_ms,
        f"{left} readers left": left == 0,
    }
    print()
    for figure, holds in figures.items():
        print(f"{'ok ' if holds else 'OUT'} {figure}")
    return [figure for figure, holds in figures.items() if not holds]


if __name__ == "__main__":
    sys.exit(main())
