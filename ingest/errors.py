"""Everything this project raises on purpose.

AssistantError
├── SettingsError             the configuration cannot be used
├── IngestError               a page cannot be turned into chunks
│   ├── ForbiddenError            robots.txt or the address rules say no
│   ├── FetchError                the page cannot be downloaded
│   │   └── ProxyUnreachableError     the proxy on the way to it does not answer
│   └── ExtractError              the page holds no text that we can read
├── MissingPartError          an optional part is not installed
├── StoreError                the index cannot be read or written
├── EmbedError                the embedding model cannot answer
├── SearchError               the search engine cannot answer       (assistant.errors)
└── ModelError                the chat model cannot answer          (assistant.errors)
    └── ModelNotFoundError        the server does not have this model
"""

from typing import Literal

from ingest.documents import FetcherName, Hop
from ingest.foundation.messages import SILENCE, Language, Wording

SkipReason = Literal[
    "robots",
    "address",
    "unreachable",
    "timeout",
    "refused",
    "unsupported",
    "too_large",
    "empty",
    "needs_browser",
    "deadline",
]
"""Why a page was left out: a closed list, because the doors translate it."""


class AssistantError(Exception):
    """Base of every error that a user may see: what happened, and what to do next."""

    exit_code = 1
    """Of a command that ends with this error: 1 we failed, 2 it was asked wrongly."""

    def __init__(self, message: Wording, *, hint: Wording = SILENCE) -> None:
        super().__init__(message.en)
        self.message = message
        self.hint = hint

    def to(self, language: Language) -> str:
        """Return one line: what happened, to what, and what to do next."""
        hint = self.hint.to(language)
        joint = "：" if language == "zh" else ": "
        return self.message.to(language) + (joint + hint if hint else "")


class SettingsError(AssistantError):
    """The configuration cannot be used."""

    exit_code = 2


class MissingPartError(AssistantError):
    """An optional part is not installed; the hint is the one command that brings it."""


class IngestError(AssistantError):
    """A page cannot be turned into chunks. `reason` says why, `robots` which rule spoke.

    `hops` are the requests that were made for it, in order, once a fetcher has filled them in, and
    `fetcher` is the one that made the last.
    """

    hops: tuple[Hop, ...] = ()
    fetcher: FetcherName | None = None

    def __init__(
        self,
        message: Wording,
        *,
        url: str,
        reason: SkipReason,
        hint: Wording = SILENCE,
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
    """The environment's proxy does not answer: no site can be blamed (reason "unreachable")."""


class ExtractError(IngestError):
    """The page holds no text that we can read (reason "empty", "needs_browser", "unsupported")."""


class StoreError(AssistantError):
    """The index cannot be read or written."""


class EmbedError(AssistantError):
    """The embedding model cannot answer."""
