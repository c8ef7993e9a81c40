"""The promise that every fetcher keeps."""

from typing import Protocol

from ingest.documents import Page


class Fetcher(Protocol):
    """Downloads pages, politely: address rules and robots.txt are asked on every hop."""

    async def fetch(self, url: str) -> Page:
        """Return the page behind the canonical `url`.

        Raises:
            ForbiddenError: robots.txt or the address rules refuse it, or a hop on the way to it.
            FetchError: it cannot be had (reason: unreachable, timeout, refused, too_large…).
        """
        ...

    async def close(self) -> None:
        """Give back connections and processes. May be called twice."""
        ...
