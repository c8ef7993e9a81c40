"""`assistant index export`, `import`, `compact` and `rebuild`: the index as a whole."""

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path

import click

from assistant.errors import ExportTargetError
from assistant.settings import Settings
from ingest.bootstrap import CATALOG, open_maintenance
from ingest.foundation.messages import Language, Message
from ingest.index.archive import read_manifest
from ingest.index.store.inventory import DocumentFilter
from ingest.index.store.salvage import replace_damaged_index
from ingest.library import ImportedCounts, open_library
from ingest.report import count_chunks, count_documents, describe_outdated, print_note

MEGABYTE = 1_000_000


async def export_documents(
    settings: Settings, path: Path, wanted: DocumentFilter, *, force: bool, lang: Language
) -> int:
    """Write the documents that are meant into one file, with progress on stderr.

    Raises:
        ExportTargetError: there is a file of that name already.
        ArchiveError: the file cannot be written.
    """
    if not force and await asyncio.to_thread(path.exists):
        raise ExportTargetError(
            Message("{path} exists already", path=path),
            hint=Message("name another file, or add --force"),
        )
    count = 0
    async with open_library(settings) as library:
        length = len(await library.lines(wanted))
        if not length:
            click.echo(Message("nothing in the index is meant by this").localize(lang), err=True)
            return 1
        with _progress(length) as bar:
            async with aclosing(library.export(path, wanted)) as steps:
                async for done_count in steps:
                    bar.update(done_count - count)
                    count = done_count
    size = (await asyncio.to_thread(path.stat)).st_size
    text = Message(
        "exported: {pages}, {size:.1f} MB in {path}",
        pages=count_documents(count),
        size=size / MEGABYTE,
        path=path,
    )
    click.echo(text.localize(lang), err=True)
    return 0


async def import_documents(
    settings: Settings, path: Path, *, collection: str, lang: Language
) -> int:
    """Take in an export, with progress on stderr.

    Raises:
        ArchiveError: the file cannot be read; what was read before is stored.
    """
    manifest = read_manifest(path)
    counts = ImportedCounts(documents=0, chunks=0, vectors=0, kept=0)
    async with open_library(settings) as library:
        with _progress(manifest.documents) as bar:
            async with aclosing(library.import_archive(path, collection=collection)) as steps:
                async for step in steps:
                    counts = step
                    bar.update(1)
        space = (await library.statistics()).stats.space
    text = Message(
        "imported: {pages} with {chunks} and {vectors} {vectors:?vector|vectors}",
        pages=count_documents(counts.documents),
        chunks=count_chunks(counts.chunks),
        vectors=counts.vectors,
    )
    click.echo(text.localize(lang), err=True)
    if counts.kept:
        text = Message(
            "{pages} stay as they are: they are newer here", pages=count_documents(counts.kept)
        )
        print_note(text, lang)
    if manifest.spaces and manifest.spaces[0].name != space:
        text = Message(
            "their vectors are of another encoder ({theirs}, here {ours}); found by words until:"
            " assistant index migrate",
            theirs=manifest.spaces[0].name,
            ours=space,
        )
        print_note(text, lang)
    return 0


async def compact_index(settings: Settings, *, lang: Language) -> int:
    """Give back the space of what is deleted, and say how much that was."""
    async with open_library(settings) as library:
        before, after = await library.compact()
    text = Message(
        "on disk: {before:.1f} MB before, {after:.1f} MB now",
        before=before / MEGABYTE,
        after=after / MEGABYTE,
    )
    click.echo(text.localize(lang), err=True)
    return 0


async def rebuild_index(settings: Settings, *, lang: Language) -> int:
    """Make words and the copy of the vectors anew, and before them the file if it is damaged."""
    async with open_maintenance(settings) as maintenance:
        is_whole = await maintenance.is_whole()
    if not is_whole:
        print_note(Message("the file of the index is damaged: reading what can be read…"), lang)
        salvaged, kept = await asyncio.to_thread(
            replace_damaged_index, settings.index.path / CATALOG
        )
        text = Message(
            "saved: {pages}; the damaged file is kept as {path}",
            pages=count_documents(salvaged.documents),
            path=kept,
        )
        click.echo(text.localize(lang), err=True)
        if salvaged.outdated:
            print_note(describe_outdated(salvaged.outdated), lang)
    async with open_library(settings) as library:
        await library.rebuild()
        stats = (await library.statistics()).stats
    text = Message(
        "made anew: the words of {chunks}, the copy of {vectors} {vectors:?vector|vectors}",
        chunks=count_chunks(stats.chunks),
        vectors=stats.embedded,
    )
    click.echo(text.localize(lang), err=True)
    return 0


def _progress(length: int) -> "click._termui_impl.ProgressBar[int]":
    return click.progressbar(length=length, file=sys.stderr, hidden=not sys.stderr.isatty())
