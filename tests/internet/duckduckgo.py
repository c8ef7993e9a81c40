"""DuckDuckGo on the replayed internet: html.duckduckgo.com/html/ as ddgs 9.16 posts to it.

The form fields are `q` (the words), `l` (the region), `s` (where the page starts: none for the
first, then 10, 25, 40…). The first page has ten results, the others fifteen, each under an
advertisement.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal
from urllib.parse import parse_qsl, quote

from tests.internet.net import Internet, Reply, Request

HOST = "html.duckduckgo.com"
FIRST_PAGE = 10
OTHER_PAGES = 15

Mode = Literal["ok", "ratelimit", "challenge", "403", "429", "500", "empty", "blank", "hang"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the result page."""

    url: str
    title: str = "A page"
    snippet: str = "Some words of it."


Index = Callable[[str], Sequence[Result]]
"""Returns all the results for a query, best first."""

PAGE = """<!DOCTYPE html><html><head><title>{query} at DuckDuckGo</title></head>
<body class="body--html"><div><div class="header"><a class="header__logo-wrap" href="/html/"></a>
<form id="search_form" action="/html/" method="post"><input name="q" value="{query}"></form></div>
<div class="serp__results"><div id="links" class="results">{rows}</div></div></div></body></html>"""
ROW = """
<div class="result results_links results_links_deep {kind}">
 <div class="links_main links_deep result__body">
  <h2 class="result__title"><a rel="nofollow" class="result__a" href="{href}">{title}</a></h2>
  <div class="result__extras"><div class="result__extras__url">
   <a class="result__url" href="{href}"> {shown} </a></div></div>
  <a class="result__snippet" href="{href}">{snippet}</a>
  <div class="clear"></div>
 </div>
</div>"""
NO_RESULTS = '<div class="no-results">No results found for your search.</div>'
CHALLENGE = """<html><body><form id="challenge-form" action="//duckduckgo.com/anomaly.js">
<div class="anomaly-modal__title">Unfortunately, bots use DuckDuckGo too.</div>
<div class="anomaly-modal__description">Please complete the following challenge.</div>
</form></body></html>"""
AD = "https://duckduckgo.com/y.js?ad_domain=shop.test&ad_provider=bingv7aa&u3=https%3A%2F%2Fshop.test"

ERROR_TYPES: dict[Mode, Reply] = {
    "ratelimit": Reply(status=202, body=CHALLENGE),
    "challenge": Reply(body=CHALLENGE),
    "403": Reply(status=403, body="<h1>403 Forbidden</h1>"),
    "429": Reply(status=429, body="<h1>Too Many Requests</h1>"),
    "500": Reply(status=500, body="<h1>If this persists, please mail us</h1>"),
    "empty": Reply(body=PAGE.format(query="", rows=NO_RESULTS)),
    "blank": Reply(body=""),
    "hang": Reply(fault="hang"),
}


class DuckDuckGoSite:
    """Answers searches out of `index`, or with the trouble that `mode` names."""

    def __init__(self, index: Index, *, wrapped: bool = False) -> None:
        self.mode: Mode = "ok"
        self.asked: list[dict[str, str]] = []
        """The form fields of every search."""
        self._index = index
        self._wrapped = wrapped

    def install(self, net: Internet) -> "DuckDuckGoSite":
        """Take the host's place on `net`."""
        net.route(HOST, self)
        return self

    def __call__(self, request: Request) -> Reply:
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        self.asked.append(form)
        if self.mode != "ok":
            return ERROR_TYPES[self.mode]
        start = int(form.get("s", "0"))
        size = OTHER_PAGES if start else FIRST_PAGE
        results = list(self._index(form["q"]))[start : start + size]
        rows = "".join(self._row(result) for result in results)
        advertisement = row(href=AD, title="Buy drones", snippet="Cheap.", kind="result--ad ")
        body = PAGE.format(
            query=escape(form["q"]), rows=advertisement + rows if rows else NO_RESULTS
        )
        return Reply(body=body)

    def _row(self, result: Result) -> str:
        href = result.url
        if self._wrapped:
            href = f"//duckduckgo.com/l/?uddg={quote(href, safe='')}&rut=0123abcd"
        return row(href=href, title=result.title, snippet=result.snippet, kind="web-result ")


def row(*, href: str, title: str, snippet: str, kind: str) -> str:
    """Return one result as it stands on the page."""
    return ROW.format(
        kind=kind,
        href=escape(href),
        shown=escape(href.partition("://")[2] or href),
        title=escape(title),
        snippet=escape(snippet),
    )


def fixed(*urls: str) -> Index:
    """Return an index that answers every query with these pages, in this order."""
    results = [Result(url=url, title=f"Page {n}") for n, url in enumerate(urls, start=1)]
    return lambda _query: results
