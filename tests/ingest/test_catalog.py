"""The SQLite half of the index: what it says when disk, file or neighbour is in the way."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ingest.errors import StoreError
from ingest.store.catalog import Catalog
from tests.index_samples import SPACE, at, chunks_of, document


def told(error: StoreError) -> str:
    return f"{error.to('en')}\n{error.to('zh')}"


def fill(catalog: Catalog, slug: str, *paragraphs: str) -> None:
    page = document(slug, *paragraphs)
    catalog.replace(page, chunks_of(page), {}, space=SPACE)


def found(catalog: Catalog, *words: str) -> list[str]:
    return [scored.chunk.text for scored in catalog.matching(words, top_k=100)]


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
    assert str(tmp_path / "home") in told(caught.value)
    assert "ASSISTANT_HOME" in caught.value.to("en")
    assert "ASSISTANT_HOME" in caught.value.to("zh")


def test_folder_that_cannot_be_written_is_named_with_the_way_out() -> None:
    with pytest.raises(StoreError) as caught:
        Catalog(Path("/proc/self/fdinfo/index.sqlite"))
    assert "cannot write to the index folder /proc/self/fdinfo" in caught.value.to("en")
    assert "无法写入" in caught.value.to("zh")


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
    assert f"mv '{path}' '{path}.broken'" in caught.value.to("en")
    assert f"mv '{path}' '{path}.broken'" in caught.value.to("zh")
    assert path.read_bytes() == junk


def test_command_that_moves_a_damaged_index_away_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(b"junk" * 1000)
    with pytest.raises(StoreError) as caught:
        Catalog(path)
    subprocess.run(caught.value.to("en").rsplit(": ", 1)[1], shell=True, check=True)
    Catalog(path).close()


def test_index_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    Catalog(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError) as caught:
        Catalog(path)
    assert "format 99" in caught.value.to("en")
    assert "pip install --upgrade" in caught.value.to("zh")
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


def test_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "index.sqlite", max_bytes=200_000)
    fill(catalog, "a", "drones at night")
    with pytest.raises(StoreError) as caught:
        fill(catalog, "a", *(f"word{n} " * 50 for n in range(1_000)))
    assert "no room" in caught.value.to("en")
    assert "磁盘已满" in caught.value.to("zh")
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
    assert "another process" in caught.value.to("en")
    assert "另一个进程" in caught.value.to("zh")
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
        "import sys; from pathlib import Path; from ingest.store.catalog import Catalog;"
        "from tests.index_samples import *;"
        "c = Catalog(Path(sys.argv[1])); p = document(sys.argv[2], 'drones');"
        "c.replace(p, chunks_of(p), {}, space=SPACE); c.close()"
    )
    path = tmp_path / "index.sqlite"
    root = Path(__file__).parents[2]
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
    fill(catalog, "a", "changed")  # deleting needs the very words that are in there
    assert found(catalog, "night") == []
    catalog.close()


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


def test_entry_written_again_while_it_is_carried_out_stays_in_the_journal() -> None:
    catalog = Catalog()
    page = document("a", "one")
    (chunk,) = chunks_of(page)
    catalog.replace(page, [chunk], {chunk.id: at(0)}, space=SPACE)
    seen = catalog.pending(limit=10)
    catalog.add_vectors({chunk.id: at(90)}, space=SPACE)
    catalog.settle(seen)
    (left,) = catalog.pending(limit=10)
    assert left.vector == pytest.approx(at(90))
    catalog.close()
