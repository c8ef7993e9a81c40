"""`assistant read`: what we make of a page, to see, pipe and judge. Nothing is stored."""

import asyncio
import json
import sys
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, aclosing, closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import click

from assistant.settings import Settings
from ingest.bootstrap import open_tiered_fetcher
from ingest.crawl_log import CrawlLog
from ingest.documents import RequestRecord
from ingest.errors import FetchError, IngestError, SkipReason
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.foundation.command_line.cli_runner import print_json
from ingest.foundation.errors import MissingDependencyError, QiuzhengError
from ingest.foundation.messages import Language, Message
from ingest.foundation.startup import decode_argument, read_stdin
from ingest.report import note, printable
from ingest.web.tiered_fetcher import FetcherChoice, Loaded, TieredFetcher
from ingest.web.urls import parse_url_list, typed_url


class NoPageError(QiuzhengError):
    """No URL was named."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of one URL: a page, or the reason why there is none."""

    url: str
    loaded: Loaded | None = None
    error: IngestError | MissingDependencyError | None = None
    seconds: float = 0.0

    @property
    def hops(self) -> tuple[RequestRecord, ...]:
        if self.loaded is not None:
            return self.loaded.page.hops
        return self.error.hops if isinstance(self.error, IngestError) else ()

    @property
    def skip_reason(self) -> SkipReason:
        return self.error.reason if isinstance(self.error, IngestError) else "needs_browser"

    def to_json(self, language: Language) -> dict[str, Any]:
        """Return the JSON object of one page; a field that does not apply is null."""
        last = self.hops[-1] if self.hops else RequestRecord(url=self.url)
        fields: dict[str, Any] = dict.fromkeys(
            (
                *("fetcher", "title", "kind", "author", "published", "modified", "language"),
                *("canonical", "text"),
            )
        )
        fields |= {"robots": last.robots or None, "skipped": None, "detail": None}
        if self.loaded is not None and self.loaded.document is not None:
            page, document = self.loaded.page, self.loaded.document
            fields |= {
                "fetcher": page.fetcher,
                "title": document.title,
                "kind": document.kind,
                "author": document.author or None,
                "published": _iso_day(document.published),
                "modified": _iso_day(document.modified),
                "language": document.language or None,
                "canonical": document.canonical or None,
                "text": document.text,
                "robots": page.robots,
            }
        if self.error is not None:
            fields |= {
                "skipped": self.skip_reason,
                "detail": self.error.localize(language),
            }
            if isinstance(self.error, IngestError) and self.error.robots:
                fields["robots"] = self.error.robots
        return {
            "url": self.url,
            "final_url": last.url or self.url,
            "status": last.status or None,
            **fields,
            "bytes": sum(hop.wire_bytes for hop in self.hops),
            "seconds": round(self.seconds, 3),
        }

    def to_event(self) -> IngestEvent:
        """Return the same as the event that ingestion would report, for the crawl log."""
        if self.loaded is not None and self.loaded.document is not None:
            page, document = self.loaded.page, self.loaded.document
            return PageStored(
                url=document.url,
                title=document.title,
                kind=document.kind,
                chunks=0,
                embedded=0,
                robots=page.robots,
                fetcher=page.fetcher,
                asked=page.url,
                seconds=self.seconds,
                hops=page.hops,
            )
        assert self.error is not None
        return PageSkipped(
            url=self.url,
            reason=self.skip_reason,
            detail=self.error.full_message,
            robots=self.error.robots if isinstance(self.error, IngestError) else "",
            fetcher=self.error.fetcher if isinstance(self.error, IngestError) else None,
            seconds=self.seconds,
            hops=self.hops,
        )


def _iso_day(day: date | None) -> str | None:
    return day.isoformat() if day else None


async def read_pages(
    names: Sequence[str],
    *,
    settings: Settings,
    as_json: bool,
    fetcher: FetcherChoice,
    crawl_log: Path | None,
    language: Language,
) -> int:
    """Read the URLs side by side, write them in the order named, return 1 if none could be read.

    "-" stands for a list of URLs on standard input.
    """
    with ExitStack() as stack:
        log = stack.enter_context(closing(CrawlLog(crawl_log))) if crawl_log else None
        # In a thread: while a person types, Ctrl-C has to end the command.
        piped = await asyncio.to_thread(read_stdin) if "-" in names else ""
        wanted_urls, unusable = _parse_names(names, piped)
        read = 0
        async with (
            open_tiered_fetcher(settings) as tiered,
            aclosing(
                load_in_order(tiered, wanted_urls, fetcher, limit=settings.crawl.concurrency)
            ) as outcomes,
        ):
            for outcome in unusable:
                _show_outcome(outcome, as_json=as_json, several=True, language=language)
            async for outcome in outcomes:
                if log:
                    log.write(outcome.to_event())
                _show_outcome(
                    outcome, as_json=as_json, several=len(wanted_urls) > 1, language=language
                )
                read += outcome.loaded is not None
    return 0 if read else 1


def _parse_names(names: Sequence[str], piped: str) -> tuple[list[str], list[_Outcome]]:
    """Return canonical URLs, each once, and the names that are none; "-" stands for `piped`."""
    urls: dict[str, None] = {}
    unusable = []
    for name in names:
        if name == "-":
            listed, problems = parse_url_list(piped)
            urls.update(dict.fromkeys(listed))
            unusable += [
                _Outcome(url="-", error=FetchError(text, url="-", reason="unsupported"))
                for text in problems
            ]
            continue
        try:
            urls[typed_url(decode_argument(name))] = None
        except FetchError as error:
            unusable.append(_Outcome(url=error.url, error=error))
    if not urls and not unusable:
        raise NoPageError(
            Message("no URL was given"),
            hint=Message("assistant read https://…"),
        )
    return list(urls), unusable


async def load_in_order(
    tiered: TieredFetcher, urls: Sequence[str], choice: FetcherChoice, *, limit: int
) -> AsyncGenerator[_Outcome, None]:
    """Yield what becomes of each URL in the order named; all are fetched side by side."""
    gate = asyncio.Semaphore(limit)
    tasks = deque(asyncio.create_task(_load_page(tiered, url, choice, gate)) for url in urls)
    try:
        while tasks:
            yield await tasks[0]
            tasks.popleft()  # releases its page: a list may name thousands
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _load_page(
    tiered: TieredFetcher, url: str, choice: FetcherChoice, gate: asyncio.Semaphore
) -> _Outcome:
    async with gate:
        started = asyncio.get_running_loop().time()
        loaded, failure = None, None
        try:
            loaded = await tiered.load(url, choice=choice)
        except (IngestError, MissingDependencyError) as error:
            failure = error
        seconds = asyncio.get_running_loop().time() - started
        return _Outcome(url=url, loaded=loaded, error=failure, seconds=seconds)


def _show_outcome(outcome: _Outcome, *, as_json: bool, several: bool, language: Language) -> None:
    if as_json:
        print_json(json.dumps(outcome.to_json(language), ensure_ascii=False))
        return
    if outcome.loaded is None:
        assert outcome.error is not None
        reason = outcome.error.localize(language)
        line = reason if outcome.url in reason else f"{outcome.url}: {reason}"
        click.echo(note(line, language), err=True)
        return
    document = outcome.loaded.document
    assert document is not None  # nothing was known before, so nothing can be unchanged
    if several or sys.stderr.isatty():
        click.secho(printable(f"{document.title} {document.url}"), err=True, dim=True)
    click.echo(printable(f"# {document.title}\n\n{document.text}\n"))
