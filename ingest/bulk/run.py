"""`BulkRun`: reads everything that a person has named, several at once, and can be gone on with."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from itertools import islice
from pathlib import Path

from ingest.bulk.explorer import SiteExplorer
from ingest.bulk.journal import RunItem, RunJournal
from ingest.bulk.sources import SourceItem
from ingest.events import FileGone, FileLeftOut, IngestEvent, PageSkipped, PageStored, SourceScanned
from ingest.foundation.concurrency import cancel_and_wait
from ingest.local_files import path_of_url
from ingest.pipeline import IndexingPipeline
from ingest.report import RunEvent
from ingest.web.urls import host_of

LOOK_AHEAD = 1_000
"""Pages of the list among which one is looked for whose host is free."""

FILES_AT_ONCE = 2
"""Local files read side by side: more would compete for the processor, not wait for a network."""

SOURCE_BATCH = 500
"""Names taken from the sources at once, in a thread."""


class BulkRun:
    """Works through the journal of one run.

    Args:
        pipeline: Stores pages and files.
        journal: A run that has begun.
        report: Is given every event, in the order in which they happen.
        jobs: Pages and files read at once.
        per_host: Of these, pages of one host.
        fresh: Request pages and read files though they are fresh in the index.
        limit: Pages and files after which the run pauses; None for no limit.
        explorer: Reads sitemaps, feeds and archives, and follows links.
    """

    def __init__(
        self,
        *,
        pipeline: IndexingPipeline,
        journal: RunJournal,
        report: Callable[[RunEvent], None],
        jobs: int,
        per_host: int,
        fresh: bool = False,
        limit: int | None = None,
        explorer: SiteExplorer,
    ) -> None:
        self._pipeline = pipeline
        self._journal = journal
        self._report = report
        self._jobs = jobs
        self._per_host = per_host
        self._fresh = fresh
        self._limit = limit
        self._explorer = explorer
        self.total = 0
        """Pages and files that are known so far and were to be read when this process began."""
        self._folders: list[Path] = []
        self._gone_members: list[str] = []
        """URLs of documents of the index that their archives no longer hold."""
        self._emptied: set[str] = set()
        """URLs of files of the folders that hold nothing."""
        self.has_sources = False
        """Whether `add_sources` has met a page or a document."""
        self._ahead: deque[RunItem] = deque()
        self._last = 0
        self._busy: Counter[str] = Counter()

    async def add_sources(self, items: Iterator[SourceItem]) -> None:
        """Write into the journal what the sources name, and report what they leave out."""
        while batch := await asyncio.to_thread(lambda: list(islice(items, SOURCE_BATCH))):
            wanted = []
            for item in batch:
                if isinstance(item, str):
                    wanted.append(self._explorer.named(item))
                elif isinstance(item, Path):
                    wanted.append(self._explorer.named_file(item))
                else:
                    if isinstance(item, SourceScanned) and item.kind == "folder":
                        self._folders.append(Path(item.name))
                    elif isinstance(item, FileLeftOut) and item.reason == "empty":
                        self._emptied.add(Path(item.path).as_uri())
                    self._report(item)
            self.has_sources = self.has_sources or bool(wanted)
            await asyncio.to_thread(self._journal.add, wanted)

    async def run(self) -> AsyncGenerator[int, None]:
        """Read what is pending, and yield after each page or file how many are done.

        Raises:
            StoreError: the index cannot be read or written; the run can be gone on with.
        """
        done_count = 0
        self.total = self._journal.count("pending")
        tasks: dict[asyncio.Task[IngestEvent | SourceScanned], RunItem] = {}
        try:
            while True:
                for known_page in await self._look_ahead(done_count + len(tasks)):
                    self._report(known_page)
                    done_count += 1
                    yield done_count
                while len(tasks) < self._jobs and (
                    item := self._next_item(done_count + len(tasks))
                ):
                    self._busy[_queue_of(item)] += 1
                    tasks[asyncio.create_task(self._read(item))] = item
                if not tasks:
                    break
                ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    item = tasks.pop(task)
                    self._busy[_queue_of(item)] -= 1
                    event = task.result()
                    # After the index, before the next one: a kill in between costs a second look.
                    is_stored = not isinstance(event, PageSkipped) or event.reason == "blank"
                    for left_out in self._explorer.take_left_out(item):
                        self._report(left_out)
                    self.total += await self._explorer.add_found(item, self._journal)
                    self._journal.finish(item, "done" if is_stored else "failed")
                    self._report(event)
                    done_count += 1
                    yield done_count
        finally:
            # The caller may leave early, e.g. by Ctrl-C: nothing is read on without a caller.
            await cancel_and_wait(tasks)
        if not self._journal.count("pending"):
            self._journal.end()

    async def report_gone(self, *, prune: bool) -> None:
        """Report the documents whose files are gone from the folders, and remove them if wanted.

        Those whose files were emptied are removed in each case: what they say now is known.
        """
        for folder in self._folders:
            async with aclosing(self._pipeline.stored_below(folder)) as batches:
                async for urls_below in batches:
                    for url in self._emptied.intersection(urls_below):
                        await self._report_gone(url, prune=True)
            async with aclosing(self._pipeline.gone_files(folder)) as urls:
                async for url in urls:
                    await self._report_gone(url, prune=prune)
        for url in self._gone_members:
            await self._report_gone(url, prune=prune)

    async def _report_gone(self, url: str, *, prune: bool) -> None:
        if prune:
            await self._pipeline.remove(url)
        self._report(FileGone(url=url, removed=prune))

    async def _look_ahead(self, started: int) -> list[PageStored]:
        """Take up more pages and files; return the events of those that have nothing to be done.

        A second run over what has not changed is little else, and costs a look-up for hundreds.
        """
        events: list[PageStored] = []
        while len(self._ahead) < LOOK_AHEAD // 2:
            more = self._journal.pending(after=self._last, limit=LOOK_AHEAD - len(self._ahead))
            if not more:
                break
            self._last = more[-1].number
            left = LOOK_AHEAD if self._limit is None else self._limit - started - len(events)
            candidates = (
                [] if self._fresh else [item for item in more if item.role == "page"][:left]
            )
            known = await self._pipeline.unchanged([item.url for item in candidates])
            settled = [item for item in candidates if item.url in known]
            self._journal.finish_all(settled, "done")
            events += known.values()
            self._ahead.extend(item for item in more if item.url not in known)
        return events

    def _next_item(self, started: int) -> RunItem | None:
        """Return the next page whose host is free, None if there is none now."""
        if self._limit is not None and started >= self._limit:
            return None
        # Not simply the first: a list of one site's pages after another's would wait for the first
        # site with all jobs, each holding a page that must not be requested yet.
        for place, item in enumerate(self._ahead):
            queue = _queue_of(item)
            if self._busy[queue] < (self._per_host if queue else FILES_AT_ONCE):
                del self._ahead[place]
                return item
        return None

    async def _read(self, item: RunItem) -> IngestEvent | SourceScanned:
        event = await self._explorer.read_list(item)
        path = path_of_url(item.url)
        if isinstance(event, SourceScanned) and path is not None:
            held = self._explorer.held_urls(item)
            async with aclosing(self._pipeline.stored_below(path)) as batches:
                # What lies in an archive of the archive is looked for when that is read.
                async for urls in batches:
                    for url in urls:
                        parts = url.split("/")
                        # The file itself, and the folders and archives in which it lies.
                        places = ["/".join(parts[:count]) for count in range(len(parts), 3, -1)]
                        if held.isdisjoint(places):
                            self._gone_members.append(url)
        if event is not None:
            return event
        if path is not None:
            return await self._pipeline.add_file(path, fresh=self._fresh)
        return await self._pipeline.add_url(item.url, fresh=self._fresh)


def _queue_of(item: RunItem) -> str:
    """Return the host whose turn a page has to wait for, "" for a file."""
    return host_of(item.url)
