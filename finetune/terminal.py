"""Progress: a bar on a terminal, a line now and then in a pipe or a file."""

import sys
import time
from types import TracebackType
from typing import Any, Self

import click

from ingest.foundation.messages import ELLIPSIS, Language, Message, join_messages

LINE_EVERY_S = 30.0
"""Seconds between two lines of one stage in a log: a night of training stays readable."""


class TerminalProgress:
    """Writes progress to stderr, so that stdout holds the result alone."""

    def __init__(self, *, language: Language, quiet: bool = False) -> None:
        self._language = language
        self._quiet = quiet

    def stage(self, name: Message, *, total: int | None = None) -> "TerminalStage":
        """Return a stage that draws a bar of `total` units once it is entered."""
        text = name.localize(self._language)
        line = join_messages([name, ELLIPSIS]).localize(self._language)
        return TerminalStage(name=text, line=line, total=total, quiet=self._quiet)

    def note(self, text: Message) -> None:
        """Write a line, unless all is to be quiet."""
        if not self._quiet:
            click.echo(text.localize(self._language), err=True)


class TerminalStage:
    """One stage of the work: a bar on a terminal, lines elsewhere."""

    def __init__(self, *, name: str, line: str, total: int | None, quiet: bool) -> None:
        self._name = name
        self._line = line
        self._total = total
        self._quiet = quiet
        self._done = 0
        self._last_line = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        if self._quiet:
            return self
        # In a log file a bar would be thousands of lines that overwrite nothing.
        if self._total and sys.stderr.isatty():
            self._bar = click.progressbar(
                length=self._total,
                label=self._name,
                file=sys.stderr,
                item_show_func=lambda detail: detail,
            ).__enter__()
        else:
            click.echo(self._line, err=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)

    def advance(self, units: int = 1, *, detail: str = "") -> None:
        """Move the bar; without one, write how far the stage is every `LINE_EVERY_S` seconds."""
        self._done += units
        if self._bar is not None:
            self._bar.update(units, detail or None)
        elif not self._quiet and time.monotonic() - self._last_line >= LINE_EVERY_S:
            self._last_line = time.monotonic()
            of = f"/{self._total}" if self._total else ""
            click.echo(f"  {self._done}{of} {detail}".rstrip(), err=True)
