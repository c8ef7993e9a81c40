"""`ingest`: pages and files into the index, in bulk.

Only click is imported up here, so that `--help` starts at once.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.foundation.messages import Language
    from ingest.report import Report
    from ingest.settings import IngestSettings
    from ingest.sources import Sources


@click.command(
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "color": False if os.environ.get("NO_COLOR") else None,  # https://no-color.org
    }
)
@click.argument("sources", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON, on stdout.")
@click.option("--fresh", is_flag=True, help="Ask every site again, though its page is fresh.")
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Add a JSON line for every page asked.",
)
@click.option("--quiet", is_flag=True, help="No progress bar, only the summary.")
@click.option("--lang", type=click.Choice(["auto", "zh", "en"]), help="Language of messages.")
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
    grep -o 'https://[^ ]*' notes.md | ingest - --json
    """
    from ingest.foundation.cli_runner import run
    from ingest.text.language import choose_language

    language = choose_language(lang)
    report = _report(language, as_json)
    run(_ingest(sources, report, options), language)


def _report(language: "Language", as_json: bool) -> "Report":
    from ingest.report import Report

    return Report(language=language, as_json=as_json)


async def _ingest(sources: tuple[str, ...], report: "Report", options: "Mapping[str, Any]") -> int:
    import asyncio
    import io

    from ingest.foundation.startup import read_stdin
    from ingest.report import note
    from ingest.settings import IngestSettings, load_ingest_settings
    from ingest.sources import read_sources

    # In a thread: while somebody types, Ctrl-C has to end us.
    piped = await asyncio.to_thread(read_stdin) if "-" in sources else ""
    wanted = read_sources(sources, stdin=io.StringIO(piped))
    for remark in wanted.remarks:
        click.echo(note(remark.localize(report.language), report.language), err=True)
    await _store(wanted, load_ingest_settings(IngestSettings, {}), report, options)
    report.summarise()
    return 0 if report.stored else 1


async def _store(
    wanted: "Sources", settings: "IngestSettings", report: "Report", options: "Mapping[str, Any]"
) -> None:
    from contextlib import aclosing

    from ingest.bootstrap import open_ingest
    from ingest.report import note

    length = len(wanted.urls) + len(wanted.files)
    hidden = options["quiet"] or report.as_json or not sys.stderr.isatty()
    async with open_ingest(settings, crawl_log=options["ledger"]) as parts:
        for diagnostic in parts.diagnostics:
            click.echo(note(diagnostic.localize(report.language), report.language), err=True)
        with click.progressbar(length=length, file=sys.stderr, hidden=hidden) as bar:
            pages = parts.pipeline.add_urls(wanted.urls, fresh=options["fresh"])
            async with aclosing(pages) as events:
                async for event in events:
                    report.add(event)
                    bar.update(1)
            for path in wanted.files:
                report.add(await parts.pipeline.add_file(path))
                bar.update(1)


if __name__ == "__main__":
    main()
