"""Is anything lost, doubled or orphaned when writers are killed, and when several write at once?

    python -m bench.kills      # 200 kill -9, then four processes for five minutes
    python -m bench.kills --kills 20 --minutes 0

Each writer is a process of its own (forked, so that it begins at once) that stores pages of made-up
text with vectors, changes some of them, and notes each page in a file once its commit is back.
Killed at a random moment, the next one goes on with the same home. Looked for afterwards: a page
that was noted and is missing or older (lost); chunks of a page that are not those of its text
(doubled or torn); vectors of chunks that are gone, and differences of Chroma's copy (orphans).
With several processes, each looks up what another has noted a moment ago: it must be there.
"""

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from bench.index import SPACE, Corpus, settings_of
from ingest.bootstrap import open_maintenance, open_store
from ingest.documents import Chunk, Document
from ingest.index.check import check_index
from ingest.index.store.base import ChunkStore

PAGES = 300
"""Pages that are written again and again."""
CHUNKS = 4
WORDS = 60
LONGEST_LIFE_S = 1.5
"""Of a writer until it is killed: from before it has opened the index to some hundred commits."""


class Writer:
    """Stores versions of pages, and notes each once it is committed.

    Args:
        home: Folder of the index and of the notes.
        number: Of the writer: its pages are its own, those of the last one belong to all.
    """

    def __init__(self, home: Path, number: int, corpus: Corpus) -> None:
        self._home = home
        self._number = number
        self._corpus = corpus
        self._random = random.Random(number * 7919 + time.time_ns())

    async def write(self, store: ChunkStore) -> None:
        """Store one page and note it."""
        page = f"https://writer{self._number}.example/{self._random.randrange(PAGES)}"
        version = time.time_ns()
        texts = [f"version {version}. {self._corpus.text(WORDS)}" for _ in range(CHUNKS)]
        document = Document(
            url=page, title=str(version), text="\n\n".join(texts), fetched_at=datetime.now(UTC)
        )
        chunks, start = [], 0
        for place, text in enumerate(texts):
            end = start + len(text)
            chunks.append(
                Chunk(
                    id=f"{page}#{version}#{place}",
                    url=page,
                    title=document.title,
                    position=place,
                    start=start,
                    end=end,
                    heading="",
                    text=text,
                )
            )
            start = end + 2
        rows = self._corpus.vectors(CHUNKS)
        vectors = {chunk.id: row for chunk, row in zip(chunks, rows, strict=True)}
        await store.replace(document, chunks, vectors, space=SPACE)
        with (self._home / f"noted-{self._number}").open("a") as notes:
            notes.write(f"{page} {version}\n")

    async def run(self, until: float) -> int:
        """Write until a moment, look after others' commits, and return how many were not seen."""
        unseen = 0
        async with open_store(settings_of(self._home / "index")) as store:
            while time.monotonic() < until:
                await self.write(store)
                other = self._random.randrange(4)
                notes = self._home / f"noted-{other}"
                if other != self._number and notes.exists():
                    # The last whole line: the writer may be in the middle of the next one.
                    line = notes.read_text().rpartition("\n")[0].rpartition("\n")[2]
                    page, _, version = line.partition(" ")
                    found = (await store.documents([page])).get(page)
                    unseen += found is None or int(found.title) < int(version)
        return unseen


def noted(home: Path) -> dict[str, int]:
    """Return the newest version of each page that a writer has noted."""
    newest: dict[str, int] = {}
    for notes in home.glob("noted-*"):
        for line in notes.read_text().splitlines():
            page, _, version = line.partition(" ")
            if version.isdigit():  # a line that a kill has cut off was not noted
                newest[page] = max(newest.get(page, 0), int(version))
    return newest


async def faults(home: Path) -> dict[str, int]:
    """Return what is wrong with the index, counted."""
    found = {"lost": 0, "torn": 0, "orphans": 0}
    wanted = noted(home)
    async with open_store(settings_of(home / "index")) as store:
        for page, version in wanted.items():
            document = (await store.documents([page])).get(page)
            if document is None or int(document.title) < version:
                found["lost"] += 1
                continue
            chunks = await store.chunks(page)
            whole = [chunk.text for chunk in chunks] == document.text.split("\n\n")
            found["torn"] += not whole
        stats = await store.stats()
        found["torn"] += stats.chunks != CHUNKS * stats.documents
    async with open_maintenance(settings_of(home / "index")) as maintenance:
        await maintenance.update_copy()
        checked = await check_index(maintenance)
        found["orphans"] = sum(problem.count for problem in checked.found)
    return found


def forked(work: Callable[[], int]) -> int:
    """Run `work` in a process of its own and return its id; its exit code is what it returns."""
    child = os.fork()
    if child == 0:
        try:
            code = min(work(), 100)
        except BaseException as error:  # noqa: BLE001  whatever it is, it is a fault
            print(f"writer: {type(error).__name__}: {error}", file=sys.stderr)
            code = 101
        os._exit(code)
    return child


def kill_writers(home: Path, kills: int) -> None:
    """Kill as many writers, each at a random moment of its life."""
    moments = random.Random(11)
    corpus = Corpus()
    for number in range(kills):
        before = count_notes(home)
        child = forked(lambda: asyncio.run(Writer(home, 0, corpus).run(time.monotonic() + 60)))
        # Every other one once it writes, the others while it opens the index or a little later.
        while number % 2 and count_notes(home) == before:
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, LONGEST_LIFE_S))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if number % 20 == 19:
            print(f"{number + 1} killed, {len(noted(home))} pages noted", flush=True)


def write_side_by_side(home: Path, seconds: float) -> int:
    """Have four processes write at once; return how many commits of others were not seen."""
    corpus, until = Corpus(), time.monotonic() + seconds

    def work(number: int) -> Callable[[], int]:
        return lambda: asyncio.run(Writer(home, number, corpus).run(until))

    children = [forked(work(number)) for number in range(4)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(f"exit codes (commits of others that were not seen): {codes}")
    return sum(map(abs, codes))


def count_notes(home: Path) -> int:
    """Return how many commits were noted."""
    return sum(notes.read_text().count("\n") for notes in home.glob("noted-*"))


@click.command()
@click.option("--kills", default=200, show_default=True, type=click.IntRange(0))
@click.option("--minutes", default=5.0, show_default=True, type=click.FloatRange(0))
def main(kills: int, minutes: float) -> None:
    """Kill writers, let four write at once, and print what is wrong afterwards."""
    wrong = 0
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        if kills:
            kill_writers(home, kills)
            found = asyncio.run(faults(home))
            print(f"{kills} kill -9, {count_notes(home)} commits: {found}", flush=True)
            wrong += sum(found.values())
        if minutes:
            before = count_notes(home)
            wrong += write_side_by_side(home, minutes * 60)
            found = asyncio.run(faults(home))
            commits = count_notes(home) - before
            print(f"4 processes for {minutes:g} minutes, {commits} commits: {found}")
            wrong += sum(found.values())
    if wrong:
        raise click.ClickException(f"{wrong} faults")


if __name__ == "__main__":
    main()
