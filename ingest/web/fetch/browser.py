"""Pages that only a browser can show: crawl4ai, driving one Chromium of our own.

crawl4ai has no address rules, ignores robots.txt unless asked, and may stop other people's
browsers in its managed mode. So we start Chromium ourselves, lazily, let crawl4ai connect to it,
let it out by our own gateway only, and ask robots.txt before the page and before each redirect.
"""

import asyncio
import contextlib
import importlib
import os
import re
import tempfile
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, NoReturn

from ingest.documents import Page, PageValidators
from ingest.errors import FetchError, IngestError
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.extras import install_command
from ingest.foundation.messages import Message
from ingest.web.fetch.browser_session import CLOSE_S, BrowserSession
from ingest.web.fetch.chromium import Chromium, find_browser, will_not_start
from ingest.web.fetch.gateway import Gateway, ProxyCredentials
from ingest.web.fetch.headers import robots_directives
from ingest.web.fetch.page_session import PageSession, failed
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy
from ingest.web.robots_parser import RobotsVerdict
from ingest.web.ssrf import AddressGuard
from ingest.web.urls import canonical_url

__all__ = ["BrowserFetcher", "find_browser"]

PAGES_AT_ONCE = 3
"""Each open page is a process of 100 MB or more."""
PAGES_PER_BROWSER = 50
"""Then a new Chromium takes over: crawl4ai's users report leaks of every kind."""
CRASH_S = 1.0
"""For the news that Chromium has ended to come through."""
UNWANTED_FOLDER = "qiuzheng-crawl4ai-"
"""How the folder is called, also in the environment of a process that started us."""
NO_SERVICE_WORKERS = "if (navigator.serviceWorker) delete Navigator.prototype.serviceWorker"

_NET_ERROR = re.compile(r"net::(ERR_\w+)")


class _BrowserDiedError(Exception):
    """Chromium ended while it showed a page."""


class _SeenError(Exception):
    """The page has been read, and crawl4ai need not go on: it would take the HTML whole."""


class BrowserFetcher:
    """Fetches pages with Chromium, scripts and all.

    Args:
        guard: asked for the page, for each redirect, and for everything that the page loads.
        robots: asked for the page, for each redirect, and for where it ended.
        agent: the User-Agent, the same as everywhere.
        executable: the Chromium to start; None looks for one.
        timeout_s: seconds for a page, without the start of Chromium (a second or two, once).
        max_bytes: largest page, as HTML after its scripts have run.
        queue: says when a host may be asked; None: at once.
        pages_per_browser: pages after which a new Chromium takes over.
    """

    def __init__(
        self,
        *,
        guard: AddressGuard,
        robots: RobotsPolicy,
        agent: str,
        executable: str | None,
        timeout_s: float,
        max_bytes: int,
        queue: RateLimiter | None = None,
        pages_per_browser: int = PAGES_PER_BROWSER,
    ) -> None:
        self._guard = guard
        self._robots = robots
        self._agent = agent
        self._executable = executable
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._queue = queue
        self._pages_per_browser = pages_per_browser
        self._gate = asyncio.Semaphore(PAGES_AT_ONCE)
        self._starting: asyncio.Task[BrowserSession] | None = None
        self._visits: dict[str, PageSession] = {}
        self._chores: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """The running Chromium, None while there is none."""
        session = self._running()
        return session.chromium.pid if session and session.chromium.is_alive else None

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        visit = PageSession(
            url=url, permit=self._permit, timeout_s=self._timeout_s, max_bytes=self._max_bytes
        )
        try:
            verdict = await self._asked(visit)
            async with self._gate, self._turn(url, verdict):
                return await self._fetch(visit)
        except IngestError as error:
            error.hops = tuple(visit.hops)
            error.robots = error.robots or (visit.hops[-1].robots if visit.hops else "")
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
        while self._chores:
            await asyncio.wait(self._chores)

    async def _asked(self, visit: PageSession) -> RobotsVerdict:
        """Ask whether the page may be opened. A name server that hangs is a page too slow."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await visit.ask(visit.url)
        except TimeoutError as error:
            raise self._too_slow(visit.url) from error

    async def _permit(self, url: str) -> RobotsVerdict:
        await self._guard.check(url)
        return await self._robots.permit(url)

    def _turn(
        self, url: str, verdict: RobotsVerdict
    ) -> contextlib.AbstractAsyncContextManager[None]:
        if self._queue is None:
            return contextlib.nullcontext()
        return self._queue.acquire(url, verdict.crawl_delay)

    async def _fetch(self, visit: PageSession) -> Page:
        """Show the page, a second time if Chromium crashes the first."""
        with contextlib.suppress(_BrowserDiedError):
            return await self._show(visit)
        visit.begin_again()
        try:
            return await self._show(visit)
        except _BrowserDiedError as error:
            raise failed(visit.url, "unreachable", Message("the browser crashed twice")) from error

    async def _show(self, visit: PageSession) -> Page:
        session = await self._session()
        session.open += 1
        session.served += 1
        admitted = session.gateway.admit()
        crawl = asyncio.create_task(self._crawl(session, visit, admitted))
        try:
            await self._until_done(crawl, visit)
            await self._examine(session, visit, admitted, crawl.exception())
            return await self._page(visit)
        finally:
            await asyncio.shield(self._chore(self._clear(session, visit, admitted, crawl)))

    async def _until_done(self, crawl: asyncio.Task[None], visit: PageSession) -> None:
        """Wait for the page. Nobody else tells when its process has crashed."""
        crash = asyncio.create_task(visit.crashed.wait())
        try:
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait([crawl, crash], timeout=self._timeout_s, return_when=first)
        finally:
            crash.cancel()
        if visit.crashed.is_set():
            raise failed(
                visit.url,
                "too_large",
                Message("the page crashes the browser, or takes too much memory"),
            )
        if not crawl.done():
            raise self._too_slow(visit.url)

    async def _crawl(
        self, session: BrowserSession, visit: PageSession, admitted: ProxyCredentials
    ) -> None:
        """Let crawl4ai open the page, in a browser context that no other page shares."""
        from crawl4ai import CrawlerRunConfig, ProxyConfig

        way_out = ProxyConfig(
            server=session.gateway.address,
            username=admitted.username,
            password=admitted.password,
        )
        config = CrawlerRunConfig(
            proxy_config=way_out,  # contexts are shared by pages of equal settings
            wait_until="commit",  # the visit waits better than the driver does
            page_timeout=int(self._timeout_s * 1000),
            verbose=False,
        )
        visit.credentials = admitted
        self._visits[admitted.username] = visit
        with contextlib.suppress(_SeenError):
            await session.crawler.crawl(visit.url, config=config)

    async def _watch(self, page: Any, *, context: Any, config: Any, **_: Any) -> Any:
        await self._visits[config.proxy_config.username].watch(page, context)
        return page

    async def _settle(self, page: Any, *, config: Any, **_: Any) -> NoReturn:
        await self._visits[config.proxy_config.username].settle(page)
        raise _SeenError

    async def _examine(
        self,
        session: BrowserSession,
        visit: PageSession,
        admitted: ProxyCredentials,
        error: BaseException | None,
    ) -> None:
        """Raise what went wrong with the page, in our words."""
        from playwright.async_api import Error  # noqa: PLC0415  comes with crawl4ai

        if error is None:
            return
        if isinstance(error, IngestError):
            raise error
        if not isinstance(error, RuntimeError | Error):
            raise error
        if visit.refusal is not None:
            raise visit.refusal
        if await session.chromium.ended(within_s=CRASH_S if "closed" in str(error) else 0):
            raise _BrowserDiedError from error
        raise self._translated(visit, admitted, str(error)) from error

    async def _page(self, visit: PageSession) -> Page:
        """Return what was seen. ETag and the like are left out: they speak of what came before."""
        now = datetime.now(UTC)
        last = visit.answered[-1]
        rule = last.robots
        final_url = canonical_url(visit.address if visit.address.startswith("http") else last.url)
        if final_url != canonical_url(last.url):  # a script has renamed it
            rule = (await self._permit(final_url)).rule
        tags = visit.headers.get("x-robots-tag", [])
        return Page(
            url=visit.url,
            final_url=final_url,
            media_type="text/html",
            charset="utf-8",
            body=visit.body,
            fetched_at=now,
            fetcher="browser",
            robots=rule,
            hops=visit.answered,
            directives=robots_directives(tags, agent=self._agent, now=now),
        )

    async def _clear(
        self,
        session: BrowserSession,
        visit: PageSession,
        admitted: ProxyCredentials,
        crawl: asyncio.Task[None],
    ) -> None:
        """Close the page; a Chromium that cannot even do that is ended."""
        session.gateway.revoke(admitted)
        closing = asyncio.create_task(visit.close())
        await asyncio.wait([closing], timeout=CLOSE_S)
        crawl.cancel()
        closing.cancel()
        await asyncio.wait([crawl, closing], timeout=CLOSE_S)
        self._visits.pop(admitted.username, None)
        is_stuck = closing.cancelled() or not (crawl.done() and closing.done())
        session.open -= 1
        if is_stuck:
            await session.chromium.stop()
        if session.served >= self._pages_per_browser or is_stuck:
            session.is_worn = True
        if session.is_worn and not session.open:
            await self._replace(session)

    async def _replace(self, session: BrowserSession) -> None:
        """End a session; the next page starts another."""
        if self._running() is session:
            self._starting = None
        await session.stop()

    def _running(self) -> BrowserSession | None:
        task = self._starting
        if task is None or not task.done() or task.cancelled() or task.exception():
            return None
        return task.result()

    async def _session(self) -> BrowserSession:
        """Return the one Chromium, started by whoever comes first. Giving up does not stop it."""
        if self._is_closed:
            raise failed("", "unreachable", Message("the browser has been closed"))
        running = self._running()
        if running is not None and (running.is_worn or not running.chromium.is_alive):
            self._starting, running.is_worn = None, True
            if not running.open:
                self._chore(running.stop())
        if self._starting is None or (self._starting.done() and self._running() is None):
            self._starting = asyncio.create_task(self._start())
        return await asyncio.shield(self._starting)

    async def _start(self) -> BrowserSession:
        executable = self._executable or find_browser()
        if executable is None:
            raise MissingDependencyError(
                Message("no Chromium is installed"),
                hint=Message("apt-get install chromium"),
            )
        await asyncio.to_thread(_import_crawl4ai)
        async with contextlib.AsyncExitStack() as stack:
            gateway = await Gateway.open(guard=self._guard)
            stack.push_async_callback(gateway.close)
            chromium = await Chromium.start(executable, gateway=gateway.address)
            stack.push_async_callback(chromium.stop)
            crawler = await self._connect(executable, chromium.endpoint)
            stack.pop_all()
        return BrowserSession(gateway=gateway, chromium=chromium, crawler=crawler)

    async def _connect(self, executable: str, endpoint: str) -> Any:
        from crawl4ai import AsyncLogger, BrowserConfig
        from crawl4ai.async_crawler_strategy import AsyncPlaywrightCrawlerStrategy
        from playwright.async_api import Error  # noqa: PLC0415  comes with crawl4ai

        config = BrowserConfig(
            cdp_url=endpoint,
            create_isolated_context=True,
            cdp_cleanup_on_close=True,  # else Playwright's own process stays behind
            cdp_close_delay=0,
            ignore_https_errors=False,
            init_scripts=[NO_SERVICE_WORKERS],
            user_agent=self._agent,
            verbose=False,
        )
        crawler = AsyncPlaywrightCrawlerStrategy(
            browser_config=config, logger=AsyncLogger(verbose=False)
        )
        crawler.set_hook("on_page_context_created", self._watch)
        crawler.set_hook("after_goto", self._settle)
        try:
            await crawler.start()
        except Error as error:
            raise will_not_start(executable, "it does not let us in") from error
        return crawler

    def _translated(
        self, visit: PageSession, admitted: ProxyCredentials, detail: str
    ) -> IngestError:
        """Say in our words what Chromium, its driver or the gateway complain of."""
        reason = admitted.why_not(visit.hops[-1].url)
        if reason is not None:
            return reason
        found = _NET_ERROR.search(detail)
        if "Timeout" in detail or (found and "TIMED_OUT" in found[1]):
            return self._too_slow(visit.url)
        name = found[1] if found else "the browser gave up"
        return failed(visit.url, "unreachable", Message("cannot be reached ({name})", name=name))

    def _too_slow(self, url: str) -> FetchError:
        seconds = self._timeout_s
        return failed(url, "timeout", Message("no answer within {seconds:g} s", seconds=seconds))

    def _chore(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do it even if whoever asked gives up, and before `close` returns."""
        task = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
        return task


def _import_crawl4ai() -> None:
    """Import crawl4ai (4 s) with its notices off. It makes folders that we have no use for."""
    os.environ.setdefault("CRAWL4AI_NO_CLOUD_NOTICE", "1")
    chosen = os.environ.get("CRAWL4_AI_BASE_DIRECTORY", UNWANTED_FOLDER)
    try:
        if UNWANTED_FOLDER not in chosen:
            importlib.import_module("crawl4ai")
            return
        with tempfile.TemporaryDirectory(prefix=UNWANTED_FOLDER) as folder:
            os.environ["CRAWL4_AI_BASE_DIRECTORY"] = folder
            importlib.import_module("crawl4ai")
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            Message("the browser part is not installed"),
            hint=Message.verbatim(install_command("browser")),
        ) from error
