"""Nobody waits for the slowest: `python -m bench.deadline [--floor]`.

One open assistant, ten pages on the replayed internet, a loopback Ollama that answers at once.
Time runs from the question to the first word of the answer:

* all ten answer, the slowest after a second: at most 1.5 times that second;
* one of them hangs: at most the deadline and a tenth (it should be far less);
* six hang, so that there is never enough: at most the deadline and a tenth;
* the first question again: no page is asked for.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.replay import bench_internet
from tests.engines.ollama_server import OllamaServer
from tests.internet.duckduckgo import HOST
from tests.internet.net import Handler, Internet, Reply, Request

if TYPE_CHECKING:
    from assistant.answer.orchestrator import Assistant

DEADLINE_S = 6.0
SLOWEST_S = 1.0
QUESTION = "Is there time for new people this year?"
"""Its words stand on most news pages, so that six of ten are enough."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case."""

    name: str
    seconds: float
    limit: float
    pages: int
    requests: int

    @property
    def holds(self) -> bool:
        return self.seconds <= self.limit


def slow(net: Internet, hosts: Sequence[str], delays: Sequence[float | None]) -> None:
    """Let the n-th site answer after the n-th delay, None: never."""
    for host, delay in zip(hosts, delays, strict=True):
        net.route(host, answering(delay))


def answering(delay: float | None) -> Handler:
    def answer(request: Request) -> Reply | None:
        if request.path == "/robots.txt":
            return None
        if delay is None:
            return Reply(fault="hang")
        time.sleep(delay)  # a thread of the server's own
        return None

    return answer


async def first_word(
    assistant: "Assistant", net: Internet, question: str, *, fresh: bool = False
) -> tuple[float, int, int]:
    """Return seconds to the first word, pages read, and pages asked for."""
    from assistant.events import AnswerDelta
    from assistant.values import Question
    from ingest.events import PageStored

    net.clear()
    started, first, pages = time.perf_counter(), 0.0, 0
    async with aclosing(assistant.ask(Question(question, web=True, fresh=fresh))) as events:
        async for event in events:
            pages += isinstance(event, PageStored)
            if isinstance(event, AnswerDelta) and not first:
                first = time.perf_counter() - started
    asked = [r for r in net.log if r.path != "/robots.txt" and r.host != HOST]
    return first, pages, len(asked)


async def timed(name: str, limit: float, assistant: "Assistant", net: Internet) -> Row:
    seconds, pages, asked = await first_word(assistant, net, QUESTION)
    return Row(name=name, seconds=seconds, limit=limit, pages=pages, requests=asked)


async def measure(net: Internet, hosts: Sequence[str]) -> list[Row]:
    from assistant.bootstrap import open_assistant
    from assistant.settings import load_settings

    ten = [SLOWEST_S * n / 10 for n in range(1, 11)]
    cases = {
        f"all ten, the slowest after {SLOWEST_S:g} s": (ten, 1.5 * SLOWEST_S),
        "one of ten hangs": ([0.1] * 9 + [None], 1.1 * DEADLINE_S),
        "six of ten hang": ([0.1] * 4 + [None] * 6, 1.1 * DEADLINE_S),
    }
    rows = []
    settings = load_settings({"crawl": {"deadline": DEADLINE_S, "browser": "never", "linger": 0.0}})
    for name, (delays, limit) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            os.environ["ASSISTANT_HOME"] = folder
            slow(net, hosts, [0.0] * 10)
            async with open_assistant(settings) as assistant:
                await first_word(
                    assistant, net, "Is everything warm?", fresh=True
                )  # imports and connections
                slow(net, hosts, delays)
                seconds, pages, asked = await first_word(assistant, net, QUESTION, fresh=True)
                rows.append(
                    Row(name=name, seconds=seconds, limit=limit, pages=pages, requests=asked)
                )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ASSISTANT_HOME"] = folder
        slow(net, hosts, [0.2] * 10)
        async with open_assistant(settings) as assistant:
            await first_word(assistant, net, QUESTION)
            rows.append(await timed("the same again", SLOWEST_S, assistant, net))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--floor", action="store_true", help="exit 1 if a limit is broken")
    options = parser.parse_args()
    net, pages = bench_internet(10)
    hosts = [host for host in net.hosts if host != HOST]
    with net.serve(), OllamaServer() as ollama:
        os.environ |= net.variables | {"OLLAMA_HOST": ollama.url, "OMP_NUM_THREADS": "1"}
        rows = asyncio.run(measure(net, hosts))
    print(f"{pages}, deadline {DEADLINE_S:g} s")
    print(f"{'':34}{'first word':>11}{'limit':>8}{'pages':>7}{'asked':>7}")
    for row in rows:
        figures = f"{row.seconds:9.2f} s{row.limit:6.1f} s{row.pages:7}{row.requests:7}"
        print(f"{row.name:34}{figures}{'' if row.holds else '  TOO LATE'}")
    kept = rows[-1].requests == 0
    return 1 if options.floor and not (kept and all(row.holds for row in rows)) else 0


if __name__ == "__main__":
    sys.exit(main())
