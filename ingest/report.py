"""Events of ingestion as lines for people and as JSON for pipes."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, assert_never

import click
from pydantic import ConfigDict, TypeAdapter

from ingest.documents import PageKind
from ingest.errors import SkipReason
from ingest.events import (
    FileGone,
    FileLeftOut,
    IngestEvent,
    LeftOutReason,
    PageOrigin,
    PageRecut,
    PageSkipped,
    PageStored,
    SourceScanned,
    SourceUnusable,
)
from ingest.foundation.command_line.cli_runner import print_json
from ingest.foundation.messages import (
    COLON,
    COMMA,
    NO_MESSAGE,
    SEMICOLON,
    Language,
    Message,
    in_brackets,
    join_messages,
)
from ingest.foundation.messages import printable as printable
from ingest.local_files import describe_document, path_of_url, shown_url

REASONS: Final[dict[SkipReason, Message]] = {
    "robots": Message("robots.txt forbids it"),
    "address": Message("address not allowed"),
    "unreachable": Message("cannot be reached"),
    "timeout": Message("too slow"),
    "refused": Message("the site refused"),
    "unsupported": Message("not a page that we can read"),
    "too_large": Message("too large"),
    "empty": Message("no text on it"),
    "blank": Message("nothing to read in it"),
    "needs_browser": Message("needs a browser"),
    "paywall": Message("behind a paywall or a log-in"),
    "consent_wall": Message("shows only a request for consent"),
    "deadline": Message("not here in time"),
}

ORIGINS: Final[dict[PageOrigin, Message]] = {
    "memory": Message("still fresh"),
    "revalidated": Message("unchanged"),
}
"""What is shown of a page that was not fetched again."""

KINDS: Final[dict[PageKind, Message]] = {
    "listing": Message("a list of links, no article"),
    "paywall": Message("only what stands before its paywall"),
    "video": Message("what stands beside a video"),
}
"""What is said of a page whose text is less than a reader would look for."""

UNREAD: Final[frozenset[LeftOutReason]] = frozenset(
    {"unreadable", "encrypted", "beyond_bounds", "broken_off"}
)
"""Reasons that nobody chose: a run that meets one has not stored all that it was given."""

RETRYABLE: Final[frozenset[SkipReason]] = frozenset(
    {"unreachable", "timeout", "refused", "needs_browser", "deadline"}
)
"""Reasons that may be over at another time: such a page has failed, another one is skipped."""

LISTED = 1_000
"""Pages that were left out and are listed at the end; the others are counted."""

NAMED = 3
"""Names that a note gives for each reason; `--json` has them all."""

_NOTE = Message("note: ")

RunEvent = IngestEvent | PageRecut | FileLeftOut | SourceScanned | SourceUnusable | FileGone
"""All that `ingest` reports."""

_EVENT: TypeAdapter[RunEvent] = TypeAdapter(
    RunEvent,
    config=ConfigDict(defer_build=True),  # at its first use: building it takes 15 ms
)


def count_pages(count: int) -> Message:
    """Return "1 page" or "2 pages"."""
    return Message("{count} {count:?page|pages}", count=count)


def count_documents(count: int) -> Message:
    """Return "1 document" or "2 documents": pages and files, as the index holds them."""
    return Message("{count} {count:?document|documents}", count=count)


def count_chunks(count: int) -> Message:
    """Return "1 chunk" or "2 chunks"."""
    return Message("{count} {count:?chunk|chunks}", count=count)


def count_passages(count: int) -> Message:
    """Return "1 passage" or "2 passages"."""
    return Message("{count} {count:?passage|passages}", count=count)


def describe_left_out(reason: LeftOutReason, count: int) -> Message:
    """Return why `count` files are left out, as it is read behind their number."""
    texts: dict[LeftOutReason, Message] = {
        "hidden": Message("hidden"),
        "ignored": Message("by an ignore file"),
        "system": Message("system, lock or cache {count:?file|files}", count=count),
        "excluded": Message("by --include or --exclude"),
        "no_reader": Message("of no readable type"),
        "link_outside": Message("linked from outside the folder"),
        "link_folder": Message("{count:?link to a folder|links to folders}", count=count),
        "link_inside": Message("{count:?link|links} within the folder", count=count),
        "link_broken": Message("{count:?link|links} to nothing", count=count),
        "special": Message(
            "{count:?device, pipe or socket|devices, pipes or sockets}", count=count
        ),
        "unreadable": Message("that may not be opened"),
        "encrypted": Message(
            "protected by a password: unpack {count:?it|them} yourself", count=count
        ),
        "empty": Message("empty"),
        "archive": Message(
            "{count:?archive: --archives reads it|archives: --archives reads them}", count=count
        ),
        "picture": Message(
            "{count:?picture: --pictures reads its|pictures: --pictures reads their} text",
            count=count,
        ),
        "unsafe_name": Message(
            "whose {count:?name leads|names lead} out of the archive", count=count
        ),
        "beyond_bounds": Message("too large, too many or too deep"),
        "broken_off": Message("behind the place where the archive is damaged"),
    }
    return texts[reason]


def describe_outdated(count: int) -> Message:
    """Return how many pages are cut otherwise than set, and the command that cuts them again."""
    return Message(
        "{pages} in the index cut otherwise than set: ingest --recut", pages=count_documents(count)
    )


def note(text: str, language: Language) -> str:
    """Return the line for something that went less well than hoped; the work goes on."""
    return printable(f"{_NOTE.localize(language)}{text}")


def print_note(text: Message, language: Language) -> None:
    """Write a line on stderr for something that takes a while or went less well than hoped."""
    click.echo(note(text.localize(language), language), err=True)


def page_line(event: IngestEvent, language: Language) -> str:
    """Return one line for one page, the same for `ask` and for `ingest`."""
    match event:
        case PageStored():
            facts = [count_chunks(event.chunks)]
            if event.unembedded:
                facts.append(Message("{count} without a vector", count=event.unembedded))
            facts += [ORIGINS[event.origin]] if event.origin in ORIGINS else []
            facts += [KINDS[event.kind]] if event.kind in KINDS else []
            facts += event.notes
            shown = in_brackets(join_messages(facts, COMMA)).localize(language)
            return printable(f"  + {event.title}{shown} {shown_url(event.url)}")
        case PageSkipped():
            # The detail may quote robots.txt or a server: `printable` covers the whole line.
            why = REASONS[event.reason].localize(language)
            if event.reason == "unsupported" and path_of_url(event.url) is not None:
                why = Message("not a file that we can read").localize(language)
            detail = in_brackets(event.detail).localize(language) if event.detail else ""
            return printable(f"  - {why}{detail} {shown_url(event.url)}")
        case _:
            assert_never(event)


@dataclass(kw_only=True)
class Report:
    """Counts events, writes them as JSON if wanted, and lists at the end the pages that failed."""

    language: Language
    as_json: bool = False
    stored: int = 0
    unchanged: int = 0
    """Pages that were in the index as they are now."""
    chunks: int = 0
    """Chunks of the stored pages."""
    unembedded: int = 0
    unembedded_reason: Message = NO_MESSAGE
    """Why the first of them has none."""
    not_stored: int = 0
    """Pages that were left out, for whatever reason."""
    skipped: list[PageSkipped] = field(default_factory=list)
    """The first of them."""
    failed: int = 0
    """Skipped pages that may be there at another time."""
    blank: int = 0
    """Files that have nothing in them: all of it is in the index."""
    unusable: int = 0
    """Sources, and lines of them, that name nothing that could be stored."""
    unread: int = 0
    """What was to be read and could not, in folders and archives: see `UNREAD`."""
    has_empty: bool = False
    """Whether a folder has left out files without a single byte."""
    removed: int = 0
    """Documents that left the index, because their files are gone."""
    gone: list[str] = field(default_factory=list)
    """URLs of documents whose files are gone and that are still in the index."""
    recut: int = 0
    chunks_before: int = 0
    """Chunks that the recut pages had before."""
    _left_out: dict[LeftOutReason, list[str]] = field(default_factory=dict, init=False)
    """What the folder that is being read leaves out: the first names for each reason."""
    _left_out_counts: Counter[LeftOutReason] = field(default_factory=Counter, init=False)

    @property
    def is_complete(self) -> bool:
        """Whether all that was named is in the index."""
        return self.not_stored == self.blank and not (self.unusable or self.unread)

    def add_notes(self, *notes: Message) -> None:
        """Write what went less well than hoped to stderr, a line each."""
        for text in notes:
            print_note(text, self.language)

    def add(self, event: RunEvent) -> None:
        """Count one event, and write it if JSON is wanted."""
        # A list is its pages, each of which has an event.
        if self.as_json and not (isinstance(event, SourceScanned) and event.kind == "list"):
            print_json(_EVENT.dump_json(event, context={"language": self.language}))
        match event:
            case PageStored():
                self.unembedded += event.unembedded
                self.unembedded_reason = self.unembedded_reason or event.unembedded_reason
                is_unchanged = event.origin in ORIGINS
                self.unchanged += is_unchanged
                self.stored += not is_unchanged
                self.chunks += 0 if is_unchanged else event.chunks
                if event.notes and not self.as_json:
                    # At once: what is missing of a document is asked about when it is not found.
                    left_out = join_messages(event.notes, SEMICOLON)
                    name = describe_document(event.url, event.title)
                    self.add_notes(join_messages([name, left_out], COLON))
            case PageSkipped():
                self.not_stored += 1
                self.failed += event.reason in RETRYABLE
                self.blank += event.reason == "blank"
                if len(self.skipped) < LISTED:
                    # Without its requests: they are in the crawl log, and a run may be long.
                    self.skipped.append(replace(event, hops=()))
            case FileLeftOut() | SourceScanned() | SourceUnusable():
                self._add_source(event)
            case FileGone():
                self.removed += event.removed
                if not event.removed:
                    self.gone.append(event.url)
            case PageRecut():
                self.recut += 1
                self.chunks_before += event.chunks_before
                self.chunks += event.chunks
            case _:
                assert_never(event)

    def _add_source(self, event: FileLeftOut | SourceScanned | SourceUnusable) -> None:
        match event:
            case FileLeftOut():
                self._left_out_counts[event.reason] += 1
                self.unread += event.reason in UNREAD
                self.has_empty = self.has_empty or event.reason == "empty"
                names = self._left_out.setdefault(event.reason, [])
                if len(names) < NAMED:
                    names.append(event.path)
            case SourceScanned():
                # Write what a folder or a list holds, and what the folder leaves out, by name.
                match event.kind:
                    case "folder" | "archive":
                        template = "{name}: {count} {count:?document|documents}"
                    case "list" | "sitemap" | "feed":
                        template = "{name}: {count} {count:?address|addresses}"
                    case _:
                        assert_never(event.kind)
                line = Message(template, name=event.name, count=event.count)
                if self._left_out_counts:
                    parts = [
                        self._left_out_part(reason, Path(event.name))
                        for reason in self._left_out_counts
                    ]
                    line = Message(
                        "{line}; left out: {parts}", line=line, parts=join_messages(parts, COMMA)
                    )
                elif event.left_out:
                    parts = [Message("left out {count}", count=event.left_out)]
                    line = join_messages([line, *parts], COMMA)
                self.add_notes(line)
                self._left_out.clear()
                self._left_out_counts.clear()
            case SourceUnusable():
                self.unusable += 1
                self.add_notes(Message("{name}: {problem}", name=event.name, problem=event.detail))

    def _left_out_part(self, reason: LeftOutReason, folder: Path) -> Message:
        """Return "2 hidden (.git/, .env)", with the first names of those that are left out."""
        count = self._left_out_counts[reason]
        names = [name.removeprefix(f"{folder}/") for name in self._left_out[reason]]
        shown = ", ".join(names) + (", …" if count > len(names) else "")
        return Message(
            "{count} {reason} ({names})",
            count=count,
            reason=describe_left_out(reason, count),
            names=shown,
        )

    def summarise(self, *, outdated: int = 0) -> None:
        """Write what was stored and what failed, with the reasons, to stderr.

        Args:
            outdated: Pages of the index whose chunks were cut otherwise than set.
        """
        parts = [
            Message(
                "stored {pages} ({chunks})",
                pages=count_documents(self.stored),
                chunks=count_chunks(self.chunks),
            ),
            *self.other_counts(),
        ]
        click.echo(join_messages(parts, COMMA).localize(self.language), err=True)
        for event in self.skipped:
            click.echo(page_line(event, self.language), err=True)
        if more := self.not_stored - len(self.skipped):
            self.add_notes(Message("{count} more are left out: --json lists all", count=more))
        if self.unembedded:
            self.add_notes(
                Message(
                    "{chunks} without a vector, found by words: {reason}",
                    chunks=count_chunks(self.unembedded),
                    reason=self.unembedded_reason,
                )
            )
        if self.gone:
            names = ", ".join(shown_url(url) for url in self.gone[:NAMED])
            self.add_notes(
                Message(
                    "{pages} still in the index though the file is gone ({names}): to remove,"
                    " add --prune",
                    pages=count_documents(len(self.gone)),
                    names=names + (", …" if len(self.gone) > NAMED else ""),
                )
            )
        if outdated:
            self.add_notes(describe_outdated(outdated))

    def other_counts(self) -> list[Message]:
        """Return how many pages were not stored, each kind with its number."""
        parts = [
            Message("unchanged {count}", count=self.unchanged),
            Message("skipped {count}", count=self.not_stored - self.failed),
            Message("failed {count}", count=self.failed + self.unusable),
        ]
        if self.removed:
            parts.append(Message("removed {count}", count=self.removed))
        return parts

    def summarise_recut(self) -> None:
        """Write to stderr how many pages were cut again, and into how many chunks."""
        line = Message(
            "recut {pages}: {before} before, {chunks} now",
            pages=count_documents(self.recut),
            before=count_chunks(self.chunks_before),
            chunks=count_chunks(self.chunks),
        )
        click.echo(line.localize(self.language), err=True)
