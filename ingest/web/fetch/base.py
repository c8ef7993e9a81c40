"""The promise that every fetcher keeps."""

from typing import Protocol

from ingest.documents import Page, PageValidators


class Fetcher(Protocol):
    """Downloads pages, politely: address rules and robots.txt are asked on every hop."""

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        """Return the page behind the canonical `url`.

        With `known`, the page as it was, the site may answer that it has not changed: then the
        page's status is 304 and its body empty (RFC 9110, 13.1). A fetcher that cannot ask so
        returns the whole page.

        Raises:
            ForbiddenError: robots.txt or the address rules refuse it, or a hop on the way to it.
            FetchError: it cannot be had (reason: unreachable, timeout, refused, too_large…).
        """
        ...

    async def close(self) -> None:
        """Give back connections and processes. May be called twice."""
        ...
