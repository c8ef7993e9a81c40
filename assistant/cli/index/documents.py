"""`assistant index list`, `show`, `remove` and `stats`: what the index holds, and taking it out."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import click

from assistant.conversations.store import conversations_path
from assistant.errors import RemovalChoiceError
from assistant.settings import Settings
from assistant.snapshots.removal import SnapshotRemoval, remove_quoting_snapshots
from ingest.bootstrap import CATALOG
from ingest.foundation.command_line.cli_runner import print_json
from ingest.foundation.messages import NO_MESSAGE, Language, Message
from ingest.index.store.inventory import DocumentFilter, DocumentLine, ListOrder
from ingest.index.store.salvage import DAMAGED
from ingest.library import DocumentDetails, Removal, open_library
from ingest.local_files import shown_url
from ingest.report import count_chunks, count_documents, print_note, printable

SHOWN = 10
"""Documents that are named before one is asked whether they are to go."""
TOP = 15
"""Hosts and months that `stats` names; `--json` has all."""
MEGABYTE = 1_000_000


async def print_documents(
    settings: Settings, wanted: DocumentFilter, *, order: ListOrder, as_json: bool, lang: Language
) -> int:
    """Print a line for each document that is meant, and on stderr how many there are."""
    async with open_library(settings) as library:
        lines = await library.lines(wanted, order=order)
    if as_json:
        for line in lines:
            print_json(json.dumps(_json_fields(line), ensure_ascii=False))
        return 0
    for line in lines:
        click.echo(_document_line(line))
    text = Message(
        "{pages}, {chunks}",
        pages=count_documents(len(lines)),
        chunks=count_chunks(sum(line.chunks for line in lines)),
    )
    if not lines:
        text = Message("nothing in the index is meant by this")
        if not wanted:
            text = Message("the index is empty: ingest FILE, FOLDER or URL fills it")
    click.echo(text.localize(lang), err=True)
    return 0


def _document_line(line: DocumentLine) -> str:
    shown = f"{line.fetched_at.astimezone():%Y-%m-%d}  {line.chunks:>5}  {line.language or '-':<3} "
    return printable(f"{shown} {line.title}  {shown_url(line.url)}")


def _json_fields(value: Any) -> dict[str, Any]:
    """Return a value of ingestion as an object of JSON, moments as ISO 8601."""

    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: plain(each) for key, each in part.items()}
        if isinstance(part, list | tuple):
            return [plain(each) for each in part]
        return part.isoformat() if isinstance(part, date | datetime) else part

    return {key: plain(part) for key, part in asdict(value).items()}


async def show_document(settings: Settings, name: str, *, as_json: bool, lang: Language) -> int:
    """Print the text of one document, how it was cut, and which vectors its chunks have.

    Raises:
        DocumentNotFoundError: it is not in the index.
    """
    async with open_library(settings) as library:
        details = await library.details(await library.find(name))
    if as_json:
        chunks = [
            asdict(state.chunk)
            | {
                "vectors": state.vectors,
                "failures": {space: why.localize(lang) for space, why in state.failures.items()},
            }
            for state in details.chunks
        ]
        fields = {
            "document": _json_fields(details.document),
            "processing": _json_fields(details.processing),
            "pages": [_json_fields(page) for page in details.pages],
            "chunks": chunks,
        }
        print_json(json.dumps(fields, ensure_ascii=False))
        return 0
    document = details.document
    for text in _facts(details):
        click.secho(printable(text.localize(lang)), dim=True)
    for state in details.chunks:
        chunk = state.chunk
        vectors = ", ".join(f"{space} ({size})" for space, size in state.vectors.items())
        reasons = [reason.localize(lang) for reason in state.failures.values()]
        facts = f"  {chunk.position:>4}  {chunk.start}–{chunk.end}  {vectors or '-'}  "
        click.secho(printable(f"{facts}{chunk.heading} {' '.join(reasons)}"), dim=True)
    click.echo()
    for line in document.text.splitlines():  # printable would join them
        click.echo(printable(line))
    return 0


def _facts(details: DocumentDetails) -> list[Message]:
    """Return what is known of a document beside its text, a line each."""
    document, processing = details.document, details.processing
    lines = [
        Message("{title}  {url}", title=document.title, url=shown_url(document.url)),
        Message(
            "stored {day}, language {language}, {count} {count:?character|characters}",
            day=f"{document.fetched_at.astimezone():%Y-%m-%d %H:%M}",
            language=document.language or "-",
            count=len(document.text),
        ),
    ]
    if processing.chunking is not None:
        lines.append(
            Message(
                "cut by splitter {version} into {chunks} of at most {size} characters, "
                "{overlap} shared; extractor {extractor}",
                version=processing.chunking.version,
                chunks=count_chunks(len(details.chunks)),
                size=processing.chunking.size,
                overlap=processing.chunking.overlap,
                extractor=processing.extractor,
            )
        )
    else:
        lines.append(Message("cut by an older version: ingest --recut"))
    lines += [
        Message(
            "asked for as {url}, last on {day}",
            url=page.url,
            day=f"{page.checked_at.astimezone():%Y-%m-%d %H:%M}",
        )
        for page in details.pages
        if page.fetcher != "file"  # nobody was asked for it
    ]
    return lines


async def remove_documents(
    settings: Settings, names: Sequence[str], wanted: DocumentFilter, *, yes: bool, lang: Language
) -> int:
    """Take documents out of the index, after asking, and say what went and what stays.

    Raises:
        RemovalChoiceError: nothing was named, or nobody can be asked.
        DocumentNotFoundError: one that was named is not in the index; nothing is removed.
    """
    if not names and not wanted:
        raise RemovalChoiceError(
            Message("no documents are named"),
            hint=Message("name a URL or a file, or --host, --folder, --collection or --older-than"),
        )
    async with open_library(settings) as library:
        named_urls = [await library.find(name) for name in names]
        lines = await library.lines(DocumentFilter(urls=tuple(named_urls))) if named_urls else []
        lines += await library.lines(wanted) if wanted else []
        urls = tuple(dict.fromkeys(line.url for line in lines))
        if not urls:
            click.echo(Message("nothing in the index is meant by this").localize(lang), err=True)
            return 0
        if not yes and not _confirm_removal(lines, lang):
            click.echo(Message("nothing was removed").localize(lang), err=True)
            return 1
        if wanted.collection:
            alone = await library.leave_collection(urls, wanted.collection)
            urls = tuple(url for url in urls if url in alone or url in named_urls)
        removal = await library.remove(urls)
    answers = remove_quoting_snapshots(settings.snapshots.path, urls)
    _print_removal(removal, answers=answers, lang=lang)
    # A file that is still in its folder comes back with the next `ingest` of it.
    if any(url.startswith("file:") for url in urls):
        text = Message("the files themselves stay: the next ingest of their folder stores them")
        print_note(text, lang)
    if conversations_path().exists():
        print_note(Message("conversations kept on the page stay as they are"), lang)
    damaged = (settings.index.path / CATALOG).with_suffix(DAMAGED)
    if await asyncio.to_thread(damaged.exists):
        text = Message(
            "{path}, kept of a damaged index, may hold their text: delete it", path=damaged
        )
        print_note(text, lang)
    return 0


def _confirm_removal(lines: Sequence[DocumentLine], lang: Language) -> bool:
    if not sys.stdin.isatty():
        raise RemovalChoiceError(
            Message("{pages} would be removed, and nobody can be asked", pages=_pages(lines)),
            hint=Message("add --yes"),
        )
    for line in lines[:SHOWN]:
        click.echo(_document_line(line), err=True)
    if len(lines) > SHOWN:
        click.echo("  …", err=True)
    question = Message("remove {pages} from the index?", pages=_pages(lines))
    return click.confirm(question.localize(lang), err=True)


def _pages(lines: Sequence[DocumentLine]) -> Message:
    return count_documents(len({line.url for line in lines}))


def _print_removal(removal: Removal, *, answers: SnapshotRemoval, lang: Language) -> None:
    text = Message(
        "removed: {pages} with {chunks}: texts, words, vectors, kept search replies",
        pages=count_documents(removal.documents),
        chunks=count_chunks(removal.chunks),
    )
    click.echo(text.localize(lang), err=True)
    if answers.deleted:
        text = Message("kept answers made of them, deleted: {count}", count=answers.deleted)
        click.echo(text.localize(lang), err=True)
    if answers.shortened:
        text = Message(
            "kept answers that had only found them and lose their text: {count}",
            count=answers.shortened,
        )
        click.echo(text.localize(lang), err=True)
    if removal.copy_waits:
        text = Message(
            "their vectors leave the vector store later: {reason}", reason=removal.copy_waits
        )
        print_note(text, lang)
    elif removal.chunks:
        # Figures, no text; but who has the encoder can guess from them what the text was about.
        text = Message(
            "figures made of them (vectors) stay in the vector store's files until you run:"
            " assistant index compact"
        )
        print_note(text, lang)
    for url in removal.stored_again:
        text = Message("another process has stored {url} again meanwhile", url=shown_url(url))
        print_note(text, lang)


async def print_statistics(settings: Settings, *, as_json: bool, lang: Language) -> int:
    """Print how large the index is, of what, and how it grew."""
    async with open_library(settings) as library:
        statistics = await library.statistics()
    if as_json:
        print_json(json.dumps(_json_fields(statistics), ensure_ascii=False))
        return 0
    stats = statistics.stats
    sizes = statistics.file_bytes
    lines = [
        Message(
            "{pages}, {chunks}, {embedded} with vectors, {characters:,} "
            "{characters:?character|characters}",
            pages=count_documents(stats.documents),
            chunks=count_chunks(stats.chunks),
            embedded=stats.embedded,
            characters=statistics.characters,
        ),
        Message("vector space: {space}", space=stats.space) if stats.space else NO_MESSAGE,
        Message(
            "on disk: {text:.1f} MB text, words and vectors, {copy:.1f} MB for the search by "
            "similarity, {cache:.1f} MB cache",
            text=sizes.get("text", 0) / MEGABYTE,
            copy=sizes.get("vectors", 0) / MEGABYTE,
            cache=sizes.get("cache", 0) / MEGABYTE,
        ),
    ]
    lines += [
        Message("collection {name}: {pages}", name=name, pages=count_documents(count))
        for name, count in statistics.collections.items()
    ]
    lines += [
        Message("{name}: {pages}", name=name or "-", pages=count_documents(count))
        for name, count in statistics.languages.items()
    ]
    lines += [
        Message("{name}: {pages}", name=name, pages=count_documents(count))
        if name
        else Message("files: {count}", count=count)
        for name, count in list(statistics.hosts.items())[:TOP]
    ]
    lines += [
        Message("{name}: {pages}", name=month.month, pages=count_documents(month.documents))
        for month in statistics.growth[-TOP:]
    ]
    for line in filter(None, lines):
        click.echo(printable(line.localize(lang)))
    return 0
