"""One page in the browser: its navigations held until permitted, its HTML measured before taken.

Playwright's `page.route` is not told of redirects and `page.content` takes the HTML whatever its
size, so this speaks the Chrome DevTools Protocol itself. It is the only client that intercepts:
with two, Chromium 150 asks just one of them for the proxy's credentials
(https://github.com/microsoft/playwright/issues/39183).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from ingest.documents import RequestRecord
from ingest.errors import IngestError
from ingest.foundation.messages import Message
from ingest.web.fetch.browser_session import BrowserSession
from ingest.web.fetch.challenges import wants_browser
from ingest.web.fetch.devtools import DevToolsClosedError, DevToolsError, DevToolsSession
from ingest.web.fetch.failures import failed
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

_NO_SERVICE_WORKERS = "if (navigator.serviceWorker) delete Navigator.prototype.serviceWorker"
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
    """One page from its first request to its HTML.

    Args:
        url: canonical.
        permit: checks the address rules and robots.txt; raises an `IngestError` if one forbids.
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
        self.block_error: IngestError | None = None
        """Why a request or a response of the page's own frame was blocked."""
        self.headers: dict[str, list[str]] = {}
        """Of the last document: names in lower case."""
        self.body = b""
        """The HTML, UTF-8."""
        self.address = ""
        """Where the page says that it is, as scripts may have changed it."""
        self.crashed = asyncio.Event()
        """The process that showed the page has ended, or was ended because it took too much."""
        self._permit = permit
        self._max_looks = int(min(SETTLE_S, timeout_s / 2) / POLL_S)
        self._max_bytes = max_bytes
        self._shown = 0
        self._frame = ""
        self._world = 0
        """Execution context of our scripts, 0 while there is none."""
        self._context = ""
        self._credentials: ProxyCredentials | None = None
        self._authenticated: set[str] = set()
        """Requests that have been given the credentials."""
        self._cdp: DevToolsSession
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def answered(self) -> tuple[RequestRecord, ...]:
        """The hops that got an answer: the last of them brought what is shown."""
        return tuple(hop for hop in self.hops if hop.status)

    @property
    def status(self) -> int:
        """HTTP status of what is shown, 0 while there is nothing."""
        return self.answered[-1].status if self.answered else 0

    async def request_permission(self, url: str) -> RobotsVerdict:
        """Record a request for `url` and return the rule of robots.txt that allows it.

        Raises:
            IngestError: it may not be requested.
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

    def restart(self) -> None:
        """Forget all but the first request, which was permitted: the browser has crashed."""
        self.hops = [replace(self.hops[0], status=0)]
        self.block_error, self.body, self._shown, self._world = None, b"", 0, 0
        self._authenticated.clear()  # a new Chromium counts its requests from 1 again

    async def load(self, session: BrowserSession, credentials: ProxyCredentials) -> None:
        """Open the page in a browser context of its own, and take its HTML once it has settled.

        Raises:
            IngestError: it is too large, a challenge, or blocked.
            DevToolsError: the navigation fails, with the text "net::ERR_…", or Chromium does.
        """
        self._credentials = credentials
        self._context = await session.open_context()
        self._cdp = await session.open_page(self._context)
        self._cdp.on("Inspector.targetCrashed", lambda _: self.crashed.set())
        self._cdp.on("Page.javascriptDialogOpening", lambda _: self._later(self._dismiss_dialog()))
        self._cdp.on("Fetch.requestPaused", lambda event: self._later(self._decide(event)))
        self._cdp.on("Fetch.authRequired", lambda event: self._later(self._authenticate(event)))
        await self._cdp.send("Inspector.enable")
        await self._cdp.send("Page.enable")
        tree = await self._cdp.send("Page.getFrameTree")
        self._frame = tree["frameTree"]["frame"]["id"]
        await self._cdp.send("Page.addScriptToEvaluateOnNewDocument", source=_NO_SERVICE_WORKERS)
        await self._cdp.send("Fetch.enable", patterns=_EVERY_DOCUMENT, handleAuthRequests=True)
        await self._cdp.send("Runtime.runIfWaitingForDebugger")
        # The answer comes with the first bytes of the page ("commit"), or when there are none.
        started = await self._cdp.send("Page.navigate", url=self.url)
        if started.get("errorText"):
            raise DevToolsError(started["errorText"])
        await self._settle()

    async def _settle(self) -> None:
        """Wait until scripts have written the page, and take its HTML."""
        looks = still = 0
        while looks < self._max_looks:
            state = await self._look()
            still = still + 1 if state.shown == self._shown else 0
            self._shown = state.shown
            looks += not state.is_loading
            enough = self._max_looks if state.is_loading else 1
            if self._shown >= ENOUGH_CHARACTERS and still >= enough:
                break
            if self.status >= 400 and not state.is_loading and not await self._may_pass():
                break
            await asyncio.sleep(POLL_S)
        if self.block_error is not None and self._shown < ENOUGH_CHARACTERS:
            # All that there was to see was a redirect by script to what may not be read.
            raise self.block_error
        self.body = await self._html()
        tree = await self._cdp.send("Page.getFrameTree")
        self.address = tree["frameTree"]["frame"]["url"]
        self._check()

    async def close(self, session: BrowserSession) -> None:
        """Close the page and everything that it opened, cookies and all. May be called twice."""
        for task in self._tasks:
            task.cancel()
        if self._context:
            await session.close_context(self._context)

    async def _look(self) -> _State:
        try:
            shown, is_loading = await self._evaluate(_STATE) or (0, False)
        except DevToolsClosedError:
            raise
        except DevToolsError:  # it is moving to another page
            return _State(shown=0, is_loading=False)
        return _State(shown=shown, is_loading=is_loading)

    async def _may_pass(self) -> bool:
        """Return whether an error is a challenge, after which the page may come."""
        try:
            return self._is_challenge(await self._html())
        except DevToolsClosedError:
            raise
        except DevToolsError:
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
                made = await self._cdp.send(
                    "Page.createIsolatedWorld", frameId=self._frame, worldName="reader"
                )
                self._world = made["executionContextId"]
            reply = await self._cdp.send(
                "Runtime.evaluate",
                expression=script,
                contextId=self._world,
                returnByValue=True,
                timeout=SCRIPT_MS,
            )
        except DevToolsError:
            self._world = 0  # it went with its document
            raise
        return reply["result"].get("value")

    async def _dismiss_dialog(self) -> None:
        """Answer "no" to alert() and the like, for which the page waits."""
        with contextlib.suppress(DevToolsError):  # the page may have been closed by now
            await self._cdp.send("Page.handleJavaScriptDialog", accept=False)

    async def _decide(self, event: dict[str, Any]) -> None:
        """Let a request or a response go on, or end it."""
        with contextlib.suppress(DevToolsError):  # the page may have been closed by now
            request = event["requestId"]
            if event["frameId"] != self._frame or "responseErrorReason" in event:
                await self._cdp.send("Fetch.continueRequest", requestId=request)
                return
            try:
                if "responseStatusCode" in event:
                    self._receive(event)
                else:
                    await self._leave_for(event["request"]["url"])
            except IngestError as error:
                self.block_error = error
                # "Aborted" leaves what is shown as it is: nothing, or the page before.
                await self._cdp.send("Fetch.failRequest", requestId=request, errorReason="Aborted")
            else:
                await self._cdp.send("Fetch.continueRequest", requestId=request)

    async def _authenticate(self, event: dict[str, Any]) -> None:
        """Give the gateway the page's credentials, and no site anything.

        A second challenge to one request is no longer the gateway's (it may be that of a proxy
        behind it), or the credentials are revoked: to repeat them would go on for ever.
        """
        request = event["requestId"]
        response: dict[str, str] = {"response": "CancelAuth"}
        is_proxy = event["authChallenge"].get("source") == "Proxy"
        if is_proxy and self._credentials is not None and request not in self._authenticated:
            self._authenticated.add(request)
            response = {
                "response": "ProvideCredentials",
                "username": self._credentials.username,
                "password": self._credentials.password,
            }
        with contextlib.suppress(DevToolsError):
            await self._cdp.send(
                "Fetch.continueWithAuth", requestId=request, authChallengeResponse=response
            )

    async def _leave_for(self, url: str) -> None:
        """Ask before a redirect or a script takes the page elsewhere."""
        is_first = len(self.hops) == 1 and not self.hops[0].status
        if not (is_first and url == self.hops[0].url):
            await self.request_permission(url)

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

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
