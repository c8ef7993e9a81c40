"""How often the vector store is written to."""

from collections.abc import Mapping

import pytest

from ingest.index.embed.base import Vector
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from tests.index_samples import document, nearest, store

pytestmark = pytest.mark.anyio


class CountingVectors(MemoryVectors):
    """Counts how often it is written to."""

    writes = 0

    def upsert(self, vectors: Mapping[str, Vector], *, space: str) -> None:
        self.writes += 1
        super().upsert(vectors, space=space)


async def test_pages_of_one_question_reach_the_vector_store_in_one_write() -> None:
    vectors = CountingVectors()
    index = Index(catalog=Catalog(), vectors=vectors)
    for name in "abcdefghij":
        await store(index, document(name, f"text {name}"), [0])
    assert len(await nearest(index, 0)) == 10
    assert vectors.writes == 0
    await index.close()
    assert vectors.writes == 1


async def test_what_no_search_asked_for_is_mirrored_at_the_end() -> None:
    vectors = CountingVectors()
    index = Index(catalog=Catalog(), vectors=vectors)
    await store(index, document("a", "one"), [0])
    await index.close()
    assert vectors.writes == 1
