"""Fetchers that are opened when the first page has to be requested.

A second run over what has not changed requests none, and does without the HTTP client and the
certificates: .13 s of CPU of .5.
"""

from typing import TYPE_CHECKING, Protocol

from ingest.documents import Page, PageValidators
from ingest.foundation.concurrency import LazyResource
from ingest.web.fetch.base import Fetcher

if TYPE_CHECKING:
    from ingest.web.tiered_fetcher import Loaded, TieredFetcher


class OpenedAccess(Protocol):
    """The fetchers of one process, once they are open."""

    @property
    def pages(self) -> "TieredFetcher":
        """Fetches pages and extracts their text."""
        ...

    @property
    def site_lists(self) -> Fetcher:
        """Fetches sitemaps and feeds as they are."""
        ...


class LazyLoader:
    """Fetches a page and extracts its text (`TieredFetcher.load`)."""

    def __init__(self, access: LazyResource[OpenedAccess]) -> None:
        self._access = access

    async def load(self, url: str, *, known: PageValidators | None = None) -> "Loaded":
        """Return the page behind the canonical `url`, and its text."""
        return await (await self._access.get()).pages.load(url, known=known)


class LazySiteLists:
    """Fetches sitemaps and feeds."""

    def __init__(self, access: LazyResource[OpenedAccess]) -> None:
        self._access = access

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        """Return what is behind the canonical `url`."""
        return await (await self._access.get()).site_lists.fetch(url, known=known)

    async def close(self) -> None:
        """Close nothing: the fetchers have an owner."""
