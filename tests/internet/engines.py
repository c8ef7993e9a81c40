"""Mojeek and Brave on the replayed internet, as far as ddgs 9.16 reads their result pages."""

from collections.abc import Callable
from html import escape
from urllib.parse import parse_qsl, urlsplit

from tests.internet.duckduckgo import Index, Result
from tests.internet.net import Internet, Reply, Request

MOJEEK = "www.mojeek.com"
BRAVE = "search.brave.com"
PER_PAGE = 10

MOJEEK_PAGE = """<!DOCTYPE html><html><head><title>{query} - Mojeek Search</title></head><body>
<div class="results"><ul class="results-standard">{rows}</ul></div></body></html>"""
MOJEEK_ROW = """<li class="r"><a class="ob" href="{href}"><p class="i"><span>{href}</span></p></a>
<h2><a class="title" href="{href}">{title}</a></h2><p class="s">{snippet}</p></li>"""
BRAVE_PAGE = """<!DOCTYPE html><html><head><title>{query} - Brave Search</title></head><body>
<div id="results">{rows}</div></body></html>"""
BRAVE_ROW = """<div class="snippet" data-type="web"><a href="{href}">
<div class="site-name-wrapper">a site</div><div class="title search-snippet-title">{title}</div></a>
<div class="generic-snippet snippet-body"><div class="content">{snippet}</div></div></div>"""
CAPTCHA = Reply(body="<html><title>PoW Captcha - Brave Search</title><body>Verify</body></html>")
AUTOMATED = Reply(
    status=403,
    body="<h1>403</h1><p>Sorry your network appears to be sending automated queries.</p>",
)


class ResultSite:
    """Answers searches out of `index` with pages of ten, or with `trouble` if there is one."""

    def __init__(
        self, index: Index, *, page: str, row: str, start_of: Callable[[dict[str, str]], int]
    ) -> None:
        self.trouble: Reply | None = None
        self.asked: list[str] = []
        """The query of every search."""
        self._index = index
        self._page = page
        self._row = row
        self._start_of = start_of

    def __call__(self, request: Request) -> Reply:
        asked = dict(parse_qsl(urlsplit(request.path).query))
        self.asked.append(asked["q"])
        if self.trouble is not None:
            return self.trouble
        start = self._start_of(asked)
        found = list(self._index(asked["q"]))[start : start + PER_PAGE]
        rows = "".join(map(self._shown, found))
        return Reply(body=self._page.format(query=escape(asked["q"]), rows=rows))

    def _shown(self, result: Result) -> str:
        return self._row.format(
            href=escape(result.url), title=escape(result.title), snippet=escape(result.snippet)
        )


def mojeek(net: Internet, index: Index) -> ResultSite:
    """Put Mojeek on `net`; its parameter `s` is the number of the first result."""
    site = ResultSite(
        index, page=MOJEEK_PAGE, row=MOJEEK_ROW, start_of=lambda asked: int(asked.get("s", 1)) - 1
    )
    net.route(MOJEEK, site)
    return site


def brave(net: Internet, index: Index) -> ResultSite:
    """Put Brave on `net`; its parameter `offset` is the number of the page, from 0."""
    site = ResultSite(
        index,
        page=BRAVE_PAGE,
        row=BRAVE_ROW,
        start_of=lambda asked: int(asked.get("offset", 0)) * PER_PAGE,
    )
    net.route(BRAVE, site)
    return site
