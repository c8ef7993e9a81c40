"""From URL to searchable chunk: one event a page, and nobody waits for the slowest."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing

import pytest

from ingest.documents import Page
from ingest.embed.base import Embedder, Vector
from ingest.embed.memory import HashingEmbedder
from ingest.errors import EmbedError, IngestError, MissingPartError
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.fetch.base import Fetcher
from ingest.fetch.memory import MemoryFetcher, html_page
from ingest.pipeline import Ingestor
from ingest.store.base import ChunkStore
from ingest.store.catalog import Catalog
from ingest.store.index import Index
from ingest.store.memory import MemoryVectors
from ingest.tokens import words
from ingest.wording import Wording

pytestmark = pytest.mark.anyio

TEA = "https://tea.test/"
SCRIPT = "https://script.test/"
HANG = "https://hang.test/"
QUESTION = "How hot should the water for green tea be?"
PARAGRAPHS = (
    "Green tea wants water of 80 degrees, not boiling water, or it turns bitter.",
    *(f"Chapter {n} tells of harbours, ships and the people of the coast." * 6 for n in range(30)),
)


def article(*paragraphs: str) -> str:
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return f"<html><head><title>Tea</title></head><body><article>{text}</article></body></html>"


PAGES: dict[str, Page | IngestError] = {
    TEA: html_page(TEA, article(*PARAGRAPHS)),
    SCRIPT: html_page(
        SCRIPT, "<html><body><div id='app'></div><script>draw('tea')</script></body></html>"
    ),
}


class HangingFetcher(MemoryFetcher):
    """One of its pages never comes."""

    async def fetch(self, url: str) -> Page:
        if url == HANG:
            await asyncio.Event().wait()
        return await super().fetch(url)


class StallingEmbedder(HashingEmbedder):
    """An encoder that never answers."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        await asyncio.Event().wait()
        raise AssertionError


class CountingEmbedder(HashingEmbedder):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        self.texts += texts
        return await super().embed_documents(texts)


class AbsentBrowser:
    """A browser that is not installed."""

    async def fetch(self, url: str) -> Page:
        raise MissingPartError(Wording("no browser", "没有浏览器"))

    async def close(self) -> None:
        """Nothing to close."""


class Deaf(CountingEmbedder):
    """An encoder that knows no word of the text."""

    def fluency(self, text: str) -> float:
        return 0.1


def ingestor(
    embedder: Embedder | None,
    *,
    pages: Mapping[str, Page | IngestError] = PAGES,
    browser: Fetcher | None = None,
    store: ChunkStore | None = None,
) -> Ingestor:
    return Ingestor(
        fetcher=HangingFetcher(pages),
        browser=browser,
        embedder=embedder,
        store=store or Index(catalog=Catalog(None), vectors=MemoryVectors()),
        chunk_size=400,
        chunk_overlap=100,
        page_budget=800,
        concurrency=4,
    )


async def read(
    ingestor: Ingestor, *urls: str, question: str | None = None, seconds: float | None = None
) -> list[IngestEvent]:
    until = None if seconds is None else time.monotonic() + seconds
    async with aclosing(ingestor.read(urls, question=question, until=until)) as events:
        return [event async for event in events]


def only(events: Sequence[IngestEvent]) -> IngestEvent:
    (event,) = events
    return event


async def test_whole_page_is_stored_but_only_what_bears_on_the_question_is_embedded() -> None:
    embedder = CountingEmbedder()
    one = ingestor(embedder)
    stored = only(await read(one, TEA, question=QUESTION))
    assert isinstance(stored, PageStored)
    assert any("80 degrees" in text for text in embedder.texts)
    assert len(embedder.texts) < stored.chunks / 3
    assert await one.store.matching(words("chapter 29 harbours"), top_k=1)


async def test_without_a_question_every_chunk_is_embedded_before_the_event() -> None:
    stored = only(await read(ingestor(CountingEmbedder()), TEA))
    assert isinstance(stored, PageStored)
    assert stored.embedded == stored.chunks


async def test_page_read_again_unchanged_is_not_embedded_again() -> None:
    embedder = CountingEmbedder()
    one = ingestor(embedder)
    await read(one, TEA)
    before = len(embedder.texts)
    stored = only(await read(one, TEA))
    assert len(embedder.texts) == before
    assert isinstance(stored, PageStored)
    assert stored.embedded == stored.chunks


async def test_encoder_that_stalls_holds_up_no_page_and_no_answer() -> None:
    one = ingestor(StallingEmbedder())
    stored = only(await asyncio.wait_for(read(one, TEA, question=QUESTION), timeout=30))
    assert isinstance(stored, PageStored)
    assert await one.store.matching(words("green tea"), top_k=1)


async def test_encoder_that_fails_leaves_words() -> None:
    class Failing(CountingEmbedder):
        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            raise EmbedError(Wording("gone", "不在了"))

    stored = only(await read(ingestor(Failing()), TEA))
    assert isinstance(stored, PageStored)
    assert stored.embedded == 0


async def test_text_in_a_language_that_the_encoder_does_not_know_is_not_embedded() -> None:
    embedder = Deaf()
    await read(ingestor(embedder), TEA)
    assert embedder.texts == []


async def test_page_that_hangs_is_left_behind_at_the_deadline() -> None:
    events = await asyncio.wait_for(
        read(ingestor(None), HANG, TEA, question=QUESTION, seconds=2), timeout=30
    )
    assert [type(event) for event in events] == [PageStored, PageSkipped]
    late = events[-1]
    assert isinstance(late, PageSkipped)
    assert (late.url, late.reason) == (HANG, "deadline")


async def test_page_made_by_scripts_is_opened_in_the_browser() -> None:
    browser = MemoryFetcher({SCRIPT: html_page(SCRIPT, article(*PARAGRAPHS))})
    stored = only(await read(ingestor(None, browser=browser), SCRIPT))
    assert isinstance(stored, PageStored)
    assert browser.asked == [SCRIPT]


@pytest.mark.parametrize("browser", [None, AbsentBrowser()])
async def test_without_a_browser_such_a_page_is_skipped_and_says_so(
    browser: Fetcher | None,
) -> None:
    skipped = only(await read(ingestor(None, browser=browser), SCRIPT))
    assert isinstance(skipped, PageSkipped)
    assert skipped.reason == "needs_browser"


async def test_leaving_early_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    one = ingestor(StallingEmbedder())
    async with aclosing(one.read([TEA, HANG], question=QUESTION)) as events:
        async for _ in events:
            break
    assert asyncio.all_tasks() == before
