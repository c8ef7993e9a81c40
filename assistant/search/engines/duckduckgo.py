"""DuckDuckGo: its own result page, its challenge page, its wrapped links and advertisements.

A query longer than its form takes is cut at a word, without a word to people.
"""

import itertools
import re
from collections.abc import AsyncGenerator, Collection
from functools import partial
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import lxml.etree
import lxml.html
from ddgs.engines.duckduckgo import Duckduckgo

from assistant.search.ddgs_client import InstrumentedEngine, region_of, run_in_daemon_thread
from assistant.search.result_pages import (
    WANTS_A_HUMAN,
    EngineFailure,
    ResultRow,
    collect,
    shorten_query,
)
from assistant.values import SearchHit
from ingest.errors import FetchError
from ingest.foundation.messages import Language, Message
from ingest.web.urls import host_of, is_same_or_subdomain, resolve_reference

CHALLENGE_MARK = "anomaly-modal"
"""Stands in the page that wants to see a human, whatever its status."""
REDIRECT_PATHS = frozenset({"/l/", "/y.js"})
"""Paths of links that lead elsewhere, and of advertisements."""
RESULTS_OF_A_PAGE = 3
"""Links to other sites from which on a page without a row that we know holds results anyway;
a page that has found nothing leads nowhere else."""
_CHANGED = Message("its result page is no longer what we can read")
_OWN_SITES = ("duckduckgo.com", "duck.co", "duck.ai", "spreadprivacy.com")
_LINK = re.compile(r"<a\b[^<>]{0,2000}?\shref=([\"'])([^\"'<>]{1,4000})\1", re.IGNORECASE)
MAX_WRAPPERS = 5
"""Around the link to a page; one is usual."""


class ResultPage(InstrumentedEngine, Duckduckgo):
    """ddgs's form, and our reading of the page that it brings."""

    def fetch_rows(self, query: str, region: str, page: int) -> list[ResultRow]:
        """Return the results of page 1, 2…, [] beyond the last, or raise `EngineFailure`."""
        # "moderate" and None are safe search and time limit, as DuckDuckGo's own page starts.
        form = self.build_payload(query, region, "moderate", None, page)
        html = self.request(self.search_method, self.search_url, data=form)
        # The challenge comes with 200 as well as with 202, which `request` knows.
        if CHALLENGE_MARK in html:
            raise EngineFailure("rate_limited", WANTS_A_HUMAN)
        rows = parse_rows(html)
        # Nothing found is an answer, a page that we can no longer read is a failure: the next
        # engine is asked.
        if not rows and page == 1 and count_foreign_links(html) >= RESULTS_OF_A_PAGE:
            raise EngineFailure("failed", _CHANGED)
        return rows


class DuckDuckGo:
    """Asks DuckDuckGo, one page after the other, until there are enough hits."""

    name = "DuckDuckGo"

    def __init__(self, *, exclude: Collection[str] = (), region: str | None = None) -> None:
        """Leave out the sites in `exclude`, subdomains included.

        `region` is one of DuckDuckGo's, e.g. "de-de"; None takes that of the question's language.
        """
        self._exclude = tuple(exclude)
        self._region = region

    async def search(
        self, query: str, *, limit: int, language: Language, timeout_s: float
    ) -> list[SearchHit]:
        """Return at most `limit` hits; see `SearchEngine.search`."""
        words = shorten_query(query)
        if not words or limit <= 0:
            return []
        return await collect(
            self._pages(words, self._region or region_of(language), timeout_s),
            engine=self.name,
            limit=limit,
            exclude=self._exclude,
            timeout_s=timeout_s,
        )

    async def _pages(
        self, words: str, region: str, timeout_s: float
    ) -> AsyncGenerator[list[ResultRow], None]:
        engine = await run_in_daemon_thread(partial(ResultPage, timeout_s=timeout_s))
        for page in itertools.count(1):
            yield await run_in_daemon_thread(partial(engine.fetch_rows, words, region, page))


def count_foreign_links(html: str) -> int:
    """Return how many pages of other sites a page leads to."""
    links = {unwrap_link(unescape(found[2])) for found in _LINK.finditer(html)}
    hosts = filter(None, map(host_of, links))
    return sum(not any(is_same_or_subdomain(host, site) for site in _OWN_SITES) for host in hosts)


def parse_rows(html: str) -> list[ResultRow]:
    """Return the rows of a result page in order, [] if there is nothing on it."""
    parser = lxml.html.HTMLParser(encoding="utf-8")
    try:
        # As bytes: lxml takes no text that begins with an XML declaration.
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
                    title=_text_on_one_line(links[0]),
                    href=unwrap_link(links[0].get("href", "")),
                    snippet=_text_on_one_line(snippets[0]) if snippets else "",
                )
            )
    return rows


def _text_on_one_line(element: Any) -> str:
    return " ".join(str(element.text_content()).split())


def unwrap_link(href: str) -> str:
    """Return the URL that a result leads to, "" for an advertisement or no page.

    Some links go through //duckduckgo.com/l/?uddg=<the URL, percent-encoded once>, and so do some
    advertisements, which then go through duckduckgo.com/y.js.
    """
    for _ in range(MAX_WRAPPERS):
        try:
            url = resolve_reference(Duckduckgo.search_url, href) if href else ""
        except FetchError:
            return ""
        parts = urlsplit(url)
        # DuckDuckGo's own pages are results like others: duckduckgo.com/about.
        if (
            not is_same_or_subdomain(host_of(url), "duckduckgo.com")
            or parts.path not in REDIRECT_PATHS
        ):
            return url
        href = parse_qs(parts.query).get("uddg", [""])[0] if parts.path == "/l/" else ""
    return ""
