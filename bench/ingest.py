"""What a second `ingest` of a folder costs that has not changed, against the first.

    python -m bench.ingest --files 2000
    python -m bench.ingest --floor

Notes of sixty words, a file each: the worst case, since a long file costs the second run no more.
CPU time of the commands as a person runs them, start of Python and reading processes included.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import click

WORDS = (
    *("harbour", "boat", "quay", "crane", "guard", "lamp", "tide", "north", "south", "key"),
    *("box", "red", "rule", "night", "signal", "depth", "chart", "buoy", "rope", "anchor"),
)
NOTE_WORDS = 60
FLOOR = 50.0
"""Times the second run costs less CPU. On 2,000 files: 63 (42.6 s, .68 s)."""


def write_notes(folder: Path, count: int) -> None:
    """Write `count` notes, no two of them alike."""
    draw = random.Random(7)
    for number in range(count):
        text = " ".join(draw.choices(WORDS, k=NOTE_WORDS))
        path = folder / f"note-{number:05}.md"
        path.write_text(f"# Note {number}\n\n{text}, says note {number}.\n", "utf-8")


def ingest_seconds(folder: Path, home: Path) -> float:
    """Return the CPU seconds of one `ingest` of `folder` and its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "ingest", str(folder), "--quiet"],
        env=os.environ | {"ASSISTANT_HOME": str(home), "ASSISTANT_EMBED__PROVIDER": "builtin"},
        check=True,
        capture_output=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@click.command()
@click.option("--files", default=2_000, show_default=True, type=click.IntRange(1))
@click.option("--floor", is_flag=True, help=f"Fail below {FLOOR:g} times.")
def main(files: int, floor: bool) -> None:
    """Print what the first and the second run cost."""
    with tempfile.TemporaryDirectory() as made:
        folder, home = Path(made) / "notes", Path(made) / "home"
        folder.mkdir()
        write_notes(folder, files)
        first = ingest_seconds(folder, home)
        again = ingest_seconds(folder, home)
    ratio = first / again
    print(f"{files} files: first {first:.1f} s of CPU, again {again:.2f} s: {ratio:.0f} times less")
    if floor and ratio < FLOOR:
        raise SystemExit(f"below {FLOOR:g} times")


if __name__ == "__main__":
    main()
