"""How much of our own code does one question run? Files and functions, to see needless layers.

    python -m bench.footprint [--list] [--json]

Two questions on the replayed internet, answered with quotes: `assistant ask --web`, then
`assistant ask` from the index that the first one filled. Counted are the functions of ours that
ran in the command's own process (a function counts once, whatever it does; module bodies, class
bodies and comprehensions are none), the files that they stand in, and the modules of ours that
were imported, with the milliseconds that they took themselves, without the libraries they import.
The processes that extract pages are left out: they run `ingest.extract` for every page alike.
"""

import argparse
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from bench.replay import bench_internet
from tests.internet.demo import CLOSED, surroundings

ROOT = Path(__file__).parents[1]
PACKAGES = ("assistant", "ingest")
QUESTION = "What rules are there, and why are people in the city against them?"
PAGES = 10
RUNS = 5
IMPORT_TIME = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What one command ran of ours."""

    name: str
    modules: int
    """Imported, packages' own __init__ included."""
    import_ms: float
    """Milliseconds that these modules' own bodies take."""
    files: dict[str, int]
    """File -> functions of it that ran."""

    @property
    def functions(self) -> int:
        return sum(self.files.values())


def trace(arguments: list[str], report: Path) -> None:
    """Run the command `assistant` in this process, and write which functions ran to `report`."""
    ran: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            ran.add(frame.f_code)

    def leave(code: int) -> None:
        """Write the report where the command ends its process."""
        sys.setprofile(None)
        own = [
            (str(Path(each.co_filename).relative_to(ROOT)), each.co_firstlineno, each.co_name)
            for each in list(ran)
            # Bodies of modules and classes have no local variables of their own.
            if each.co_flags & inspect.CO_NEWLOCALS
            and each.co_flags & inspect.CO_OPTIMIZED
            and not each.co_name.startswith("<")
            and Path(each.co_filename).is_relative_to(ROOT)
        ]
        report.write_text(json.dumps([one for one in own if one[0].split("/")[0] in PACKAGES]))
        sys.stdout.flush()
        leave_process(code)

    leave_process = os._exit
    os._exit = leave
    threading.setprofile(note)
    sys.setprofile(note)
    sys.argv = ["assistant", *arguments]
    from assistant.__main__ import main as run_assistant

    run_assistant()


def measure(name: str, arguments: list[str], environment: dict[str, str]) -> Footprint:
    """Run the command with a profiler, then `RUNS` times with the times of its imports."""
    with tempfile.TemporaryDirectory(prefix="footprint-") as folder:
        report = Path(folder, "ran.json")
        traced = [sys.executable, "-m", "bench.footprint", "--trace", str(report), *arguments]
        run(traced, environment)
        ran = json.loads(report.read_text())
    timed = [sys.executable, "-X", "importtime", "-m", "assistant", *arguments]
    own: dict[str, int] = {}  # module -> microseconds of the quickest run: others only waited
    for _ in range(RUNS):
        for found in IMPORT_TIME.finditer(run(timed, environment)):
            if found[2].split(".")[0] in PACKAGES:
                own[found[2]] = min(int(found[1]), own.get(found[2], int(found[1])))
    return Footprint(
        name=name,
        modules=len(own),
        import_ms=round(sum(own.values()) / 1000, 1),
        files=dict(sorted(Counter(file for file, *_ in ran).items())),
    )


def run(command: list[str], environment: dict[str, str]) -> str:
    """Return what a command writes to stderr; stop if it fails."""
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return done.stderr


def main() -> int:
    if sys.argv[1:2] == ["--trace"]:
        trace(sys.argv[3:], Path(sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="each file, and how much of it runs")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    net, _ = bench_internet(PAGES)
    with net.serve(), tempfile.TemporaryDirectory(prefix="footprint-") as home:
        environment = surroundings(net, home, CLOSED) | {"PYTHONPATH": str(ROOT)}
        # The encoder is converted once on a machine, by the first command that opens an index: what
        # that runs is no part of a question. With an empty index this one has nothing else to do.
        command = [sys.executable, "-m", "assistant", "ask", QUESTION]
        subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, timeout=120)
        found = [
            measure("ask --web", ["ask", "--web", QUESTION], environment),
            measure("ask, from the index", ["ask", QUESTION], environment),
        ]
    if arguments.json:
        print(json.dumps([asdict(one) | {"functions": one.functions} for one in found], indent=1))
        return 0
    print(f"{'':20}{'files':>8}{'functions':>12}{'modules':>10}{'import ms':>12}")
    for one in found:
        figures = f"{len(one.files):8}{one.functions:12}{one.modules:10}{one.import_ms:12.1f}"
        print(f"{one.name:20}{figures}")
    if arguments.list:
        web, index = (one.files for one in found)
        for file, count in web.items():
            print(f"{count:4}{index.get(file, 0):6}  {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
