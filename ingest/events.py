"""What the ingestion pipeline reports: exactly one event for each page."""

from dataclasses import dataclass
from typing import Literal

from ingest.documents import FetcherName, RequestRecord
from ingest.errors import SkipReason
from ingest.foundation.messages import NO_MESSAGE, Message

PageOrigin = Literal["network", "revalidated", "memory", "file"]
"""Where a page came from: fetched; confirmed by its site to be as it was; from the index without
a request, because it is fresh; from the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageStored:
    """The page is in the index."""

    url: str
    """Where it was found in the end: the URL that it is cited under."""
    title: str
    chunks: int
    embedded: int
    """How many of the chunks have a vector already; the rest are found by words."""
    robots: str
    """The robots rule that allowed the page."""
    fetcher: FetcherName
    asked: str = ""
    """The URL that was asked for, before redirects."""
    origin: PageOrigin = "network"
    seconds: float = 0.0
    """From its turn to its place in the index."""
    hops: tuple[RequestRecord, ...] = ()
    """Every request that it took, in order."""
    coverage: float = 1.0
    """Share of the question's telling words that stand on the page; 1 without a question."""
    type: Literal["page_stored"] = "page_stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSkipped:
    """The page was left out, and everything else goes on."""

    url: str
    """The URL that was asked for."""
    reason: SkipReason
    detail: Message = NO_MESSAGE
    """What happened and what to do about it, for people."""
    robots: str = ""
    """The robots rule that spoke, if it came to that."""
    fetcher: FetcherName | None = None
    """Which one gave up, None if it did not come to that."""
    seconds: float = 0.0
    hops: tuple[RequestRecord, ...] = ()
    """Every request that was made, in order; one that was refused beforehand has status 0."""
    type: Literal["page_skipped"] = "page_skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRecut:
    """A stored page was cut anew from its text, because its chunks were cut otherwise than set."""

    url: str
    title: str
    chunks_before: int
    chunks: int
    embedded: int
    """How many of the chunks have a vector."""
    type: Literal["page_recut"] = "page_recut"


IngestEvent = PageStored | PageSkipped
