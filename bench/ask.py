"""How long until the answer? Ours against the tutorial's pipeline, on the same replayed pages.

    python -m bench.ask [--runs 3] [--latency 0 --latency 0.2] [--json]

Both ask DuckDuckGo, read the same ten pages, embed with the same loopback Ollama and let it answer.
It embeds and answers at once, so that what is measured is everything around the models: how many
texts were embedded is counted beside it, for without a GPU each costs a fraction of a second.

* fresh: from the start of the process, imports included, to the end of the answer. Ours is
  `assistant ask --web`.
* warm: a second, different question in a process that has answered one; the pages are read anew.
  Ours keeps the assistant open as the chat page does. The tutorial opens its browser and its
  index for every question.
* first token: when the reader sees the first piece of the answer (ours), when the model is asked
  for it (the seed: a few milliseconds early, its favour).

Runs are interleaved. A ratio is the median of the runs' ratios, seconds are medians. The seed's
side needs the extra "bench" and a Chromium. The pages are those of articles/ of bench/data.py,
which are not part of this repository; the demo's pages stand in for them.
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from bench.replay import bench_internet
from bench.seed_pipeline import CHAT_MODEL, EMBEDDING_MODEL, QUIET
from tests.engines.ollama_server import OllamaServer
from tests.engines.replies import Json
from tests.internet.demo import surroundings
from tests.internet.net import Internet

QUESTIONS = (
    "What did the company announce and what do people say about it this year?",
    "What rules are there, and why are people in the city against them?",
)
SENTENCE = re.compile(r"[A-Z][^.\n|#]{60,200}\.(?=\s)")
SENTENCES = 4
"""Sentences of the prompt's notes that the model answers with: others would be given back."""
THOUGHT = "Let me read the passages."
PAGES = 10
LATENCIES_S = (0.0, 0.2)
LONGEST_S = 300
STAGES = ("open", "search", "read", "retrieve", "reply")
"""Ours, in order; each ends where the next starts."""

Side = Literal["ours", "seed"]
State = Literal["fresh", "warm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one question took, in seconds."""

    total: float
    first_token: float
    cpu: float
    """CPU seconds of the process and all that it started."""
    stages: dict[str, float]
    pages: int
    """With text."""
    embedded: int
    """Texts that the embedding model was sent, the question among them."""


@dataclass(frozen=True, slots=True)
class Line:
    """One JSON line of a side, and when it came."""

    at: float
    said: Json


@dataclass(kw_only=True)
class Scene:
    """The loopback world that both sides live in."""

    net: Internet
    ollama: OllamaServer
    asked_at: list[float] = field(default_factory=list)
    """When the chat model was asked for an answer."""

    def reply(self, messages: list[Json]) -> tuple[str, str]:
        self.asked_at.append(time.monotonic())
        asked = str(messages[-1]["content"])
        return THOUGHT, " ".join(SENTENCE.findall(asked)[:SENTENCES])

    def embedded(self) -> list[int]:
        """Return how many texts were embedded for each question since `forget`."""
        counts = [0]
        for request in self.ollama.requests:
            if request.path == "/api/embed":
                given = request.body["input"]
                counts[-1] += 1 if isinstance(given, str) else len(given)
            elif request.path == "/api/chat" and request.body.get("messages"):
                counts.append(0)
        return counts

    def forget(self) -> None:
        self.asked_at.clear()
        self.ollama.requests.clear()


@contextmanager
def scene(latency: float) -> Iterator[tuple[Scene, str]]:
    """Serve pages and models; gives what they are called, too."""
    net, name = bench_internet(PAGES)
    net.latency = latency
    with net.serve(), OllamaServer(models=[CHAT_MODEL], embedders=[EMBEDDING_MODEL]) as ollama:
        here = Scene(net=net, ollama=ollama)
        ollama.answer = here.reply
        yield here, name


def missing_parts() -> str | None:
    """Return the command that brings what the seed needs, None when all is here."""
    if any(not importlib.util.find_spec(name) for name in ("crawl4ai", "unstructured", "markdown")):
        return "pip install -e '.[bench]'"
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        return "apt-get install chromium"
    return None


def ask_ours(here: Scene) -> dict[State, Asked]:
    """Ask once by the command, then twice in one process, of which the second counts."""
    command = [str(Path(sys.executable).with_name("assistant")), "ask", "--web", "--json"]
    here.forget()
    began, lines, cpu = run([*command, "--", QUESTIONS[0]], here)
    fresh = timed_ours(began, lines, cpu, embedded=here.embedded()[0])
    here.forget()
    _, twice, _ = run(worker("ours", here), here)
    _, (start, *events) = by_question(twice)
    cpu = events[-1].said["seconds"]
    warm = timed_ours(start.at, events[:-1], cpu, embedded=here.embedded()[1])
    return {"fresh": fresh, "warm": warm}


def timed_ours(began: float, lines: Sequence[Line], cpu: float, *, embedded: int) -> Asked:
    """Return the times between our events."""
    marks = [began, *(line.at for line in lines if line.said["type"] == "stage_started")]
    first = next(line.at for line in lines if line.said["type"] == "answer_delta")
    last = lines[-1]
    if last.said["type"] != "answer_finished" or last.said["answer"]["kind"] != "model":
        sys.exit(f"ours did not answer with the model: {last.said}")
    spans = [later - earlier for earlier, later in pairwise([*marks, last.at])]
    return Asked(
        total=last.at - began,
        first_token=first - began,
        cpu=cpu,
        stages=dict(zip(STAGES, spans, strict=True)),
        pages=sum(line.said["type"] == "page_stored" for line in lines),
        embedded=embedded,
    )


def ask_seed(here: Scene) -> dict[State, Asked]:
    """Ask twice in one process: the first is fresh, the second warm."""
    here.forget()
    began, lines, _ = run(worker("seed", here), here)
    fresh, warm = by_question(lines)
    first, second, *_ = here.embedded()
    return {
        "fresh": timed_seed(began, fresh, here.asked_at[0], embedded=first),
        "warm": timed_seed(warm[0].at, warm, here.asked_at[1], embedded=second),
    }


def timed_seed(began: float, lines: Sequence[Line], chat_at: float, *, embedded: int) -> Asked:
    """Return the seed's own times. What it does for this bench alone is not in its total."""
    asked, report, cpu = lines
    started = asked.at - began
    paused = report.at - asked.at - report.said["total"]
    return Asked(
        total=started + report.said["total"],
        first_token=chat_at - began - paused,
        cpu=cpu.said["seconds"],
        stages={"interpreter": started, **report.said["stages"]},
        pages=report.said["pages_with_text"],
        embedded=embedded,
    )


def by_question(lines: Sequence[Line]) -> list[list[Line]]:
    starts = [at for at, line in enumerate(lines) if line.said["type"] == "asked"]
    return [list(lines[a:b]) for a, b in pairwise([*starts, len(lines)])]


def worker(side: Side, here: Scene) -> list[str]:
    options = ["--ollama", here.ollama.url]
    return [sys.executable, "-m", "bench.ask_worker", side, *options, "--", *QUESTIONS]


def run(command: Sequence[str], here: Scene) -> tuple[float, list[Line], float]:
    """Run a side in an empty folder; return when it started, its lines and its CPU seconds."""
    with tempfile.TemporaryDirectory(prefix="ask-", ignore_cleanup_errors=True) as folder:
        environment = surroundings(here.net, folder, here.ollama.url) | QUIET
        environment["CRAWL4_AI_BASE_DIRECTORY"] = folder
        environment["PYTHONPATH"] = str(Path(__file__).parents[1])
        with (Path(folder) / "stderr").open("w+b") as errors:
            before = os.times()
            began = time.monotonic()
            process = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=errors
            )
            assert process.stdout is not None
            lines = [
                Line(time.monotonic(), json.loads(line))
                for line in process.stdout
                if line.startswith(b"{")
            ]
            if process.wait(timeout=LONGEST_S):
                errors.seek(0)
                sys.exit(f"{' '.join(command)} failed:\n{errors.read().decode()[-3000:]}")
            after = os.times()
    spent = after.children_user + after.children_system
    return began, lines, spent - before.children_user - before.children_system


def compare(latency: float, runs: int, *, seed: bool) -> tuple[str, list[Json]]:
    """Return the name of the pages, and what each run of each side and state took."""
    rows: list[Json] = []
    with scene(latency) as (here, name):
        for number in range(runs):
            sides = {"ours": ask_ours(here)} | ({"seed": ask_seed(here)} if seed else {})
            for side, states in sides.items():
                for state, asked in states.items():
                    about = {"latency": latency, "run": number, "side": side, "state": state}
                    rows.append(about | asdict(asked))
    return name, rows


def chosen(rows: Sequence[Json], **about: Any) -> list[Json]:
    return [row for row in rows if all(row[key] == value for key, value in about.items())]


def median(rows: Sequence[Json], key: str) -> float:
    return float(statistics.median(row[key] for row in rows))


def ratios(rows: Sequence[Json], latency: float, state: State, key: str) -> list[float]:
    """Return, run by run, how many times longer the seed took."""
    ours, seed = (
        chosen(rows, latency=latency, state=state, side=side) for side in ("ours", "seed")
    )
    return [theirs[key] / mine[key] for mine, theirs in zip(ours, seed, strict=True)]


def show(rows: Sequence[Json], latencies: Sequence[float]) -> None:
    """Print the stages of each side, then the ratios."""
    for side in dict.fromkeys(row["side"] for row in rows):
        columns = [
            (
                f"{state} {latency * 1000:.0f} ms",
                chosen(rows, side=side, state=state, latency=latency),
            )
            for state in ("fresh", "warm")
            for latency in latencies
        ]
        print(f"\n{side + ', s':18}" + "".join(f"{title:>14}" for title, _ in columns))
        for stage in dict.fromkeys(
            stage for row in chosen(rows, side=side) for stage in row["stages"]
        ):
            spent = [
                statistics.median(row["stages"].get(stage, 0.0) for row in runs)
                for _, runs in columns
            ]
            print(f"  {stage:16}" + "".join(f"{seconds:14.2f}" for seconds in spent))
        for key, label in (("total", "total"), ("first_token", "first token"), ("cpu", "CPU")):
            print(f"{label:18}" + "".join(f"{median(runs, key):14.2f}" for _, runs in columns))
        for key, label in (("pages", "pages with text"), ("embedded", "texts embedded")):
            print(f"{label:18}" + "".join(f"{median(runs, key):14.0f}" for _, runs in columns))
    if not chosen(rows, side="seed"):
        return
    print(f"\n{'seed / ours':18}{'total':>22}{'first token':>22}{'CPU':>22}")
    for state in ("fresh", "warm"):
        for latency in latencies:
            cells = ""
            for key in ("total", "first_token", "cpu"):
                found = ratios(rows, latency, state, key)
                spread = f"{statistics.median(found):.1f} ({min(found):.1f}-{max(found):.1f})"
                cells += f"{spread:>22}"
            print(f"  {state} {latency * 1000:3.0f} ms    {cells}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, metavar="N")
    parser.add_argument("--latency", type=float, action="append", metavar="S", help="repeatable")
    parser.add_argument("--json", action="store_true", help="every run as one JSON document")
    parser.add_argument("--ours-only", action="store_true", help="without the seed's side")
    arguments = parser.parse_args()
    if not arguments.ours_only and (command := missing_parts()):
        print(f"the seed's side cannot run here: {command}", file=sys.stderr)
        return 1
    latencies = arguments.latency or LATENCIES_S
    rows: list[Json] = []
    for latency in latencies:
        pages, more = compare(latency, arguments.runs, seed=not arguments.ours_only)
        rows += more
    load = os.getloadavg()[0]
    machine = f"{os.cpu_count()} CPUs, load {load:.1f} at the end, Python {sys.version.split()[0]}"
    if arguments.json:
        print(json.dumps({"pages": pages, "machine": machine, "runs": rows}, indent=1))
        return 0
    print(f"{pages}; median of {arguments.runs} runs, interleaved; {machine}")
    show(rows, latencies)
    return 0


if __name__ == "__main__":
    sys.exit(main())
