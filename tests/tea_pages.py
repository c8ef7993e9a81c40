"""Pages about tea in memory, and fetchers and embedders that hang, count or fail."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from ingest.documents import Page, PageValidators, RequestRecord
from ingest.errors import IngestError
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message
from ingest.index.embed.base import Vector
from ingest.index.embed.memory import HashingEmbedder
from ingest.web.fetch.memory import MemoryFetcher, html_page

E = TypeVar("E")

TEA = "https://tea.test/"
SCRIPT = "https://script.test/"
HANG = "https://hang.test/"
QUESTION = "How hot should the water for green tea be?"
GREEN_TEA = (
    "<html><head><title>Green tea</title></head><body><article><h1>Green tea</h1><p>Green tea "
    "wants water of 80 degrees, not boiling water.</p><p>It steeps for two minutes, and the "
    "leaves can be used three times.</p></article></body></html>"
)
"""A whole short page."""
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

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        if url == HANG:
            await asyncio.Event().wait()
        return await super().fetch(url, known=known)


class SlowFetcher(MemoryFetcher):
    """Holds one page back until `go` is set."""

    def __init__(self, pages: Mapping[str, Page | IngestError], *, slow: str) -> None:
        super().__init__(pages)
        self._slow = slow
        self.go = asyncio.Event()

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        if url == self._slow:
            await self.go.wait()
        return await super().fetch(url, known=known)


class Site(MemoryFetcher):
    """Serves one page with an ETag, and answers 304 to whoever has it."""

    def __init__(self, html: str) -> None:
        super().__init__({})
        self.html = html
        self.max_age = ""
        self.has_etag = True
        self.known: list[str | None] = []

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        self.asked.append(url)
        self.known.append(known.etag if known else None)
        page = html_page(url, self.html, fetched_at=datetime.now(UTC))
        etag = str(hash(self.html)) if self.has_etag else ""
        same = known is not None and bool(etag) and known.etag == etag
        hop = RequestRecord(url=url, robots="no rule matches", status=304 if same else 200)
        body = b"" if same else page.body
        return replace(page, body=body, etag=etag, cache_control=self.max_age, hops=(hop,))


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


class Deaf(CountingEmbedder):
    """An encoder that knows no word of the text."""

    def language_coverage(self, text: str) -> float:
        return 0.1


class AbsentBrowser:
    """A browser that is not installed."""

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        raise MissingDependencyError(Message.bilingual("no browser", "没有浏览器"))

    async def close(self) -> None:
        """Nothing to close."""


def only(events: Sequence[E]) -> E:
    (event,) = events
    return event
