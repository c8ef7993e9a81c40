"""DuckDuckGo through ddgs: its own result page, its refusals told apart, its links unharmed.

`ddgs.DDGS().text()` turns a rate limit, a refusal, a failure and an empty page into the same "No
results found", and unquotes every link, which corrupts those with %2F, %23, %26 or %3F in them.
So we drive ddgs's engine ourselves: its client and its form, our reading of the answer.

* Proxy and trust come from the environment, as everywhere: `HTTPS_PROXY` and `SSL_CERT_FILE`
  (ddgs's HTTP client reads both), and `DDGS_PROXY`, which goes before.
* A query longer than DuckDuckGo takes is cut at a word; the reader is not told.
* The user agent is not ours: ddgs poses as a browser drawn at random, TLS handshake and headers
  alike, because that is whom DuckDuckGo's page answers. Our own agent could be put into the header
  alone, beside a browser's handshake and `sec-ch-ua`: a contradiction, which is what bot filters
  look for. robots.txt and pages are asked for under our own name and no other.
"""

import asyncio
import logging
import math
import os
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import lxml.etree
import lxml.html
import primp
from ddgs.engines.duckduckgo import Duckduckgo
from ddgs.exceptions import DDGSException, TimeoutException

from assistant.answers import SearchHit
from assistant.errors import SearchError, SearchFailure
from ingest.errors import FetchError
from ingest.urls import canonical_url, host_of, resolve, same_or_subdomain
from ingest.wording import Language, Wording

logger = logging.getLogger(__name__)

R = TypeVar("R")

REGIONS: dict[Language, str] = {"zh": "cn-zh", "en": "us-en"}
QUERY_LIMIT = 499
"""Characters: what DuckDuckGo's own form takes; a longer query is answered by an error page."""
PAGE_LIMIT = 4
"""Result pages a search: 10 + 3 * 15 results, enough when four of five are excluded."""
PAGE_PAUSE = 0.3
"""Seconds between two pages: a reader turns them no faster."""
REFUSALS = frozenset({202, 403, 429})
"""Statuses by which DuckDuckGo says "slow down" (ddgs issues 241, 264 and 304)."""
CAPTCHA_MARK = "anomaly-modal"
"""Stands in the page that wants to see a human, whatever its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One result as it stands on the page, advertisements included."""

    title: str
    href: str
    snippet: str


class EngineFailure(Exception):  # noqa: N818  never leaves this module
    """Why there is no result page: the kind, and a few words for people."""

    def __init__(self, kind: SearchFailure, detail: Wording) -> None:
        super().__init__(detail.en)
        self.kind: SearchFailure = kind
        self.detail = detail


_NO_NETWORK = Wording("no network or its name cannot be resolved", "没有网络，或无法解析它的域名")
_NO_CONNECTION = Wording(
    "the network, a proxy or a certificate stands in the way", "网络、代理或证书挡住了连接"
)
_NO_CLIENT = Wording("the proxy or the certificates cannot be used", "代理或证书无法使用")
_BROKEN = Wording("its reply was broken off or is not readable", "回应中断或无法读取")
_SILENT = Wording("no answer", "没有回应")


class Engine(Duckduckgo):
    """ddgs's engine with its eyes open."""

    def __init__(self, *, timeout_s: float) -> None:
        proxy = os.environ.get("DDGS_PROXY") or None
        try:
            super().__init__(proxy=proxy, timeout=math.ceil(timeout_s))
        except primp.PrimpError as error:
            logger.debug("no HTTP client: %r", error)
            raise EngineFailure("unreachable", _NO_CLIENT) from error

    def rows(self, query: str, region: str, page: int) -> list[Row]:
        """Return the results of page 1, 2…, [] beyond the last, or raise `EngineFailure`."""
        form = self.build_payload(query, region, "moderate", None, page)
        return read_rows(self.request(self.search_method, self.search_url, data=form))

    def request(self, *args: Any, **kwargs: Any) -> str:
        """Return the page; ddgs itself would return None for every other status than 200."""
        try:
            reply = self.http_client.request(*args, **kwargs)
        except TimeoutException as error:
            raise EngineFailure("timeout", _SILENT) from error
        except DDGSException as error:
            logger.debug("no reply: %s", error)
            raise lost(error.__cause__) from error
        status = Wording(f"HTTP {reply.status_code}", f"HTTP {reply.status_code}")
        if reply.status_code in REFUSALS or CAPTCHA_MARK in reply.text:
            raise EngineFailure("rate_limited", status)
        if reply.status_code != 200:
            raise EngineFailure("failed", status)
        return str(reply.text)


def lost(cause: BaseException | None) -> EngineFailure:
    """Return why no reply came, from the HTTP client's own exception."""
    if isinstance(cause, primp.DNSError):
        return EngineFailure("unreachable", _NO_NETWORK)
    if isinstance(cause, primp.RequestError):
        return EngineFailure("unreachable", _NO_CONNECTION)
    return EngineFailure("failed", _BROKEN)


class DuckDuckGo:
    """Asks DuckDuckGo, one page after the other, until there are enough hits."""

    name = "DuckDuckGo"

    def __init__(
        self,
        *,
        exclude: Collection[str] = ("youtube.com", "britannica.com", "vimeo.com"),
        timeout_s: float,
        region: str | None = None,
    ) -> None:
        """Leave out `exclude` and their subdomains, and take at most `timeout_s` seconds a search.

        `region` is one of DuckDuckGo's, e.g. "de-de"; None takes that of the question's language.
        """
        self._exclude = tuple(exclude)
        self._timeout_s = timeout_s
        self._region = region

    async def search(self, query: str, *, limit: int, language: Language) -> list[SearchHit]:
        """Return at most `limit` hits under their canonical URLs, best first, each page once.

        When a later page fails, the hits of the earlier ones are returned.
        """
        found: dict[str, Row] = {}
        words = shortened(query)
        if words and limit > 0:
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._collect(words, self._region or REGIONS[language], limit, found)
            except TimeoutError as error:
                if not found:
                    raise explained(EngineFailure("timeout", _SILENT)) from error
            except EngineFailure as error:
                if not found:
                    raise explained(error) from error
        return [
            SearchHit(rank=rank, title=row.title, url=url, snippet=row.snippet)
            for rank, (url, row) in enumerate(list(found.items())[:limit], start=1)
        ]

    async def _collect(self, words: str, region: str, limit: int, found: dict[str, Row]) -> None:
        """Put the rows of one page after the other into `found`, by canonical URL."""
        engine = await in_daemon_thread(partial(Engine, timeout_s=self._timeout_s))
        for page in range(1, PAGE_LIMIT + 1):
            rows = await in_daemon_thread(partial(engine.rows, words, region, page))
            for row in rows:
                url = page_url(row.href)
                if url and not self._excludes(url):
                    found.setdefault(url, row)
            if not rows or len(found) >= limit:
                return
            await asyncio.sleep(PAGE_PAUSE)

    def _excludes(self, url: str) -> bool:
        host = host_of(url)
        return any(same_or_subdomain(host, domain) for domain in self._exclude)


def shortened(query: str) -> str:
    """Return the query on one line, cut at a word where it is too long for DuckDuckGo."""
    words = " ".join(query.split())
    if len(words) <= QUERY_LIMIT:
        return words
    at_a_word = words[: QUERY_LIMIT + 1].rpartition(" ")[0]
    return at_a_word if len(at_a_word) > QUERY_LIMIT // 2 else words[:QUERY_LIMIT]  # 中文 has none


def read_rows(html: str) -> list[Row]:
    """Return the rows of a result page in order, [] if there is nothing on it."""
    try:
        tree = lxml.html.fromstring(html)
    except lxml.etree.ParserError:  # an empty page
        return []
    rows = []
    for item in tree.xpath("//div[contains(@class, 'result__body')]"):
        links = item.xpath(".//a[contains(@class, 'result__a')]")
        if links:
            snippets = item.xpath(".//*[contains(@class, 'result__snippet')]")
            snippet = text_of(snippets[0]) if snippets else ""
            rows.append(
                Row(title=text_of(links[0]), href=links[0].get("href", ""), snippet=snippet)
            )
    return rows


def text_of(element: Any) -> str:
    """Return the text of an lxml element on one line."""
    return " ".join(str(element.text_content()).split())


def page_url(href: str) -> str | None:
    """Return the canonical URL that a result leads to, None for an advertisement or no page.

    Some links go through //duckduckgo.com/l/?uddg=<the URL, percent-encoded once>, and so do some
    advertisements, which then go through duckduckgo.com/y.js.
    """
    if not href:
        return None
    try:
        url = resolve(Duckduckgo.search_url, href)
        step = urlsplit(url)
        if same_or_subdomain(host_of(url), "duckduckgo.com"):
            if step.path == "/y.js":
                return None
            if step.path == "/l/":
                return page_url(parse_qs(step.query).get("uddg", [""])[0])
        return canonical_url(url)
    except FetchError:
        return None


def explained(failure: EngineFailure) -> SearchError:
    """Return the error that people read."""
    en, zh = failure.detail.en, failure.detail.zh
    message, hint = {
        "rate_limited": (
            Wording(f"DuckDuckGo asks us to wait ({en})", f"DuckDuckGo 要求稍候（{zh}）"),
            Wording(
                "ask again in a few minutes, or use what is stored already: --no-web",
                "请过几分钟再试，或只用已存网页回答：--no-web",
            ),
        ),
        "timeout": (
            Wording("DuckDuckGo did not answer in time", "DuckDuckGo 未在限时内响应"),
            Wording(
                "try again, or give it longer: search.timeout in assistant.toml",
                "请重试，或在 assistant.toml 中调大 search.timeout",
            ),
        ),
        "unreachable": (
            Wording(f"DuckDuckGo cannot be reached: {en}", f"无法连接 DuckDuckGo：{zh}"),
            Wording(
                "check the network and HTTPS_PROXY with: assistant doctor",
                "请检查网络与 HTTPS_PROXY：assistant doctor",
            ),
        ),
        "failed": (
            Wording(f"DuckDuckGo failed ({en})", f"DuckDuckGo 出错（{zh}）"),
            Wording(
                "try again later, or use what is stored already: --no-web",
                "请稍后再试，或只用已存网页回答：--no-web",
            ),
        ),
    }[failure.kind]
    return SearchError(message, kind=failure.kind, hint=hint)


async def in_daemon_thread(function: Callable[[], R]) -> R:
    """Run a blocking function in a thread that nothing waits for.

    Threads of asyncio's own executor are joined when the loop closes: Ctrl-C would hang until
    DuckDuckGo's time is up. This one is left behind and ends by itself, at the timeout at latest.
    """
    outcome: Future[R] = Future()
    outcome.set_running_or_notify_cancel()  # from here on cancelling the await leaves it alone

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001  raised again where it is awaited
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True, name="duckduckgo").start()
    return await asyncio.wrap_future(outcome)
