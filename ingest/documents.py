"""The values that flow through ingestion, from download to chunk."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from ingest.foundation.messages import Message

FetcherName = Literal["http", "browser", "file", "memory"]

DEFAULT_COLLECTION = "default"
"""Where `ingest` stores what was given no collection. Documents without one count as its own: those
of an older index, and one whose writer was killed before it could say."""
WEB_COLLECTION = "web"
"""Pages that were read for a question; they go by age."""

PageKind = Literal[
    "article",
    "brief",
    "documentation",
    "event",
    "forum",
    "listing",
    "paywall",
    "product",
    "qa",
    "recipe",
    "table",
    "video",
    "other",
]
"""What kind of page a text comes from. "brief" is very short news; "listing" a page of links to
others, without an article; "paywall" what a site shows before the rest is paid for; "video" what
is beside one. "other": none of these, or unknown."""

RESPECTED = ("noindex", "none", "nosnippet", "noai")
"""Directives in X-Robots-Tag or <meta name=robots> for which a page is left out: not to be indexed
("none" means that, too), not to be quoted, not to be fed to a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request on the way to a page: the last one brought it, the others redirected."""

    url: str
    robots: str = ""
    """The robots rule that was applied, in words, "" if robots.txt was not consulted."""
    robots_line: int | None = None
    """Its line in robots.txt, from 1."""
    status: int = 0
    """HTTP status, 0 if no answer came or no request was sent."""
    wire_bytes: int = 0
    """Bytes of the body as it was sent, before decompression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageValidators:
    """What is kept of a download beside its text, for conditional requests (RFC 9110, 13)."""

    url: str
    """Canonical URL that was requested."""
    final_url: str
    """Where it led: the URL of the document in the index."""
    checked_at: datetime
    """When the site last sent or confirmed the page. Aware, UTC."""
    fresh_until: datetime
    """Until then no request is needed (RFC 9111, 4.2). Aware, UTC."""
    body_hash: str = ""
    """sha256 of the decompressed body, hex: an equal body is not extracted again."""
    etag: str = ""
    last_modified: str = ""
    """Both as the server sent them (RFC 9110, 8.8)."""
    fetcher: FetcherName = "http"
    robots: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One download, with all that later steps need of its headers."""

    url: str
    """Canonical URL that was requested (`ingest.web.urls.canonical_url`)."""
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
    hops: tuple[RequestRecord, ...] = ()
    """Every request that it took, in order."""
    etag: str = ""
    last_modified: str = ""
    cache_control: str = ""
    expires: str = ""
    """The headers of these names as they were sent, "" if they were not."""
    directives: tuple[str, ...] = ()
    """Directives of X-Robots-Tag, lower case, e.g. ("noindex",)."""

    @property
    def status(self) -> int:
        """HTTP status of the last request; 304: unchanged, and `body` is empty."""
        return self.hops[-1].status if self.hops else 200

    @property
    def body_hash(self) -> str:
        """sha256 of the body, hex."""
        return hashlib.sha256(self.body).hexdigest()


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
    modified: date | None = None
    author: str = ""
    canonical: str = ""
    """What the page calls its own address (<link rel=canonical>), "" if nothing or another site."""
    kind: PageKind = "other"
    page_starts: tuple[int, ...] = ()
    """Where in the text each page of paper begins, () for what has no pages."""
    directives: tuple[str, ...] = ()
    """Directives of <meta name=robots>, lower case. Not kept in the index."""
    next_page: str = ""
    """Canonical URL of the next part of the text, "" if it ends here. Not kept in the index."""
    notes: tuple[Message, ...] = ()
    """What of a file is not in the text, and why: scanned pages, attachments without a reader. Not
    kept in the index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunking:
    """What decides where a text is cut: with equal ones, equal texts have equal chunks."""

    size: int
    """Longest chunk, in characters."""
    overlap: int
    """Characters that neighbouring chunks share, at most."""
    version: int
    """`ingest.index.split.SPLITTER_VERSION` of the splitter that cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """What shaped the text and the chunks of a stored document, besides its page."""

    extractor: int | None = None
    """`ingest.extract.base.EXTRACTOR_VERSION` of what extracted the text; None: unknown, the
    index was written before this was noted (format 2)."""
    chunking: Chunking | None = None
    """None: unknown, for the same reason."""


UNKNOWN_PROCESSING = Processing()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSummary:
    """What is known of a stored document without reading its text."""

    title: str
    kind: PageKind
    chunks: int
    embedded: int
    """How many of them have a vector in the space that was asked about."""


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
    """Character range in `Document.text`."""
    heading: str
    """The nearest heading above, "" if none."""
    text: str
    """Those characters as they can be read alone: with the head of the table that they begin in,
    and with fences around code (`ingest.index.regions.excerpt`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredChunk:
    """A chunk and how well it matches a query; a better match has a higher score."""

    chunk: Chunk
    score: float
