"""Fetches a page by the cheapest means that shows its text: plain HTTP first, then the browser.

HTTP takes 27 ms a page, the browser 190 ms and a Chromium of its own beside us (bench/README.md,
`read` and `chromium`), so the browser opens a page only if its body is one that scripts have to
fill, or if its site wants to see a browser before it shows anything.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from ingest.documents import RESPECTED, Document, FetcherName, Page, PageValidators
from ingest.errors import ExtractError, ForbiddenError, IngestError
from ingest.foundation.concurrency import LazyResource
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message
from ingest.foundation.tracing import span
from ingest.web.fetch.base import Fetcher
from ingest.web.urls import has_route

MAX_PARTS = 5
"""Parts of one article that are read, the first included; longer ones are books."""
PARTS_S = 3.0
"""Seconds for all parts but the first: a question waits for the whole page."""

FetcherChoice = Literal["auto", "http", "browser"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A page and its text."""

    page: Page
    document: Document | None
    """None: the page is as it was when `known` was kept."""


class TieredFetcher:
    """Fetches pages, with the browser as fallback, and extracts their text.

    Args:
        http: the first tier.
        browser: the second one, opened by the first page that needs it; None: such pages are
            skipped.
        read: returns the main text of a page, or raises `ExtractError`.
        respected: robots directives of pages that are obeyed, lower case.
    """

    def __init__(
        self,
        *,
        http: Fetcher,
        browser: LazyResource[Fetcher] | None,
        read: Callable[[Page], Awaitable[Document]],
        respected: frozenset[str] = frozenset(RESPECTED),
    ) -> None:
        self._http = http
        self._browser = browser
        self._read = read
        self._respected = respected

    async def load(
        self, url: str, *, known: PageValidators | None = None, choice: FetcherChoice = "auto"
    ) -> Loaded:
        """Return the page behind the canonical `url`, and its text.

        Args:
            url: Canonical.
            known: What was kept of the page: if it has not changed, it is not extracted again.
            choice: "http" and "browser" take that fetcher and no other.

        Raises:
            IngestError: it may not be read, cannot be had, or holds no text. `hops` holds all
                requests that were made for it.
            MissingDependencyError: `choice` is "browser" and there is none.
        """
        # A server never sees the fragment: to every route of an app it sends the same front page.
        if choice == "browser" or (
            choice == "auto" and has_route(url) and self._browser is not None
        ):
            return await self._load_in_browser(url, known)
        try:
            return await self._load_with(self._http, "http", url, known)
        except IngestError as error:
            may_be_browsed = error.reason == "needs_browser" or error.browser_may_help
            if choice == "http" or not may_be_browsed or self._browser is None:
                raise
            below = error
        # Out of the except block: an error of the browser is not "during handling" of this one.
        try:
            with span("browse"):
                loaded = await self._load_in_browser(url, known)
        except MissingDependencyError as error:
            if below.reason != "needs_browser":
                raise below from error
            failed = ExtractError(
                error.message, hint=error.hint, url=url, reason="needs_browser", robots=below.robots
            )
            failed.hops, failed.fetcher = below.hops, below.fetcher
            raise failed from error
        except IngestError as error:
            error.hops = below.hops + error.hops
            # What plain HTTP has met is the reason, unless the browser has come further.
            if below.reason != "needs_browser" and not isinstance(error, ForbiddenError):
                below.hops = error.hops
                raise below from error
            raise
        return replace(loaded, page=replace(loaded.page, hops=below.hops + loaded.page.hops))

    async def _load_in_browser(self, url: str, known: PageValidators | None) -> Loaded:
        if self._browser is None:
            raise MissingDependencyError(
                Message("the browser is switched off"),
                hint=Message("set crawl.browser to auto in assistant.toml"),
            )
        return await self._load_with(await self._browser.get(), "browser", url, known)

    async def _load_with(
        self, fetcher: Fetcher, name: FetcherName, url: str, known: PageValidators | None
    ) -> Loaded:
        try:
            with span("fetch"):
                page = await fetcher.fetch(url, known=known)
            loaded = await self._extract(page, known)
        except IngestError as error:
            error.fetcher = name
            if name == "browser" and error.reason == "needs_browser":
                # The error of a page that shows no text in a browser either.
                failed = ExtractError(
                    Message("{url} shows a check, or nothing, in place of its text", url=error.url),
                    url=error.url,
                    reason="refused",
                    hint=Message("open it in your own browser and save the page: ingest FILE"),
                    robots=error.robots,
                )
                failed.hops, failed.fetcher = error.hops, error.fetcher
                raise failed from error
            raise
        if loaded.document is None or not loaded.document.next_page:
            return loaded
        # The page with the text of its further parts, as far as they can be had in time.
        texts, hops, following = [loaded.document.text], loaded.page.hops, loaded.document.next_page
        read_urls = {loaded.page.url, loaded.page.final_url}
        # A part that is late, forbidden or gone takes none of those before it along.
        with contextlib.suppress(TimeoutError, IngestError, MissingDependencyError):
            async with asyncio.timeout(PARTS_S):
                while following and following not in read_urls and len(texts) < MAX_PARTS:
                    read_urls.add(following)
                    part = await fetcher.fetch(following)
                    hops += part.hops
                    self._check_directives(part, part.directives, "X-Robots-Tag")
                    further = await self._read(part)
                    self._check_directives(part, further.directives, "<meta name=robots>")
                    # Some sites send the first part again where there are no more.
                    if further.text in texts:
                        break
                    texts.append(further.text)
                    following = further.next_page
        whole = replace(loaded.document, text="\n\n".join(texts), next_page="")
        return Loaded(page=replace(loaded.page, hops=hops), document=whole)

    async def _extract(self, page: Page, known: PageValidators | None) -> Loaded:
        try:
            # Before the text is looked at: the header holds for files that have no <meta>, too.
            self._check_directives(page, page.directives, "X-Robots-Tag")
            # By the hash as well: many sites answer a conditional request with 200 and the same
            # bytes.
            if known is not None and (page.status == 304 or page.body_hash == known.body_hash):
                return Loaded(page=page, document=None)
            with span("extract"):
                document = await self._read(page)
            self._check_directives(page, document.directives, "<meta name=robots>")
        except MissingDependencyError as error:
            # A dependency that is missing for this kind of file skips this page and no other.
            failed = ExtractError(
                error.message, hint=error.hint, url=page.url, reason="unsupported"
            )
            failed.hops, failed.robots = page.hops, page.robots
            raise failed from error
        except IngestError as error:
            error.hops, error.robots = page.hops, error.robots or page.robots
            # Frames, shadow roots and scripts without a mark: a browser may see text in HTML in
            # which we see none.
            is_html = page.media_type in ("", "text/html", "application/xhtml+xml")
            error.browser_may_help = error.reason == "empty" and is_html and b"<" in page.body
            raise
        return Loaded(page=page, document=document)

    def _check_directives(self, page: Page, directives: tuple[str, ...], place: str) -> None:
        """Raise if the page asks to be left out, by directives that are respected."""
        obeyed = [directive for directive in directives if directive in self._respected]
        if obeyed:
            rule = f"{place}: {', '.join(obeyed)}"
            raise ForbiddenError(
                Message("the page asks to be left out ({rule})", rule=rule),
                url=page.url,
                reason="robots",
                robots=rule,
                hint=Message("crawl.respect says what is obeyed"),
            )
