"""Progress on a terminal: a bar where somebody looks, a line now and then where nobody does."""

import sys
import time
from types import TracebackType
from typing import Any, Self

import click

from ingest.foundation.messages import Language, Message

LINE_EVERY_S = 30.0
"""Seconds between two lines of one stage in a log."""


class TerminalProgress:
    """Writes to stderr, so that stdout stays for what was asked for."""

    def __init__(self, *, language: Language, quiet: bool = False) -> None:
        self._language = language
        self._quiet = quiet

    def stage(self, name: Message, *, total: int | None = None) -> "TerminalStage":
        return TerminalStage(name.localize(self._language), total=total, quiet=self._quiet)

    def note(self, text: Message) -> None:
        if not self._quiet:
            click.echo(text.localize(self._language), err=True)


class TerminalStage:
    """One stretch of work: a bar on a terminal, lines elsewhere."""

    def __init__(self, name: str, *, total: int | None, quiet: bool) -> None:
        self._name = name
        self._total = total
        self._quiet = quiet
        self._done = 0
        self._said = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        if self._quiet:
            return self
        if self._total and sys.stderr.isatty():
            self._bar = click.progressbar(
                length=self._total,
                label=self._name,
                file=sys.stderr,
                item_show_func=lambda told: told,
            ).__enter__()
        else:
            click.echo(f"{self._name}…", err=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)

    def advance(self, units: int = 1, *, told: str = "") -> None:
        self._done += units
        if self._bar is not None:
            self._bar.update(units, told or None)
        elif not self._quiet and time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            of = f"/{self._total}" if self._total else ""
            click.echo(f"  {self._done}{of} {told}".rstrip(), err=True)
