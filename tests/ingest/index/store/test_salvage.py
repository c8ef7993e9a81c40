"""A damaged file: what does not stand on its torn pages comes back, and nothing is made up."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ingest.documents import Chunking, Processing
from ingest.errors import StoreError
from ingest.index.check import check_index
from ingest.index.store.catalog import Catalog
from ingest.index.store.maintenance import IndexMaintenance
from ingest.index.store.salvage import is_whole, salvage_index
from tests.index_samples import SPACE, at, chunks_of, document, matching, nearest, persistent

pytestmark = pytest.mark.anyio

DOCUMENTS = 120
CUT = Processing(extractor=9, chunking=Chunking(size=400, overlap=100, version=1))
PAGE_BYTES = 4096
ROOTS = 48
"""Pages at the beginning of the file, made with the tables: below a torn one nothing is found."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return an index of many pages: texts, chunks, vectors and two collections."""
    path = tmp_path_factory.mktemp("whole") / "index.sqlite"
    catalog = Catalog(path)
    for number in range(DOCUMENTS):
        page = document(f"p{number}", *(f"word{number} line{line} " * 30 for line in range(4)))
        chunks = chunks_of(page)
        vectors = {chunk.id: at(number + chunk.position / 10) for chunk in chunks}
        catalog.replace(page, chunks, vectors, space=SPACE, processing=CUT)
        with catalog.writing() as connection:
            connection.execute(
                "INSERT INTO collection_members VALUES (?, ?)", (page.url, f"c{number % 2}")
            )
    catalog.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


def torn(whole: bytes, seed: int, pages: int) -> bytes:
    """Return the file with noise in place of some pages, but those from which tables begin."""
    draw, body = random.Random(seed), bytearray(whole)
    for page in draw.sample(range(ROOTS, len(whole) // PAGE_BYTES), pages):
        body[page * PAGE_BYTES : (page + 1) * PAGE_BYTES] = draw.randbytes(PAGE_BYTES)
    return bytes(body)


@pytest.mark.parametrize("seed", range(8))
async def test_what_is_not_torn_comes_back_as_it_was(
    tmp_path: Path, whole: bytes, seed: int
) -> None:
    path, fresh = tmp_path / "torn.sqlite", tmp_path / "new" / "index.sqlite"
    path.write_bytes(torn(whole, seed, 4))
    (tmp_path / "same").mkdir()
    (tmp_path / "same" / "index.sqlite").write_bytes(whole)
    salvaged = salvage_index(path, fresh)
    assert salvaged.documents >= DOCUMENTS - 4 * 8
    catalog, before = Catalog(fresh), Catalog(tmp_path / "same" / "index.sqlite")
    assert is_whole(catalog)
    stats = catalog.stats()
    assert stats.documents == salvaged.documents
    assert stats.space == SPACE
    urls = [document(f"p{number}", "").url for number in range(DOCUMENTS)]
    found = catalog.documents(urls)
    assert found.items() <= before.documents(urls).items()
    cut = [url for url in found if catalog.processing([url])[url] == CUT]
    assert len(cut) == salvaged.documents - salvaged.outdated
    for url in cut:
        assert catalog.chunks(url) == before.chunks(url)
    with catalog.reading() as connection:
        (strangers,) = connection.execute(
            "SELECT COUNT(*) FROM embeddings WHERE chunk NOT IN (SELECT number FROM chunks)"
        ).fetchone()
    assert strangers == 0
    catalog.close()
    before.close()
    index = persistent(fresh.parent)
    some = int(cut[0].split(".")[0].rpartition("p")[2])
    assert len(await matching(index, f"word{some}", top_k=99)) == 4
    assert await nearest(index, some)
    await index.close()


async def test_check_finds_torn_pages_and_names_the_command(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "index.sqlite").write_bytes(torn(whole, 1, 6))
    index = persistent(tmp_path)
    found = await check_index(IndexMaintenance(index), fix=True)
    assert [problem.kind for problem in found.left] == ["damaged_file"]
    await index.close()


def test_nothing_is_made_of_what_holds_nothing(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "torn.sqlite"
    path.write_bytes(whole[: PAGE_BYTES * 2])
    with pytest.raises(StoreError):
        salvage_index(path, tmp_path / "fresh.sqlite")
    assert path.stat().st_size == PAGE_BYTES * 2
