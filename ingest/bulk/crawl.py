"""Following links within a site: which links count, and where a site without end is left.

A crawl stays within one origin, asks robots.txt like every request, and obeys nofollow: of the
page (`<meta name=robots>`, X-Robots-Tag) and of the link (rel). A page with noindex is left out
before its links are seen.
"""

import asyncio
import re
from collections import Counter
from dataclasses import replace
from urllib.parse import urlsplit

from lxml import etree

from ingest.documents import Page, PageValidators
from ingest.errors import FetchError, ForbiddenError
from ingest.foundation.messages import Message
from ingest.page_reader import PageLoader
from ingest.web.tiered_fetcher import Loaded
from ingest.web.urls import canonical_url, origin_of, resolve_reference

MAX_PAGES = 10_000
"""Pages of one run that a crawl may find: a site that needs more has a sitemap."""
MAX_LINKS = 2_000
"""Links of one page that are looked at."""
MAX_URL_CHARACTERS = 500
MAX_SEGMENTS = 16
"""Segments of a path. A relative link that is wrong grows by one segment at each step."""
MAX_REPEATS = 2
"""Times that one segment may be in a path: /a/b/a/b/a/b is a trap."""
MAX_QUERIES = 50
"""Addresses with one path and different queries: calendars, sessions and sort orders never end."""

_NOFOLLOW = frozenset({"nofollow", "none"})
_UNWANTED_RELATIONS = frozenset({"nofollow", "ugc", "sponsored"})
_NO_PAGE = re.compile(
    r"\.(jpe?g|png|gif|webp|svg|ico|css|js|mjs|woff2?|ttf|mp[34]|webm|avi|mov|zip|gz|tar|7z|rar|exe"
    r"|dmg|iso|apk)$",
    re.IGNORECASE,
)


class LinkCollector:
    """Loads pages like the loader that it wraps, and keeps the links of each until `pop_links`."""

    def __init__(self, loader: PageLoader, *, agent: str) -> None:
        self._loader = loader
        self._agent = agent.partition("/")[0].lower()
        self._sites: dict[str, str] = {}
        self._links: dict[str, tuple[str, ...]] = {}

    def expect(self, url: str, *, site: str) -> None:
        """Collect the links of `url` when it is loaded; "" for a site that it names itself."""
        self._sites[url] = site

    def pop_links(self, url: str) -> tuple[str, ...]:
        """Return the links of a page that was loaded, canonical and within its site."""
        self._sites.pop(url, None)
        return self._links.pop(url, ())

    async def load(self, url: str, *, known: PageValidators | None = None) -> Loaded:
        """Return the page behind `url`.

        Raises:
            ForbiddenError: it leads out of the site that is crawled.
            IngestError: as the wrapped loader raises it.
        """
        site = self._sites.get(url)
        if site is None:
            return await self._loader.load(url, known=known)
        if known is not None:
            # Without a condition: "304 Not Modified" has no body, and so no links.
            known = replace(known, etag="", last_modified="")
        loaded = await self._loader.load(url, known=known)
        place = origin_of(loaded.page.final_url)
        if site and place != site:
            raise ForbiddenError(
                Message("{url} leads out of {site}", url=url, site=site),
                url=url,
                reason="address",
                hint=Message("name it as a source of its own to read it"),
            )
        links = await asyncio.to_thread(page_links, loaded.page, self._agent)
        self._links[url] = tuple(link for link in links if origin_of(link) == place)
        return loaded


def page_links(page: Page, agent: str) -> list[str]:
    """Return the canonical URLs that a page links to, each once; [] for what is no HTML. Blocks.

    Args:
        page: As it was fetched.
        agent: Our product token, lower case: a robots tag may be for us alone.
    """
    if "html" not in page.media_type or _NOFOLLOW.intersection(page.directives):
        return []
    from lxml import html  # noqa: PLC0415  as long as ten of our modules, for --crawl alone

    try:
        root = html.document_fromstring(
            page.body, parser=html.HTMLParser(encoding=page.charset or None, huge_tree=False)
        )
    except (etree.ParserError, etree.XMLSyntaxError, LookupError, ValueError):
        return []
    # Those of all <meta name=robots>, and those for us.
    directives = {
        directive.strip().lower()
        for meta in root.iter("meta")
        if (meta.get("name") or "").strip().lower() in ("robots", agent)
        for directive in (meta.get("content") or "").split(",")
    }
    if _NOFOLLOW.intersection(directives):
        return []
    base = next((each.get("href") or "" for each in root.iter("base")), "")
    found: dict[str, None] = {}
    references = (
        link.get("href") or ""
        for link in root.iter("a", "area")
        if not _UNWANTED_RELATIONS.intersection((link.get("rel") or "").lower().split())
    )
    for reference in filter(None, references):
        try:
            place = resolve_reference(page.final_url, base) if base else page.final_url
            found[canonical_url(resolve_reference(place, reference))] = None
        except FetchError:
            continue
        if len(found) >= MAX_LINKS:
            break
    return [url for url in found if not _NO_PAGE.search(urlsplit(url).path)]


def is_trap(url: str) -> bool:
    """Return whether an address looks like one of endlessly many that lead in circles."""
    segments = [segment for segment in urlsplit(url).path.split("/") if segment]
    return (
        len(url) > MAX_URL_CHARACTERS
        or len(segments) > MAX_SEGMENTS
        or any(count > MAX_REPEATS for count in Counter(segments).values())
    )
