"""Run every bench that has a floor, and fail when one falls below it.

    python -m bench.floors

Data that a clone does not have (bench/data.py) is named and its benches are left out.
"""

import subprocess
import sys

import click

from bench.data import DATA

FLOORS: dict[str, tuple[str | None, list[str]]] = {
    "ssrf": (None, ["--floor", "0"]),
    "ssrf_browser": (None, ["--floor", "0"]),
    "chromium": (None, ["--floor", "0"]),
    # The event loop may stand still for longer where other machines' work is done beside ours.
    "hostile": (None, ["--floor", "--block-ms", "1000"]),
    "deadline": (None, ["--floor"]),
    "mutated_files": (None, ["--floor"]),
    "robots": ("robots/cases.json", ["--floor", "1.0"]),
    "web_cases": (None, ["--floor", "28"]),
    "extraction": ("articles/ground-truth.json", ["--floor"]),
    "metadata": ("articles/ground-truth.json", ["--floor"]),
    "pruning": ("retrieval/xquad.zh.json", ["--floor", "0.95"]),
    "spelling": ("retrieval/xquad.zh.json", ["--floor", "--sample", "4"]),
    "quotes": ("retrieval/xquad.zh.json", ["--floors"]),
    "manuals": (None, ["--floor", "0.75", "--words"]),
    "first_word": ("retrieval/xquad.zh.json", ["--floors"]),
    # A sample of it is shipped, and a part of the questions tells: all of them take ten minutes.
    "encoder": ("retrieval/xquad.zh.json", ["--floor"]),
    "verdicts": ("retrieval/xquad.zh.json", ["--floor"]),
    "small_model": ("retrieval/xquad.zh.json", ["--floor"]),
    "retrieval": (None, ["--floors", "--every", "8"]),
    "page": (None, ["--floor", "--moments", "8", "--questions", "2"]),
    "nvc": (None, ["--floor"]),
    "conversations": (None, ["--floor", "0.94"]),
    "finetune_metrics": (None, ["--floor", "0"]),
    "finetune_prepare": (None, ["--floor"]),
    "finetune_tiny": (None, ["--floor"]),
}
"""Bench -> (the data it reads, if any; its arguments)."""


def main() -> int:
    """Return 0 if every floor that could be checked holds."""
    fallen = []
    for bench, (data, arguments) in FLOORS.items():
        if data is not None and not (DATA / data).exists():
            click.echo(f"{bench}: left out, {DATA / data} is not here")
            continue
        click.echo(f"== bench.{bench} {' '.join(arguments)}")
        command = [sys.executable, "-m", f"bench.{bench}", *arguments]
        if subprocess.run(command, check=False).returncode:
            fallen.append(bench)
    if fallen:
        click.echo(f"below their floor: {', '.join(fallen)}", err=True)
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
