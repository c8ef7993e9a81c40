"""Postings in files: they find what FTS5 finds, see every commit, and may be lost or be wrong."""

import errno
import random
import shutil
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ingest.index.store import word_search
from ingest.index.store.catalog import Catalog
from ingest.index.store.memberships import put_member
from ingest.index.store.postings import segmented as segments
from ingest.index.store.postings.segment_files import chain_of
from ingest.library import Library
from tests.index_samples import chunks_of, document, persistent
from tests.segment_samples import PAGE_CHUNKS, WORDS, files, fill, make_files, put, ranked

pytestmark = pytest.mark.usefixtures("small_segments")


def by_fts5(
    catalog: Catalog, words: Sequence[str], monkeypatch: pytest.MonkeyPatch, *, top_k: int = 20
) -> list[tuple[str, float]]:
    """Return what FTS5 finds, asked for all words."""
    with monkeypatch.context() as patch:
        patch.setattr(segments, "MAX_ROWS_IN_MEMORY", -1)
        patch.setattr(word_search, "MIN_POSTINGS", 10**9)
        return ranked(catalog, words, top_k=top_k)


def assert_alike(catalog: Catalog, monkeypatch: pytest.MonkeyPatch, *, questions: int = 30) -> None:
    """Compare scores, place by place: chunks of nearly the same score may stand in any order."""
    draw = random.Random(3)
    for _ in range(questions):
        words = draw.choices(WORDS[3:], k=4)
        ours, theirs = ranked(catalog, words), by_fts5(catalog, words, monkeypatch)
        assert len(ours) == len(theirs)
        for (_, mine), (_, other) in zip(ours, theirs, strict=True):
            assert mine == pytest.approx(other, rel=0.05, abs=0.15)


def test_files_find_what_fts5_finds(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(catalog, 50)
    make_files(catalog)
    assert catalog.words_folder is not None
    assert [file.last for file in chain_of(catalog.words_folder)] == [100, 200, 300, 400]
    assert_alike(catalog, monkeypatch)
    fill(catalog, 3, first=50)
    assert_alike(catalog, monkeypatch)


def test_word_of_most_chunks_finds_where_it_is_alone(catalog: Catalog) -> None:
    fill(catalog, 10)
    make_files(catalog)
    assert len(ranked(catalog, ["title"], top_k=200)) == 10 * PAGE_CHUNKS
    assert ranked(catalog, ["nowhere"]) == []


def test_commits_of_others_are_found_and_what_is_gone_is_not(catalog: Catalog) -> None:
    fill(catalog, 10)
    make_files(catalog)
    assert ranked(catalog, ["zebra"]) == []
    assert catalog.path is not None
    other = Catalog(catalog.path)
    for number in range(12):  # more writes than small segments
        put(other, f"new{number}", f"zebra {number}")
        assert len(ranked(catalog, ["zebra"])) == number + 1
    put(other, "new3", "quagga")
    other.delete("https://new4.example/")
    other.close()
    assert len(ranked(catalog, ["zebra"])) == 10
    assert [id_ for id_, _ in ranked(catalog, ["quagga"])] == ["new3.example_0"]
    make_files(catalog)
    assert len(ranked(catalog, ["zebra"])) == 10


def test_deleted_chunks_leave_room_for_others(catalog: Catalog) -> None:
    for number in range(60):
        put(catalog, f"n{number}", " ".join(["zebra"] * (60 - number)))
    fill(catalog, 10)
    make_files(catalog)
    for number in range(50):
        catalog.delete(f"https://n{number}.example/")
    assert len(ranked(catalog, ["zebra"], top_k=10)) == 10


def test_collection_is_searched_alone(catalog: Catalog) -> None:
    fill(catalog, 30)
    put(catalog, "mine", "a zebra", "b zebra")
    put(catalog, "yours", "a zebra")
    make_files(catalog)
    with catalog.writing() as connection:
        put_member(connection, "https://mine.example/", "mine")
    for collection, count in (("mine", 2), ("default", 1), ("none", 0)):
        found = catalog.matching(["zebra", "a", "title"], top_k=2, collections=[collection])
        assert sum("zebra" in one.chunk.text for one in found) == count


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["python", "zebra"], 5),
        (["python", "thing", "zebra"], 5),
        (["python"], 5),
        (["zebra"], 0),
        (["mine", "zebra"], 5),
    ],
)
def test_small_collection_is_found_by_words_that_are_frequent_elsewhere(
    catalog: Catalog, words: list[str], found: int
) -> None:
    for number in range(20):
        put(catalog, f"p{number}", *(f"python {'thing' if n else 'zebra'} {n}" for n in range(8)))
    put(catalog, "mine", *(f"python notes of mine {n}" for n in range(5)))
    make_files(catalog)
    with catalog.writing() as connection:
        put_member(connection, "https://mine.example/", "mine")
    assert len(catalog.matching(words, top_k=5, collections=["mine"])) == found


def test_pages_that_change_again_and_again_do_not_fill_the_folder(catalog: Catalog) -> None:
    for _ in range(60):
        fill(catalog, 4)
        make_files(catalog)
    assert len(files(catalog)) <= 2
    assert len(ranked(catalog, ["title"], top_k=100)) == 4 * PAGE_CHUNKS


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"x" + data[1:],
        lambda data: data.replace(b'"format": 2', b'"format": 9'),
        lambda data: data[: len(data) // 3] + b"\xff" * (len(data) - len(data) // 3),
    ],
    ids=["empty", "torn", "foreign", "format", "overwritten"],
)
def test_damaged_file_is_made_again(
    catalog: Catalog, damage: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(catalog, 20)
    put(catalog, "mine", "a zebra")
    make_files(catalog)
    path = files(catalog)[0]
    # As another file: what this process has open stays what it was.
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(damage(data))  # type: ignore[operator]
    assert catalog.path is not None
    fresh = Catalog(catalog.path)
    for words in (["zebra"], ["a", "b", "港口"], ["word3", "word7"]):
        assert {id_ for id_, _ in ranked(fresh, words)} <= {
            id_ for id_, _ in by_fts5(fresh, words, monkeypatch, top_k=500)
        }
    assert [id_ for id_, _ in ranked(fresh, ["zebra"])] == ["mine.example_0"]
    make_files(fresh)
    assert_alike(fresh, monkeypatch)
    fresh.close()


def test_index_from_a_backup_does_not_use_the_files_of_its_future(
    catalog: Catalog, tmp_path: Path
) -> None:
    fill(catalog, 6)
    with catalog.reading() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert catalog.path is not None
    shutil.copy(catalog.path, tmp_path / "backup")
    fill(catalog, 6, first=6)
    make_files(catalog)
    catalog.close()
    for left in tmp_path.glob("index.sqlite-*"):
        left.unlink()
    shutil.copy(tmp_path / "backup", catalog.path)
    back = Catalog(catalog.path)
    put(back, "mine", *(f"zebra {n}" for n in range(5 * PAGE_CHUNKS)))
    assert len(ranked(back, ["zebra"], top_k=100)) == 5 * PAGE_CHUNKS
    put(back, "yours", "quagga", *(f"filler {n}" for n in range(7)))
    assert len(ranked(back, ["quagga"])) == 1
    make_files(back)
    assert len(ranked(back, ["zebra"], top_k=100)) == 5 * PAGE_CHUNKS
    back.close()


@pytest.mark.anyio
async def test_writing_makes_files_in_the_background_and_removing_deletes_them(
    tmp_path: Path,
) -> None:
    index = persistent(tmp_path)
    for number in range(20):
        page = document(f"p{number}", *(f"zebra {n}" for n in range(PAGE_CHUNKS)))
        await index.replace(page, chunks_of(page), {}, space="")
    await index.close()
    folder = tmp_path / "index.words"
    assert chain_of(folder)
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    index = persistent(tmp_path)
    await Library(index).remove(["https://p0.example/"])
    assert chain_of(folder) == []
    assert len(await index.matching(["zebra"], top_k=500)) == 19 * PAGE_CHUNKS
    index.words_upkeep.make_due()
    assert len(await index.matching(["zebra"], top_k=500)) == 19 * PAGE_CHUNKS
    await index.close()


@pytest.mark.anyio
async def test_index_of_an_older_version_gets_its_words(tmp_path: Path) -> None:
    index = persistent(tmp_path)
    for number in range(20):
        page = document(f"p{number}", *(f"zebra {n}" for n in range(PAGE_CHUNKS)))
        await index.replace(page, chunks_of(page), {}, space="")
    await index.close()
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as connection:
        connection.execute("DROP TABLE chunk_words")
        connection.execute("DELETE FROM counts WHERE name = 'words'")
        connection.execute("DELETE FROM meta WHERE key = 'words_token'")
        connection.execute("PRAGMA user_version = 9")
        connection.commit()
    catalog = Catalog(tmp_path / "index.sqlite")
    make_files(catalog)
    assert len(ranked(catalog, ["zebra"], top_k=500)) == 20 * PAGE_CHUNKS
    with catalog.reading() as connection:
        words = connection.execute("SELECT count FROM counts WHERE name = 'words'").fetchone()
        assert words == connection.execute("SELECT SUM(length) FROM chunk_words").fetchone()
    catalog.close()


def test_rows_of_pages_stored_anew_change_no_ranking(catalog: Catalog, tmp_path: Path) -> None:
    with closing(Catalog(tmp_path / "fresh.sqlite")) as fresh:
        for one in (catalog, fresh):
            fill(one, 40)
        make_files(catalog)
        # Each version leaves the rows of the one before in the files.
        for version in range(12):
            for one in (catalog, fresh) if version == 11 else (catalog,):
                put(one, "daily", f"word299 tide harbour {version}", f"word298 tide {version}")
            make_files(catalog)
        make_files(fresh)
        for words in (["tide", "word299"], ["harbour", "a"], ["word298", "word7", "c"]):
            mine, theirs = ranked(catalog, words), ranked(fresh, words)
            # Neither whether a word is frequent nor what it weighs is told by rows that are gone.
            assert [score for _, score in mine] == pytest.approx(
                [score for _, score in theirs], rel=0.03
            )
            assert mine[0][0] == theirs[0][0]


def test_word_of_all_chunks_loses_none_where_its_rows_are_sampled(catalog: Catalog) -> None:
    fill(catalog, 67)
    put(catalog, "other", "a pond")
    put(catalog, "daily", "a zebra")
    make_files(catalog)
    # One of over 512 rows is gone, none of those that are looked up.
    put(catalog, "daily", "a zebra again")
    by_zebra = ranked(catalog, ["zebra"])
    assert len(by_zebra) == 1
    assert ranked(catalog, ["title", "zebra"])[0][0] == by_zebra[0][0]


def test_file_system_without_rights_has_files(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "chmod", refuse)
    fill(catalog, 25)
    make_files(catalog)
    assert len(files(catalog)) == 2


def test_file_written_over_in_place_is_read_anew(catalog: Catalog) -> None:
    fill(catalog, 12)
    make_files(catalog)
    before = ranked(catalog, ["a", "word7"])
    (path,) = files(catalog)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    path.chmod(0o600)
    with path.open("r+b") as file:  # as `cp` writes over a file that it may write to
        file.truncate(0)
    # Cut off, it would end the process that has it in its memory; it is looked at before.
    assert ranked(catalog, ["a", "word7"]), "FTS5 answers"
    assert files(catalog) == []
    make_files(catalog)
    assert ranked(catalog, ["a", "word7"]) == before
