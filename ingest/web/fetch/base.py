"""What every fetcher does."""

from typing import Protocol

from ingest.documents import Page, PageValidators


class Fetcher(Protocol):
    """Downloads pages. Address rules and robots.txt are checked before every request."""

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        """Return the page behind the canonical `url`.

        With the validators of the page as it was (`known`), the site may answer that it has not
        changed: then the page's status is 304 and its body empty (RFC 9110, 13.1). A fetcher
        without conditional requests returns the whole page.

        Raises:
            ForbiddenError: robots.txt or the address rules forbid it, or a redirect on the way.
            FetchError: it cannot be downloaded (`reason`: unreachable, timeout, refused,
                too_large…).
        """
        ...

    async def close(self) -> None:
        """Close connections and end processes. May be called twice."""
        ...
