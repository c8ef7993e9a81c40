"""Pages that only a browser can show: crawl4ai, driving one Chromium of our own.

crawl4ai has no address rules, ignores robots.txt unless asked, and may stop other people's
browsers in its managed mode. So we start Chromium ourselves, lazily, let crawl4ai connect to it,
and ask the address rules and robots.txt before the page and again for where it ended.
"""

import asyncio
import atexit
import contextlib
import importlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.addresses import AddressGuard
from ingest.documents import Page, PageRecord
from ingest.errors import FetchError, ForbiddenError, MissingPartError, SkipReason
from ingest.fetch.chromium import Chromium, find_browser
from ingest.parts import install_command
from ingest.robots import RobotsGate
from ingest.urls import canonical_url
from ingest.wording import Wording

__all__ = ["BrowserFetcher", "find_browser"]

PAGES_AT_ONCE = 3
"""Each open page is a process of 100 MB or more."""
UNWANTED = frozenset({"image", "media", "font"})
"""What a page loads and nobody reads."""
SETTLE_S = 3.0
"""Longest wait for scripts to write the page, at most half of the page's own time."""
POLL_S = 0.15
ENOUGH_CHARACTERS = 200
"""A page that shows this much text, and no more than at the last look, has settled."""

_SHOWN = "document.body ? document.body.innerText.length : 0"
_IS_ERROR = "performance.getEntriesByType('navigation')[0]?.responseStatus >= 400"
_NET_ERROR = re.compile(r"net::(ERR_\w+)")


@dataclass(slots=True, kw_only=True)
class _Session:
    """A running Chromium and crawl4ai's connection to it."""

    chromium: Chromium
    crawler: Any


class BrowserFetcher:
    """Fetches pages with Chromium, scripts and all.

    Args:
        guard: asked for the page, for everything that it loads, and for where it ended.
        robots: asked for the page and for where it ended.
        agent: the User-Agent, the same as everywhere.
        executable: the Chromium to start; None looks for one.
        timeout_s: seconds for a page, without the start of Chromium (a second or two, once).
        max_bytes: largest page, as HTML after its scripts have run.
    """

    def __init__(
        self,
        *,
        guard: AddressGuard,
        robots: RobotsGate,
        agent: str,
        executable: str | None,
        timeout_s: float,
        max_bytes: int = 5_000_000,
    ) -> None:
        self._guard = guard
        self._robots = robots
        self._agent = agent
        self._executable = executable
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._gate = asyncio.Semaphore(PAGES_AT_ONCE)
        self._starting: asyncio.Task[_Session] | None = None

    @property
    def pid(self) -> int | None:
        """The running Chromium, None while there is none."""
        session = self._running()
        return session.chromium.pid if session else None

    async def fetch(self, url: str, *, known: PageRecord | None = None) -> Page:
        await self._guard.check(url)
        rule = (await self._robots.permit(url)).rule
        async with self._gate:
            session = await self._session()
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._read(session, url, rule)
            except TimeoutError as error:
                late = self._too_slow(url)
                late.robots = rule
                raise late from error
            except FetchError as error:
                error.robots = rule
                raise

    async def _read(self, session: _Session, url: str, rule: str) -> Page:
        html, final, status = await self._open(session, url)
        final_url = canonical_url(final)
        if final_url != url:
            await self._guard.check(final_url)
            rule = (await self._robots.permit(final_url)).rule
        if status >= 400:
            raise _failed(url, "refused", f"the server answers {status}", f"服务器返回 {status}")
        body = html.encode("utf-8", "replace")
        limit = self._max_bytes
        if len(body) > limit:
            raise _failed(url, "too_large", f"larger than {limit:,} bytes", f"超过 {limit:,} 字节")
        return Page(
            url=url,
            final_url=final_url,
            media_type="text/html",
            charset="utf-8",
            body=body,
            fetched_at=datetime.now(UTC),
            fetcher="browser",
            robots=rule,
        )

    async def close(self) -> None:
        """End Chromium and everything that it started. May be called twice."""
        starting, self._starting = self._starting, None
        if starting is None:
            return
        starting.cancel()  # does nothing to one that has started
        await asyncio.wait([starting])
        if not starting.cancelled() and starting.exception() is None:
            await _stop(starting.result())

    async def _open(self, session: _Session, url: str) -> tuple[str, str, int]:
        """Return the HTML after scripts have run, the final URL and its status."""
        from crawl4ai import CrawlerRunConfig
        from playwright.async_api import Error  # noqa: PLC0415  comes with crawl4ai

        config = CrawlerRunConfig(
            page_timeout=int(self._timeout_s * 1000), verbose=False, delay_before_return_html=0
        )
        try:
            seen = await session.crawler.crawl(url, config=config)
        except (RuntimeError, Error) as error:
            raise self._translated(url, str(error)) from error
        return seen.html, seen.redirected_url, seen.redirected_status_code or seen.status_code

    def _running(self) -> _Session | None:
        task = self._starting
        if task is None or not task.done() or task.cancelled() or task.exception():
            return None
        return task.result() if task.result().chromium.is_alive else None

    async def _session(self) -> _Session:
        """Return the one Chromium, started by whoever comes first. Giving up does not stop it."""
        task = self._starting
        if task is None or (task.done() and self._running() is None):
            if task is not None and not task.cancelled() and task.exception() is None:
                await _stop(task.result())  # it has crashed: clear away what is left
            task = self._starting = asyncio.create_task(self._start())
        return await asyncio.shield(task)

    async def _start(self) -> _Session:
        executable = self._executable or find_browser()
        if executable is None:
            raise MissingPartError(
                Wording("no Chromium is installed", "没有安装 Chromium"),
                hint=Wording("apt-get install chromium", "apt-get install chromium"),
            )
        await asyncio.to_thread(_import_crawl4ai)
        chromium = await Chromium.start(executable, allowed_hosts=self._guard.allowed_hosts)
        try:
            return _Session(chromium=chromium, crawler=await self._connect(chromium.endpoint))
        except BaseException:
            await chromium.stop()
            raise

    async def _connect(self, endpoint: str) -> Any:
        from crawl4ai import AsyncLogger, BrowserConfig
        from crawl4ai.async_crawler_strategy import AsyncPlaywrightCrawlerStrategy

        config = BrowserConfig(
            cdp_url=endpoint,
            create_isolated_context=True,
            cdp_cleanup_on_close=True,  # else Playwright's own process stays behind
            cdp_close_delay=0,
            ignore_https_errors=False,
            user_agent=self._agent,
            verbose=False,
        )
        crawler = AsyncPlaywrightCrawlerStrategy(
            browser_config=config, logger=AsyncLogger(verbose=False)
        )
        crawler.set_hook("on_page_context_created", self._watch)
        crawler.set_hook("before_retrieve_html", self._settle)
        await crawler.start()
        return crawler

    async def _watch(self, page: Any, **_: Any) -> Any:
        """Let the page load what the address rules allow, and nothing that nobody reads."""
        await page.route("**/*", self._admit)
        return page

    async def _admit(self, route: Any) -> None:
        from playwright.async_api import Error  # noqa: PLC0415  comes with crawl4ai

        with contextlib.suppress(Error):  # the page may have been closed by now
            if route.request.resource_type in UNWANTED:
                await route.abort()
                return
            try:
                await self._guard.check(route.request.url)
            except (ForbiddenError, FetchError):
                await route.abort("accessdenied")
            else:
                await route.continue_()

    async def _settle(self, page: Any, **_: Any) -> Any:
        """Wait until scripts have written the page: it shows text, and as much as a moment ago."""
        from playwright.async_api import Error  # noqa: PLC0415  comes with crawl4ai

        before = -1
        for _look in range(int(min(SETTLE_S, self._timeout_s / 2) / POLL_S)):
            with contextlib.suppress(Error):  # it is moving to another page
                shown = await page.evaluate(_SHOWN)
                if (shown >= ENOUGH_CHARACTERS and shown == before) or await page.evaluate(
                    _IS_ERROR
                ):
                    break
                before = shown
            await asyncio.sleep(POLL_S)
        return page

    def _translated(self, url: str, detail: str) -> FetchError:
        """Say in our words what Chromium or its driver complain of."""
        found = _NET_ERROR.search(detail)
        if "Timeout" in detail or (found and "TIMED_OUT" in found[1]):
            return self._too_slow(url)
        name = found[1] if found else "the browser gave up"
        return _failed(url, "unreachable", f"cannot be reached ({name})", f"无法访问（{name}）")

    def _too_slow(self, url: str) -> FetchError:
        seconds = self._timeout_s
        return _failed(
            url, "timeout", f"no answer within {seconds:g} s", f"{seconds:g} 秒内没有完整响应"
        )


async def _stop(session: _Session) -> None:
    """End both sides, Chromium in any case."""
    from playwright.async_api import Error  # noqa: PLC0415  comes with crawl4ai

    try:
        with contextlib.suppress(Error, TimeoutError):
            async with asyncio.timeout(3):
                await session.crawler.close()
    finally:
        await session.chromium.stop()


def _import_crawl4ai() -> None:
    """Import crawl4ai (4 s) with its notices off and its folder out of the user's home."""
    os.environ.setdefault("CRAWL4AI_NO_CLOUD_NOTICE", "1")
    if "CRAWL4_AI_BASE_DIRECTORY" not in os.environ:
        folder = tempfile.mkdtemp(prefix="qiuzheng-crawl4ai-")
        os.environ["CRAWL4_AI_BASE_DIRECTORY"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        importlib.import_module("crawl4ai")
    except ModuleNotFoundError as error:
        raise MissingPartError(
            Wording("the browser part is not installed", "没有安装浏览器部件"),
            hint=Wording(install_command("browser"), install_command("browser")),
        ) from error


def _failed(url: str, reason: SkipReason, en: str, zh: str) -> FetchError:
    return FetchError(Wording(en, zh), url=url, reason=reason)
