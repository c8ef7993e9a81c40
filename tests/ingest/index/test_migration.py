"""An index moves to another encoder's space, and is never without the old one meanwhile."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from ingest.errors import EmbedError, StoreError
from ingest.foundation.messages import Message
from ingest.index.embed.base import Vector
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.migration import BATCH, MigrationProgress, SpaceMigration
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.maintenance import IndexMaintenance
from ingest.index.store.vector_stores.memory import MemoryVectors
from tests.index_samples import chunks_of, document, persistent

pytestmark = pytest.mark.anyio

OLD = HashingEmbedder.space
PAGE = document("a", *(f"chapter {n} tells of harbours" for n in range(3 * BATCH)))


class Newer(HashingEmbedder):
    """Another encoder with a space of its own, which fails for what `refused` says."""

    space = "newer:256"

    def __init__(self, *, refused: str = "never", foreign: str = "never") -> None:
        self.texts: list[str] = []
        self.refused = refused
        self.foreign = foreign

    def language_coverage(self, text: str) -> float:
        return 0.0 if self.foreign in text else 1.0

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        if any(self.refused in text for text in texts):
            raise EmbedError(Message.bilingual("NaN", "非数"), is_of_text=True)
        self.texts += texts
        return await super().embed_documents(texts)


async def filled(index: Index) -> Index:
    """Store the page with all of its vectors in the old space."""
    chunks = chunks_of(PAGE)
    vectors = await HashingEmbedder().embed_documents([chunk.text for chunk in chunks])
    pairs = dict(zip((chunk.id for chunk in chunks), vectors, strict=True))
    await index.replace(PAGE, chunks, pairs, space=OLD)
    return index


async def index_in_memory() -> Index:
    return await filled(Index(catalog=Catalog(), vectors=MemoryVectors()))


def migration(index: Index, embedder: HashingEmbedder, **more: bool) -> SpaceMigration:
    return SpaceMigration(maintenance=IndexMaintenance(index), embedder=embedder, **more)


async def run(moving: SpaceMigration) -> list[MigrationProgress]:
    async with aclosing(moving.run()) as progress:
        return [each async for each in progress]


async def found(index: Index, text: str, *, space: str) -> list[str]:
    vector = await HashingEmbedder().embed_query(text)
    return [one.chunk.text for one in await index.nearest(vector, top_k=1, space=space)]


async def test_every_chunk_moves_and_the_old_vectors_go() -> None:
    index = await index_in_memory()
    steps = await run(migration(index, Newer()))
    assert [step.embedded for step in steps] == [0, BATCH, 2 * BATCH, 3 * BATCH, 3 * BATCH]
    assert steps[-1].is_done
    assert steps[-1].deleted == 3 * BATCH
    assert (await index.stats()).space == Newer.space
    assert await found(index, "chapter 7", space=Newer.space) == ["chapter 7 tells of harbours"]
    assert await found(index, "chapter 7", space=OLD) == []
    assert index.vectors.spaces() == [Newer.space]
    assert index.catalog.pending(limit=1) == []


async def test_old_vectors_stay_where_that_is_wanted() -> None:
    index = await index_in_memory()
    await run(migration(index, Newer(), keep_old=True))
    assert (await index.stats()).space == Newer.space
    assert await found(index, "chapter 7", space=OLD) == ["chapter 7 tells of harbours"]


async def test_questions_are_answered_from_the_old_space_until_the_end() -> None:
    index = await index_in_memory()
    async with aclosing(migration(index, Newer()).run()) as progress:
        async for step in progress:
            if not step.is_done:
                assert (await index.stats()).space == OLD
                assert await found(index, "chapter 7", space=OLD) == ["chapter 7 tells of harbours"]


async def test_who_is_stopped_goes_on_where_they_were() -> None:
    index, embedder = await index_in_memory(), Newer()
    async with aclosing(migration(index, embedder).run()) as progress:
        async for step in progress:
            if step.embedded:
                break
    assert (await index.stats()).space == OLD
    steps = await run(migration(index, embedder))
    assert steps[0].embedded == BATCH
    assert sorted(embedder.texts) == sorted(chunk.text for chunk in chunks_of(PAGE))


async def test_who_is_stopped_after_the_switch_leaves_the_old_vectors_to_the_next_call() -> None:
    index = await index_in_memory()
    await run(migration(index, Newer(), keep_old=True))
    await found(index, "chapter 7", space=OLD)  # so that they have a copy, too
    *_, last = await run(migration(index, Newer()))
    assert last.deleted == 3 * BATCH
    assert index.vectors.spaces() == [Newer.space]


async def test_what_is_stored_meanwhile_moves_too() -> None:
    index = await index_in_memory()
    late = document("b", "lighthouses stand on rocks")
    changed = document("a", "chapter 0 tells of lagoons", *PAGE.text.split("\n\n")[1:])
    async with aclosing(migration(index, Newer()).run()) as progress:
        async for step in progress:
            if step.embedded == 3 * BATCH and not step.is_done:
                await index.replace(late, chunks_of(late), {}, space=OLD)
                await index.replace(changed, chunks_of(changed), {}, space=OLD)
    assert (await index.stats()).space == Newer.space
    assert await index.unembedded(space=Newer.space, limit=9) == []
    assert await found(index, "rocks", space=Newer.space) == ["lighthouses stand on rocks"]
    assert await found(index, "lagoons", space=Newer.space) == ["chapter 0 tells of lagoons"]


async def test_text_that_cannot_be_embedded_holds_nothing_up() -> None:
    index = await index_in_memory()
    *_, last = await run(migration(index, Newer(refused="chapter 7 ", foreign="chapter 9 ")))
    assert last.is_done
    assert (last.failed, last.foreign, last.embedded) == (1, 1, 3 * BATCH - 2)
    stats = await index.stats()
    assert (stats.space, stats.failed) == (Newer.space, 1)


@pytest.mark.parametrize("broken", [Newer(refused=""), Newer(foreign="")])
async def test_encoder_that_is_worth_nothing_leaves_the_index_as_it_was(broken: Newer) -> None:
    index = await index_in_memory()
    with pytest.raises(EmbedError):
        await run(migration(index, broken))
    assert (await index.stats()).space == OLD
    assert await found(index, "chapter 7", space=OLD) == ["chapter 7 tells of harbours"]


async def test_encoder_that_fails_for_most_texts_leaves_the_index_as_it_was() -> None:
    index = await index_in_memory()
    with pytest.raises(EmbedError) as caught:
        await run(migration(index, Newer(refused="chapter")))
    assert "48" in caught.value.localize("zh")
    assert (await index.stats()).space == OLD


async def test_second_migration_of_a_folder_says_that_there_is_one(tmp_path: Path) -> None:
    first = await filled(persistent(tmp_path))
    second = persistent(tmp_path)
    async with aclosing(migration(first, Newer()).run()) as progress:
        await anext(progress)
        with pytest.raises(StoreError) as caught:
            await run(migration(second, Newer()))
        assert "another process migrates" in caught.value.localize("en")
        assert await found(second, "chapter 7", space=OLD) == ["chapter 7 tells of harbours"]
        [each async for each in progress]
    steps = await run(migration(second, Newer()))
    assert steps[0].embedded == 3 * BATCH
    await asyncio.gather(first.close(), second.close())


async def test_lock_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    index = await filled(persistent(tmp_path))
    (tmp_path / "index.migrate.lock").mkdir()
    with pytest.raises(StoreError) as caught:
        await run(migration(index, Newer()))
    assert str(tmp_path) in caught.value.localize("zh")
    await index.close()
