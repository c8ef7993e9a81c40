"""Storing documents whole: every chunk is found by its words and by its vector."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.errors import EmbedError
from ingest.events import IngestEvent, PageStored
from ingest.foundation.messages import Message
from ingest.index.embed.base import Vector
from ingest.index.embed.ollama import OllamaEmbedder
from ingest.text.words import words
from tests.engines.ollama_server import OllamaServer
from tests.index_samples import document
from tests.ingest_parts import IngestParts, ingest_parts
from tests.tea_pages import (
    HANG,
    PAGES,
    PARAGRAPHS,
    TEA,
    CountingEmbedder,
    Deaf,
    HangingFetcher,
    Site,
    StallingEmbedder,
    article,
    only,
)

pytestmark = pytest.mark.anyio


async def add(parts: IngestParts, *urls: str, fresh: bool = False) -> list[IngestEvent]:
    async with aclosing(parts.pipeline.add_urls(urls, fresh=fresh)) as events:
        return [event async for event in events]


async def test_every_chunk_is_embedded_before_the_event() -> None:
    stored = only(await add(ingest_parts(PAGES, embedder=CountingEmbedder()), TEA))
    assert isinstance(stored, PageStored)
    assert stored.embedded == stored.chunks


async def test_page_read_again_unchanged_is_not_embedded_again() -> None:
    embedder = CountingEmbedder()
    one = ingest_parts(PAGES, embedder=embedder)
    await add(one, TEA)
    before = len(embedder.texts)
    stored = only(await add(one, TEA))
    assert len(embedder.texts) == before
    assert isinstance(stored, PageStored)
    assert stored.embedded == stored.chunks


async def test_what_is_fresh_is_settled_before_any_page_is_asked_for() -> None:
    site = Site(article(*PARAGRAPHS))
    one = ingest_parts(site, embedder=CountingEmbedder(), ttl_s=3_600)
    await add(one, TEA)
    other = f"{TEA}/second"
    first, second = await add(one, other, TEA)
    assert isinstance(first, PageStored)
    assert (first.asked, first.origin) == (TEA, "memory")
    assert isinstance(second, PageStored)
    assert (second.asked, second.origin) == (other, "network")


async def test_what_is_unchanged_is_told_at_once_as_reading_it_again_would_tell_it(
    tmp_path: Path,
) -> None:
    told: list[IngestEvent] = []
    site = Site(article(*PARAGRAPHS))
    one = ingest_parts(site, embedder=CountingEmbedder(), ttl_s=3_600, on_event=told.append)
    same, other = tmp_path / "茶.md", tmp_path / "other.md"
    for file in (same, other):
        file.write_text("# Tea\n\nTea is a drink.", "utf-8")
        await one.pipeline.add_file(file)
    await add(one, TEA)
    other.write_text("# Tea\n\nTea is a hot drink.", "utf-8")
    (tmp_path / "new.md").write_text("new")
    names = [TEA, *(path.as_uri() for path in tmp_path.iterdir()), f"{TEA}unknown"]
    found = await one.pipeline.unchanged(names)
    assert list(told[-2:]) == list(found.values())
    read_again = {TEA: only(await add(one, TEA)), same.as_uri(): await one.pipeline.add_file(same)}
    assert found == {url: replace(event, seconds=0.0) for url, event in read_again.items()}


async def test_what_lacks_a_vector_is_not_unchanged() -> None:
    site = Site(article(*PARAGRAPHS))
    one = ingest_parts(site, embedder=None, ttl_s=3_600)
    await add(one, TEA)
    assert list(await one.pipeline.unchanged([TEA])) == [TEA]
    two = ingest_parts(site, embedder=CountingEmbedder(), store=one.store, ttl_s=3_600)
    assert await two.pipeline.unchanged([TEA]) == {}
    await add(two, TEA)
    assert list(await two.pipeline.unchanged([TEA])) == [TEA]


async def test_encoder_that_fails_leaves_words() -> None:
    class Failing(CountingEmbedder):
        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            raise EmbedError(Message.bilingual("gone", "不在了"))

    stored = only(await add(ingest_parts(PAGES, embedder=Failing()), TEA))
    assert isinstance(stored, PageStored)
    assert stored.embedded == 0


async def test_text_in_a_language_that_the_encoder_does_not_know_is_not_embedded() -> None:
    embedder = Deaf()
    await add(ingest_parts(PAGES, embedder=embedder), TEA)
    assert embedder.texts == []


async def test_bulk_reading_left_early_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    one = ingest_parts(HangingFetcher(PAGES), embedder=StallingEmbedder())
    async with aclosing(one.pipeline.add_urls([TEA, HANG])) as events:
        task = asyncio.create_task(anext(events))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert asyncio.all_tasks() == before


async def test_changed_page_is_embedded_only_where_it_changed() -> None:
    site, embedder = Site(article(*PARAGRAPHS)), CountingEmbedder()
    one = ingest_parts(site, embedder=embedder)
    await add(one, TEA)
    before = len(embedder.texts)
    site.html = article(*PARAGRAPHS, "A last word on white tea.")
    again = only(await add(one, TEA))
    assert isinstance(again, PageStored)
    assert again.origin == "network"
    assert 0 < len(embedder.texts) - before < 4
    assert await one.store.matching(words("white tea"), top_k=1)


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        yield server


def over_the_wire(server: OllamaServer) -> OllamaEmbedder:
    return OllamaEmbedder(host=server.url, model="nomic-embed-text", timeout_s=5, busy_waits_s=())


async def test_text_that_cannot_be_embedded_costs_itself_alone_and_is_said(
    ollama: OllamaServer,
) -> None:
    ollama.embed_faults = {"Chapter 7 ": "nan"}
    one = ingest_parts(PAGES, embedder=over_the_wire(ollama))
    stored = only(await add(one, TEA))
    assert isinstance(stored, PageStored)
    assert stored.unembedded > 0
    assert stored.embedded + stored.unembedded == stored.chunks
    missing = await one.store.unembedded(space=over_the_wire(ollama).space, limit=99)
    assert all("Chapter 7 " in chunk.text for chunk in missing)
    assert len(missing) == stored.unembedded == (await one.store.stats()).failed
    assert "NaN" in stored.unembedded_reason.localize("en")
    ollama.embed_faults = {}
    healed = only(await add(one, TEA))
    assert isinstance(healed, PageStored)
    assert (healed.embedded, healed.unembedded) == (healed.chunks, 0)
    assert (await one.store.stats()).failed == 0


async def test_model_that_changes_its_length_leaves_words_and_ends_nothing(
    ollama: OllamaServer,
) -> None:
    one = ingest_parts(PAGES, embedder=over_the_wire(ollama))
    await one.pipeline.add_document(document("a", "Drones need lights."))
    ollama.embed_faults = {"": "longer"}
    stored = await one.pipeline.add_document(document("b", "Pilots rest."))
    assert (stored.chunks, stored.unembedded) == (1, 1)
    assert "instead of" in stored.unembedded_reason.localize("en")
    assert await one.store.matching(words("pilots"), top_k=1)


async def test_page_that_a_server_failed_for_is_noted_whole_and_tried_at_once(
    ollama: OllamaServer,
) -> None:
    ollama.fail("missing", path="/api/embed")
    one = ingest_parts(PAGES, embedder=over_the_wire(ollama))
    stored = only(await add(one, TEA))
    assert isinstance(stored, PageStored)
    assert stored.unembedded == stored.chunks == (await one.store.stats()).failed
    space = over_the_wire(ollama).space
    due = await one.store.unembedded(space=space, limit=99, with_failed=False)
    assert len(due) == stored.chunks


async def test_page_is_cut_anew_though_one_text_cannot_be_embedded(ollama: OllamaServer) -> None:
    first = ingest_parts(PAGES, embedder=over_the_wire(ollama))
    await add(first, TEA)
    ollama.embed_faults = {"Chapter 7 ": "nan"}
    second = ingest_parts(
        PAGES, embedder=over_the_wire(ollama), store=first.store, chunk_size=200, chunk_overlap=0
    )
    async with aclosing(second.pipeline.recut()) as events:
        (cut,) = [event async for event in events]
    assert 0 < cut.chunks - cut.embedded < 5
