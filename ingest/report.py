"""Events of ingestion as lines for people and as JSON for pipes."""

from dataclasses import dataclass, field
from typing import Final, assert_never

import click
from pydantic import ConfigDict, TypeAdapter

from ingest.documents import PageKind
from ingest.errors import SkipReason
from ingest.events import IngestEvent, PageOrigin, PageRecut, PageSkipped, PageStored
from ingest.foundation.cli_runner import print_json
from ingest.foundation.messages import COMMA, NO_MESSAGE, Language, Message, join_messages
from ingest.foundation.messages import printable as printable

REASONS: Final[dict[SkipReason, Message]] = {
    "robots": Message("robots.txt forbids it"),
    "address": Message("address not allowed"),
    "unreachable": Message("cannot be reached"),
    "timeout": Message("too slow"),
    "refused": Message("the site refused"),
    "unsupported": Message("not a page that we can read"),
    "too_large": Message("too large"),
    "empty": Message("no text on it"),
    "needs_browser": Message("needs a browser"),
    "paywall": Message("behind a paywall or a log-in"),
    "consent_wall": Message("shows only a request for consent"),
    "deadline": Message("not here in time"),
}

ORIGINS: Final[dict[PageOrigin, Message]] = {
    "memory": Message("still fresh"),
    "revalidated": Message("unchanged"),
}
"""What is shown of a page that was not fetched anew."""

KINDS: Final[dict[PageKind, Message]] = {
    "listing": Message("a list of links, no article"),
    "paywall": Message("only what stands before its paywall"),
    "video": Message("what stands beside a video"),
}
"""What is said of a page whose text is less than a reader would look for."""

_NOTE = Message("note: ")

_EVENT: TypeAdapter[IngestEvent | PageRecut] = TypeAdapter(
    IngestEvent | PageRecut,
    config=ConfigDict(defer_build=True),  # at its first use: building it takes 15 ms
)


def count_pages(count: int) -> Message:
    """Return "1 page" or "2 pages"."""
    return Message("{count} page" if count == 1 else "{count} pages", count=count)


def count_chunks(count: int) -> Message:
    """Return "1 chunk" or "2 chunks"."""
    return Message("{count} chunk" if count == 1 else "{count} chunks", count=count)


def count_passages(count: int) -> Message:
    """Return "1 passage" or "2 passages"."""
    return Message("{count} passage" if count == 1 else "{count} passages", count=count)


def describe_outdated(count: int) -> Message:
    """Return that so many pages are cut otherwise than set, and the command that cuts them anew."""
    return Message(
        "{pages} in the index cut otherwise than set: ingest --recut", pages=count_pages(count)
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
            shown = join_messages(facts, COMMA).localize(language)
            return printable(f"  + {event.title} ({shown}) {event.url}")
        case PageSkipped():
            # The detail may quote robots.txt or a server: `printable` covers the whole line.
            why = REASONS[event.reason].localize(language)
            detail = f" ({event.detail.localize(language)})" if event.detail else ""
            return printable(f"  - {why}{detail} {event.url}")
        case _:
            assert_never(event)


@dataclass(kw_only=True)
class Report:
    """Counts events, writes them as JSON if wanted, and lists at the end the pages that failed."""

    language: Language
    as_json: bool = False
    stored: int = 0
    chunks: int = 0
    unembedded: int = 0
    unembedded_reason: Message = NO_MESSAGE
    """Why the first of them has none."""
    skipped: list[PageSkipped] = field(default_factory=list)
    recut: int = 0
    chunks_before: int = 0
    """Of the pages that were cut anew."""

    def add_notes(self, *notes: Message) -> None:
        """Write what went less well than hoped to stderr, a line each."""
        for text in notes:
            print_note(text, self.language)

    def add(self, event: IngestEvent) -> None:
        """Count the event of one page, and write it if JSON is wanted."""
        self._write_json(event)
        match event:
            case PageStored():
                self.stored += 1
                self.chunks += event.chunks
                self.unembedded += event.unembedded
                self.unembedded_reason = self.unembedded_reason or event.unembedded_reason
            case PageSkipped():
                self.skipped.append(event)
            case _:
                assert_never(event)

    def add_recut(self, event: PageRecut) -> None:
        """Count a page that was cut anew."""
        self._write_json(event)
        self.recut += 1
        self.chunks_before += event.chunks_before
        self.chunks += event.chunks

    def _write_json(self, event: IngestEvent | PageRecut) -> None:
        if self.as_json:
            print_json(_EVENT.dump_json(event, context={"language": self.language}))

    def summarise(self, *, outdated: int = 0) -> None:
        """Write what was stored and what failed, with the reasons, to stderr.

        Args:
            outdated: Pages of the index whose chunks were cut otherwise than set.
        """
        skipped = len(self.skipped)
        line = Message(
            "stored {pages} ({chunks}), skipped {skipped}",
            pages=count_pages(self.stored),
            chunks=count_chunks(self.chunks),
            skipped=skipped,
        )
        click.echo(line.localize(self.language), err=True)
        for event in self.skipped:
            click.echo(page_line(event, self.language), err=True)
        if self.unembedded:
            self.add_notes(
                Message(
                    "{chunks} without a vector, found by words: {reason}",
                    chunks=count_chunks(self.unembedded),
                    reason=self.unembedded_reason,
                )
            )
        if outdated:
            self.add_notes(describe_outdated(outdated))

    def summarise_recut(self) -> None:
        """Write to stderr how many pages were cut anew, and into how many chunks."""
        line = Message(
            "recut {pages}: {before} before, {chunks} now",
            pages=count_pages(self.recut),
            before=count_chunks(self.chunks_before),
            chunks=count_chunks(self.chunks),
        )
        click.echo(line.localize(self.language), err=True)
