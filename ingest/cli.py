"""`ingest`: pages and files into the index, in bulk.

Only click is imported up here, so that `--help` starts at once.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.foundation.messages import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.pipeline import IndexingPipeline
    from ingest.report import Report
    from ingest.sources import Sources


@click.command(
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "color": False if os.environ.get("NO_COLOR") else None,  # https://no-color.org
    }
)
@click.argument("sources", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON, on stdout.")
@click.option("--fresh", is_flag=True, help="Ask every site again, though its page is fresh.")
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Add a JSON line for every page asked.",
)
@click.option(
    "--recut", is_flag=True, help="Cut stored pages anew whose chunks are of another size than set."
)
@click.option("--quiet", is_flag=True, help="No progress bar, only the summary.")
@click.option("--lang", type=click.Choice(["auto", *LANGUAGES]), help="Language of messages.")
@click.version_option(package_name="qiuzheng", prog_name="ingest")
def main(sources: tuple[str, ...], as_json: bool, lang: str | None, **options: Any) -> None:
    """Store SOURCES in the index that `assistant ask` answers from.

    A source is a URL, a file with one URL a line (# starts a comment), a document (text, Markdown,
    HTML; PDF, Word and others with the extra [files]), a folder (all documents below it, but none
    that is hidden), or "-" for URLs on standard input.
    robots.txt decides what may be read. Pages that fail are listed and the rest goes on. A page
    that is fresh is not asked for again, one that has not changed is not embedded again.

    \b
    ingest urls.txt
    ingest https://www.rfc-editor.org/rfc/rfc9309.html handbook.pdf
    ingest ~/notes
    ingest urls.txt --fresh --ledger crawl.jsonl
    ingest --recut
    grep -o 'https://[^ ]*' notes.md | ingest - --json
    """
    from ingest.foundation.cli_runner import run
    from ingest.report import Report
    from ingest.text.language import choose_language

    if options["recut"] and sources:
        raise click.UsageError("--recut takes no SOURCES.")
    if not (options["recut"] or sources):
        raise click.MissingParameter(param_type="argument", param_hint="'SOURCES...'")
    language = choose_language(lang)
    report = Report(language=language, as_json=as_json)
    run(_ingest(sources, report, options), language)


async def _ingest(sources: tuple[str, ...], report: "Report", options: "Mapping[str, Any]") -> int:
    import asyncio
    import io

    from ingest.bootstrap import open_ingest
    from ingest.foundation.startup import read_stdin
    from ingest.settings import IngestSettings, load_ingest_settings
    from ingest.sources import read_sources

    # In a thread: while somebody types, Ctrl-C has to end us.
    piped = await asyncio.to_thread(read_stdin) if "-" in sources else ""
    wanted = read_sources(sources, stdin=io.StringIO(piped)) if sources else None
    if wanted is not None:
        report.add_notes(*wanted.notes)
    settings = load_ingest_settings(IngestSettings, {})
    async with open_ingest(settings, crawl_log=options["ledger"], say=report.add_notes) as parts:
        report.add_notes(*parts.index.diagnostics)
        # On stderr, like all that is not the answer: stdout is for --json.
        hidden = options["quiet"] or report.as_json or not sys.stderr.isatty()
        if wanted is None:
            await _recut(parts.reading.pipeline, report, hidden=hidden)
            return 0
        await _store(wanted, parts.reading.pipeline, report, fresh=options["fresh"], hidden=hidden)
        report.summarise(outdated=await parts.reading.pipeline.count_outdated())
    # Pages that fail are listed and are no failure; a script is to notice that none was stored.
    return 0 if report.stored else 1


async def _store(
    wanted: "Sources", pipeline: "IndexingPipeline", report: "Report", *, fresh: bool, hidden: bool
) -> None:
    from contextlib import aclosing

    length = len(wanted.urls) + len(wanted.files)
    with click.progressbar(length=length, file=sys.stderr, hidden=hidden) as bar:
        async with aclosing(pipeline.add_urls(wanted.urls, fresh=fresh)) as events:
            async for event in events:
                report.add(event)
                bar.update(1)
        for path in wanted.files:
            report.add(await pipeline.add_file(path))
            bar.update(1)


async def _recut(pipeline: "IndexingPipeline", report: "Report", *, hidden: bool) -> None:
    from contextlib import aclosing

    length = await pipeline.count_outdated()
    with click.progressbar(length=length, file=sys.stderr, hidden=hidden) as bar:
        async with aclosing(pipeline.recut()) as events:
            async for event in events:
                report.add_recut(event)
                bar.update(1)
    report.summarise_recut()


if __name__ == "__main__":
    main()
