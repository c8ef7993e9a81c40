"""SQLite and the vector store together: no death, neighbour or damage leaves a half index."""

import logging
import math
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock

from ingest.errors import StoreError
from ingest.foundation.messages import Message
from ingest.index.embed.base import Vector
from ingest.index.store.base import VectorStore
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.maintenance import IndexMaintenance
from ingest.index.store.rows import packed
from ingest.index.store.vector_scan import SCAN_BYTES
from ingest.index.store.vector_stores.memory import MemoryVectors
from tests.index_samples import SPACE, at, chunks_of, document, matching, nearest, persistent, store

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[4]


class BrokenVectors(MemoryVectors):
    """A vector store whose disk is gone."""

    def upsert(self, vectors: Mapping[str, Vector], *, space: str) -> None:
        raise StoreError(Message.bilingual("no disk", "没有磁盘"))

    def delete(self, ids: Collection[str], *, space: str) -> None:
        raise StoreError(Message.bilingual("no disk", "没有磁盘"))


def run(script: str, folder: Path) -> subprocess.Popen[str]:
    """Start another process that opens the same index, as `index`, and runs `script`."""
    program = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from ingest.index.store.vector_stores.chroma import ChromaVectors\n"
        "from tests.index_samples import *\n"
        "folder = Path(sys.argv[1])\n"
        "async def main():\n"
        + "".join(f"    {line}\n" for line in script.strip().splitlines())
        + "asyncio.run(main())\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_vectors_that_could_not_be_mirrored_are_there_after_reopening(tmp_path: Path) -> None:
    index = persistent(tmp_path, BrokenVectors())
    await store(index, document("a", "one", "two"), [0, 90])
    assert await matching(index, "one") == ["one"]
    await index.close()
    index = persistent(tmp_path)
    assert await nearest(index, 0) == ["one", "two"]
    await index.close()


@pytest.mark.parametrize("moment", ["before", "amid", "after"])
@pytest.mark.parametrize("scan_bytes", [0, SCAN_BYTES])
async def test_kill_9_around_the_write_to_chroma_leaves_a_whole_index(
    tmp_path: Path, moment: str, scan_bytes: int
) -> None:
    script = f"""
class Killed(ChromaVectors):
    def upsert(self, vectors, *, space):
        if "{moment}" == "amid":
            first = dict(list(vectors.items())[:70])
            super()._writing().__enter__()
            super()._collection(space).upsert(ids=list(first), embeddings=list(first.values()))
        if "{moment}" == "after":
            super().upsert(vectors, space=space)
        os.kill(os.getpid(), signal.SIGKILL)
index = persistent(folder, Killed(folder / "chroma"))
texts = [f"text {{n}}" for n in range(1500)]
await store(index, document("a", *texts), [n / 10 for n in range(1500)])
await index.close()
"""
    other = run(script, tmp_path)
    other.communicate()
    assert other.returncode == -signal.SIGKILL
    index = persistent(tmp_path, scan_bytes=scan_bytes)
    assert (await nearest(index, 0))[0] == "text 0"
    assert len(set(await nearest(index, 75, top_k=1500))) == 1500
    assert (await index.stats()).embedded == 1500
    await IndexMaintenance(index).update_copy()
    assert await IndexMaintenance(index).copy_differences() == []
    await index.close()


@pytest.mark.parametrize("scan_bytes", [0, SCAN_BYTES])
async def test_what_another_process_writes_is_seen_at_once(tmp_path: Path, scan_bytes: int) -> None:
    index = persistent(tmp_path, scan_bytes=scan_bytes)
    await store(index, document("a", "one"), [0])
    assert await nearest(index, 0) == ["one"]
    script = """
index = persistent(folder)
for number in range(30):
    print(await index.delete("https://a.example/"), flush=True)
    await store(index, document(f"p{number}", f"text {number}"), [number])
    sys.stdin.readline()
await index.close()
"""
    other = run(script, tmp_path)
    assert other.stdin is not None
    assert other.stdout is not None
    for number in range(30):
        other.stdout.readline()
        while len(await matching(index, str(number))) == 0:
            pass
        expected = [f"text {n}" for n in range(number + 1)]
        assert await nearest(index, 0) == expected
        other.stdin.write("\n")
        other.stdin.flush()
    other.communicate()
    assert other.returncode == 0
    await index.close()


@pytest.mark.parametrize("scan_bytes", [0, SCAN_BYTES])
async def test_two_processes_may_write_while_a_third_reads(tmp_path: Path, scan_bytes: int) -> None:
    script = """
index = persistent(folder)
for number in range(20):
    name = f"{os.getpid()}-{number}"
    await store(index, document(f"p{name}", f"kept {name}", f"gone {name}"), [number, number])
    await store(index, document(f"p{name}", f"kept {name}"), [number])
await index.close()
"""
    index = persistent(tmp_path, scan_bytes=scan_bytes)
    await store(index, document("mine", "mine"), [0])
    writers = [run(script, tmp_path), run(script, tmp_path)]
    while any(writer.poll() is None for writer in writers):
        assert "mine" in await nearest(index, 0, top_k=1_000)
    assert [writer.wait() for writer in writers] == [0, 0]
    found = await nearest(index, 0, top_k=1_000)
    assert len(found) == 41
    assert not [text for text in found if text.startswith("gone")]
    stats = await index.stats()
    assert (stats.documents, stats.chunks, stats.embedded) == (41, 41, 41)
    await index.close()


@pytest.mark.parametrize(
    "damage",
    [
        "rm -r chroma",
        "echo junk > chroma/chroma.sqlite3",
        "rm chroma/chroma.sqlite3",
        "rm chroma/intact.json",
        "rm -r chroma/*-*-*-*-*",
        "for f in chroma/*/data_level0.bin; do truncate -s 1000000 $f; done",
        "for f in chroma/*/*; do echo junk > $f; done",
    ],
)
async def test_missing_or_damaged_vectors_are_made_anew_from_sqlite(
    tmp_path: Path, damage: str
) -> None:
    index = persistent(tmp_path)
    texts = [f"text {number}" for number in range(1_200)]
    page = document("a", *texts)
    chunks = chunks_of(page)
    wide = {chunk.id: [*at(n / 10), *([0.0] * 381)] for n, chunk in enumerate(chunks)}
    await index.replace(page, chunks, wide, space="wide")
    query = [*at(60), *([0.0] * 381)]
    assert len(await index.nearest(query, top_k=1_200, space="wide")) == 1_200
    await index.close()
    subprocess.run(["bash", "-ec", damage], cwd=tmp_path, check=True)
    # In a process of its own: chromadb ends with a segmentation fault on a torn file.
    script = """
from ingest.index.store.maintenance import IndexMaintenance
index = persistent(folder, scan_bytes=0)
query = [*at(60), *([0.0] * 381)]
print(len(await index.nearest(query, top_k=1_200, space="wide")))
await store(index, document("b", "one"))  # who writes stays until the copy is whole
await index.close()
index = persistent(folder, scan_bytes=0)
print(await IndexMaintenance(index).copy_differences())
print(len(await index.nearest(query, top_k=1_200, space="wide")))
await index.close()
"""
    other = run(script, tmp_path)
    out, _ = other.communicate()
    assert (other.returncode, out) == (0, "1200\n[]\n1200\n")


async def test_vectors_damaged_under_an_open_index_are_made_anew(tmp_path: Path) -> None:
    index = persistent(tmp_path, scan_bytes=0)
    await store(index, document("a", "one", "two"), [0, 90])
    assert await nearest(index, 0) == ["one", "two"]
    subprocess.run(["rm", "-r", str(tmp_path / "chroma")], check=True)
    await store(index, document("b", "three"), [45])
    assert await nearest(index, 0) == ["one", "three", "two"]
    await index.close()


async def test_other_files_in_the_vector_folder_survive_a_rebuild(tmp_path: Path) -> None:
    (tmp_path / "chroma" / "photos").mkdir(parents=True)
    (tmp_path / "chroma" / "notes.txt").write_text("mine")
    (tmp_path / "chroma" / "photos" / "cat.jpg").write_text("meow")
    (tmp_path / "chroma" / "chroma.sqlite3").write_text("junk")
    index = persistent(tmp_path)
    await store(index, document("a", "one"), [0])
    assert await nearest(index, 0) == ["one"]
    await index.close()
    assert (tmp_path / "chroma" / "notes.txt").read_text() == "mine"
    assert (tmp_path / "chroma" / "photos" / "cat.jpg").read_text() == "meow"


@pytest.mark.parametrize("scan_bytes", [0, SCAN_BYTES])
async def test_questions_are_answered_where_there_can_be_no_vector_store(
    tmp_path: Path, scan_bytes: int, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "chroma").write_text("a file where the folder should be")
    index = persistent(tmp_path, scan_bytes=scan_bytes)
    await store(index, document("a", "one", "two"), [0, 30])
    assert await nearest(index, 1) == ["one", "two"]
    assert await matching(index, "one") == ["one"]
    await index.close()
    assert str(tmp_path / "chroma") in caplog.text


async def test_vector_that_sqlite_does_not_know_is_never_returned() -> None:
    vectors = MemoryVectors()
    index = Index(catalog=Catalog(), vectors=vectors, scan_bytes=0)
    chunks = await store(index, document("a", "one", "two"), [0, 90])
    await IndexMaintenance(index).update_copy()
    vectors.delete([chunks[1].id], space=SPACE)
    vectors.upsert({"ghost": at(1)}, space=SPACE)
    assert await nearest(index, 0) == ["one"]


@pytest.mark.parametrize("scan_bytes", [0, SCAN_BYTES])
async def test_restored_backup_and_newer_vectors_are_reconciled(
    tmp_path: Path, scan_bytes: int
) -> None:
    index = persistent(tmp_path)
    await store(index, document("a", "one"), [0])
    await index.close()
    backup = (tmp_path / "index.sqlite").read_bytes()
    index = persistent(tmp_path)
    await store(index, document("b", "two"), [1])
    await index.close()
    (tmp_path / "index.sqlite").write_bytes(backup)
    index = persistent(tmp_path, scan_bytes=scan_bytes)
    assert await nearest(index, 0) == ["one"]
    await index.close()


@pytest.mark.parametrize("scan_bytes", [0, SCAN_BYTES])
async def test_lock_held_by_another_process_delays_no_question_and_loses_no_vector(
    tmp_path: Path, scan_bytes: int, caplog: pytest.LogCaptureFixture
) -> None:
    vectors = MemoryVectors()
    index = Index(
        catalog=Catalog(tmp_path / "index.sqlite"),
        vectors=vectors,
        lock_timeout_s=0.05,
        mirror_every=1,
        scan_bytes=scan_bytes,
    )
    caplog.set_level(logging.WARNING, logger="ingest")
    with FileLock(tmp_path / "index.lock"):
        await store(index, document("a", "one"), [0])
        assert await matching(index, "one") == ["one"]
        assert await nearest(index, 0) == ["one"]
        with pytest.raises(StoreError) as caught:
            await IndexMaintenance(index).update_copy()
    assert "lsof" in caught.value.localize("en")
    await index.close()
    assert vectors.count(space=SPACE) == 1


@pytest.mark.parametrize("kind", ["memory", "chroma"])
async def test_two_indexes_of_one_process_share_a_folder(tmp_path: Path, kind: str) -> None:
    shared: VectorStore | None = MemoryVectors() if kind == "memory" else None
    first = persistent(tmp_path, shared, scan_bytes=0)
    second = persistent(tmp_path, shared, scan_bytes=0)
    await store(first, document("a", "one"), [0])
    await store(second, document("b", "two"), [10])
    assert await nearest(first, 0) == ["one", "two"]
    await first.close()
    await store(second, document("c", "three"), [20])
    assert await nearest(second, 0) == ["one", "two", "three"]
    await second.close()


async def test_questions_to_an_index_of_ordinary_size_do_not_import_chroma(tmp_path: Path) -> None:
    index = persistent(tmp_path)
    await store(index, document("a", "one"), [0])
    await index.close()
    assert (tmp_path / "chroma" / "chroma.sqlite3").exists()
    script = """
index = persistent(folder)
await index.matching(["one"], top_k=1)
print(await nearest(index, 0))
await index.stats()
await index.close()
print("chromadb" in sys.modules)
"""
    out, _ = run(script, tmp_path).communicate()
    assert out == "['one']\nFalse\n"


async def test_index_never_talks_to_the_network(tmp_path: Path) -> None:
    script = """
def hook(event, args):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        print("tried", args, flush=True)
sys.addaudithook(hook)
index = persistent(folder)
await store(index, document("a", "one"), [0])
print(await nearest(index, 0))
await index.close()
"""
    out, _ = run(script, tmp_path).communicate()
    assert out == "['one']\n"


FAULTY = {
    "empty": b"",
    "zeros": packed([0.0, 0.0, 0.0]),
    "longer": packed([1.0, 0.0, 0.0, 0.0]),
    "NaN": packed([math.nan, 0.0, 0.0]),
    "torn": packed([1.0, 0.0, 0.0])[:-1],
}


@pytest.mark.parametrize("fault", FAULTY)
async def test_vectors_of_no_use_are_deleted_at_the_first_question_and_said_once(
    tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    index = persistent(tmp_path)
    chunks = await store(index, document("a", "one", "two", "three"), [0, 10, 20])
    await index.close()
    damage(tmp_path, FAULTY[fault])
    for _ in range(2):
        index = persistent(tmp_path)
        assert await nearest(index, 0) == ["one", "three"]
        await index.close()
    assert [r.message for r in caplog.records if "of no use" in r.message] != []
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1
    index = persistent(tmp_path)
    assert await index.unembedded(space=SPACE, limit=9, with_failed=False) == [chunks[1]]
    assert (await index.stats()).failed == 1
    await index.add_vectors([chunks[1]], [at(10)], space=SPACE)
    assert (await index.stats()).failed == 0
    assert await nearest(index, 0) == ["one", "two", "three"]
    await index.close()


def damage(folder: Path, blob: bytes) -> None:
    """Write bytes in place of the second vector, as a broken server's answer once was."""
    with closing(sqlite3.connect(folder / "index.sqlite")) as connection:
        connection.execute(
            "UPDATE embeddings SET vector = ? WHERE chunk ="
            " (SELECT number FROM chunks WHERE position = 1)",
            (blob,),
        )
        connection.execute("INSERT INTO pending (id, space) SELECT id, ? FROM chunks", (SPACE,))
        connection.commit()
