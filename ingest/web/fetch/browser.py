"""Pages that only a browser can show: one headless Chromium of our own.

It is started for the first such page, shows each page in a context of its own, reaches the web by
our gateway only, and is replaced before it leaks. robots.txt is asked before the page and before
each redirect. Why no crawl4ai and no Playwright is between: docs/decisions/0010.
"""

import asyncio
import contextlib
import re
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from ingest.documents import Page, PageValidators
from ingest.errors import IngestError
from ingest.foundation.messages import Message
from ingest.web.fetch.browser_session import BrowserSession
from ingest.web.fetch.devtools import DevToolsError
from ingest.web.fetch.failures import failed, too_slow
from ingest.web.fetch.gateway import ProxyCredentials
from ingest.web.fetch.headers import parse_robots_directives
from ingest.web.fetch.page_session import PageSession
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy
from ingest.web.robots_parser import RobotsVerdict
from ingest.web.ssrf import AddressGuard
from ingest.web.urls import canonical_url, has_route, without_route

PAGES_AT_ONCE = 3
"""Each open page is a process of 100 MB or more."""
PAGES_PER_BROWSER = 50
"""Then a new Chromium takes over: whoever keeps one for long reports leaks of every kind."""
CRASH_S = 1.0
"""For the news that Chromium has ended to come through."""
CLOSE_S = 3.0
"""For a page to close by itself, before Chromium is ended."""

_NET_ERROR = re.compile(r"net::(ERR_\w+)")


class _BrowserDiedError(Exception):
    """Chromium ended while it showed a page."""


class BrowserFetcher:
    """Fetches pages with Chromium, scripts and all.

    Args:
        guard: asked for the page, for each redirect, and for everything that the page loads.
        robots: asked for the page, for each redirect, and for where it ended.
        user_agent: the User-Agent, the same as everywhere.
        executable: the Chromium to start; None looks for one.
        timeout_s: seconds for a page, without the start of Chromium (a second or two, once).
        max_bytes: largest page, as HTML after its scripts have run.
        rate_limiter: says when a host may be asked; None: at once.
        pages_per_browser: pages after which a new Chromium takes over.
        uses_proxies: whether HTTP_PROXY and the like are heeded.
    """

    def __init__(
        self,
        *,
        guard: AddressGuard,
        robots: RobotsPolicy,
        user_agent: str,
        executable: str | None,
        timeout_s: float,
        max_bytes: int,
        rate_limiter: RateLimiter | None = None,
        pages_per_browser: int = PAGES_PER_BROWSER,
        uses_proxies: bool = True,
    ) -> None:
        self._guard = guard
        self._robots = robots
        self._user_agent = user_agent
        self._executable = executable
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._rate_limiter = rate_limiter
        self._pages_per_browser = pages_per_browser
        self._uses_proxies = uses_proxies
        self._page_slots = asyncio.Semaphore(PAGES_AT_ONCE)
        self._starting: asyncio.Task[BrowserSession] | None = None
        self._cleanups: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """Process id of the running Chromium, None while there is none."""
        session = self._running_session()
        return session.chromium.pid if session and session.chromium.is_alive else None

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        """Return the page as its scripts have written it.

        `known` is unusable here: what a site says of its HTML does not hold for what scripts
        make of it.
        """
        page = PageSession(
            url=url, permit=self._permit, timeout_s=self._timeout_s, max_bytes=self._max_bytes
        )
        try:
            try:
                async with asyncio.timeout(self._timeout_s):
                    verdict = await page.request_permission(url)
            except TimeoutError as error:  # of a name server or a robots.txt that hangs
                raise too_slow(url, self._timeout_s) from error
            waiting: contextlib.AbstractAsyncContextManager[None] = contextlib.nullcontext()
            if self._rate_limiter is not None:
                waiting = self._rate_limiter.acquire(url, verdict.crawl_delay)
            async with self._page_slots, waiting:
                try:
                    return await self._load(page)
                except _BrowserDiedError:
                    # It may have been another page's doing, so this one gets a second Chromium.
                    page.restart()
                try:
                    return await self._load(page)
                except _BrowserDiedError as error:
                    message = Message("the browser crashed twice")
                    raise failed(url, "unreachable", message) from error
        except IngestError as error:
            error.hops = tuple(page.hops)
            error.robots = error.robots or (page.hops[-1].robots if page.hops else "")
            raise

    async def close(self) -> None:
        """End Chromium and everything that it started. May be called twice."""
        self._is_closed = True
        starting, self._starting = self._starting, None
        if starting is not None:
            starting.cancel()  # does nothing to one that has started
            await asyncio.wait([starting])
            if not starting.cancelled() and starting.exception() is None:
                await starting.result().stop()
        while self._cleanups:
            await asyncio.wait(self._cleanups)

    async def _permit(self, url: str) -> RobotsVerdict:
        await self._guard.check(url)
        return await self._robots.permit(url)

    async def _load(self, page: PageSession) -> Page:
        # The one Chromium, started by whoever comes first. Giving up does not stop it.
        if self._is_closed:
            raise failed("", "unreachable", Message("the browser has been closed"))
        running = self._running_session()
        if running is not None and (running.is_worn or running.devtools.is_closed):
            self._starting, running.is_worn = None, True
            if not running.open_pages:
                self._run_in_background(running.stop())
        if self._starting is None or (self._starting.done() and self._running_session() is None):
            opening = BrowserSession.open(
                self._executable,
                guard=self._guard,
                user_agent=self._user_agent,
                uses_proxies=self._uses_proxies,
            )
            self._starting = asyncio.create_task(opening)
        # Shielded: of several pages that wait for the start, one may be given up.
        session = await asyncio.shield(self._starting)
        session.open_pages += 1
        session.served_pages += 1
        credentials = session.gateway.issue_credentials()
        loading = asyncio.create_task(page.load(session, credentials))
        crash = asyncio.create_task(page.crashed.wait())
        try:
            # A page whose process has crashed does not answer: nothing but the event says so.
            await asyncio.wait(
                [loading, crash], timeout=self._timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            if page.crashed.is_set():
                message = Message("the page crashes the browser, or takes too much memory")
                raise failed(page.url, "too_large", message)
            if not loading.done():
                raise too_slow(page.url, self._timeout_s)
            if isinstance(error := loading.exception(), DevToolsError):
                raise await self._map_error(error, session, page, credentials) from error
            loading.result()
            return await self._build_page(page)
        finally:
            crash.cancel()
            # Whoever gives up on a page does not wait for it to close, but `close` does.
            cleanup = self._run_in_background(self._release(session, page, credentials, loading))
            await asyncio.shield(cleanup)

    async def _map_error(
        self,
        error: DevToolsError,
        session: BrowserSession,
        page: PageSession,
        credentials: ProxyCredentials,
    ) -> Exception:
        """Return why a page did not load, as our errors have it."""
        if page.block_error is not None:
            return page.block_error
        # The gateway knows more than the ERR_TUNNEL_CONNECTION_FAILED that Chromium makes of it.
        known = credentials.find_error(page.hops[-1].url)
        if known is not None:
            return known
        code = _NET_ERROR.search(str(error))
        if code and "TIMED_OUT" in code[1]:
            return too_slow(page.url, self._timeout_s)
        # A Chromium that is killed may report its network process's death before its own.
        if await session.devtools.closes(within_s=CRASH_S):
            return _BrowserDiedError()
        name = code[1] if code else "the browser gave up"
        return failed(page.url, "unreachable", Message("cannot be reached ({name})", name=name))

    async def _build_page(self, page: PageSession) -> Page:
        now = datetime.now(UTC)
        last = page.answered[-1]
        rule = last.robots
        final_url = canonical_url(page.address if page.address.startswith("http") else last.url)
        if not has_route(page.url):  # apps name the page by one that was asked for without, too
            final_url = without_route(final_url)
        if without_route(final_url) != canonical_url(
            last.url
        ):  # history.pushState: a new name, no new request
            rule = (await self._permit(final_url)).rule
        tags = page.headers.get("x-robots-tag", [])
        # No validators: ETag and Last-Modified speak of the HTML before its scripts ran.
        return Page(
            url=page.url,
            final_url=final_url,
            media_type="text/html",
            charset="utf-8",
            body=page.body,
            fetched_at=now,
            fetcher="browser",
            robots=rule,
            hops=page.answered,
            directives=parse_robots_directives(tags, agent=self._user_agent, now=now),
        )

    async def _release(
        self,
        session: BrowserSession,
        page: PageSession,
        credentials: ProxyCredentials,
        loading: asyncio.Task[None],
    ) -> None:
        """Close the page; a Chromium that cannot even do that is ended."""
        session.gateway.revoke(credentials)
        loading.cancel()
        await asyncio.wait([loading])
        closing = asyncio.create_task(page.close(session))
        await asyncio.wait([closing], timeout=CLOSE_S)
        is_stuck = not closing.done()
        closing.cancel()
        session.open_pages -= 1
        if is_stuck:
            await session.chromium.stop()
        if session.served_pages >= self._pages_per_browser or is_stuck:
            session.is_worn = True
        if session.is_worn and not session.open_pages:
            # The session may have been replaced already, while this was its last page.
            if self._running_session() is session:
                self._starting = None
            await session.stop()

    def _running_session(self) -> BrowserSession | None:
        task = self._starting
        if task is None or not task.done() or task.cancelled() or task.exception():
            return None
        return task.result()

    def _run_in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start `work`, which goes on if the caller is cancelled; `close` waits for it."""
        task = asyncio.create_task(work)
        self._cleanups.add(task)
        task.add_done_callback(self._cleanups.discard)
        return task
