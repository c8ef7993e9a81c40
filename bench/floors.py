"""Run every bench that has a floor, and fail when one falls below it.

    python -m bench.floors [--only NAME] [--jobs N]

As many side by side as there are processors, each on one thread; those whose figures are seconds
run alone, before them. Each is shown with its seconds, and those of CPU. Data that a clone
does not have (bench/data.py) is named and its benches are left out.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import click

from bench.data import DATA

XQUAD = "retrieval/xquad.zh.json"
ARTICLES = "articles/ground-truth.json"


@dataclass(frozen=True, kw_only=True)
class Floor:
    """How a bench is asked about its floor."""

    arguments: Sequence[str] = ("--floor",)
    data: str | None = None
    """What it reads below `DATA`; without it, it is left out."""
    alone: bool = False
    """Whether nothing may run beside it: it measures by the clock what a person waits for, or CPU
    close to its floor."""


# The longest first, so that none of the long ones is left over for one processor at the end.
FLOORS: dict[str, Floor] = {
    "page": Floor(
        arguments=("--floor", "--moments", "8", "--sight", "3", "--questions", "2"), alone=True
    ),
    "deadline": Floor(alone=True),
    # The event loop may stand still for longer where other machines' work is done beside ours.
    "hostile": Floor(arguments=("--floor", "--block-ms", "1000"), alone=True),
    # Beside another one that fills the cache, ours slows down more than what it is compared with.
    # A quarter of the rows. Start-up then adds about 1 to the ratio; the bound for memory is less.
    "finetune_prepare": Floor(arguments=("--floor", "--rows", "60000"), alone=True),
    # Every second question, and a third of them with the encoder: all of them take half an hour.
    "quotes": Floor(data=XQUAD, arguments=("--floors", "--questions", "595")),
    "own_documents": Floor(arguments=("--floors",)),
    "spelling": Floor(data=XQUAD, arguments=("--floor", "--sample", "4")),
    "retrieval": Floor(arguments=("--floors", "--every", "8")),
    "finetune_tiny": Floor(),
    "pruning": Floor(data=XQUAD, arguments=("--floor", "0.95", "--pages", "150")),
    "ssrf_browser": Floor(arguments=("--floor", "0")),
    "first_word": Floor(data=XQUAD, arguments=("--floors",)),
    "small_model": Floor(data=XQUAD),
    "chromium": Floor(arguments=("--floor", "0")),
    "extraction": Floor(data=ARTICLES),
    "web_cases": Floor(arguments=("--floor", "28")),
    # A sample of it is shipped, and a part of the questions tells: all of them take ten minutes.
    "encoder": Floor(data=XQUAD),
    "verdicts": Floor(data=XQUAD),
    "manuals": Floor(arguments=("--floor", "0.75", "--words")),
    "finetune_metrics": Floor(arguments=("--floor", "0")),
    "metadata": Floor(data=ARTICLES),
    "mutated_files": Floor(),
    "nvc": Floor(),
    "ssrf": Floor(arguments=("--floor", "0")),
    "conversations": Floor(arguments=("--floor", "0.94")),
    "robots": Floor(data="robots/cases.json", arguments=("--floor", "1.0")),
}


@dataclass(frozen=True, kw_only=True)
class FloorRun:
    """What came of one bench."""

    bench: str
    holds: bool
    output: str
    seconds: float
    cpu_seconds: float
    """All processes of the bench together."""


def run_bench(bench: str) -> FloorRun:
    """Run a bench to its end."""
    command = [sys.executable, "-m", f"bench.{bench}", *FLOORS[bench].arguments]
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            # One processor each: what computes on all of them would take the others' time.
            env={"OMP_NUM_THREADS": "1", **os.environ},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        # Not `process.wait`: wait4 alone tells the CPU time of one child and of its children.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return FloorRun(
            bench=bench,
            holds=process.returncode == 0,
            output=output.read().decode(errors="replace"),
            seconds=time.monotonic() - started,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
        )


def report(run: FloorRun) -> None:
    """Print what a bench printed, as one piece."""
    arguments = " ".join(FLOORS[run.bench].arguments)
    spent = f"({run.seconds:.0f} s, {run.cpu_seconds:.0f} s of CPU)"
    click.echo(f"== bench.{run.bench} {arguments}  {spent}\n{run.output}", nl=False)


@click.command(help=__doc__)
@click.option("--only", multiple=True, type=click.Choice([*FLOORS]), help="These alone.")
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default=True)
def main(only: tuple[str, ...], jobs: int) -> None:
    """Exit with 0 if every floor that could be checked holds."""
    chosen = []
    for bench in only or FLOORS:
        data = FLOORS[bench].data
        if data is not None and not (DATA / data).exists():
            click.echo(f"{bench}: left out, {DATA / data} is not here")
        else:
            chosen.append(bench)
    fallen = []
    for alone in (True, False):
        benches = [bench for bench in chosen if FLOORS[bench].alone is alone]
        with ThreadPoolExecutor(max_workers=1 if alone else jobs) as pool:
            for future in as_completed([pool.submit(run_bench, bench) for bench in benches]):
                run = future.result()
                report(run)
                if not run.holds:
                    fallen.append(run.bench)
    if fallen:
        click.echo(f"below their floor: {', '.join(fallen)}", err=True)
    sys.exit(1 if fallen else 0)


if __name__ == "__main__":
    main()
