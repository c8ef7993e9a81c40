"""How the journal is carried to the vector store: in which batches, and when it is enough."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ingest.index.embed.base import Vector
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_scan import SCAN_BYTES
from ingest.index.store.vector_stores.memory import MemoryVectors
from tests.index_samples import SPACE, at, chunks_of, document, store

pytestmark = pytest.mark.anyio

SCANNED_BATCH, BATCH = 5, 2
CHUNKS = 7


class RecordingVectors(MemoryVectors):
    """Keeps how many vectors came at once."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def upsert(self, vectors: Mapping[str, Vector], *, space: str) -> None:
        super().upsert(vectors, space=space)
        self.batches.append(len(vectors))


class BusyIndexVectors(RecordingVectors):
    """While each batch is carried, another page is written: `ingest` beside the upkeep."""

    catalog: Catalog

    def upsert(self, vectors: Mapping[str, Vector], *, space: str) -> None:
        super().upsert(vectors, space=space)
        page = document(f"page{len(self.batches)}", f"lamp of page {len(self.batches)}")
        (chunk,) = chunks_of(page)
        self.catalog.replace(page, [chunk], {chunk.id: at(1)}, space=SPACE)


def index_of(folder: Path, vectors: MemoryVectors, *, scan_bytes: int = SCAN_BYTES) -> Index:
    """Return an index that carries nothing by itself before it is closed."""
    return Index(
        catalog=Catalog(folder / "index.sqlite"),
        vectors=vectors,
        mirror_every=1_000,
        scan_bytes=scan_bytes,
        journal_batch=BATCH,
        scanned_batch=SCANNED_BATCH,
    )


@pytest.mark.parametrize(
    ("scan_bytes", "batches"), [(SCAN_BYTES, [5, 2]), (0, [2, 2, 2, 1])], ids=["scanned", "asked"]
)
async def test_batches_are_larger_where_no_question_waits_for_the_lock(
    tmp_path: Path, scan_bytes: int, batches: list[int]
) -> None:
    vectors = RecordingVectors()
    index = index_of(tmp_path, vectors, scan_bytes=scan_bytes)
    await store(index, document("a", *(f"lamp {n}" for n in range(CHUNKS))), range(CHUNKS))
    await index.close()
    assert vectors.batches == batches
    assert vectors.count(space=SPACE) == CHUNKS


async def test_pages_that_are_written_meanwhile_wait_for_the_next_time(tmp_path: Path) -> None:
    vectors = BusyIndexVectors()
    index = index_of(tmp_path, vectors)
    vectors.catalog = index.catalog
    await store(index, document("a", *(f"lamp {n}" for n in range(CHUNKS))), range(CHUNKS))
    carried = [index.carry_out_batch(), index.carry_out_batch()]
    assert carried == [True, False]
    assert vectors.batches == [5, 3]  # with the page that was written during the first
    assert len(index.catalog.waiting(SPACE, limit=10)) == 1
    # Nothing more is written: the copy is whole after it.
    vectors.catalog = Catalog(tmp_path / "other.sqlite")
    assert not index.carry_out_batch()
    assert index.catalog.waiting(SPACE, limit=10) == set()
    assert vectors.count(space=SPACE) == index.catalog.embedded(SPACE) == CHUNKS + 2
    vectors.catalog.close()
    await index.close()


async def test_what_was_written_meanwhile_is_carried_at_the_end(tmp_path: Path) -> None:
    vectors = RecordingVectors()
    index = index_of(tmp_path, vectors)
    await store(index, document("a", "one", "two"), [0, 1])
    assert not index.carry_out_batch()
    await store(index, document("b", "three"), [2])
    await index.close()
    assert vectors.batches == [2, 1]
