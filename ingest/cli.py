"""`ingest`: pages and files into the index, in bulk.

Only click is imported up here, so that `--help` starts at once.
"""

import os
import sys
from gettext import gettext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.foundation.messages import LANGUAGES, Message, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingest.bootstrap import ReadingComponents
    from ingest.bulk.explorer import SiteExplorer
    from ingest.bulk.folders import ExtraKinds, PathPatterns
    from ingest.bulk.journal import RunJournal
    from ingest.bulk.run import BulkRun
    from ingest.bulk.sources import SourceItem
    from ingest.pipeline import IndexingPipeline
    from ingest.report import Report
    from ingest.settings import IngestSettings

SOME_FAILED = 3
"""Exit code: some of what was named is not in the index."""


@click.command(
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "color": False if os.environ.get("NO_COLOR") else None,  # https://no-color.org
    }
)
@click.argument("sources", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON, on stdout.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Pages and files read at once.")
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), help="Most requests a second to one site."
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    help="Pause after so many pages and files; the same command goes on.",
)
@click.option(
    "--refresh",
    "--fresh",
    "fresh",
    is_flag=True,
    help="Ask every site again, though its page is fresh, and read every file again.",
)
@click.option(
    "--crawl",
    type=click.IntRange(0, 20),
    default=0,
    metavar="DEPTH",
    help="Follow links within a site, so many steps away from each URL that is named.",
)
@click.option(
    "--include",
    multiple=True,
    metavar="PATTERN",
    help="Of folders, sitemaps and crawls, only paths that match, e.g. '*.pdf' or 'docs/' (as in "
    ".gitignore; may be repeated).",
)
@click.option(
    "--exclude", multiple=True, metavar="PATTERN", help="Of the same, no path that matches."
)
@click.option(
    "--archives",
    is_flag=True,
    help="Of folders, read archives, too (.zip, .tar.gz, …); one that is named is read anyway.",
)
@click.option(
    "--pictures",
    is_flag=True,
    help="Of folders, read the text of pictures, too (extra [ocr]; .png, .jpg, …).",
)
@click.option(
    "--collection", metavar="NAME", help="Put what is stored into this collection, beside others."
)
@click.option("--prune", is_flag=True, help="Remove documents whose files are gone from a folder.")
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Try again what was not stored by the last run that left something out, with SOURCES by "
    "the last run of these (and of the same --include, --exclude and --crawl).",
)
@click.option("--dry-run", is_flag=True, help="Print what would be read, and read nothing.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Where pages are read and embedded: here, or on a Ray cluster (extra [ray]).",
)
@click.option("--address", help="Of the Ray cluster; default: $RAY_ADDRESS, or this machine's.")
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Add a JSON line for every page asked.",
)
@click.option(
    "--recut", is_flag=True, help="Cut stored pages anew whose chunks are of another size than set."
)
@click.option("--quiet", is_flag=True, help="No progress, only the summary.")
@click.option("--lang", type=click.Choice(["auto", *LANGUAGES]), help="Language of messages.")
@click.version_option(package_name="qiuzheng", prog_name="ingest")
def main(sources: tuple[str, ...], as_json: bool, lang: str | None, **options: Any) -> None:
    """Store SOURCES in the index that `assistant ask` answers from.

    A source is a URL, a sitemap or a feed (all pages that it lists), a file with one URL a line
    (# starts a comment), a document (text, Markdown, HTML; PDF, Word and others with the extra
    [files]; scans and pictures with [ocr]), a folder, an archive (.zip, .tar.gz, …) or one file of
    it (notes.zip/may/a.md), or "-" for URLs on standard input.
    Of a folder, all documents below it are read but what is hidden, a link or in a .gitignore; what
    is left out is named.
    robots.txt decides what may be read. Pages that fail are listed and the rest goes on. A page
    that is fresh is not asked for again, one that has not changed is not embedded again, a file
    that has not changed is not read. A run that was stopped goes on when it is started again.
    Exit status: 0 all is in the index, 3 some is not, 1 nothing is, 2 a source is missing.

    \b
    ingest urls.txt
    ingest https://www.rfc-editor.org/rfc/rfc9309.html handbook.pdf
    ingest ~/notes --exclude 'drafts/' --prune
    ingest urls.txt --jobs 32 --rate 1 --ledger crawl.jsonl
    ingest https://docs.example.org/ --crawl 3 --include 'guide/'
    ingest https://docs.example.org/sitemap.xml
    ingest urls.txt --engine ray --address 10.0.0.1:6379
    ingest ~/papers --collection thesis
    ingest --retry-failed
    ingest --recut
    grep -o 'https://[^ ]*' notes.md | ingest - --json
    """
    from ingest.foundation.command_line.cli_runner import run
    from ingest.report import Report
    from ingest.text.language import choose_language

    if options["recut"] and sources:
        raise click.UsageError(gettext("--recut takes no SOURCES."))
    if not (options["recut"] or options["retry_failed"] or sources):
        raise click.MissingParameter(param_type="argument", param_hint="'SOURCES...'")
    if options["address"] and options["engine"] != "ray":
        raise click.UsageError(gettext("--address is for --engine ray."))
    language = choose_language(lang)
    report = Report(language=language, as_json=as_json)
    run(_ingest(sources, report, options), language)


async def _ingest(sources: tuple[str, ...], report: "Report", options: "Mapping[str, Any]") -> int:
    import asyncio
    from contextlib import closing

    from ingest.bootstrap import RUNS, open_ingest
    from ingest.bulk.folders import ExtraKinds, PathPatterns
    from ingest.bulk.journal import RunJournal
    from ingest.bulk.run import BulkRun

    patterns = PathPatterns(include=options["include"], exclude=options["exclude"])
    extra_kinds = ExtraKinds(archives=options["archives"], pictures=options["pictures"])
    found = await _find_sources(sources, patterns, extra_kinds)
    settings = _settings_of_run(sources, options)
    if options["dry_run"]:
        return await asyncio.to_thread(_list_sources, found, report)
    async with open_ingest(
        settings,
        crawl_log=options["ledger"],
        follow_links=options["crawl"] > 0,
        cluster=(options["address"] or "auto") if options["engine"] == "ray" else None,
        say=report.add_notes,
    ) as parts:
        report.add_notes(*parts.index.diagnostics)
        # On stderr, like all that is not the answer: stdout is for --json.
        hidden = options["quiet"] or report.as_json or not sys.stderr.isatty()
        if options["recut"]:
            await _recut(parts.reading.pipeline, report, hidden=hidden)
            return 0
        with closing(RunJournal(settings.index.path / RUNS)) as journal:
            run = BulkRun(
                pipeline=parts.reading.pipeline,
                journal=journal,
                report=report.add,
                jobs=parts.reading.jobs,
                per_host=settings.crawl.per_host,
                # A page that is fresh has no links. And what failed a moment ago is kept for some
                # minutes, and would fail by that alone.
                fresh=bool(options["fresh"] or options["retry_failed"] or options["crawl"]),
                limit=options["limit"],
                explorer=_site_explorer(parts.reading, options, patterns, extra_kinds),
            )
            await _run(run, sources, found, journal, report, options, hidden=hidden)
        report.summarise(outdated=await parts.reading.pipeline.count_outdated())
    # A script is to notice what is missing, and whether anything came at all.
    if report.is_complete:
        return 0
    return SOME_FAILED if report.stored or report.unchanged else 1


async def _find_sources(
    sources: tuple[str, ...], patterns: "PathPatterns", extra_kinds: "ExtraKinds"
) -> "Iterator[SourceItem]":
    import asyncio
    import io

    from ingest.bulk.sources import read_sources
    from ingest.foundation.startup import read_stdin

    # In a thread: while a person types, Ctrl-C has to end us.
    piped = await asyncio.to_thread(read_stdin) if "-" in sources else ""
    return read_sources(
        sources, stdin=io.StringIO(piped), patterns=patterns, extra_kinds=extra_kinds
    )


def _settings_of_run(sources: tuple[str, ...], options: "Mapping[str, Any]") -> "IngestSettings":
    """Return the settings in force; what is tried again goes where its own run meant it to go."""
    from contextlib import closing

    from ingest.bootstrap import RUNS
    from ingest.bulk.journal import RunJournal
    from ingest.settings import IngestSettings, load_ingest_settings

    settings = load_ingest_settings(IngestSettings, _overrides(options))
    if not options["retry_failed"] or options["collection"] is not None:
        return settings
    with closing(RunJournal(settings.index.path / RUNS)) as journal:
        named = journal.failed_collection(_run_key(sources, options))
    return load_ingest_settings(
        IngestSettings, _overrides({**options, "collection": named or None})
    )


def _overrides(options: "Mapping[str, Any]") -> dict[str, dict[str, Any]]:
    """Return the settings that options of the command line stand for."""
    crawl: dict[str, Any] = {}
    if options["jobs"]:
        crawl["concurrency"] = options["jobs"]
    if options["rate"]:
        crawl["host_gap"] = 1 / options["rate"]
    given = {
        "crawl": crawl,
        # "" is a name that cannot be one, and is said to be.
        "index": {} if options["collection"] is None else {"collection": options["collection"]},
    }
    return {table: values for table, values in given.items() if values}


def _list_sources(found: "Iterator[SourceItem]", report: "Report") -> int:
    """Write to stdout what would be read, a line each, and return the exit code."""
    for item in found:
        if isinstance(item, (str, Path)):
            click.echo(printable(str(item)))
        else:
            report.add(item)
    return 0 if report.is_complete else SOME_FAILED


def _run_key(sources: tuple[str, ...], options: "Mapping[str, Any]") -> tuple[str, ...]:
    """Return what makes a run the same as one before it; () for any."""
    if not sources:
        return ()
    # Without --jobs, --rate and --limit: a run may go on faster, or further, than it began.
    kinds = [f"--{kind}" for kind in ("archives", "pictures") if options[kind]]
    patterns = (*options["include"], "", *options["exclude"], *kinds)
    return (*sources, "", *patterns, str(options["crawl"]))


def _site_explorer(
    reading: "ReadingComponents",
    options: "Mapping[str, Any]",
    patterns: "PathPatterns",
    extra_kinds: "ExtraKinds",
) -> "SiteExplorer":
    from ingest.bulk.explorer import SiteExplorer

    return SiteExplorer(
        fetcher=reading.site_lists,
        links=reading.links,
        depth=options["crawl"],
        patterns=patterns,
        archives=reading.archives,
        extra_kinds=extra_kinds,
    )


async def _run(
    run: "BulkRun",
    sources: tuple[str, ...],
    found: "Iterator[SourceItem]",
    journal: "RunJournal",
    report: "Report",
    options: "Mapping[str, Any]",
    *,
    hidden: bool,
) -> None:
    from contextlib import aclosing

    from ingest.bulk.progress import ProgressLine
    from ingest.bulk.sources import SourceError

    if options["retry_failed"]:
        if not journal.begin_retry(_run_key(sources, options)):
            report.add_notes(Message("nothing has failed that could be tried again"))
    else:
        if done := journal.begin(
            _run_key(sources, options), collection=options["collection"] or ""
        ):
            report.add_notes(
                Message("going on with the run that was stopped: {count} done", count=done)
            )
        await run.add_sources(found)
        if not run.has_sources and not report.has_empty:
            raise SourceError(
                Message("no page to store"), hint=Message("nothing was named that can be read")
            )
    progress = ProgressLine(report, report.language, hidden=hidden)
    async with aclosing(run.run()) as counts:
        async for count in counts:
            progress.draw(done=count, total=run.total)
    progress.clear()
    if left := journal.count("pending"):
        report.add_notes(Message("{count} left: the same command goes on", count=left))
    await run.report_gone(prune=options["prune"])


async def _recut(pipeline: "IndexingPipeline", report: "Report", *, hidden: bool) -> None:
    from contextlib import aclosing

    length = await pipeline.count_outdated()
    with click.progressbar(length=length, file=sys.stderr, hidden=hidden) as bar:
        async with aclosing(pipeline.recut()) as events:
            async for event in events:
                report.add(event)
                bar.update(1)
    report.summarise_recut()


if __name__ == "__main__":
    main()
