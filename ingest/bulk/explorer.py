"""`SiteExplorer`: finds what was not named itself, in sitemaps, feeds, links and archives."""

import asyncio
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from ingest.bulk.archives import ArchiveReader
from ingest.bulk.crawl import MAX_PAGES, MAX_QUERIES, LinkCollector, is_trap
from ingest.bulk.folders import NO_EXTRA_KINDS, ExtraKinds, PathPatterns
from ingest.bulk.journal import ItemRole, RunItem, RunJournal
from ingest.bulk.site_lists import SiteList, may_be_site_list, parse_site_list
from ingest.errors import IngestError
from ingest.events import FileLeftOut, LeftOutReason, PageSkipped, SourceScanned
from ingest.extract.archives import MAX_DEPTH, is_archive
from ingest.local_files import archive_of, path_of_url
from ingest.page_reader import skipped_event
from ingest.web.fetch.base import Fetcher
from ingest.web.urls import origin_of


class SiteExplorer:
    """Turns sitemaps, feeds, archives and, on a crawl, links into further items of a run.

    Args:
        fetcher: Fetches sitemaps and feeds, which are no pages to be stored.
        links: Has the links of the pages that were read; None: none is followed.
        depth: How many links away from what was named a crawl may go.
        patterns: Which paths of a site or archive are wanted; what is named itself always is.
        archives: Opens archives.
        extra_kinds: Which kinds are wanted of archives, besides archives.
    """

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        links: LinkCollector | None,
        depth: int,
        patterns: PathPatterns,
        archives: ArchiveReader,
        extra_kinds: ExtraKinds = NO_EXTRA_KINDS,
    ) -> None:
        # An archive is chosen already, and so is what lies in it, whatever is chosen of folders.
        self._extra_kinds = replace(extra_kinds, archives=True)
        self._archives = archives
        self._left_out: dict[str, list[FileLeftOut]] = {}
        self._fetcher = fetcher
        self._links = links
        self._depth = depth
        self._patterns = patterns
        self._found: dict[str, list[RunItem]] = {}

    def named(self, url: str) -> RunItem:
        """Return the item for a URL that a person has named."""
        role: ItemRole = "list" if may_be_site_list(url) else "page"
        return RunItem(url=url, role=role, depth=self._depth)

    def named_file(self, path: Path) -> RunItem:
        """Return the item for a file that a person has named, or a folder or archive holds."""
        if is_archive(path):
            # One within archives may hold as many fewer as it lies in.
            around = archive_of(path)
            inner = path.relative_to(around).parts[:-1] if around else ()
            above = sum(is_archive(Path(name)) for name in inner) + (around is not None)
            return RunItem(url=path.as_uri(), role="list", depth=max(0, MAX_DEPTH - 1 - above))
        return RunItem(url=path.as_uri())

    def take_left_out(self, item: RunItem) -> list[FileLeftOut]:
        """Return what the archive `item` holds and is not read."""
        return self._left_out.pop(item.url, [])

    def held_urls(self, item: RunItem) -> set[str]:
        """Return the URLs of all that `read_list` has seen in the archive `item`, read or not."""
        found = {member.url for member in self._found.get(item.url, [])}
        # What this run leaves out by its patterns is there all the same, and not to be pruned.
        left_out = self._left_out.get(item.url, [])
        return found | {Path(each.path).as_uri() for each in left_out}

    async def read_list(self, item: RunItem) -> SourceScanned | PageSkipped | None:
        """Read a sitemap, feed or archive and return its event, None if the item is a page."""
        path = path_of_url(item.url)
        if path is not None:
            return None if item.role == "page" else await self._read_archive(item, path)
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
        wanted_urls = [url for url in found.urls if self._is_wanted(url, found)]
        if found.kind == "sitemap_index" and item.role == "nested_list":
            wanted_urls = []  # the protocol has no index of indexes, and this one may name itself
        role: ItemRole = "nested_list" if found.kind == "sitemap_index" else "page"
        # A sitemap names the whole site: to follow its pages' links would find it once more.
        self._found[item.url] = [RunItem(url=url, role=role) for url in wanted_urls]
        return SourceScanned(
            name=item.url,
            kind="feed" if found.kind == "feed" else "sitemap",
            count=len(wanted_urls),
            left_out=found.left_out + len(found.urls) - len(wanted_urls),
        )

    async def _read_archive(self, item: RunItem, path: Path) -> SourceScanned | PageSkipped:
        try:
            content = await self._archives.content(path)
        except IngestError as error:
            return skipped_event(item.url, error)
        left_out: list[tuple[LeftOutReason, str]] = list(content.left_out)
        found = self._found[item.url] = []
        for name in content.members:
            url = (path / name).as_uri()
            if self._patterns.excludes(name):
                left_out.append(("excluded", name))
            elif unwanted := self._extra_kinds.reason_against(path / name):
                left_out.append((unwanted, name))
            elif not is_archive(Path(name)):
                found.append(RunItem(url=url))
            elif item.depth > 0:
                found.append(RunItem(url=url, role="nested_list", depth=item.depth - 1))
            else:
                left_out.append(("beyond_bounds", name))
        self._left_out[item.url] = [
            FileLeftOut(path=f"{path}/{name}", reason=reason) for reason, name in left_out
        ]
        return SourceScanned(
            name=str(path), kind="archive", count=len(found), left_out=len(left_out)
        )

    async def add_found(self, item: RunItem, journal: RunJournal) -> int:
        """Add to the journal what `item` has led to, and return how many are new."""
        found = self._found.pop(item.url, [])
        if self._links is not None and item.depth > 0 and path_of_url(item.url) is None:
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
