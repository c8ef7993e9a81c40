"""The event stream on a terminal: progress and thinking on stderr, the answer on stdout."""

from dataclasses import dataclass, field
from typing import assert_never

import click

from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    EvidenceChosen,
    Notice,
    PassagesChosen,
    ReasoningDelta,
    SearchFinished,
    SentenceChecked,
    StageStarted,
)
from assistant.labels import FETCHED, QUOTES, SOURCES, STAGES
from assistant.values import Answer, Citation
from ingest.events import PageSkipped, PageStored
from ingest.foundation.cli_runner import print_error_line
from ingest.foundation.messages import Language, Message
from ingest.report import count_pages, count_passages, note, page_line, printable


def say(text: str, *, dim: bool = False, newline: bool = True) -> None:
    """Write to stderr. stdout is for the answer alone."""
    click.secho(text, err=True, dim=dim or None, nl=newline)  # False would write a code, too


def source_line(citation: Citation, language: Language) -> str:
    """Return one numbered source: title, URL, and the day it was fetched."""
    day = citation.fetched_at.astimezone().date().isoformat()
    place = f" › {citation.heading}" if citation.heading not in {"", citation.title} else ""
    name = f"[{citation.number}] {citation.title}{place}"
    return printable(f"{name} {citation.url} ({FETCHED.localize(language)} {day})")


@dataclass(kw_only=True)
class Terminal:
    """Shows one answer as it comes."""

    language: Language
    quiet: bool = False
    """True: no progress, only the answer, its sources and what went wrong."""
    thinking: bool = True
    _thinking_shown: bool = field(default=False, init=False)
    _answer_shown: bool = field(default=False, init=False)

    def show(self, event: AnswerEvent) -> None:
        """Show one event."""
        match event:
            case ReasoningDelta():
                if self.thinking:
                    say(printable(event.text), dim=True, newline=False)
                    self._thinking_shown = True
            case AnswerDelta():
                self._answer(printable(event.text))
            case AnswerFinished():
                self._finish(event.answer)
            case EvidenceChosen() | SentenceChecked():
                pass
            case AnswerFailed():
                self._end_thinking()
                if self._answer_shown:
                    click.echo()
                print_error_line(event.message, event.hint, self.language)
            case Notice():
                self._end_thinking()
                say(note(event.text.localize(self.language), self.language))
            # Not `case _`: mypy then checks in `_progress` that no kind of event is left out.
            case _ if not self.quiet:
                self._progress(event)

    def _progress(
        self, event: StageStarted | SearchFinished | PageStored | PageSkipped | PassagesChosen
    ) -> None:
        match event:
            case StageStarted():
                say(f"{STAGES[event.stage].localize(self.language)}…", dim=True)
            case SearchFinished():
                found = count_pages(len(event.hits)).localize(self.language)
                say(f"  {found}: {event.query}", dim=True)
            case PageStored() | PageSkipped():
                say(page_line(event, self.language), dim=True)
            case PassagesChosen(passages=()):
                pass  # the answer itself says that nothing was found
            case PassagesChosen():
                pages = len({passage.url for passage in event.passages})
                chosen = Message(
                    "  {passages} from {pages}",
                    passages=count_passages(len(event.passages)),
                    pages=count_pages(pages),
                )
                say(chosen.localize(self.language), dim=True)
            case _:
                assert_never(event)

    def _end_thinking(self) -> None:
        if self._thinking_shown:
            say("\n")
            self._thinking_shown = False

    def _answer(self, text: str) -> None:
        self._end_thinking()
        click.echo(text, nl=False)
        self._answer_shown = True

    def _finish(self, answer: Answer) -> None:
        self._end_thinking()
        # A model that answers at once streams nothing; the whole answer is then the only text.
        if not self._answer_shown:
            click.echo(printable(answer.text), nl=False)
        click.echo()
        if answer.citations:
            label = SOURCES.localize(self.language)
            kind = f" ({QUOTES.localize(self.language)})" if answer.kind == "quotes" else ""
            click.echo(f"\n{label}{kind}")
            for citation in answer.citations:
                click.echo(source_line(citation, self.language))
