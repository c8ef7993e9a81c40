"""Collections: projects do not mix, and a page that was read for a question goes by its age."""

import itertools
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.documents import WEB_COLLECTION
from ingest.errors import CollectionError
from ingest.index.store import schema
from ingest.index.store.hybrid import Index
from ingest.index.store.inventory import DocumentFilter
from ingest.index.store.vector_scan import SCAN_BYTES
from ingest.library import Library
from ingest.settings import IngestSettings, collection_name, load_ingest_settings
from tests.index_samples import SPACE, at, document, persistent, store

pytestmark = pytest.mark.anyio

PAPER = document("paper", "tide move harbours")
NOVEL = document("novel", "tide and other stories")
BOTH = document("both", "tide in both")
OLD = document("old", "tide of an older index")


async def filled(folder: Path, *, scan_bytes: int = SCAN_BYTES) -> Index:
    index = persistent(folder, scan_bytes=scan_bytes)
    for angle, page in enumerate((PAPER, NOVEL, BOTH, OLD)):
        await store(index, page, degrees=[float(angle)])
    await index.put_in_collection(PAPER.url, "论文")
    await index.put_in_collection(NOVEL.url, "novels")
    await index.put_in_collection(BOTH.url, "论文")
    await index.put_in_collection(BOTH.url, "novels")
    return index


ASKED = [
    (("论文",), {PAPER.url, BOTH.url}),
    (("novels",), {NOVEL.url, BOTH.url}),
    (("论文", "novels"), {PAPER.url, NOVEL.url, BOTH.url}),
    (("default",), {OLD.url}),
    (("default", "novels"), {OLD.url, NOVEL.url, BOTH.url}),
    (("web",), set()),
    ((), {PAPER.url, NOVEL.url, BOTH.url, OLD.url}),
]


@pytest.mark.parametrize("scan_bytes", [0, SCAN_BYTES])
@pytest.mark.parametrize(("collections", "urls"), ASKED)
async def test_both_legs_find_what_is_in_the_collections_and_nothing_else(
    tmp_path: Path, collections: tuple[str, ...], urls: set[str], scan_bytes: int
) -> None:
    index = await filled(tmp_path, scan_bytes=scan_bytes)
    words = await index.matching(["tide"], top_k=10, collections=collections)
    assert {scored.chunk.url for scored in words} == urls
    near = await index.nearest(at(0), top_k=10, space=SPACE, collections=collections)
    assert {scored.chunk.url for scored in near} == urls
    assert [scored.score for scored in near] == sorted((one.score for one in near), reverse=True)
    await index.close()


async def test_a_small_collection_is_found_behind_many_better_chunks(tmp_path: Path) -> None:
    index = persistent(tmp_path)
    await store(index, document("many", *["tide"] * 300), degrees=[0.0] * 300)
    few = replace(document("few", "tide seldom"), title="")
    await store(index, few, degrees=[80.0])
    await index.put_in_collection(few.url, "few")
    near = await index.nearest(at(0), top_k=5, space=SPACE, collections=["few"])
    assert [scored.chunk.url for scored in near] == [few.url]
    words = await index.matching(["tide"], top_k=1, collections=["few"])
    assert [scored.chunk.url for scored in words] == [few.url]
    await index.close()


async def test_an_unknown_collection_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    index = await filled(tmp_path)
    with pytest.raises(CollectionError) as raised:
        await index.check_collections(["novells"])
    assert "novels" in raised.value.hint.localize("en")
    await index.check_collections(["论文", WEB_COLLECTION])
    await index.close()


async def test_a_new_version_of_a_document_stays_in_its_collections(tmp_path: Path) -> None:
    index = await filled(tmp_path)
    await store(index, replace(PAPER, text="tide again"))
    found = await index.matching(["again"], top_k=9, collections=["论文"])
    assert [scored.chunk.url for scored in found] == [PAPER.url]
    await index.close()


async def test_pages_read_for_questions_go_by_age_and_no_others(tmp_path: Path) -> None:
    index = await filled(tmp_path)
    await index.put_in_collection(NOVEL.url, WEB_COLLECTION)
    page = document("page", "tide on the web")
    await store(index, page)
    await index.put_in_collection(page.url, WEB_COLLECTION)
    late = page.fetched_at + timedelta(seconds=1)
    assert await index.drop_expired(before=page.fetched_at, limit=9) == 0
    assert await index.drop_expired(before=late, limit=9) == 1
    lines = await Library(index).lines()
    assert {line.url for line in lines} == {PAPER.url, NOVEL.url, BOTH.url, OLD.url}
    await index.close()


async def test_who_leaves_a_collection_stays_in_the_others(tmp_path: Path) -> None:
    index = await filled(tmp_path)
    library = Library(index)
    urls = [line.url for line in await library.lines(DocumentFilter(collection="论文"))]
    assert set(urls) == {PAPER.url, BOTH.url}
    alone = await library.leave_collection(urls, "论文")
    assert alone == [PAPER.url]
    await library.remove(alone)
    assert {line.url: line.collections for line in await library.lines()} == {
        NOVEL.url: ("novels",),
        BOTH.url: ("novels",),
        OLD.url: ("default",),
    }
    assert (await library.statistics()).collections == {"default": 1, "novels": 2}
    await index.close()


def set_back(path: Path, version: int) -> None:
    """Make the file one of that version, with the rows whose tables and columns it had."""
    newer = path.rename(path.with_suffix(".newer"))
    with closing(sqlite3.connect(path)) as connection:
        for statement in itertools.chain.from_iterable(schema.VERSIONS[:version]):
            connection.execute(statement)
        connection.execute("ATTACH ? AS newer", (str(newer),))
        tables = connection.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'words%'"
        ).fetchall()
        for (table,) in tables:
            columns = connection.execute(
                "SELECT name FROM pragma_table_info(?, 'main') INTERSECT"
                " SELECT name FROM pragma_table_info(?, 'newer')",
                (table, table),
            ).fetchall()
            names = ", ".join(f'"{name}"' for (name,) in columns)
            connection.execute(
                f'INSERT OR REPLACE INTO main."{table}" ({names})'
                f' SELECT {names} FROM newer."{table}"'
            )
        connection.execute("DELETE FROM main.meta WHERE key = 'words'")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    newer.unlink()


async def test_an_index_of_an_older_version_has_all_in_the_default_collection(
    tmp_path: Path,
) -> None:
    index = persistent(tmp_path)
    await store(index, OLD)
    await index.close()
    step = next(n for n, step in enumerate(schema.VERSIONS) if "collection_members" in step[0])
    set_back(tmp_path / "index.sqlite", step)
    index = persistent(tmp_path)
    found = await index.matching(["tide"], top_k=9, collections=["default"])
    assert [scored.chunk.url for scored in found] == [OLD.url]
    await index.close()


@pytest.mark.parametrize("name", ["论文", "my papers", "a-b_c.2", " padded ", "e\u0301t\u00e9"])
def test_names_of_any_script_are_names(name: str) -> None:
    assert collection_name(name) == collection_name(collection_name(name))


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a,b", "-x", ".hidden", "x\x1b[2J", "n" * 65])
def test_what_is_no_name_is_refused_in_a_line(name: str) -> None:
    with pytest.raises(CollectionError):
        collection_name(name)
    with pytest.raises(CollectionError):
        load_ingest_settings(IngestSettings, {"index": {"collection": name}})
