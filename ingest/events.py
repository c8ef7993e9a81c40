"""The events of ingestion: exactly one for each page."""

from dataclasses import dataclass
from typing import Literal

from ingest.documents import FetcherName, PageKind, RequestRecord
from ingest.errors import SkipReason
from ingest.foundation.messages import NO_MESSAGE, Message

PageOrigin = Literal["network", "revalidated", "memory", "file"]
"""Where a page came from: fetched; from the index, confirmed unchanged by its site; from the index
without a request, because it is fresh; from the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageStored:
    """The page is in the index."""

    url: str
    """Where it was found in the end: the URL that it is cited under."""
    title: str
    chunks: int
    embedded: int
    """How many of the chunks have a vector; the rest are found by words."""
    robots: str
    """The robots rule that allowed the page."""
    fetcher: FetcherName
    unembedded: int = 0
    """How many chunks should have a vector and have none, because the embedding model failed."""
    unembedded_reason: Message = NO_MESSAGE
    """Why, and what to do about it."""
    asked: str = ""
    """The URL that was requested, before redirects; "" for a file."""
    origin: PageOrigin = "network"
    seconds: float = 0.0
    """From its turn until it was in the index."""
    hops: tuple[RequestRecord, ...] = ()
    """Every request that it took, in order."""
    coverage: float = 1.0
    """Share of the question's content words that occur on the page; 1 without a question."""
    notes: tuple[Message, ...] = ()
    """What of a file is not in the index, and why (`ingest.documents.Document.notes`)."""
    kind: PageKind = "other"
    """What kind of page it is."""
    # The tag that distinguishes events in JSON; front ends match on the class.
    type: Literal["page_stored"] = "page_stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSkipped:
    """The page was left out; the other pages go on."""

    url: str
    """The URL that was requested."""
    reason: SkipReason
    detail: Message = NO_MESSAGE
    """What happened and what to do about it, for people."""
    robots: str = ""
    """The robots rule that was applied, "" if none was."""
    fetcher: FetcherName | None = None
    """The one that failed, None if none was tried."""
    seconds: float = 0.0
    hops: tuple[RequestRecord, ...] = ()
    """Every request, in order; one that was not allowed to be sent has status 0."""
    type: Literal["page_skipped"] = "page_skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRecut:
    """A stored page was cut again from its text, because its chunks were cut otherwise than set."""

    url: str
    title: str
    chunks_before: int
    chunks: int
    embedded: int
    """How many of the chunks have a vector."""
    type: Literal["page_recut"] = "page_recut"


IngestEvent = PageStored | PageSkipped

LeftOutReason = Literal[
    "hidden",
    "ignored",
    "system",
    "excluded",
    "no_reader",
    "link_outside",
    "link_folder",
    "link_inside",
    "link_broken",
    "special",
    "unreadable",
    "encrypted",
    "empty",
    "archive",
    "picture",
    "unsafe_name",
    "beyond_bounds",
    "broken_off",
]
"""Why something in a folder or an archive is not one of its documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLeftOut:
    """Something in a folder that is not read. Of a folder's content nothing more is said."""

    path: str
    """Absolute; a folder's ends with "/". In an archive below the archive's own path."""
    reason: LeftOutReason
    rule: str = ""
    """The pattern that says so, behind the name of its ignore file if it stands in one, or the
    suffix that has no reader."""
    type: Literal["file_left_out"] = "file_left_out"


SourceKind = Literal["folder", "archive", "list", "sitemap", "feed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceScanned:
    """All that a source of many names has been named."""

    name: str
    kind: SourceKind
    count: int
    """Documents or addresses."""
    left_out: int = 0
    """`FileLeftOut` of a folder or archive; other sites' and excluded pages of a sitemap."""
    type: Literal["source_scanned"] = "source_scanned"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUnusable:
    """A source, or a line of one, that names nothing that could be stored."""

    name: str
    detail: Message
    type: Literal["source_unusable"] = "source_unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGone:
    """A document of the index whose file is no longer in the folder."""

    url: str
    removed: bool
    """Whether it has left the index, too."""
    type: Literal["file_gone"] = "file_gone"
