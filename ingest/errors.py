"""What ingestion raises on purpose. The root of the tree is in `ingest.foundation.errors`.

QiuzhengError
├── IngestError               a page cannot be turned into chunks
│   ├── ForbiddenError            robots.txt or the address rules say no
│   ├── FetchError                the page cannot be downloaded
│   │   └── ProxyUnreachableError     the proxy on the way to it does not answer
│   └── ExtractError              the page holds no text that we can read
├── StoreError                the index cannot be read or written
│   ├── VectorError               vectors that it must not take
│   ├── VectorServerError         the server with the copy of the vectors is away
│   └── CollectionError           a collection that is not there, or cannot be named so
└── EmbedError                the embedding model cannot answer
"""

from typing import Literal

from ingest.documents import FetcherName, RequestRecord
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import NO_MESSAGE, Message

SkipReason = Literal[
    "robots",
    "address",
    "unreachable",
    "timeout",
    "refused",
    "unsupported",
    "too_large",
    "empty",
    "blank",
    "needs_browser",
    "paywall",
    "consent_wall",
    "deadline",
]
"""Why a page was left out: a closed list, because the front ends translate it."""


class IngestError(QiuzhengError):
    """A page cannot be turned into chunks. `reason` says why, `robots` names the rule.

    `hops` are the requests that were made for it, in order, once a fetcher has filled them in, and
    `fetcher` is the one that made the last.
    """

    hops: tuple[RequestRecord, ...] = ()
    browser_may_help: bool = False
    """Whether a browser may show a page that plain HTTP has lost for this reason."""
    fetcher: FetcherName | None = None

    def __init__(
        self,
        message: Message,
        *,
        url: str,
        reason: SkipReason,
        hint: Message = NO_MESSAGE,
        robots: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.url = url
        self.reason: SkipReason = reason
        self.robots = robots


class ForbiddenError(IngestError):
    """robots.txt or the address rules say no (reason "robots" or "address")."""


class FetchError(IngestError):
    """The page cannot be downloaded."""


class ProxyUnreachableError(FetchError):
    """The environment's proxy does not answer; the site itself was not reached ("unreachable")."""


class ExtractError(IngestError):
    """The page holds no text that we can read.

    Reasons: "empty", "needs_browser", "unsupported", "paywall", "consent_wall".
    """


class StoreError(QiuzhengError):
    """The index cannot be read or written."""

    code = "index"


class VectorError(StoreError):
    """The index refuses vectors: not finite, not of unit length, or not as long as the others."""


class CollectionError(StoreError):
    """The name of a collection cannot be one, or there is no such collection."""

    exit_code = 2


class VectorServerError(StoreError):
    """The server with the copy of the vectors does not answer; its copy may well be whole."""


class EmbedError(QiuzhengError):
    """The embedding model cannot answer.

    `is_of_text`: it may be for this text alone, so that others are worth a try. A server that is
    away, busy or lacks the model fails for all.
    """

    code = "encoder"

    def __init__(
        self, message: Message, *, hint: Message = NO_MESSAGE, is_of_text: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.is_of_text = is_of_text
