"""Reading for a question: relevant chunks are embedded, and nobody waits for the slowest page."""

import asyncio
import time
from contextlib import aclosing

import pytest

from ingest.documents import Page, PageValidators
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.index.embed.ollama import OllamaEmbedder
from ingest.text.words import words
from ingest.web.fetch.memory import MemoryFetcher, html_page
from tests.engines.ollama_server import OllamaServer
from tests.ingest_parts import IngestParts, ingest_parts
from tests.tea_pages import (
    HANG,
    PAGES,
    PARAGRAPHS,
    QUESTION,
    TEA,
    CountingEmbedder,
    HangingFetcher,
    Site,
    SlowFetcher,
    StallingEmbedder,
    article,
    only,
)

pytestmark = pytest.mark.anyio


async def read(
    parts: IngestParts,
    *urls: str,
    question: str = QUESTION,
    seconds: float | None = None,
    enough: int | None = None,
) -> list[IngestEvent]:
    until = None if seconds is None else time.monotonic() + seconds
    reading = parts.reader.read(urls, question=question, until=until, enough=enough)
    async with aclosing(reading) as events:
        return [event async for event in events]


async def test_whole_page_is_stored_but_only_what_is_relevant_is_embedded() -> None:
    embedder = CountingEmbedder()
    one = ingest_parts(PAGES, embedder=embedder, page_budget=200, question_budget=1_000)
    stored = only(await read(one, TEA))
    assert isinstance(stored, PageStored)
    assert any("80 degrees" in text for text in embedder.texts)
    assert len(embedder.texts) < stored.chunks / 3
    assert await one.store.matching(words("chapter 29 harbours"), top_k=1)


async def test_encoder_that_stalls_holds_up_no_page_and_no_answer() -> None:
    one = ingest_parts(HangingFetcher(PAGES), embedder=StallingEmbedder())
    stored = only(await asyncio.wait_for(read(one, TEA), timeout=30))
    assert isinstance(stored, PageStored)
    assert await one.store.matching(words("green tea"), top_k=1)


async def test_page_that_hangs_is_left_behind_at_the_deadline() -> None:
    events = await asyncio.wait_for(
        read(ingest_parts(HangingFetcher(PAGES), embedder=None), HANG, TEA, seconds=2), timeout=30
    )
    assert [type(event) for event in events] == [PageStored, PageSkipped]
    late = events[-1]
    assert isinstance(late, PageSkipped)
    assert (late.url, late.reason) == (HANG, "deadline")


class FaultyFetcher(MemoryFetcher):
    """Meets a fault of ours on one of its pages."""

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        if url == HANG:
            raise RecursionError("too deep")
        return await super().fetch(url, known=known)


async def test_page_on_which_we_fail_is_left_out_and_the_others_are_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events = await read(ingest_parts(FaultyFetcher(PAGES), embedder=None), HANG, TEA)
    stored, skipped = sorted(events, key=lambda event: event.type, reverse=True)
    assert isinstance(stored, PageStored)
    assert isinstance(skipped, PageSkipped)
    assert (skipped.url, skipped.reason) == (HANG, "unsupported")
    assert "RecursionError" in skipped.detail.localize("zh")
    # The text of an error may quote the page: the log has its type alone.
    assert f"{HANG} is left out, reading it failed: RecursionError\n" in caplog.text


async def test_page_with_a_number_of_thousands_of_digits_is_read() -> None:
    page = html_page(
        HANG, article(f"Green tea wants water of {'8' * 5_000}万 degrees.", *PARAGRAPHS)
    )
    events = await read(ingest_parts(PAGES | {HANG: page}, embedder=None), HANG)
    assert isinstance(only(events), PageStored)


async def test_page_too_late_for_the_answer_is_there_for_the_next_question() -> None:
    late = "https://late.test/"
    pages = PAGES | {late: html_page(late, article("Tea from Lapsang smells of smoke."))}
    fetcher = SlowFetcher(pages, slow=late)
    seen: list[IngestEvent] = []
    one = ingest_parts(fetcher, embedder=None, on_event=seen.append)
    events = await read(one, TEA, late, seconds=1)
    assert [type(event) for event in events] == [PageStored, PageSkipped]
    assert not await one.store.matching(["lapsang"], top_k=1)
    fetcher.go.set()
    await one.reader.close(seconds=30)
    assert await one.store.matching(["lapsang"], top_k=1)
    assert [event.url for event in seen] == [TEA, late]
    assert isinstance(seen[-1], PageStored)


async def test_late_page_that_is_given_up_is_reported_as_late() -> None:
    before = asyncio.all_tasks()
    seen: list[IngestEvent] = []
    one = ingest_parts(HangingFetcher(PAGES), embedder=None, on_event=seen.append)
    await read(one, TEA, HANG, seconds=1)
    await one.reader.close()
    assert asyncio.all_tasks() == before
    late = seen[-1]
    assert isinstance(late, PageSkipped)
    assert (late.url, late.reason) == (HANG, "deadline")


async def test_enough_good_pages_end_the_wait_for_a_host_that_hangs() -> None:
    events = await asyncio.wait_for(
        read(ingest_parts(HangingFetcher(PAGES), embedder=None), HANG, TEA, enough=1), timeout=30
    )
    assert [type(event) for event in events] == [PageStored, PageSkipped]


async def test_pages_that_are_not_relevant_are_not_enough() -> None:
    off = "https://off.test/"
    pages = PAGES | {off: html_page(off, article("A page on the harbours of the coast." * 9))}
    fetcher = SlowFetcher(pages, slow=TEA)
    one = ingest_parts(fetcher, embedder=None)
    task = asyncio.create_task(read(one, off, TEA, enough=1, seconds=60))
    await asyncio.sleep(1.5)  # longer than the shortest grace
    assert not task.done()
    fetcher.go.set()
    events = await task
    assert all(isinstance(event, PageStored) for event in events)


async def test_fresh_page_gets_the_vectors_that_another_question_wants() -> None:
    site, embedder = Site(article(*PARAGRAPHS)), CountingEmbedder()
    one = ingest_parts(site, embedder=embedder, ttl_s=3_600)
    await read(one, TEA)
    await read(one, TEA, question="What does chapter 17 tell of harbours?")
    assert site.asked == [TEA]
    assert any("Chapter 17" in text for text in embedder.texts)


async def test_text_that_cannot_be_embedded_ends_nothing_for_the_pages_beside_it() -> None:
    coffee = "https://coffee.test/"
    water = "Green tea wants cooler water than coffee does, say the people of the coast."
    pages = PAGES | {coffee: html_page(coffee, article(water))}
    with OllamaServer() as server:
        server.embed_faults = {"80 degrees": "nan"}
        embedder = OllamaEmbedder(host=server.url, model="nomic-embed-text", timeout_s=5)
        one = ingest_parts(pages, embedder=embedder)
        await read(one, TEA, coffee)
        missing = {
            chunk.text for chunk in await one.store.unembedded(space=embedder.space, limit=99)
        }
        assert any("80 degrees" in text for text in missing)
        assert not any("cooler water" in text for text in missing)
        assert (await one.store.stats()).failed == 1
        await embedder.close()
