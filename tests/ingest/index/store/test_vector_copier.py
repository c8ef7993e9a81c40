"""The process that carries vectors to Chroma: it copies all, ends with its parent, and may fail."""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.bootstrap import open_maintenance
from ingest.index.check import check_index
from ingest.index.store import hybrid, vector_copier
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_copier import VectorCopier
from ingest.index.store.vector_stores.chroma import ChromaVectors
from ingest.settings import IndexSettings, IngestSettings
from tests.index_samples import SPACE, at, chunks_of, document

pytestmark = pytest.mark.anyio

CHUNKS = 60


@pytest.fixture(autouse=True)
def small_index_has_a_copier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hybrid, "COPIED_FROM", 10)


def settings_of(folder: Path) -> IngestSettings:
    return IngestSettings(index=IndexSettings(folder=str(folder)))


class CountingCopier(VectorCopier):
    """Counts how often it is asked."""

    updates = 0

    def update(self) -> bool:
        self.updates += 1
        return super().update()


async def fill(folder: Path, *, mirror_every: int = 10) -> int:
    """Store `CHUNKS` chunks; return how often the process was asked."""
    copier = CountingCopier(folder / "index.sqlite", folder / "chroma")
    index = Index(
        catalog=Catalog(folder / "index.sqlite"),
        vectors=ChromaVectors(folder / "chroma"),
        mirror_every=mirror_every,
        copier=copier,
    )
    page = document("a", *(f"lamp {n}" for n in range(CHUNKS)))
    chunks = chunks_of(page)
    vectors = {chunk.id: at(number) for number, chunk in enumerate(chunks)}
    await index.replace(page, chunks, vectors, space=SPACE)
    await index.close()
    return copier.updates


def copier_processes(folder: Path) -> list[int]:
    """Return the processes that carry vectors of this index."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if b"serve_vector_copier" in command and str(folder).encode() in command:
            found.append(int(process.name))
    return found


async def is_copied(folder: Path) -> bool:
    async with open_maintenance(settings_of(folder)) as maintenance:
        return not (await check_index(maintenance)).found


@pytest.mark.parametrize(("mirror_every", "is_asked"), [(10, True), (1_000, False)])
async def test_copy_is_whole_when_the_index_is_closed(
    tmp_path: Path, mirror_every: int, is_asked: bool
) -> None:
    # A few vectors at the end are carried by the process that wrote them.
    assert (await fill(tmp_path, mirror_every=mirror_every) > 0) == is_asked
    assert (tmp_path / "chroma" / "intact.json").exists()
    assert await is_copied(tmp_path)
    assert copier_processes(tmp_path) == []


async def test_copy_that_was_deleted_is_made_again_also_after_a_kill(tmp_path: Path) -> None:
    await fill(tmp_path)
    shutil.rmtree(tmp_path / "chroma")
    copier = VectorCopier(tmp_path / "index.sqlite", tmp_path / "chroma")
    assert copier.update()
    (process,) = copier_processes(tmp_path)
    os.kill(process, signal.SIGKILL)
    assert not copier.update()
    assert copier.update()
    copier.stop()
    copier.stop()
    assert await is_copied(tmp_path)


def test_index_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").write_bytes(b"not a database" * 1_000)
    copier = VectorCopier(tmp_path / "index.sqlite", tmp_path / "chroma")
    assert not copier.update()
    copier.stop()


async def test_process_that_hangs_is_killed_and_the_work_left_to_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(tmp_path)
    copier = VectorCopier(tmp_path / "index.sqlite", tmp_path / "chroma")
    assert copier.update()
    (process,) = copier_processes(tmp_path)
    os.kill(process, signal.SIGSTOP)
    # The start, which imports Chroma, had the whole time.
    monkeypatch.setattr(vector_copier, "MAX_SILENCE_S", 0.5)
    assert not copier.update()
    assert copier_processes(tmp_path) == []
    copier.stop()


async def test_index_is_copied_where_no_process_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "removed" / "python"))
    await fill(tmp_path)
    assert await is_copied(tmp_path)


async def test_process_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    await fill(tmp_path)
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from ingest.index.store.vector_copier import VectorCopier\n"
        "copier = VectorCopier(Path(sys.argv[1]) / 'index.sqlite', Path(sys.argv[1]) / 'chroma')\n"
        "print(copier.update(), flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "True\n"
        (process,) = copier_processes(tmp_path)
        watched = os.pidfd_open(process)
        parent.kill()
    assert select.select([watched], [], [], 30.0)[0]
    os.close(watched)
