"""What the ingestion pipeline reports: exactly one event for each page."""

from dataclasses import dataclass
from typing import Literal

from ingest.documents import FetcherName
from ingest.errors import SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class PageStored:
    """The page is in the index."""

    url: str
    title: str
    chunks: int
    embedded: int
    """How many of the chunks have a vector already; the rest are found by words."""
    robots: str
    """The robots rule that allowed the page."""
    fetcher: FetcherName
    type: Literal["page_stored"] = "page_stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSkipped:
    """The page was left out, and everything else goes on."""

    url: str
    reason: SkipReason
    detail: str = ""
    robots: str = ""
    """The robots rule that spoke, if it came to that."""
    type: Literal["page_skipped"] = "page_skipped"


IngestEvent = PageStored | PageSkipped
