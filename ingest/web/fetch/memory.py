"""The in-memory twin of the fetchers, for tests."""

from collections.abc import Mapping
from datetime import UTC, datetime

from ingest.documents import Page, PageValidators
from ingest.errors import FetchError, IngestError
from ingest.foundation.messages import Message

FETCHED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def html_page(
    url: str,
    html: str | bytes,
    *,
    final_url: str = "",
    charset: str | None = "utf-8",
    media_type: str = "text/html",
    fetched_at: datetime = FETCHED_AT,
) -> Page:
    """Return `html` as the page at the canonical `url`."""
    return Page(
        url=url,
        final_url=final_url or url,
        media_type=media_type,
        charset=charset,
        body=html.encode() if isinstance(html, str) else html,
        fetched_at=fetched_at,
        fetcher="memory",
        robots="no rule matches",
    )


class MemoryFetcher:
    """Returns the pages, and raises the errors, that it is made with, by canonical URL."""

    def __init__(self, pages: Mapping[str, Page | IngestError]) -> None:
        self._pages = dict(pages)
        self.asked: list[str] = []
        """The URLs of all calls, in order."""

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        """Return the page of `url`, or raise its error; "unreachable" if there is neither."""
        self.asked.append(url)
        found = self._pages.get(url)
        if isinstance(found, Page):
            return found
        raise found or FetchError(Message("no such page"), url=url, reason="unreachable")

    async def close(self) -> None:
        """Do nothing: nothing is open."""
