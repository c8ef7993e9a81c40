"""DuckDuckGo: its own result page, its challenge page, its wrapped links and advertisements.

A query longer than its form takes is cut at a word; the reader is not told.
"""

import itertools
from collections.abc import AsyncGenerator, Collection
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import lxml.etree
import lxml.html
from ddgs.engines.duckduckgo import Duckduckgo

from assistant.search.ddgs_client import REGIONS, InstrumentedEngine, in_daemon_thread
from assistant.search.result_pages import EngineFailure, ResultRow, collect, one_line
from assistant.values import SearchHit
from ingest.errors import FetchError
from ingest.foundation.messages import Language, Message
from ingest.web.urls import host_of, resolve, same_or_subdomain

CAPTCHA_MARK = "anomaly-modal"
"""Stands in the page that wants to see a human, whatever its status."""
CAPTCHA = Message("it wants to see a human")
STEPS = frozenset({"/l/", "/y.js"})
"""Paths of links that lead elsewhere, and of advertisements."""
MOST_STEPS = 5
"""From a link to its page; one is usual."""


class ResultPage(InstrumentedEngine, Duckduckgo):
    """ddgs's form, and our reading of the page that it brings."""

    def rows(self, query: str, region: str, page: int) -> list[ResultRow]:
        """Return the results of page 1, 2…, [] beyond the last, or raise `EngineFailure`."""
        form = self.build_payload(query, region, "moderate", None, page)
        html = self.request(self.search_method, self.search_url, data=form)
        if CAPTCHA_MARK in html:
            raise EngineFailure("rate_limited", CAPTCHA)
        return read_rows(html)


class DuckDuckGo:
    """Asks DuckDuckGo, one page after the other, until there are enough hits."""

    name = "DuckDuckGo"

    def __init__(
        self,
        *,
        exclude: Collection[str] = ("youtube.com", "britannica.com", "vimeo.com"),
        region: str | None = None,
    ) -> None:
        """Leave out `exclude` and their subdomains.

        `region` is one of DuckDuckGo's, e.g. "de-de"; None takes that of the question's language.
        """
        self._exclude = tuple(exclude)
        self._region = region

    async def search(
        self, query: str, *, limit: int, language: Language, timeout_s: float
    ) -> list[SearchHit]:
        words = one_line(query)
        if not words or limit <= 0:
            return []
        return await collect(
            self._pages(words, self._region or REGIONS[language], timeout_s),
            engine=self.name,
            limit=limit,
            exclude=self._exclude,
            timeout_s=timeout_s,
        )

    async def _pages(
        self, words: str, region: str, timeout_s: float
    ) -> AsyncGenerator[list[ResultRow], None]:
        engine = await in_daemon_thread(partial(ResultPage, timeout_s=timeout_s))
        for page in itertools.count(1):
            yield await in_daemon_thread(partial(engine.rows, words, region, page))


def read_rows(html: str) -> list[ResultRow]:
    """Return the rows of a result page in order, [] if there is nothing on it."""
    parser = lxml.html.HTMLParser(encoding="utf-8")
    try:
        # As bytes: of text, lxml takes none that begins with an XML declaration.
        tree = lxml.html.fromstring(html.encode("utf-8", "replace"), parser=parser)
    except lxml.etree.ParserError:  # an empty page
        return []
    rows = []
    for item in tree.xpath("//div[contains(@class, 'result__body')]"):
        links = item.xpath(".//a[contains(@class, 'result__a')]")
        if links:
            snippets = item.xpath(".//*[contains(@class, 'result__snippet')]")
            rows.append(
                ResultRow(
                    title=text_of(links[0]),
                    href=unwrapped(links[0].get("href", "")),
                    snippet=text_of(snippets[0]) if snippets else "",
                )
            )
    return rows


def text_of(element: Any) -> str:
    """Return the text of an lxml element on one line."""
    return " ".join(str(element.text_content()).split())


def unwrapped(href: str) -> str:
    """Return the URL that a result leads to, "" for an advertisement or no page.

    Some links go through //duckduckgo.com/l/?uddg=<the URL, percent-encoded once>, and so do some
    advertisements, which then go through duckduckgo.com/y.js.
    """
    for _ in range(MOST_STEPS):
        try:
            url = resolve(Duckduckgo.search_url, href) if href else ""
        except FetchError:
            return ""
        step = urlsplit(url)
        if not same_or_subdomain(host_of(url), "duckduckgo.com") or step.path not in STEPS:
            return url
        href = parse_qs(step.query).get("uddg", [""])[0] if step.path == "/l/" else ""
    return ""
