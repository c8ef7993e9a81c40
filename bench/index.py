"""How an index behaves as it grows: what a write, a question and a lost vector folder cost.

    python -m bench.index --chunks 10000
    python -m bench.index --chunks 100000 --folder /tmp/index-100k    # kept, used again, grown
    python -m bench.index --floors

Pages of ten chunks, 196 words a chunk drawn by Zipf's law, vectors of 384 numbers around centres.
CPU times are the figures to read on a machine that others use. Of each write the time is also told
without that in which its thread was ready and waited for a core (Linux' schedstat). Questions are
asked by a process of their own, whose memory is the one that is told.
"""

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np

from bench.memory import peak_bytes
from ingest.bootstrap import open_store
from ingest.documents import Chunk, Document
from ingest.index.embed.base import Vector
from ingest.index.rank_fusion import reciprocal_rank_scores
from ingest.index.store.base import ChunkStore
from ingest.index.store.hybrid import Index
from ingest.settings import IndexSettings, IngestSettings

SPACE = "bench:384"
DIMENSIONS = 384
CHUNK_WORDS = 196  # of a chunk of real pages (1,200 characters)
PAGE_CHUNKS = 10
VOCABULARY = 60_000
CENTRES = 500
QUESTIONS = 40
QUESTION_WORDS = 9
LEG = 50  # chunks that each leg names (`assistant.answer.retrieval.CANDIDATES`)
LETTERS = np.array(list("abcdefghijklmnopqrtuvwxyz"))  # no "s": plurals would be folded

FLOORS_CPU_MS = {10_000: 2.0, 100_000: 5.0, 1_000_000: 15.0}
"""Milliseconds of the words leg, by the size of the index."""
FUSED_CPU_MS = 40.0
WRITE_MS = 200.0
READER_MB = 350.0
LOST_FOLDER_S = 2.0


class Corpus:
    """Pages of made-up words, the same for the same seed."""

    def __init__(self, seed: int = 7) -> None:
        self._random = np.random.default_rng(seed)
        lengths = self._random.integers(2, 9, VOCABULARY)
        words = ["".join(self._random.choice(LETTERS, n)) for n in lengths]
        self._words = np.array(list(dict.fromkeys(words)))
        shares = 1.0 / np.arange(2, len(self._words) + 2) ** 1.05
        self._bounds = np.cumsum(shares / shares.sum())
        centres = self._random.normal(size=(CENTRES, DIMENSIONS))
        self._centres = centres / np.linalg.norm(centres, axis=1, keepdims=True)

    def text(self, count: int) -> str:
        """Return so many words."""
        places = np.searchsorted(self._bounds, self._random.random(count))
        return " ".join(self._words[np.minimum(places, len(self._words) - 1)])

    def vectors(self, count: int) -> list[list[float]]:
        """Return unit vectors around one of the centres."""
        centre = self._centres[self._random.integers(CENTRES)]
        rows = centre + self._random.normal(size=(count, DIMENSIONS)) * 0.04
        unit: list[list[float]] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).tolist()
        return unit

    def page(self, number: int) -> tuple[Document, list[Chunk], dict[str, Vector]]:
        """Return page `number`, its chunks and their vectors."""
        texts = [self.text(CHUNK_WORDS) for _ in range(PAGE_CHUNKS)]
        url = f"https://site{number % 997}.example/{number}"
        page = Document(
            url=url, title=self.text(5), text="\n\n".join(texts), fetched_at=datetime.now(UTC)
        )
        chunks, start = [], 0
        for place, text in enumerate(texts):
            chunks.append(
                Chunk(
                    id=f"{number}_{place}",
                    url=url,
                    title=page.title,
                    position=place,
                    start=start,
                    end=start + len(text),
                    heading="",
                    text=text,
                )
            )
            start += len(text) + 2
        rows = self.vectors(PAGE_CHUNKS)
        return page, chunks, {chunk.id: row for chunk, row in zip(chunks, rows, strict=True)}


def stored_documents(folder: Path) -> int:
    """Return how many documents an index in `folder` has, 0 if there is none."""
    if not (folder / "index.sqlite").exists():
        return 0

    async def count() -> int:
        async with open_store(settings_of(folder)) as store:
            return (await store.stats()).documents

    return asyncio.run(count())


def settings_of(folder: Path) -> IngestSettings:
    """Return the settings of an index in `folder`."""
    return IngestSettings(index=IndexSettings(folder=str(folder)))


def waited_for_a_core_s() -> float:
    """Return how long this thread was ready to run and did not, 0 where the system does not say."""
    try:
        path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        return int(path.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def without_waits(write: Callable[..., None], own: list[float]) -> Callable[..., None]:
    """Return the same write, which notes how long it took but for waits for a core."""

    def measured_write(*args: object, **kwargs: object) -> None:
        began, waited = time.monotonic(), waited_for_a_core_s()
        write(*args, **kwargs)
        own.append(time.monotonic() - began - (waited_for_a_core_s() - waited))

    return measured_write


async def grow(folder: Path, chunks: int) -> dict[str, float]:
    """Fill an index and return what that cost."""
    corpus = Corpus()
    walls: list[float] = []
    own: list[float] = []
    busy = 0.0
    async with open_store(settings_of(folder)) as store:
        assert isinstance(store, Index)
        store.catalog.replace = without_waits(store.catalog.replace, own)  # type: ignore[method-assign]
        first = (await store.stats()).documents
        for number in range(first, chunks // PAGE_CHUNKS):
            page, cut, vectors = corpus.page(number)
            began, cpu = time.monotonic(), time.process_time()
            await store.replace(page, cut, vectors, space=SPACE)
            walls.append(time.monotonic() - began)
            busy += time.process_time() - cpu
        began = time.monotonic()
    return {
        "write_ms_p50": statistics.median(walls) * 1000,
        "write_ms_p99": sorted(walls)[int(len(walls) * 0.99)] * 1000,
        "write_ms_max": max(walls) * 1000,
        "write_ms_max_own": max(own) * 1000,
        "write_cpu_ms_a_chunk": busy / (len(walls) * PAGE_CHUNKS) * 1000,
        "close_s": time.monotonic() - began,
    }


async def measured(calls: Sequence[Callable[[], Awaitable[object]]]) -> tuple[float, float]:
    """Return mean CPU and longest wall of the calls, in ms."""
    walls = []
    cpu = time.process_time()
    for call in calls:
        began = time.monotonic()
        await call()
        walls.append(time.monotonic() - began)
    return (time.process_time() - cpu) / len(calls) * 1000, max(walls) * 1000


async def ask(folder: Path) -> dict[str, float]:
    """Ask an index, in this process, and return what each leg cost."""
    corpus = Corpus(seed=11)
    corpus._words = Corpus()._words  # the pages' own vocabulary
    corpus._centres = Corpus()._centres
    words = [corpus.text(QUESTION_WORDS).split() for _ in range(QUESTIONS)]
    vectors = [corpus.vectors(1)[0] for _ in range(QUESTIONS)]
    async with open_store(settings_of(folder)) as store:
        found: dict[str, float] = {}
        cpu, began = time.process_time(), time.monotonic()
        await fused(store, words[0], vectors[0])
        found["first_cpu_ms"] = (time.process_time() - cpu) * 1000
        found["first_wall_ms"] = (time.monotonic() - began) * 1000
        found["words_cpu_ms"], _ = await measured(
            [lambda w=w: store.matching(w, top_k=LEG) for w in words]  # type: ignore[misc]
        )
        found["vectors_cpu_ms"], _ = await measured(
            [lambda v=v: store.nearest(v, top_k=LEG, space=SPACE) for v in vectors]  # type: ignore[misc]
        )
        found["fused_cpu_ms"], found["fused_wall_ms_max"] = await measured(
            [lambda p=p: fused(store, *p) for p in zip(words, vectors, strict=True)]  # type: ignore[misc]
        )
        cpu = time.process_time()
        await store.stats()
        found["stats_cpu_ms"] = (time.process_time() - cpu) * 1000
        found["reader_mb"] = peak_bytes() / 1e6
    return found


async def fused(store: ChunkStore, words: Sequence[str], vector: Vector) -> None:
    """Ask both legs and fuse them, as a question does."""
    by_words = await store.matching(words, top_k=LEG)
    by_vector = await store.nearest(vector, top_k=LEG, space=SPACE)
    rankings = [[(one.chunk.id, 1.0) for one in leg] for leg in (by_words, by_vector)]
    reciprocal_rank_scores(rankings, k=10)


def in_process(folder: Path) -> dict[str, float]:
    """Return what `ask` finds in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.index", "--ask", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(run.stdout)
    return figures


def lost_folder(folder: Path) -> dict[str, float]:
    """Delete the copy of the vectors, and return what two questions at once wait."""
    shutil.rmtree(folder / "chroma", ignore_errors=True)
    began = time.monotonic()
    command = [sys.executable, "-m", "bench.index", "--ask", str(folder)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    figures = [json.loads(one.communicate()[0]) for one in both]
    longest = max(max(one["first_wall_ms"], one["fused_wall_ms_max"]) for one in figures)
    return {"lost_folder_longest_s": longest / 1000, "lost_folder_all_s": time.monotonic() - began}


def fallen(chunks: int, figures: dict[str, float]) -> Iterator[str]:
    """Yield what is above its floor."""
    size = min((size for size in FLOORS_CPU_MS if size >= chunks), default=max(FLOORS_CPU_MS))
    floors = {
        "words_cpu_ms": FLOORS_CPU_MS[size],
        "fused_cpu_ms": FUSED_CPU_MS,
        "write_ms_max": WRITE_MS,
        "reader_mb": READER_MB,
        "lost_folder_longest_s": LOST_FOLDER_S,
    }
    for name, floor in floors.items():
        if figures.get(name, 0.0) > floor:
            yield f"{name} {figures[name]:.1f} > {floor}"


@click.command()
@click.option("--chunks", default=10_000, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="Keep the index, or use it again.")
@click.option("--floors", is_flag=True, help="Fail when a figure is above its floor.")
@click.option("--ask", "asked", type=click.Path(path_type=Path), hidden=True)
def main(chunks: int, folder: Path | None, floors: bool, asked: Path | None) -> None:
    """Grow an index, ask it, lose its vectors, and print what each cost."""
    if asked is not None:
        click.echo(json.dumps(asyncio.run(ask(asked))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        home = folder or Path(scratch)
        figures: dict[str, float] = {}
        if stored_documents(home) < chunks // PAGE_CHUNKS:
            figures |= asyncio.run(grow(home, chunks))
        figures |= in_process(home)
        figures |= lost_folder(home)
        size = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
        figures["disk_mb"] = size / 1e6
    for name, value in figures.items():
        click.echo(f"{name:24} {value:10.2f}")
    if floors and (below := list(fallen(chunks, figures))):
        raise click.ClickException("; ".join(below))


if __name__ == "__main__":
    main()
