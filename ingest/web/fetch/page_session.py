"""One page in the browser, watched over the DevTools protocol while crawl4ai drives it.

crawl4ai follows redirects unasked, keeps the status of the first hop only and takes the page's
HTML whatever its size. So each request of the page's own frame is held here until it is permitted,
and the HTML is measured before it leaves the browser. Chrome DevTools Protocol: Fetch, Page,
Runtime (https://chromedevtools.github.io/devtools-protocol/).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from ingest.documents import RequestRecord
from ingest.errors import FetchError, IngestError, SkipReason
from ingest.foundation.messages import Message
from ingest.web.fetch.challenges import wants_browser
from ingest.web.fetch.gateway import ProxyCredentials
from ingest.web.fetch.headers import content_type
from ingest.web.robots_parser import RobotsVerdict
from ingest.web.urls import canonical_url

MAX_NAVIGATIONS = 10
"""Requests of the page's own frame: redirects of servers, <meta> and scripts together."""
SETTLE_S = 3.0
"""Longest wait for scripts to write the page, at most half of the page's own time."""
POLL_S = 0.15
ENOUGH_CHARACTERS = 200
"""A page that shows this much text, and no more than at the last look, has settled; one that is
still loading, if it does so for `SETTLE_S`: some script that it waits for does not come."""
SCRIPT_MS = 5_000
"""For a script of ours: on a page of a million elements it is ended, and the page given up."""
READABLE = frozenset({"", "application/xhtml+xml", "application/xml", "application/json"})
"""What Chromium shows as text, beside text/*. It would download or draw the rest."""

_STATE = "[document.body ? document.body.innerText.length : 0, document.readyState === 'loading']"
_HTML = """(limit => {
  const walk = document.createTreeWalker(document);
  for (let size = 0; walk.nextNode();) {
    const node = walk.currentNode;
    size += node.nodeValue ? node.nodeValue.length : 2 * node.nodeName.length;
    for (const attribute of node.attributes || []) size += attribute.value.length;
    if (size > limit) return null;
  }
  const html = document.documentElement ? document.documentElement.outerHTML : '';
  return html.length > limit ? null : html;
})(%d)"""
"""Counts first: a page of gigabytes must not be written out only to see that it is too long."""
_EVERY_DOCUMENT = [
    {"resourceType": "Document", "requestStage": stage} for stage in ("Request", "Response")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """How far a page has come."""

    shown: int
    """Characters of text."""
    is_loading: bool
    """Its HTML has not been read to the end: it is still sent, or waits for a script."""


class PageSession:
    """A visit to one page, from the first request to its HTML.

    Args:
        url: canonical.
        permit: asks the address rules and robots.txt, and raises an `IngestError` if one refuses.
        timeout_s: seconds for the whole page, of which half may be waited for scripts.
        max_bytes: largest page after its scripts have run, as UTF-8.
    """

    def __init__(
        self,
        *,
        url: str,
        permit: Callable[[str], Awaitable[RobotsVerdict]],
        timeout_s: float,
        max_bytes: int,
    ) -> None:
        self.url = url
        self.hops: list[RequestRecord] = []
        """Requests of the page's own frame, in order."""
        self.refusal: IngestError | None = None
        """Why a request or a response of the page's own frame was refused."""
        self.headers: dict[str, list[str]] = {}
        """Of the last document: names in lower case."""
        self.body = b""
        """The HTML, UTF-8."""
        self.address = ""
        """Where the page says that it is, as scripts may have changed it."""
        self.crashed = asyncio.Event()
        """The process that showed the page has ended, or was ended because it took too much."""
        self.credentials: ProxyCredentials | None = None
        """What the gateway wants to see of this page, None while it has nothing to load."""
        self._permit = permit
        self._looks = int(min(SETTLE_S, timeout_s / 2) / POLL_S)
        self._max_bytes = max_bytes
        self._shown = 0
        self._frame = ""
        self._world = 0
        self._context: Any = None
        self._cdp: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def answered(self) -> tuple[RequestRecord, ...]:
        """The hops that got an answer: the last of them brought what is shown."""
        return tuple(hop for hop in self.hops if hop.status)

    @property
    def status(self) -> int:
        """HTTP status of what is shown, 0 while there is nothing."""
        return self.answered[-1].status if self.answered else 0

    async def ask(self, url: str) -> RobotsVerdict:
        """Add a hop to `url`.

        Raises:
            IngestError: it may not be visited.
        """
        if len(self.hops) >= MAX_NAVIGATIONS:
            raise failed(url, "refused", Message("redirects lead in a circle"))
        try:
            verdict = await self._permit(canonical_url(url))
        except IngestError as error:
            self.hops.append(RequestRecord(url=url, robots=error.robots))
            raise
        self.hops.append(RequestRecord(url=url, robots=verdict.rule, robots_line=verdict.line))
        return verdict

    def begin_again(self) -> None:
        """Forget everything but the first hop, which was permitted: the browser has crashed."""
        self.hops = [replace(self.hops[0], status=0)]
        self.refusal, self.body, self._shown, self._world = None, b"", 0, 0

    async def watch(self, page: Any, context: Any) -> None:
        """Hold requests of the page from now on, and keep it from opening others."""
        self._context = context
        await context.clear_cookies()  # crawl4ai sets one of its own
        context.on("page", lambda popup: self._later(_closed(popup)))
        page.on("crash", self._note_crash)
        self._cdp = await context.new_cdp_session(page)
        tree = await self._cdp.send("Page.getFrameTree")
        self._frame = tree["frameTree"]["frame"]["id"]
        self._cdp.on("Fetch.requestPaused", lambda event: self._later(self._decide(event)))
        self._cdp.on("Fetch.authRequired", lambda event: self._later(self._authenticate(event)))
        await self._cdp.send(
            "Fetch.enable", {"patterns": _EVERY_DOCUMENT, "handleAuthRequests": True}
        )

    async def settle(self, page: Any) -> None:
        """Wait until scripts have written the page, and take its HTML.

        Raises:
            IngestError: it is too large, a challenge, or only the door to one that is refused.
        """
        looks = still = 0
        while looks < self._looks:
            state = await self._look()
            still = still + 1 if state.shown == self._shown else 0
            self._shown = state.shown
            looks += not state.is_loading
            enough = self._looks if state.is_loading else 1
            if self._shown >= ENOUGH_CHARACTERS and still >= enough:
                break
            if self.status >= 400 and not state.is_loading and not await self._may_pass():
                break
            await asyncio.sleep(POLL_S)
        if self.refusal is not None and self._shown < ENOUGH_CHARACTERS:
            raise self.refusal
        self.body = await self._html()
        self.address = page.url
        self._check()

    async def close(self) -> None:
        """Close the page and everything that it opened, cookies and all."""
        for task in self._tasks:
            task.cancel()
        if self._context is not None:
            await _closed(self._context)

    async def _look(self) -> _State:
        with contextlib.suppress(_playwright_error()):  # it is moving to another page
            shown, is_loading = await self._evaluate(_STATE) or (0, False)
            return _State(shown=shown, is_loading=is_loading)
        return _State(shown=0, is_loading=False)

    async def _may_pass(self) -> bool:
        """Return whether an error is a challenge, after which the page may come."""
        with contextlib.suppress(_playwright_error()):
            return self._is_challenge(await self._html())
        return True  # it is moving to another page

    def _is_challenge(self, body: bytes) -> bool:
        headers = {name: values[0] for name, values in self.headers.items()}
        return wants_browser(self.status, headers, body)

    async def _html(self) -> bytes:
        html = await self._evaluate(_HTML % self._max_bytes)
        body = b"" if html is None else html.encode("utf-8", "replace")
        if html is None or len(body) > self._max_bytes:
            limit = f"{self._max_bytes:,}"
            raise failed(self.url, "too_large", Message("larger than {limit} bytes", limit=limit))
        return body

    def _check(self) -> None:
        if self._is_challenge(self.body):
            raise failed(
                self.url,
                "refused",
                Message("the site shows a challenge (are you human?) instead of the page"),
            )
        status = self.status
        if status >= 400:
            raise failed(self.url, "refused", Message("the server answers {status}", status=status))

    async def _evaluate(self, script: str) -> Any:
        """Return what `script` gives, None if it fails or takes too long.

        It runs in a world of its own, where the page's scripts have changed nothing.
        """
        try:
            if not self._world:
                place = {"frameId": self._frame, "worldName": "reader"}
                made = await self._cdp.send("Page.createIsolatedWorld", place)
                self._world = made["executionContextId"]
            reply = await self._cdp.send(
                "Runtime.evaluate",
                {
                    "expression": script,
                    "contextId": self._world,
                    "returnByValue": True,
                    "timeout": SCRIPT_MS,
                },
            )
        except _playwright_error():
            self._world = 0  # it went with its document
            raise
        return reply["result"].get("value")

    async def _decide(self, event: dict[str, Any]) -> None:
        """Let a request or a response go on, or end it."""
        with contextlib.suppress(_playwright_error()):  # the page may have been closed by now
            request = {"requestId": event["requestId"]}
            if event["frameId"] != self._frame or "responseErrorReason" in event:
                await self._cdp.send("Fetch.continueRequest", request)
                return
            try:
                if "responseStatusCode" in event:
                    self._receive(event)
                else:
                    await self._leave_for(event["request"]["url"])
            except IngestError as error:
                self.refusal = error
                # "Aborted" leaves what is shown as it is: nothing, or the page before.
                await self._cdp.send("Fetch.failRequest", request | {"errorReason": "Aborted"})
            else:
                await self._cdp.send("Fetch.continueRequest", request)

    async def _authenticate(self, event: dict[str, Any]) -> None:
        """Give the gateway the page's credentials.

        Where two clients intercept one page, as Playwright and this one do, Chromium 150 asks the
        last of them only, and takes one without `handleAuthRequests` for "no credentials"
        (https://github.com/microsoft/playwright/issues/39183).
        """
        response: dict[str, str] = {"response": "CancelAuth"}
        if event["authChallenge"].get("source") == "Proxy" and self.credentials is not None:
            response = {
                "response": "ProvideCredentials",
                "username": self.credentials.username,
                "password": self.credentials.password,
            }
        with contextlib.suppress(_playwright_error()):
            await self._cdp.send(
                "Fetch.continueWithAuth",
                {"requestId": event["requestId"], "authChallengeResponse": response},
            )

    async def _leave_for(self, url: str) -> None:
        """Ask before a redirect or a script takes the page elsewhere."""
        is_first = len(self.hops) == 1 and not self.hops[0].status
        if not (is_first and url == self.hops[0].url):
            await self.ask(url)

    def _receive(self, event: dict[str, Any]) -> None:
        """Note a response of the page's own frame, and refuse what is no text."""
        status = event["responseStatusCode"]
        headers: dict[str, list[str]] = {}
        for header in event.get("responseHeaders", []):
            headers.setdefault(header["name"].lower(), []).append(header["value"])
        self.hops[-1] = replace(self.hops[-1], status=status)
        if 300 <= status < 400 and "location" in headers:
            return
        self.headers = headers
        media_type, _ = content_type({"content-type": headers.get("content-type", [""])[0]})
        text = media_type in READABLE or media_type.startswith("text/") or "+" in media_type
        attached = headers.get("content-disposition", [""])[0].lower().startswith("attachment")
        if attached or not text:
            what = "a download" if attached else media_type
            raise failed(self.url, "unsupported", Message("{what} is not text", what=what))

    def _note_crash(self, _page: Any) -> None:
        self.crashed.set()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _closed(target: Any) -> None:
    """Close a page or a context that may be closed already."""
    with contextlib.suppress(_playwright_error()):
        await target.close()


def _playwright_error() -> type[Exception]:
    from playwright.async_api import Error  # noqa: PLC0415  comes with crawl4ai

    return Error


def failed(url: str, reason: SkipReason, message: Message) -> FetchError:
    """Return why the page cannot be had."""
    return FetchError(message, url=url, reason=reason)
