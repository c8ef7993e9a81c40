"""Chunks follow the settings: a page cut otherwise than set is cut anew, from its stored text."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.documents import Chunk, Chunking, Document, Page, Processing
from ingest.errors import EmbedError, IngestError
from ingest.events import IngestEvent, PageRecut, PageStored
from ingest.foundation.messages import Message
from ingest.index.embed.base import Embedder, Vector
from ingest.index.embed.following import FollowingEmbedder
from ingest.index.store.base import ChunkStore
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.web.fetch.memory import html_page
from tests.index_samples import persistent
from tests.ingest_parts import IngestParts, ingest_parts
from tests.tea_pages import (
    PAGES,
    PARAGRAPHS,
    QUESTION,
    TEA,
    CountingEmbedder,
    Site,
    article,
    only,
)

pytestmark = pytest.mark.anyio

COFFEE = "https://coffee.test/"
MILK = "https://milk.test/"
THREE: dict[str, Page | IngestError] = PAGES | {
    url: html_page(url, article(*(f"{url} has {n} sorts of cups." * 12 for n in range(9))))
    for url in (COFFEE, MILK)
}
SMALL = {"chunk_size": 100, "chunk_overlap": 20}


async def add(parts: IngestParts, *urls: str) -> list[IngestEvent]:
    async with aclosing(parts.pipeline.add_urls(urls)) as events:
        return [event async for event in events]


async def ask(parts: IngestParts, url: str, *, fresh: bool = False) -> PageStored:
    async with aclosing(parts.reader.read([url], question=QUESTION, fresh=fresh)) as events:
        event = only([event async for event in events])
    assert isinstance(event, PageStored)
    return event


async def recut(parts: IngestParts) -> list[PageRecut]:
    async with aclosing(parts.pipeline.recut()) as events:
        return [event async for event in events]


async def longest_chunk(store: ChunkStore, url: str = TEA) -> int:
    return max(len(chunk.text) for chunk in await store.chunks(url))


@pytest.mark.parametrize("fresh", [False, True], ids=["memory", "revalidated"])
async def test_page_of_the_index_is_cut_as_set_when_a_question_uses_it(fresh: bool) -> None:
    site = Site(article(*PARAGRAPHS))
    before = ingest_parts(site, embedder=None, ttl_s=3_600)
    first = await ask(before, TEA)
    parts = ingest_parts(site, embedder=None, ttl_s=3_600, store=before.store, **SMALL)
    second = await ask(parts, TEA, fresh=fresh)
    assert second.origin == ("revalidated" if fresh else "memory")
    assert second.chunks > 2 * first.chunks
    assert await longest_chunk(parts.store) <= 100
    assert await parts.pipeline.count_outdated() == 0
    assert (await ask(before, TEA)).chunks == first.chunks


async def test_cut_that_is_as_set_writes_nothing() -> None:
    class ReadOnly(Index):
        async def recut(self, *_: object, **__: object) -> bool:
            raise AssertionError("nothing is to be written")

    store = ReadOnly(catalog=Catalog(None), vectors=MemoryVectors())
    parts = ingest_parts(PAGES, embedder=None, store=store)
    await ask(parts, TEA)
    assert (await ask(parts, TEA)).origin == "revalidated"
    assert await recut(parts) == []


async def test_recut_counts_and_cuts_every_page_and_keeps_what_is_not_a_chunk() -> None:
    before = ingest_parts(THREE, embedder=None, ttl_s=3_600)
    await add(before, TEA, COFFEE, MILK)
    documents = await before.store.documents([TEA, COFFEE, MILK])
    known = await before.store.recall([TEA, COFFEE, MILK])
    parts = ingest_parts(THREE, embedder=None, store=before.store, **SMALL)
    assert await parts.pipeline.count_outdated() == 3
    events = await recut(parts)
    assert {event.url for event in events} == {TEA, COFFEE, MILK}
    for event in events:
        assert event.chunks == len(await parts.store.chunks(event.url)) > event.chunks_before
    assert await parts.store.documents([TEA, COFFEE, MILK]) == documents
    assert await parts.store.recall([TEA, COFFEE, MILK]) == known
    assert await parts.pipeline.count_outdated() == 0
    assert await recut(parts) == []


async def test_page_embedded_whole_is_embedded_whole_again_and_others_are_left() -> None:
    embedder = CountingEmbedder()
    before = ingest_parts(THREE, embedder=embedder, page_budget=100)
    await add(before, TEA)
    await ask(before, COFFEE)
    parts = ingest_parts(THREE, embedder=embedder, store=before.store, **SMALL)
    events = {event.url: event for event in await recut(parts)}
    assert events[TEA].embedded == events[TEA].chunks
    assert events[COFFEE].embedded < events[COFFEE].chunks


async def test_chunks_whose_text_is_as_it_was_keep_their_vectors() -> None:
    embedder = CountingEmbedder()
    before = ingest_parts(PAGES, embedder=embedder)
    await add(before, TEA)
    same = {chunk.text for chunk in await before.store.chunks(TEA)}
    embedder.texts.clear()
    # Sentences fill chunks of nearly the old size much as before: some are the same, some not.
    parts = ingest_parts(PAGES, embedder=embedder, store=before.store, chunk_size=380)
    event = only(await recut(parts))
    assert isinstance(event, PageRecut)
    kept = same & {chunk.text for chunk in await parts.store.chunks(TEA)}
    assert not kept & set(embedder.texts)
    assert event.embedded == event.chunks


async def test_recut_that_is_interrupted_goes_on_where_it_was() -> None:
    before = ingest_parts(THREE, embedder=None)
    await add(before, TEA, COFFEE, MILK)
    parts = ingest_parts(THREE, embedder=None, store=before.store, **SMALL)
    async with aclosing(parts.pipeline.recut()) as events:
        first = await anext(events)
    assert await parts.pipeline.count_outdated() == 2
    rest = {event.url for event in await recut(parts)}
    assert rest == {TEA, COFFEE, MILK} - {first.url}


async def test_encoder_that_fails_stops_the_recut_and_no_vector_is_lost() -> None:
    class Failing(CountingEmbedder):
        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            raise EmbedError(Message.bilingual("gone", "不在了"))

    before = ingest_parts(PAGES, embedder=CountingEmbedder())
    await add(before, TEA)
    chunks = await before.store.chunks(TEA)
    parts = ingest_parts(PAGES, embedder=Failing(), store=before.store, **SMALL)
    with pytest.raises(EmbedError):
        await recut(parts)
    assert await parts.store.chunks(TEA) == chunks
    assert (await parts.store.stats()).embedded == len(chunks)
    assert await parts.pipeline.count_outdated() == 1


async def test_page_cut_anew_while_the_index_is_moved_keeps_vectors_and_encoder_together() -> None:
    class Newer(CountingEmbedder):
        space = "newer:256"

    class Overtaken(CountingEmbedder):
        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            await following.follow()
            return await super().embed_documents(texts)

    async def moved() -> str:
        return Newer.space

    async def reopen(space: str) -> tuple[Embedder | None, tuple[Message, ...]]:
        return Newer(), ()

    following = FollowingEmbedder(
        Overtaken(), space=Overtaken.space, current_space=moved, reopen=reopen
    )
    before = ingest_parts(PAGES, embedder=CountingEmbedder())
    await add(before, TEA)
    await recut(ingest_parts(PAGES, embedder=following, store=before.store, **SMALL))
    assert following.space == Newer.space
    chunks = await before.store.chunks(TEA)
    assert await before.store.unembedded(space=Overtaken.space, limit=999) == []
    assert len(await before.store.unembedded(space=Newer.space, limit=999)) == len(chunks)


async def test_page_that_another_process_replaces_meanwhile_keeps_its_newer_text() -> None:
    newer = Document(url=TEA, title="Tea", text="White tea.", fetched_at=datetime.now(UTC))

    class Overtaken(Index):
        async def recut(
            self,
            document: Document,
            chunks: Sequence[Chunk],
            vectors: dict[str, Vector],  # type: ignore[override]
            *,
            space: str,
            chunking: Chunking,
        ) -> bool:
            await self.replace(newer, [], {}, space="")
            return await super().recut(document, chunks, vectors, space=space, chunking=chunking)

    store = Overtaken(catalog=Catalog(None), vectors=MemoryVectors())
    await add(ingest_parts(PAGES, embedder=None, store=store), TEA)
    parts = ingest_parts(PAGES, embedder=None, store=store, **SMALL)
    assert await asyncio.wait_for(recut(parts), timeout=30) == []
    assert await store.documents([TEA]) == {TEA: newer}
    assert await store.chunks(TEA) == []


async def test_index_is_searched_while_it_is_cut_anew_and_two_may_cut_it_at_once(
    tmp_path: Path,
) -> None:
    writer, other, reader = (persistent(tmp_path, MemoryVectors()) for _ in range(3))
    await add(ingest_parts(THREE, embedder=None, store=writer), TEA, COFFEE, MILK)
    recuts = [
        asyncio.create_task(recut(ingest_parts(THREE, embedder=None, store=store, **SMALL)))
        for store in (writer, other)
    ]
    while not all(task.done() for task in recuts):
        found = await reader.matching(["80", "degree"], top_k=3)
        assert [scored.chunk.url for scored in found][:1] == [TEA]
    assert {event.url for task in recuts for event in task.result()} == {TEA, COFFEE, MILK}
    for store in (writer, other, reader):
        await store.close()


async def test_page_that_an_older_extractor_read_is_requested_with_its_body() -> None:
    site = Site(article(*PARAGRAPHS))
    parts = ingest_parts(site, embedder=None)
    await add(parts, TEA)
    (document,) = (await parts.store.documents([TEA])).values()
    worse = replace(document, text="Menu. Green tea.")
    processing = (await parts.store.processing([TEA]))[TEA]
    await parts.store.replace(worse, [], {}, space="", processing=replace(processing, extractor=0))
    again = await ask(parts, TEA)
    assert site.known == [None, None]
    assert again.origin == "network"
    assert (await parts.store.documents([TEA]))[TEA].text == document.text
    assert (await parts.store.processing([TEA]))[TEA] == processing
    assert (await ask(parts, TEA)).origin == "revalidated"


async def test_page_of_which_it_is_not_known_how_it_was_cut_is_cut_anew() -> None:
    parts = ingest_parts(PAGES, embedder=None)
    await add(parts, TEA)
    (document,) = (await parts.store.documents([TEA])).values()
    chunks = await parts.store.chunks(TEA)
    await parts.store.replace(document, chunks, {}, space="", processing=Processing())
    assert await parts.pipeline.count_outdated() == 1
    assert only(await recut(parts)).chunks == len(chunks)
    assert await parts.store.chunks(TEA) == chunks
