"""Files of postings are taken whole, and of this index; what is removed is in none."""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.documents import WEB_COLLECTION
from ingest.index.check import check_index
from ingest.index.store.catalog import Catalog
from ingest.index.store.maintenance import IndexMaintenance
from ingest.index.store.memberships import put_member
from ingest.index.store.postings import segment_files
from ingest.index.store.postings.segment import word_key
from ingest.index.store.postings.segment_files import SegmentFile, chain_of
from ingest.library import Library
from tests.index_samples import persistent
from tests.segment_samples import PAGE_CHUNKS, files, fill, make_files, put, ranked

pytestmark = pytest.mark.usefixtures("small_segments")


DAMAGES = {
    "empty": lambda data: b"",
    "torn": lambda data: data[: len(data) // 2],
    "foreign": lambda data: b"x" + data[1:],
    "format": lambda data: data.replace(b'"format": 2', b'"format": 9'),
    "key": lambda data: data.replace(b'"rows"', b'"rovs"'),
    "zeroed": lambda data: data[:-300] + bytes(200) + data[-100:],
    "flipped": lambda data: data[:-200] + bytes([data[-200] ^ 4]) + data[-199:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.anyio
async def test_question_lets_a_damaged_file_be_made_again(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    index = persistent(tmp_path)
    fill(index.catalog, 5)
    put(index.catalog, "mine", "a zebra")
    await index.close()
    catalog = Catalog(tmp_path / "index.sqlite")
    make_files(catalog)
    catalog.close()
    path, *_ = files(catalog)
    data = path.read_bytes()
    path.write_bytes(damage(data))
    index = persistent(tmp_path)
    assert len(await index.matching(["zebra"], top_k=5)) == 1
    assert [file.last for file in await made(tmp_path / "index.words")] == [41]
    await index.close()
    assert path.read_bytes() == data


async def made(folder: Path) -> list[SegmentFile]:
    """Wait for the files that are made in the background."""
    async with asyncio.timeout(60):
        while not (chain := chain_of(folder)):
            await asyncio.sleep(0.01)
        return chain


def put_back(catalog: Catalog, backup: Path) -> Catalog:
    """Put a copy of the file in the place of the index, whose files of postings stay."""
    assert catalog.path is not None
    catalog.close()
    for left in catalog.path.parent.glob("index.sqlite-*"):
        left.unlink()
    shutil.copy(backup, catalog.path)
    return Catalog(catalog.path)


def copy_of(catalog: Catalog, path: Path) -> Path:
    with catalog.reading() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert catalog.path is not None
    shutil.copy(catalog.path, path)
    return path


@pytest.mark.parametrize("is_opened", [True, False], ids=["opened", "swapped"])
@pytest.mark.parametrize("lost", [1, 2, 3, 40])
def test_file_of_a_lost_future_is_not_believed(
    catalog: Catalog, tmp_path: Path, lost: int, is_opened: bool
) -> None:
    fill(catalog, 5)
    backup = copy_of(catalog, tmp_path / "backup")
    for number in range(lost):
        put(catalog, f"lost{number}", f"walrus {number}")
    make_files(catalog)
    kept = {path.name: path.read_bytes() for path in files(catalog)}
    back = put_back(catalog, backup)
    assert files(back) == []
    for number in range(lost):
        put(back, f"new{number}", f"zebra {number}")
    if lost > 1:
        # The row of the file's last number is gone: a page that has changed.
        put(back, f"new{lost - 1}", "zebra changed")
    if not is_opened:  # by a program that does not look at the files
        assert back.words_folder is not None
        for name, data in kept.items():
            (back.words_folder / name).write_bytes(data)
    assert ranked(back, ["walrus"]) == []
    assert len(ranked(back, ["zebra"], top_k=100)) == lost
    make_files(back)
    assert ranked(back, ["walrus"]) == []
    assert len(ranked(back, ["zebra"], top_k=100)) == lost
    back.close()


@pytest.mark.anyio
async def test_files_of_a_lost_future_are_made_again_where_nothing_is_written(
    tmp_path: Path,
) -> None:
    catalog = Catalog(tmp_path / "index.sqlite")
    fill(catalog, 5)
    backup = copy_of(catalog, tmp_path / "backup")
    fill(catalog, 5, first=5)
    make_files(catalog)
    put_back(catalog, backup).close()
    index = persistent(tmp_path)
    await index.matching(["title"], top_k=5)
    assert [file.last for file in await made(tmp_path / "index.words")] == [40]
    await index.close()


def made_in_another_process(path: Path, *, ends: bool) -> subprocess.Popen[str]:
    """Start a process that stands still when it has written a file, before that gets its name."""
    script = f"""
import sys
from pathlib import Path
from ingest.index.store.catalog import Catalog
from ingest.index.store.postings import segment, segmented
from ingest.index.store.postings.words_upkeep import WordsUpkeep
segmented.SEGMENT_EVERY = 32
def stand_still(_):
    print("written", flush=True)
    sys.stdin.readline()
segment.os.fsync = stand_still
WordsUpkeep(Catalog(Path({str(path)!r}))).make_due()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    if not ends:
        process.kill()
        process.wait()
    return process


def mentions(folder: Path, word: str) -> list[str]:
    """Return the files of postings that have a word."""
    key = word_key(word).to_bytes(4, "little")
    return [path.name for path in folder.iterdir() if key in path.read_bytes()]


@pytest.mark.parametrize("ends", [True, False], ids=["goes on", "killed"])
@pytest.mark.anyio
async def test_what_is_removed_while_a_file_is_made_is_in_none(
    tmp_path: Path, ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_files, "LOCK_TIMEOUT_S", 0.2)
    index = persistent(tmp_path)
    fill(index.catalog, 5)
    put(index.catalog, "mine", "a zebra")
    with index.catalog.reading() as connection:
        # The log is not emptied while the other process reads, which stands still here.
        connection.execute("PRAGMA busy_timeout = 100")
    process = made_in_another_process(tmp_path / "index.sqlite", ends=ends)
    assert mentions(tmp_path / "index.words", "zebra")
    await Library(index).remove(["https://mine.example/"])
    process.communicate("go on\n" if ends else None)
    assert mentions(tmp_path / "index.words", "zebra") == []
    await index.close()


@pytest.mark.anyio
async def test_removing_waits_for_the_file_that_is_being_made(tmp_path: Path) -> None:
    index = persistent(tmp_path)
    fill(index.catalog, 5)
    put(index.catalog, "mine", "a zebra")
    process = made_in_another_process(tmp_path / "index.sqlite", ends=True)
    removal = asyncio.create_task(Library(index).remove(["https://mine.example/"]))
    while index.catalog.stats().documents == 6:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(process.communicate, "go on\n")
    await removal
    assert mentions(tmp_path / "index.words", "zebra") == []
    await index.close()


@pytest.mark.anyio
async def test_file_whose_making_a_removal_has_ended_is_made_by_the_next_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = persistent(tmp_path)
    fill(index.catalog, 5)
    with monkeypatch.context() as patch:
        patch.setattr(
            os, "fsync", lambda _: segment_files.unlink_segments(tmp_path / "index.words")
        )
        await index.matching(["a"], top_k=1)
        while any(thread.name == "words-upkeep" for thread in threading.enumerate()):
            await asyncio.sleep(0.01)
    assert files(index.catalog) == []
    async with asyncio.timeout(60):
        while not chain_of(tmp_path / "index.words"):
            await index.matching(["a"], top_k=1)
    await index.close()


def test_full_disk_does_not_get_fuller(catalog: Catalog) -> None:
    resource = pytest.importorskip("resource")
    fill(catalog, 5)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for number in range(3):
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
        try:
            make_files(catalog)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        put(catalog, f"x{number}", "one more")
    assert files(catalog) == []


@pytest.mark.parametrize("is_expired", [True, False], ids=["expired", "withdrawn"])
@pytest.mark.anyio
async def test_words_of_withdrawn_pages_leave_the_files(tmp_path: Path, is_expired: bool) -> None:
    index = persistent(tmp_path)
    fill(index.catalog, 20)
    put(index.catalog, "mine", "a zebra")
    fill(index.catalog, 20, first=20)
    index.words_upkeep.make_due()
    before = [file.last for file in chain_of(tmp_path / "index.words")]
    assert mentions(tmp_path / "index.words", "zebra")
    if is_expired:
        with index.catalog.writing() as connection:
            put_member(connection, "https://mine.example/", WEB_COLLECTION)
        await index.drop_expired(before=datetime.max.replace(tzinfo=UTC), limit=5)
    else:
        await index.delete("https://mine.example/")
    await index.close()
    assert mentions(tmp_path / "index.words", "zebra") == []
    assert b"a zebra" not in (tmp_path / "index.sqlite").read_bytes()
    # No other file was made anew, and none is due.
    assert [file.last for file in chain_of(tmp_path / "index.words")] == before
    index = persistent(tmp_path)
    assert len(await index.matching(["title"], top_k=500)) == 40 * PAGE_CHUNKS
    await index.close()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.anyio
async def test_check_names_damaged_files_and_makes_them_again(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    index = persistent(tmp_path)
    fill(index.catalog, 5)
    index.words_upkeep.make_due()
    assert (await check_index(IndexMaintenance(index))).found == ()
    (path,) = (tmp_path / "index.words").iterdir()
    data = path.read_bytes()
    path.write_bytes(damage(data))
    found = (await check_index(IndexMaintenance(index))).found
    assert [(problem.kind, problem.count) for problem in found] == [("word_files", 1)]
    assert (await check_index(IndexMaintenance(index), fix=True)).left == ()
    assert path.read_bytes() == data
    await index.close()


@pytest.mark.anyio
async def test_chunks_of_an_older_version_that_still_ran_get_their_words(tmp_path: Path) -> None:
    index = persistent(tmp_path)
    fill(index.catalog, 5)
    put(index.catalog, "late", "a zebra", "a quagga")
    with index.catalog.writing() as connection:
        # It knows of the full-text index, and not of the table beside it.
        connection.execute("DELETE FROM chunk_words WHERE chunk > ?", (5 * PAGE_CHUNKS,))
    index.words_upkeep.make_due()
    assert len(await index.matching(["zebra"], top_k=5)) == 1  # by FTS5
    await index.close()
    index = persistent(tmp_path)
    assert len(await index.matching(["zebra"], top_k=5)) == 1
    assert len(await index.matching(["quagga"], top_k=5)) == 1
    with index.catalog.reading() as connection:
        (missing,) = connection.execute(
            "SELECT COUNT(*) FROM chunks WHERE number NOT IN (SELECT chunk FROM chunk_words)"
        ).fetchone()
    assert missing == 0
    await index.close()
