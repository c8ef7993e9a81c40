"""The fetch ladder: plain HTTP first, the browser only for what plain HTTP cannot show.

HTTP takes 12 ms a page where a browser takes 600 ms and 600 MB (measured with crawl4ai), so each
page has to earn its place there: by a body that only scripts would fill, or by a site that wants
to see a browser before it shows anything.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from ingest.documents import RESPECTED, Document, FetcherName, Page, PageValidators
from ingest.errors import ExtractError, ForbiddenError, IngestError
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message
from ingest.foundation.tracing import span
from ingest.web.fetch.base import Fetcher

FetcherChoice = Literal["auto", "http", "browser"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A page and what stands on it."""

    page: Page
    document: Document | None
    """None: the page is as it was when `known` was written down."""


@dataclass(frozen=True, kw_only=True)
class TieredFetcher:
    """Fetches pages by the cheapest means that shows their text, and reads them."""

    http: Fetcher
    browser: Fetcher | None
    """None: pages that need it are skipped."""
    read: Callable[[Page], Awaitable[Document]]
    """Returns the main text of a page, or raises `ExtractError`."""
    respected: frozenset[str] = frozenset(RESPECTED)
    """Directives of pages that are obeyed, lower case."""

    async def load(
        self, url: str, *, known: PageValidators | None = None, choice: FetcherChoice = "auto"
    ) -> Loaded:
        """Return the page behind the canonical `url`, and its text.

        Args:
            url: Canonical.
            known: The page as it was: if it has not changed, it is not read again.
            choice: "http" and "browser" take that fetcher and no other.

        Raises:
            IngestError: it may not be read, cannot be had, or holds no text. `hops` tells all
                requests that were made for it.
            MissingDependencyError: `choice` is "browser" and there is none.
        """
        if choice == "browser":
            return await self._step(self._browser(), "browser", url, known)
        try:
            return await self._step(self.http, "http", url, known)
        except IngestError as error:
            if choice == "http" or error.reason != "needs_browser" or self.browser is None:
                raise
            return await self._climb(url, error, known)

    async def _climb(self, url: str, below: IngestError, known: PageValidators | None) -> Loaded:
        """Open in the browser what plain HTTP could not show; `below` says why not."""
        try:
            with span("browse"):
                loaded = await self._step(self._browser(), "browser", url, known)
        except MissingDependencyError as error:
            raise _without_browser(url, error, below) from error
        except IngestError as error:
            error.hops = below.hops + error.hops
            raise
        return replace(loaded, page=replace(loaded.page, hops=below.hops + loaded.page.hops))

    async def _step(
        self, fetcher: Fetcher, name: FetcherName, url: str, known: PageValidators | None
    ) -> Loaded:
        try:
            with span("fetch"):
                page = await fetcher.fetch(url, known=known)
            return await self._read(page, known)
        except IngestError as error:
            error.fetcher = name
            raise

    async def _read(self, page: Page, known: PageValidators | None) -> Loaded:
        try:
            self._obey(page, page.directives, "X-Robots-Tag")
            if known is not None and (page.status == 304 or page.body_hash == known.body_hash):
                return Loaded(page=page, document=None)
            document = await self._text(page)
            self._obey(page, document.directives, "<meta name=robots>")
        except IngestError as error:
            error.hops, error.robots = page.hops, error.robots or page.robots
            raise
        return Loaded(page=page, document=document)

    async def _text(self, page: Page) -> Document:
        """Read the page; a part that is missing for its kind skips it and nothing else."""
        try:
            with span("extract"):
                return await self.read(page)
        except MissingDependencyError as error:
            raise ExtractError(
                error.message, hint=error.hint, url=page.url, reason="unsupported"
            ) from error

    def _obey(self, page: Page, directives: tuple[str, ...], place: str) -> None:
        """Leave the page out if it asks for it in words that we respect."""
        asked = [directive for directive in directives if directive in self.respected]
        if asked:
            rule = f"{place}: {', '.join(asked)}"
            raise ForbiddenError(
                Message("the page asks to be left out ({rule})", rule=rule),
                url=page.url,
                reason="robots",
                robots=rule,
                hint=Message("crawl.respect says what is obeyed"),
            )

    def _browser(self) -> Fetcher:
        if self.browser is None:
            raise MissingDependencyError(
                Message("the browser is switched off"),
                hint=Message("set crawl.browser to auto in assistant.toml"),
            )
        return self.browser


def _without_browser(url: str, error: MissingDependencyError, below: IngestError) -> ExtractError:
    failed = ExtractError(
        error.message, hint=error.hint, url=url, reason="needs_browser", robots=below.robots
    )
    failed.hops, failed.fetcher = below.hops, below.fetcher
    return failed
