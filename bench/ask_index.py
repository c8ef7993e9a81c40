"""What a fresh `assistant ask` from a warm index costs: CPU of the whole command, no model server.

    python -m bench.ask_index [--chunks 7500] [--runs 7]
    python -m bench.ask_index --against ../before      # another checkout, in turn with this one

Paragraphs of bench/data.py's XQuAD and CMRC as pages, with random vectors in the space of
multilingual-e5-small: to embed them would take ten minutes, and which are near costs no question
more. Pages that do not suffice come again with a number behind each paragraph.
"""

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import click
import numpy as np

from assistant.cli.ask import NOTHING_FOUND
from bench.data import DATA
from ingest.bootstrap import open_index
from ingest.documents import Document, Processing
from ingest.extract.base import EXTRACTOR_VERSION
from ingest.index.split import current_chunking, split
from ingest.settings import IngestSettings

ROOT = Path(__file__).parents[1]
SETS = ("xquad.zh", "xquad.en", "cmrc.zh")
QUESTIONS = (
    "谁获得了诺贝尔奖？",
    "黑豹队的防守丢了多少分？",
    "What did the Panthers defense give up?",
    "锣鼓经是什么？",
    "When was the university founded?",
)
DIMENSIONS = 384
FLOOR_S = 1.0
"""CPU seconds. .91 on two shared cores, 1.44 before the table of pieces (29 November 2026)."""


def pages() -> Iterator[str]:
    """Yield texts without end, no two alike."""
    texts = [
        [paragraph["context"] for paragraph in article["paragraphs"]]
        for name in SETS
        for article in json.loads((DATA / "retrieval" / f"{name}.json").read_text("utf-8"))["data"]
    ]
    for turn in count():
        for paragraphs in texts:
            yield "\n\n".join(f"{text} ({turn})" if turn else text for text in paragraphs)


async def fill(chunks: int) -> None:
    """Store pages in the index of the environment's home until it has that many chunks."""
    settings, draw = IngestSettings(), np.random.default_rng(3)
    size, overlap = settings.chunk.size, settings.chunk.overlap
    processing = Processing(
        extractor=EXTRACTOR_VERSION, chunking=current_chunking(size=size, overlap=overlap)
    )
    async with open_index(settings) as index:
        assert index.embedder is not None, "no encoder is installed: assistant setup"
        left = chunks
        for number, text in enumerate(pages()):
            document = Document(
                url=f"https://site{number}.example/page",
                title=text[:20],
                text=text,
                fetched_at=datetime.now(UTC),
                language="en" if text.isascii() else "zh",
            )
            cut = split(document, size=size, overlap=overlap)
            drawn = draw.normal(size=(len(cut), DIMENSIONS))
            rows = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
            vectors = {chunk.id: row.tolist() for chunk, row in zip(cut, rows, strict=True)}
            await index.store.replace(
                document, cut, vectors, space=index.embedder.space, processing=processing
            )
            left -= len(cut)
            if left <= 0:
                return


def ask_seconds(checkout: Path, question: str) -> float:
    """Return the CPU seconds of one question, asked by the code of `checkout`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "assistant", "ask", question]
    run = subprocess.run(command, cwd=checkout, check=False, capture_output=True, text=True)
    if run.returncode not in (0, NOTHING_FOUND):
        raise click.ClickException(run.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@click.command()
@click.option("--chunks", default=7_500, show_default=True, type=click.IntRange(1))
@click.option("--runs", default=7, show_default=True, type=click.IntRange(1))
@click.option("--against", type=click.Path(path_type=Path, exists=True), help="Another checkout.")
@click.option("--floor", is_flag=True, help=f"Fail above {FLOOR_S:g} s.")
def main(chunks: int, runs: int, against: Path | None, floor: bool) -> None:
    """Print the median of each checkout."""
    if not (DATA / "retrieval").is_dir():
        click.echo("skipped: the sets of bench/data.py are missing")
        return
    # As an installed package is: its modules compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as home:
        os.environ["ASSISTANT_HOME"] = home
        asyncio.run(fill(chunks))
        checkouts = [ROOT, *([against] if against else [])]
        taken: dict[Path, list[float]] = {checkout: [] for checkout in checkouts}
        for run in range(-1, runs):
            for checkout in checkouts:
                seconds = ask_seconds(checkout, QUESTIONS[run % len(QUESTIONS)])
                if run >= 0:  # the first one compiles, and makes what is kept beside the encoder
                    taken[checkout].append(seconds)
    medians = {checkout: statistics.median(each) for checkout, each in taken.items()}
    for checkout, each in taken.items():
        click.echo(
            f"{checkout}: {medians[checkout]:.2f} s of CPU ({min(each):.2f}–{max(each):.2f})"
        )
    if floor and medians[ROOT] > FLOOR_S:
        raise click.ClickException(f"more than {FLOOR_S:g} s")


if __name__ == "__main__":
    main()
