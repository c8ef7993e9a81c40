"""The commands of `assistant index`. Only click is imported up here, so that `--help` is quick."""

import re
from datetime import UTC, datetime, time, timedelta
from gettext import gettext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assistant.cli.command_base import LANGUAGE, message_language, run_async, settings_or_exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.index.store.inventory import DocumentFilter, ListOrder

DAY = click.DateTime(["%Y-%m-%d"])

DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
"""Days of the units of an age."""


def parse_age(_: click.Context, option: click.Parameter, value: str | None) -> timedelta | None:
    """Return an age such as 90d, 12w, 6m or 1y; a bare number means days.

    Raises:
        click.BadParameter: it is none.
    """
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,5})\s*([dwmy]?)", value.strip().lower())
    if match is None:
        problem = gettext("{value!r} is no age; write 90d, 12w, 6m or 1y").format(value=value)
        raise click.BadParameter(problem, param=option)
    return timedelta(days=int(match[1]) * DAYS[match[2] or "d"])


# Without its type: to click 8.1, which may be installed, `ParamType` is no generic class.
class GivenText(click.ParamType):  # type: ignore[type-arg]
    """A text that is not empty: of a script whose variable is not set, nothing is to be removed."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text as it is, refuse an empty one."""
        if not str(value).strip():
            self.fail(gettext("an empty name"), param, ctx)
        return str(value)


class GivenPath(click.Path):
    """A path that is not empty, which would be the folder that one is in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path as click makes it, refuse an empty one."""
        return super().convert(GivenText().convert(value, param, ctx), param, ctx)


TEXT = GivenText()


def _filters(command: "Callable[..., None]") -> "Callable[..., None]":
    """Add the options that say which documents are meant."""
    for option in (
        click.option(
            "--older-than", callback=parse_age, metavar="AGE", help="Stored before (90d, 6m)."
        ),
        click.option("--language", type=TEXT, metavar="CODE", help="In this language: zh, en, …"),
        click.option(
            "--folder",
            type=GivenPath(path_type=Path, file_okay=False),
            metavar="DIR",
            help="Files below this folder, also one that is gone.",
        ),
        click.option("--collection", type=TEXT, metavar="NAME", help="In this collection."),
        click.option(
            "--host", type=TEXT, metavar="NAME", help="Pages of this host and its subdomains."
        ),
    ):
        command = option(command)
    return command


def _filter_of(options: "dict[str, Any]") -> "DocumentFilter":
    """Return which documents the options mean. Days are those of this machine's time zone."""
    from ingest.index.store.inventory import DocumentFilter

    def midnight(day: datetime) -> datetime:
        return datetime.combine(day.date(), time.min).astimezone()

    since, until, age = (options.get(key) for key in ("since", "until", "older_than"))
    before = midnight(until + timedelta(days=1)) if until else None
    if age is not None:
        oldest = datetime.now(UTC) - age
        before = min(before, oldest) if before else oldest
    return DocumentFilter(
        host=options["host"] or "",
        folder=options["folder"].expanduser().resolve().as_uri() if options["folder"] else "",
        language=(options["language"] or "").lower(),
        since=midnight(since) if since else None,
        before=before,
        collection=options["collection"] or "",
    )


@click.group()
def index() -> None:
    """Look after what is stored: list, show, remove, check, export, move to another encoder.

    \b
    assistant index list --host rfc-editor.org
    assistant index show https://www.rfc-editor.org/rfc/rfc9309.html
    assistant index remove --older-than 90d
    assistant index stats
    assistant index export ~/index.zip
    """


@index.command("list")
@_filters
@click.option("--since", type=DAY, metavar="DAY", help="Stored on this day (2026-11-28) or later.")
@click.option("--until", type=DAY, metavar="DAY", help="Stored on this day or before.")
@click.option(
    "--sort",
    type=click.Choice(["date", "title", "url", "chunks"]),
    default="date",
    show_default=True,
    help="date: the newest first; chunks: the longest first.",
)
@click.option("--json", "as_json", is_flag=True, help="One document a line, as JSON.")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def index_list(sort: "ListOrder", as_json: bool, lang: str | None, **options: Any) -> None:
    """List what is stored: day, chunks, language, title, URL.

    \b
    assistant index list
    assistant index list --folder ~/notes --sort title
    assistant index list --language zh --since 2026-11-01 --json | jq -r .url
    """
    from assistant.cli.index.documents import print_documents

    language = message_language(lang)
    settings = settings_or_exit({}, language)
    wanted = _filter_of(options)
    run_async(
        print_documents(settings, wanted, order=sort, as_json=as_json, lang=language), language
    )


@index.command("show")
@click.argument("name", type=TEXT, metavar="URL|FILE")
@click.option("--json", "as_json", is_flag=True, help="All that is stored of it, as one object.")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def index_show(name: str, as_json: bool, lang: str | None) -> None:
    """Show one document: its text, when and how it was cut, its chunks and their vectors.

    \b
    assistant index show https://www.rfc-editor.org/rfc/rfc9309.html
    assistant index show handbook.pdf --json | jq .chunks[].heading
    """
    from assistant.cli.index.documents import show_document
    from ingest.foundation.startup import decode_argument

    language = message_language(lang)
    settings = settings_or_exit({}, language)
    name = decode_argument(name)
    run_async(show_document(settings, name, as_json=as_json, lang=language), language)


@index.command("remove")
@click.argument("names", type=TEXT, metavar="[URL|FILE]...", nargs=-1)
@_filters
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def index_remove(names: tuple[str, ...], yes: bool, lang: str | None, **options: Any) -> None:
    """Take documents out: texts, words, vectors, kept search replies and answers made of them.

    With --collection, documents that are in others, too, only leave this one.
    Of the options all must hold; URLs and files that are named go in any case. The files and pages
    themselves are not touched.

    \b
    assistant index remove https://www.rfc-editor.org/rfc/rfc9309.html
    assistant index remove --host example.com --older-than 90d
    assistant index remove --folder ~/old-notes --yes
    """
    from assistant.cli.index.documents import remove_documents
    from ingest.foundation.startup import decode_argument

    language = message_language(lang)
    settings = settings_or_exit({}, language)
    decoded = [decode_argument(name) for name in names]
    run_async(
        remove_documents(settings, decoded, _filter_of(options), yes=yes, lang=language), language
    )


@index.command("stats")
@click.option("--json", "as_json", is_flag=True, help="All figures as one JSON object.")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def index_stats(as_json: bool, lang: str | None) -> None:
    """Show how large the index is, in which languages, of which hosts, and how it grew by month.

    \b
    assistant index stats
    assistant index stats --json | jq .growth
    """
    from assistant.cli.index.documents import print_statistics

    language = message_language(lang)
    settings = settings_or_exit({}, language)
    run_async(print_statistics(settings, as_json=as_json, lang=language), language)


@index.command("export")
@click.argument("path", metavar="FILE", type=GivenPath(path_type=Path, dir_okay=False))
@_filters
@click.option("--force", is_flag=True, help="Write over a file of that name.")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def index_export(path: Path, force: bool, lang: str | None, **options: Any) -> None:
    """Write documents with their chunks and vectors into FILE (a zip of JSON lines and .npy).

    \b
    assistant index export ~/index-2026-11-28.zip
    assistant index export thesis.zip --collection thesis
    """
    from assistant.cli.index.transfer import export_documents

    language = message_language(lang)
    settings = settings_or_exit({}, language)
    run_async(
        export_documents(settings, path, _filter_of(options), force=force, lang=language), language
    )


@index.command("import")
@click.argument("path", metavar="FILE", type=GivenPath(path_type=Path, dir_okay=False))
@click.option("--collection", metavar="NAME", default="", help="Put all of them into this one.")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def index_import(path: Path, collection: str, lang: str | None) -> None:
    """Take in what `export` has written: nothing is read, cut or embedded again.

    Of a document that is here, too, the version that was fetched later stays.

    \b
    assistant index import ~/index-2026-11-28.zip
    assistant index import thesis.zip --collection thesis
    """
    from assistant.cli.index.transfer import import_documents
    from ingest.settings import collection_name

    language = message_language(lang)
    settings = settings_or_exit({}, language)

    async def import_export() -> int:
        name = collection_name(collection) if collection else ""
        return await import_documents(settings, path, collection=name, lang=language)

    run_async(import_export(), language)


@index.command("compact")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def index_compact(lang: str | None) -> None:
    """Give the space of what was removed back to the disk. Needs as much again while it works.

    What the vector store still has of removed documents is overwritten, too.

    \b
    assistant index compact
    """
    from assistant.cli.index.transfer import compact_index

    language = message_language(lang)
    run_async(compact_index(settings_or_exit({}, language), lang=language), language)


@index.command("rebuild")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def index_rebuild(lang: str | None) -> None:
    """Make the index of words and the copy for the search by similarity anew. Embeds nothing.

    A damaged file is replaced by one of all that can still be read; end other commands before.

    \b
    assistant index rebuild
    """
    from assistant.cli.index.transfer import rebuild_index

    language = message_language(lang)
    run_async(rebuild_index(settings_or_exit({}, language), lang=language), language)


@index.command("check")
@click.option("--fix", is_flag=True, help="Mend what is found, and embed anew what lacks a vector.")
@click.option("--json", "as_json", is_flag=True, help="The findings as one JSON object.")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def index_check(fix: bool, as_json: bool, lang: str | None) -> None:
    """Look at every stored vector. Exit 1: something is wrong, and was not repaired.

    \b
    assistant index check
    assistant index check --fix
    assistant index check --json | jq .left
    """
    from assistant.cli.index.upkeep import print_index_check

    language = message_language(lang)
    settings = settings_or_exit({}, language)
    run_async(print_index_check(settings, fix=fix, as_json=as_json, language=language), language)


@index.command("migrate")
@click.option("--keep-old", is_flag=True, help="Leave the vectors of the former encoder.")
@click.option("--quiet", is_flag=True, help="No progress, only the end.")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def index_migrate(keep_old: bool, quiet: bool, lang: str | None) -> None:
    """Embed all that is stored with the encoder in force, and answer by its vectors from then on.

    Stop it whenever you like: what is done is kept, and the next call goes on. Meanwhile questions
    are answered by the old vectors.

    \b
    assistant index migrate
    ASSISTANT_EMBED__PROVIDER=ollama assistant index migrate
    """
    from assistant.cli.index.upkeep import migrate_index

    language = message_language(lang)
    settings = settings_or_exit({}, language)
    run_async(migrate_index(settings, keep_old=keep_old, quiet=quiet, language=language), language)
