"""The values that flow through ingestion, from download to chunk."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

FetcherName = Literal["http", "browser", "file", "memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One download, before anything is thrown away."""

    url: str
    """Canonical URL that was asked for (`ingest.urls.canonical_url`)."""
    final_url: str
    """Canonical URL after redirects."""
    media_type: str
    """Lower case, without parameters, e.g. "text/html"; "" when the server sent none."""
    charset: str | None
    """The charset of the Content-Type header, if any: a claim, not a fact."""
    body: bytes
    fetched_at: datetime
    """Aware, UTC."""
    fetcher: FetcherName
    robots: str
    """The robots rule that allowed the page, in words, e.g. "no rule matches"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The readable text of one page, as Markdown."""

    url: str
    title: str
    text: str
    fetched_at: datetime
    language: str = ""
    """ISO 639-1 code, "" when unknown."""
    published: date | None = None

    @property
    def content_hash(self) -> str:
        """sha256 of the text, hex: equal texts need no new embedding."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a document, small enough to embed."""

    id: str
    url: str
    title: str
    position: int
    """0 for the first chunk of the document."""
    start: int
    end: int
    """Character range in `Document.text`: text == document.text[start:end]."""
    heading: str
    """The nearest heading above, "" if none."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredChunk:
    """A chunk and how near it is to a query. Nearer is higher."""

    chunk: Chunk
    score: float
