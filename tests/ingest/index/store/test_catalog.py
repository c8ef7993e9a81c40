"""The SQLite half of the index: what it says when disk, file or neighbour is in the way."""

import dataclasses
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.errors import StoreError
from ingest.foundation.sqlite_files import transaction
from ingest.index.store import schema
from ingest.index.store.catalog import Catalog
from tests.catalog_kit import fill, found, tables_of
from tests.index_samples import SPACE, at, chunks_of, document


def in_both_languages(error: StoreError) -> str:
    return f"{error.localize('en')}\n{error.localize('zh')}"


def test_what_was_stored_is_there_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "index.sqlite"
    first = Catalog(path)
    fill(first, "a", "drones at night")
    first.close()
    again = Catalog(path)
    assert found(again, "night") == ["drones at night"]
    again.close()


def test_folder_that_is_a_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")
    with pytest.raises(StoreError) as caught:
        Catalog(tmp_path / "home" / "index.sqlite")
    assert str(tmp_path / "home") in in_both_languages(caught.value)
    assert "ASSISTANT_HOME" in caught.value.localize("en")
    assert "ASSISTANT_HOME" in caught.value.localize("zh")


def test_folder_that_cannot_be_written_is_named_with_the_way_out() -> None:
    with pytest.raises(StoreError) as caught:
        Catalog(Path("/proc/self/fdinfo/index.sqlite"))
    assert "cannot write to the index folder /proc/self/fdinfo" in caught.value.localize("en")
    assert "无法写入" in caught.value.localize("zh")


@pytest.mark.parametrize(
    "junk", [b"# my shopping list\n" * 100, b"SQLite format 3\0" + b"x" * 9000]
)
def test_file_that_is_no_index_is_named_with_the_command_that_moves_it(
    tmp_path: Path, junk: bytes
) -> None:
    path = tmp_path / "my index.sqlite"
    path.write_bytes(junk)
    with pytest.raises(StoreError) as caught:
        Catalog(path)
    assert f"mv '{path}' '{path}.broken'" in caught.value.localize("en")
    assert f"mv '{path}' '{path}.broken'" in caught.value.localize("zh")
    assert path.read_bytes() == junk


def test_command_that_moves_a_damaged_index_away_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(b"junk" * 1000)
    with pytest.raises(StoreError) as caught:
        Catalog(path)
    subprocess.run(caught.value.localize("en").rsplit(": ", 1)[1], shell=True, check=True)
    Catalog(path).close()


def test_index_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    Catalog(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError) as caught:
        Catalog(path)
    assert "format 99" in caught.value.localize("en")
    assert "pip install --upgrade" in caught.value.localize("zh")
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


def test_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "index.sqlite", max_bytes=200_000)
    fill(catalog, "a", "drones at night")
    with pytest.raises(StoreError) as caught:
        fill(catalog, "a", *(f"word{n} " * 50 for n in range(1_000)))
    assert "no room" in caught.value.localize("en")
    assert "磁盘已满" in caught.value.localize("zh")
    assert found(catalog, "night") == ["drones at night"]
    fill(catalog, "b", "goes on")
    assert found(catalog, "goes") == ["goes on"]
    catalog.close()


def test_index_locked_for_too_long_says_so_and_works_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    catalog = Catalog(path, busy_timeout_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as caught:
        fill(catalog, "a", "drone")
    assert "another process" in caught.value.localize("en")
    assert "另一个进程" in caught.value.localize("zh")
    assert found(catalog, "drone") == []  # reading goes on meanwhile
    other.execute("ROLLBACK")
    other.close()
    fill(catalog, "a", "drone")
    assert found(catalog, "drone") == ["drone"]
    catalog.close()


def test_use_after_closing_is_an_error_of_ours(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "index.sqlite")
    catalog.close()
    with pytest.raises(StoreError):
        found(catalog, "drones")


def test_many_threads_may_read_and_write_at_once(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "index.sqlite")

    def work(number: int) -> None:
        for _ in range(5):
            fill(catalog, f"p{number}", f"thread{number} drones", "and more")
            assert f"thread{number} drones" in found(catalog, f"thread{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert catalog.stats().chunks == 16
    catalog.close()


def test_four_processes_may_create_the_index_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from ingest.index.store.catalog import Catalog;"
        "from tests.index_samples import *;"
        "c = Catalog(Path(sys.argv[1])); p = document(sys.argv[2], 'drones');"
        "c.replace(p, chunks_of(p), {}, space=SPACE); c.close()"
    )
    path = tmp_path / "index.sqlite"
    root = Path(__file__).parents[4]
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(path), f"p{n}"], cwd=root)
        for n in range(4)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    catalog = Catalog(path)
    assert catalog.stats().documents == 4
    catalog.close()


def test_index_built_with_other_words_is_rebuilt_from_the_text(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    catalog = Catalog(path)
    fill(catalog, "a", "drones at night")
    catalog.close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE meta SET value = 'another rule' WHERE key = 'words'")
        connection.execute("DROP TABLE words")
        connection.execute("CREATE VIRTUAL TABLE words USING fts5 (body, heading, content = '')")
    connection.close()
    catalog = Catalog(path)
    assert found(catalog, "night") == ["drones at night"]
    assert catalog.near_misses(["nigth"]) == ["night"]
    fill(catalog, "a", "changed")  # deleting needs the very words that are in there
    assert found(catalog, "night") == []
    catalog.close()


def test_rebuilding_a_large_index_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schema, "MANY_CHUNKS", 2)
    path = tmp_path / "index.sqlite"
    catalog = Catalog(path)
    fill(catalog, "a", "drones at night", "E-1234")
    catalog.close()
    assert not caplog.records
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE meta SET value = 'another rule' WHERE key = 'words'")
    connection.close()
    Catalog(path).close()
    assert [record.getMessage() for record in caplog.records] == [
        "building the index of words anew for 2 chunks, once after an update"
    ]


def test_journal_names_only_what_has_changed() -> None:
    catalog = Catalog()
    page = document("a", "one", "two", "three")
    chunks = chunks_of(page)
    vectors = {chunk.id: at(n) for n, chunk in enumerate(chunks)}
    catalog.replace(page, chunks, vectors, space=SPACE)
    first = catalog.pending(limit=10)
    assert {entry.id for entry in first} == set(vectors)
    catalog.settle(first)
    catalog.replace(page, chunks, vectors, space=SPACE)
    assert catalog.pending(limit=10) == []
    catalog.replace(page, chunks[:2], {chunks[0].id: at(90)}, space=SPACE)
    pending = {entry.id: entry.vector for entry in catalog.pending(limit=10)}
    assert pending == {chunks[0].id: pytest.approx(at(90)), chunks[2].id: None}
    catalog.close()


def test_rebuilding_words_holds_one_chunk_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    catalog = Catalog(path)
    long = "drones fly at night " * 500
    fill(catalog, "a", *(f"{number} {long}" for number in range(100)))
    catalog.close()
    connection = sqlite3.connect(path, isolation_level=None)
    tracemalloc.start()
    with transaction(connection):
        schema.rebuild_words(connection)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    connection.close()
    assert peak < 50 * len(long)
    catalog = Catalog(path)
    assert len(found(catalog, "99")) == 1
    catalog.close()


def test_unchanged_page_writes_neither_chunks_nor_words_nor_vectors(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    catalog = Catalog(path)
    page = document("a", "one", "two", "three")
    chunks = chunks_of(page)
    vectors = {chunk.id: at(n) for n, chunk in enumerate(chunks)}
    catalog.replace(page, chunks, vectors, space=SPACE)
    catalog.settle(catalog.pending(limit=10))
    before = tables_of(path)
    later = dataclasses.replace(page, fetched_at=datetime(2027, 1, 1, tzinfo=UTC), author="New")
    catalog.replace(later, chunks, vectors, space=SPACE)
    after = tables_of(path)
    assert catalog.documents([page.url]) == {page.url: later}
    assert {name for name, rows in after.items() if rows != before[name]} == {"documents"}
    catalog.close()


def test_changed_chunk_leaves_the_rows_of_its_neighbours_alone(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    catalog = Catalog(path)
    fill(catalog, "a", "one", "two", "three")
    before = tables_of(path)["chunks"]
    fill(catalog, "a", "one", "zwei", "three")
    after = tables_of(path)["chunks"]
    assert [row[1] for row in set(before) & set(after)] == ["a.example_0"]
    assert {row[0] for row in before} & {row[0] for row in after} == {before[0][0], before[2][0]}
    assert found(catalog, "two") == []
    assert sorted(found(catalog, "one", "zwei", "three")) == ["one", "three", "zwei"]
    catalog.close()


def test_entry_written_again_while_it_is_carried_out_stays_in_the_journal() -> None:
    catalog = Catalog()
    page = document("a", "one")
    (chunk,) = chunks_of(page)
    catalog.replace(page, [chunk], {chunk.id: at(0)}, space=SPACE)
    seen = catalog.pending(limit=10)
    catalog.add_vectors([chunk], [at(90)], space=SPACE)
    catalog.settle(seen)
    (left,) = catalog.pending(limit=10)
    assert left.vector == pytest.approx(at(90))
    catalog.close()


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder that this process may read and not write, once it is taken from it."""
    folder = Path(tempfile.mkdtemp())  # root's own folders would be closed to others altogether
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def unable_to_write(folder: Path) -> Iterator[None]:
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:  # who may write anywhere
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if is_root:
            os.setresuid(0, 0, 0)


def test_index_that_cannot_be_written_can_be_asked(read_only_folder: Path) -> None:
    path = read_only_folder / "index.sqlite"
    with closing(Catalog(path)) as catalog:
        fill(catalog, "tea", "Green tea wants eighty degrees.")
    path.chmod(0o644)  # its owner has meant it for others
    with unable_to_write(read_only_folder), closing(Catalog(path)) as catalog:
        assert found(catalog, "tea")
        with pytest.raises(StoreError) as caught:
            fill(catalog, "black", "Black tea wants more.")
        assert "cannot write to the index folder" in str(caught.value)
        assert "无法写入" in in_both_languages(caught.value)
