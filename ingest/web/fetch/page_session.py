"""One page in the browser: each navigation waits for permission, the HTML is measured, then taken.

Playwright would not do: its `page.route` does not see redirects, and its `page.content` takes the
HTML whatever its size. This is the only client of the DevTools protocol that intercepts requests:
of two, Chromium 150 asks just one for the proxy's credentials, and takes one that gives none for
an answer (https://github.com/microsoft/playwright/issues/39183).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from ingest.documents import RequestRecord
from ingest.errors import IngestError
from ingest.foundation.messages import Message
from ingest.web.challenges import wants_browser
from ingest.web.fetch.browser_session import BrowserSession
from ingest.web.fetch.devtools import DevToolsClosedError, DevToolsError, DevToolsSession
from ingest.web.fetch.failures import failed
from ingest.web.fetch.gateway import ProxyCredentials
from ingest.web.fetch.headers import parse_content_type
from ingest.web.robots_parser import RobotsVerdict
from ingest.web.urls import canonical_url, origin_of

MAX_NAVIGATIONS = 10
"""Requests of the page's own frame: redirects of servers, <meta> and scripts together."""
SETTLE_S = 3.0
"""Longest wait for scripts to write the page, at most half of the page's own time."""
POLL_S = 0.15
"""Seconds between two looks at the page: few enough to lose little, and each costs 1 ms."""
LATE_SHARE = 0.6
"""Share of the page's own time, for a page with scripts that still shows next to nothing."""
FEW_CHARACTERS = 50
"""The name of an app, "Loading…": what is there until the text comes."""
ENOUGH_CHARACTERS = 200
"""A page that shows this much text, and no more than at the last look, has settled. While it is
still loading, it has to show no more for `SETTLE_S`: it waits for a script that does not come."""
SCRIPT_MS = 5_000
"""For a script of ours: on a page of a million elements it is ended, and the page given up."""
READABLE = frozenset({"", "application/xhtml+xml", "application/xml", "application/json"})
"""What Chromium shows as text, besides text/*. It would download or draw the rest."""

# A worker would answer for the site from its own cache, past the interception.
_NO_SERVICE_WORKERS = "if (navigator.serviceWorker) delete Navigator.prototype.serviceWorker"
# What people see and innerText does not: open shadow roots, and frames that show a text.
_PARTS = """
  const frameOf = node => {
    if (!['iframe', 'frame'].includes(node.localName)) return null;
    try {
      const inner = node.contentDocument;
      return inner && inner.body && node.getBoundingClientRect().height >= 40 ? inner : null;
    } catch (error) { return null; }
  };
  const shownIn = node => node && node.innerText ? node.innerText.trim().length : 0;
  const hosts = () => [...document.querySelectorAll('*')].filter(node => node.shadowRoot);
  const framed = [...document.querySelectorAll('iframe, frame')].map(frameOf).filter(one => one);
"""
# The whole tree is walked for shadow roots only while nothing else is shown: it is asked often.
_STATE = f"""(() => {{{_PARTS}
  let shown = shownIn(document.body);
  for (const inner of framed) shown += shownIn(inner.body);
  if (shown < {ENOUGH_CHARACTERS})
    for (const host of hosts())
      for (const node of host.shadowRoot.children) shown += shownIn(node);
  return [shown, document.readyState === 'loading', document.scripts.length > 0];
}})()"""
# Counts first: a page of gigabytes must not be written out only to see that it is too long.
_HTML = (
    "(limit => {"
    + _PARTS
    + """
  const walk = document.createTreeWalker(document);
  for (let size = 0; walk.nextNode();) {
    const node = walk.currentNode;
    size += node.nodeValue ? node.nodeValue.length : 2 * node.nodeName.length;
    for (const attribute of node.attributes || []) size += attribute.value.length;
    if (size > limit) return null;
  }
  const own = framed.length ? Math.max(shownIn(document.body), 1) : 0;
  const main = new Set(framed.filter(inner => shownIn(inner.body) >= own));
  let html = document.documentElement ? document.documentElement.outerHTML : '';
  if (main.size || hosts().length) {
    // In a document of its own, where no script, image or custom element comes to life.
    const inert = document.implementation.createHTMLDocument('');
    let size = 0;
    const copy = node => {
      size += node.nodeValue ? node.nodeValue.length : 2 * node.nodeName.length;
      if (size > limit) throw new RangeError('too large');
      const inner = frameOf(node);
      const isBox = main.has(inner) || node.localName === 'frameset';
      const made = isBox ? inert.createElement('div') : inert.importNode(node, false);
      if (node.localName === 'template') made.content.append(inert.importNode(node.content, true));
      const slotted = node.localName === 'slot' ? node.assignedNodes() : [];
      const from = main.has(inner) ? inner.body : node.shadowRoot || node;
      for (const child of slotted.length ? slotted : from.childNodes)
        if (child.localName !== 'noframes') made.append(copy(child));
      return made;
    };
    try { html = copy(document.documentElement).outerHTML; } catch (error) { /* as it stands */ }
  }
  return html.length > limit ? null : html;
})(%d)"""
)
_EVERY_DOCUMENT = [
    {"resourceType": "Document", "requestStage": stage} for stage in ("Request", "Response")
]


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
        """Headers of the last document; names in lower case."""
        self.body = b""
        """The HTML, UTF-8."""
        self.address = ""
        """The URL that the browser shows, which scripts may have changed."""
        self.crashed = asyncio.Event()
        """Set when the process that shows the page has ended, or was ended for its memory."""
        self._permit = permit
        self._late_s = timeout_s * LATE_SHARE
        self._max_looks = int(min(SETTLE_S, timeout_s / 2) / POLL_S)
        self._max_bytes = max_bytes
        self._shown = 0
        """Characters of text at the last look."""
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
        """The requests that got a response: that of the last is shown."""
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
        """Forget all but the first request, which was permitted, for another try."""
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
        self._cdp.on("Fetch.requestPaused", lambda event: self._start(self._decide(event)))
        self._cdp.on("Fetch.authRequired", lambda event: self._start(self._authenticate(event)))
        # alert() and the like stop the page until they are answered.
        no = partial(self._try_to_send, "Page.handleJavaScriptDialog", accept=False)
        self._cdp.on("Page.javascriptDialogOpening", lambda _: self._start(no()))
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

    async def close(self, session: BrowserSession) -> None:
        """Close the page and everything that it opened, cookies and all. May be called twice."""
        for task in self._tasks:
            task.cancel()
        if self._context:
            await session.close_context(self._context)

    async def _settle(self) -> None:
        """Wait until scripts have written the page, and take its HTML."""
        looks = still = 0
        has_scripts = False
        # By the clock: on a busy machine looks take longer, and the page's own time must be left
        # for what comes after them.
        now = asyncio.get_running_loop().time
        late_until = now() + self._late_s

        def may_come_late() -> bool:
            is_empty = has_scripts and self._shown < FEW_CHARACTERS
            return is_empty and self.status < 400 and now() < late_until

        while looks < self._max_looks or may_come_late():
            try:
                state = await self._evaluate(_STATE) or (0, False, False)
                shown_characters, is_loading, has_scripts = state
                # A challenge may give way to the page; any other error page is the last.
                is_final = self.status >= 400 and not is_loading and not await self._is_challenge()
            except DevToolsClosedError:
                raise
            except DevToolsError:  # the document has just been replaced by the next
                shown_characters, is_loading, is_final = 0, False, False
            still = still + 1 if shown_characters == self._shown else 0
            self._shown = shown_characters
            looks += not is_loading
            enough = self._max_looks if is_loading else 1
            if is_final or (shown_characters >= ENOUGH_CHARACTERS and still >= enough):
                break
            await asyncio.sleep(POLL_S)
        if self.block_error is not None and self._shown < ENOUGH_CHARACTERS:
            # All that there was to see was a redirect by script to what may not be read.
            raise self.block_error
        self.body = await self._read_html()
        tree = await self._cdp.send("Page.getFrameTree")
        frame = tree["frameTree"]["frame"]
        self.address = frame["url"] + frame.get("urlFragment", "")
        if await self._is_challenge(self.body):
            message = Message("the site shows a challenge (are you human?) instead of the page")
            raise failed(self.url, "refused", message)
        if self.status >= 400:
            message = Message("the server answers {status}", status=self.status)
            raise failed(self.url, "refused", message)

    async def _is_challenge(self, body: bytes | None = None) -> bool:
        """Return whether `body`, or what is shown now, is a challenge."""
        headers = {name: values[0] for name, values in self.headers.items()}
        shown = await self._read_html() if body is None else body
        return wants_browser(self.status, headers, shown)

    async def _read_html(self) -> bytes:
        html = await self._evaluate(_HTML % self._max_bytes)
        body = b"" if html is None else html.encode("utf-8", "replace")
        if html is None or len(body) > self._max_bytes:
            limit = f"{self._max_bytes:,}"
            raise failed(self.url, "too_large", Message("larger than {limit} bytes", limit=limit))
        return body

    async def _evaluate(self, script: str) -> Any:
        """Return what `script` gives, None if it fails or takes longer than `SCRIPT_MS`.

        It runs in a world of its own: a page that redefines, say, createTreeWalker deceives only
        itself.
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

    async def _decide(self, event: dict[str, Any]) -> None:
        """Let a request or a response of the page's own frame go on, or end it."""
        request = event["requestId"]
        if event["frameId"] == self._frame and "responseErrorReason" not in event:
            try:
                if "responseStatusCode" in event:
                    self._receive(event)
                else:
                    url = event["request"]["url"]
                    # The first request was permitted before the browser was asked for it.
                    is_first = len(self.hops) == 1 and not self.hops[0].status
                    if not (is_first and url == self.hops[0].url):
                        await self.request_permission(url)
            except IngestError as error:
                self.block_error = error
                await self._abort(request)
                return
        elif event["frameId"] != self._frame and not await self._may_show(event):
            await self._abort(request)
            return
        await self._try_to_send("Fetch.continueRequest", requestId=request)

    async def _may_show(self, event: dict[str, Any]) -> bool:
        """Return whether a frame may load what it asks for, which may become part of the text.

        Only frames of the page's own origin can be read; the others' requests are not asked about,
        as those for images are not. The gateway keeps the address rules for all.
        """
        is_request = not {"responseStatusCode", "responseErrorReason"} & event.keys()
        try:
            if is_request and origin_of(event["request"]["url"]) == origin_of(self.hops[-1].url):
                await self._permit(canonical_url(event["request"]["url"]))
        except IngestError:
            return False
        return True

    async def _abort(self, request: str) -> None:
        """End a request and leave what is shown as it is: nothing, or the page before."""
        await self._try_to_send("Fetch.failRequest", requestId=request, errorReason="Aborted")

    async def _authenticate(self, event: dict[str, Any]) -> None:
        """Give the gateway the page's credentials, and no other server anything."""
        request = event["requestId"]
        response: dict[str, str] = {"response": "CancelAuth"}
        is_proxy = event["authChallenge"].get("source") == "Proxy"
        # Once for each request: a second challenge comes from a proxy behind the gateway, or says
        # that the credentials have been revoked, and would be repeated for ever.
        if is_proxy and self._credentials is not None and request not in self._authenticated:
            self._authenticated.add(request)
            response = {
                "response": "ProvideCredentials",
                "username": self._credentials.username,
                "password": self._credentials.password,
            }
        await self._try_to_send(
            "Fetch.continueWithAuth", requestId=request, authChallengeResponse=response
        )

    def _receive(self, event: dict[str, Any]) -> None:
        """Record a response of the page's own frame, and raise if it is not text."""
        status = event["responseStatusCode"]
        headers: dict[str, list[str]] = {}
        for header in event.get("responseHeaders", []):
            headers.setdefault(header["name"].lower(), []).append(header["value"])
        self.hops[-1] = replace(self.hops[-1], status=status)
        if 300 <= status < 400 and "location" in headers:
            return
        self.headers = headers
        media_type, _ = parse_content_type(
            {"content-type": ",".join(headers.get("content-type", []))}
        )
        text = media_type in READABLE or media_type.startswith("text/") or "+" in media_type
        attached = headers.get("content-disposition", [""])[0].lower().startswith("attachment")
        if attached or not text:
            what = "a download" if attached else media_type
            raise failed(self.url, "unsupported", Message("{what} is not text", what=what))

    async def _try_to_send(self, method: str, **params: Any) -> None:
        """Send a command that no longer matters if the page has gone meanwhile."""
        with contextlib.suppress(DevToolsError):
            await self._cdp.send(method, **params)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        # asyncio keeps only a weak reference to a task.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
