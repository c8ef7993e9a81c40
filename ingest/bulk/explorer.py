"""`SiteExplorer`: finds pages beyond those that were named, in sitemaps, feeds and links."""

import asyncio
from urllib.parse import urlsplit

from ingest.bulk.crawl import MAX_PAGES, MAX_QUERIES, LinkCollector, is_trap
from ingest.bulk.folders import PathPatterns
from ingest.bulk.journal import ItemRole, RunItem, RunJournal
from ingest.bulk.site_lists import SiteList, may_be_site_list, parse_site_list
from ingest.errors import IngestError
from ingest.events import PageSkipped, SourceScanned
from ingest.page_reader import skipped_event
from ingest.web.fetch.base import Fetcher
from ingest.web.urls import origin_of


class SiteExplorer:
    """Turns sitemaps, feeds and, on a crawl, links into further items of a run.

    Args:
        fetcher: Fetches sitemaps and feeds, which are no pages to be stored.
        links: Has the links of the pages that were read; None: none is followed.
        depth: How many links away from what was named a crawl may go.
        patterns: Which paths of a site are wanted; what is named itself always is.
    """

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        links: LinkCollector | None,
        depth: int,
        patterns: PathPatterns,
    ) -> None:
        self._fetcher = fetcher
        self._links = links
        self._depth = depth
        self._patterns = patterns
        self._found: dict[str, list[RunItem]] = {}

    def named(self, url: str) -> RunItem:
        """Return the item for a URL that a person has named."""
        role: ItemRole = "list" if may_be_site_list(url) else "page"
        return RunItem(url=url, role=role, depth=self._depth)

    async def read_list(self, item: RunItem) -> SourceScanned | PageSkipped | None:
        """Read a sitemap or feed and return its event, None if the item is to be read as a page."""
        if self._links is not None and item.depth > 0:
            self._links.expect(item.url, site=item.site)
        if item.role == "page":
            return None
        try:
            page = await self._fetcher.fetch(item.url)
        except IngestError as error:
            return skipped_event(item.url, error)
        found = await asyncio.to_thread(parse_site_list, page.body, url=page.final_url)
        if found is None or (found.kind == "feed" and not found.urls):
            return None
        wanted = [url for url in found.urls if self._is_wanted(url, found)]
        if found.kind == "sitemap_index" and item.role == "nested_list":
            wanted = []  # the protocol has no index of indexes, and this one may name itself
        role: ItemRole = "nested_list" if found.kind == "sitemap_index" else "page"
        # A sitemap names the whole site: to follow its pages' links would find it once more.
        self._found[item.url] = [RunItem(url=url, role=role) for url in wanted]
        return SourceScanned(
            name=item.url,
            kind="feed" if found.kind == "feed" else "sitemap",
            count=len(wanted),
            left_out=found.left_out + len(found.urls) - len(wanted),
        )

    async def add_found(self, item: RunItem, journal: RunJournal) -> int:
        """Add to the journal what `item` has led to, and return how many are new."""
        found = self._found.pop(item.url, [])
        if self._links is not None and item.depth > 0:
            found += self._followed(item, self._links.pop_links(item.url), journal)
        # In a thread: a sitemap may name 50,000 pages.
        return await asyncio.to_thread(journal.add, found) if found else 0

    def _followed(
        self, item: RunItem, links: tuple[str, ...], journal: RunJournal
    ) -> list[RunItem]:
        """Return the items for those links of a page that are to be followed."""
        remaining = MAX_PAGES - journal.count()
        found: list[RunItem] = []
        variants: dict[str, int] = {}
        for url in links:
            if len(found) >= remaining:
                break
            if is_trap(url) or self._patterns.excludes(urlsplit(url).path.lstrip("/")):
                continue
            path, mark, _ = url.partition("?")
            if mark:
                if path not in variants:
                    variants[path] = journal.count_below(f"{path}?")
                variants[path] += 1
                if variants[path] > MAX_QUERIES:
                    continue
            found.append(RunItem(url=url, depth=item.depth - 1, site=origin_of(url)))
        return found

    def _is_wanted(self, url: str, found: SiteList) -> bool:
        is_page = found.kind != "sitemap_index"
        return not (is_page and self._patterns.excludes(urlsplit(url).path.lstrip("/")))
