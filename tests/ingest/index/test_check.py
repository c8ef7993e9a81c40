"""Whatever a broken server or a broken disk left in the index is found, and repaired."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.errors import EmbedError
from ingest.foundation.messages import Message
from ingest.index.check import IndexCheck, ProblemKind, check_index
from ingest.index.embed.base import Embedder, Vector
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.embed.ollama import OllamaEmbedder
from ingest.index.store.catalog import Catalog
from ingest.index.store.maintenance import IndexMaintenance
from ingest.index.store.rows import packed
from ingest.index.store.vector_stores.chroma import ChromaVectors
from tests.engines.ollama_server import OllamaServer
from tests.index_samples import chunks_of, document, persistent
from tests.ingest_parts import ingest_parts

pytestmark = pytest.mark.anyio

SPACE = HashingEmbedder.space
PARAGRAPHS = [f"chapter {n} tells of harbours" for n in range(6)]


async def filled(folder: Path, embedder: Embedder | None = None) -> None:
    """Make an index of one page, all of it embedded and copied to the vector store."""
    embedder = embedder or HashingEmbedder()
    index = persistent(folder)
    page = document("a", *PARAGRAPHS)
    chunks = chunks_of(page)
    vectors = await embedder.embed_documents(PARAGRAPHS)
    pairs = dict(zip((chunk.id for chunk in chunks), vectors, strict=True))
    await index.replace(page, chunks, pairs, space=embedder.space)
    await index.nearest(vectors[0], top_k=1, space=embedder.space)
    await index.close()


async def checked(
    folder: Path, *, fix: bool = False, embedder: Embedder | None = None
) -> IndexCheck:
    index = persistent(folder)
    try:
        return await check_index(IndexMaintenance(index), fix=fix, embedder=embedder)
    finally:
        await index.close()


def execute(statement: str, *values: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "index.sqlite")) as connection:
            connection.execute(statement, values)
            connection.commit()

    return damage


def overwrite(blob: bytes) -> Callable[[Path], None]:
    return execute(
        "UPDATE embeddings SET vector = ? WHERE chunk IN"
        " (SELECT number FROM chunks WHERE position IN (1, 2))",
        blob,
    )


def in_copy(change: Callable[[ChromaVectors], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        vectors = ChromaVectors(folder / "chroma")
        change(vectors)
        vectors.close()

    return damage


UNIT = [1.0, *[0.0] * 255]
DAMAGE: dict[str, tuple[Callable[[Path], None], list[tuple[ProblemKind, int]]]] = {
    "zeros": (
        overwrite(packed([0.0] * 256)),
        [("faulty_vectors", 2), ("vector_store", 2)],
    ),
    "empty": (overwrite(b""), [("faulty_vectors", 2), ("vector_store", 2)]),
    "another length": (overwrite(packed([1.0] * 1)), [("faulty_vectors", 2), ("vector_store", 2)]),
    "not unit": (overwrite(packed([1.0] * 256)), [("faulty_vectors", 2), ("vector_store", 2)]),
    "stray": (
        execute("INSERT INTO embeddings VALUES (?, 4711, ?)", SPACE, packed(UNIT)),
        [("stray_vectors", 1)],
    ),
    "copy lacks one": (
        in_copy(lambda vectors: vectors.delete(["a.example_3"], space=SPACE)),
        [("vector_store", 1)],
    ),
    "copy has zeros": (
        in_copy(lambda vectors: vectors.upsert({"a.example_3": [0.0] * 256}, space=SPACE)),
        [("vector_store", 1)],
    ),
    "copy has another's id": (
        in_copy(
            lambda vectors: (
                vectors.delete(["a.example_3"], space=SPACE),
                vectors.upsert({"b.example_3": UNIT}, space=SPACE),
            )[0]
        ),
        [("vector_store", 2)],
    ),
    "copy has a space of its own": (
        in_copy(lambda vectors: vectors.upsert({"a.example_3": UNIT}, space="gone:1")),
        [("vector_store", 1)],
    ),
}


async def test_sound_index_has_no_problem(tmp_path: Path) -> None:
    await filled(tmp_path)
    assert (await checked(tmp_path)).found == ()
    assert (await checked(tmp_path, fix=True, embedder=HashingEmbedder())).found == ()


async def test_index_that_was_never_searched_has_no_problem(tmp_path: Path) -> None:
    parts = ingest_parts({}, embedder=HashingEmbedder(), store=persistent(tmp_path))
    await parts.pipeline.add_document(document("a", *PARAGRAPHS))
    await parts.store.close()
    assert (await checked(tmp_path)).found == ()


@pytest.mark.parametrize("name", DAMAGE)
async def test_damage_is_found_and_mended(tmp_path: Path, name: str) -> None:
    damage, expected = DAMAGE[name]
    await filled(tmp_path)
    damage(tmp_path)
    found = await checked(tmp_path)
    assert [(problem.kind, problem.count) for problem in found.found] == expected
    assert found.left == found.found
    assert all(problem.reason.localize("zh") for problem in found.found)
    repaired = await checked(tmp_path, fix=True, embedder=HashingEmbedder())
    assert [(problem.kind, problem.count) for problem in repaired.found] == expected
    assert repaired.left == ()
    assert repaired.stats.embedded == repaired.stats.chunks
    assert repaired.embedded == sum(n for kind, n in expected if kind == "faulty_vectors")
    assert (await checked(tmp_path)).found == ()


class FailingEmbedder(HashingEmbedder):
    """Fails for all texts, as a server does that is away."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        raise EmbedError(Message.bilingual("no answer", "没有回答"))


@pytest.mark.parametrize("embedder", [None, FailingEmbedder()])
async def test_vectors_deleted_while_no_encoder_works_are_made_by_the_next_that_does(
    tmp_path: Path, embedder: Embedder | None
) -> None:
    await filled(tmp_path)
    overwrite(b"")(tmp_path)
    for _ in range(2):
        repaired = await checked(tmp_path, fix=True, embedder=embedder)
        assert (repaired.stats.embedded, repaired.embedded) == (4, 0)
        (left,) = repaired.left
        assert (left.kind, left.count) == ("not_embedded", 2)
        assert left.reason.localize("zh") == "空向量"
    index = persistent(tmp_path)  # due at once: a question does it, too
    assert len(await index.unembedded(space=SPACE, limit=9, with_failed=False)) == 2
    await index.close()
    whole = await checked(tmp_path, fix=True, embedder=HashingEmbedder())
    assert (whole.left, whole.stats.embedded, whole.embedded) == ((), 6, 2)


class WritingMeanwhile(ChromaVectors):
    """Sees another process delete one page and change another when its vectors are read."""

    def page(self, *, space: str, offset: int, limit: int) -> dict[str, NDArray[np.float32]]:
        with closing(Catalog(self._folder.parent / "index.sqlite")) as other:
            other.delete("https://a.example/")
            page = document("b", "two")
            other.replace(page, chunks_of(page), {"b.example_0": UNIT}, space=SPACE)
        return super().page(space=space, offset=offset, limit=limit)


async def test_what_another_process_writes_meanwhile_is_no_damage(tmp_path: Path) -> None:
    await filled(tmp_path)
    index = persistent(tmp_path)
    page, vector = document("b", "one"), [0.0, *UNIT[1:-1], 1.0]
    await index.replace(page, chunks_of(page), {"b.example_0": vector}, space=SPACE)
    await index.close()
    index = persistent(tmp_path, WritingMeanwhile(tmp_path / "chroma"))
    assert (await check_index(IndexMaintenance(index))).found == ()
    await index.close()


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer() as running:
        yield running


async def test_texts_that_failed_are_named_and_tried_again(
    tmp_path: Path, server: OllamaServer
) -> None:
    embedder = OllamaEmbedder(host=server.url, model="nomic-embed-text", timeout_s=5)
    server.embed_faults = {"chapter 3": "nan"}
    parts = ingest_parts(
        {}, embedder=embedder, store=persistent(tmp_path), chunk_size=50, chunk_overlap=0
    )
    await parts.pipeline.add_document(document("a", *PARAGRAPHS))
    await parts.store.close()
    (problem,) = (await checked(tmp_path)).found
    assert (problem.kind, problem.count) == ("not_embedded", 1)
    assert "NaN" in problem.reason.localize("zh")
    still = await checked(tmp_path, fix=True, embedder=embedder)
    assert [one.kind for one in still.left] == ["not_embedded"]
    assert "NaN" in still.reason.localize("en")
    server.embed_faults = {}
    repaired = await checked(tmp_path, fix=True, embedder=embedder)
    assert (repaired.left, repaired.embedded) == ((), 1)
    await embedder.close()
