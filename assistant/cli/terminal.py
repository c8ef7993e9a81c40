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
from assistant.labels import (
    QUOTES,
    SOURCES,
    STAGES,
    UNSUPPORTED_SIGN,
    describe_day,
    describe_place,
    evidence_label,
)
from assistant.values import Answer, AnswerEvidence, Citation
from ingest.events import PageSkipped, PageStored
from ingest.foundation.command_line.cli_runner import print_error_line
from ingest.foundation.messages import (
    COLON,
    ELLIPSIS,
    NO_MESSAGE,
    Language,
    Message,
    in_brackets,
    join_messages,
)
from ingest.local_files import shown_url
from ingest.report import count_pages, count_passages, note, page_line, printable

SHOWN_BLOCKS = 2
"""Blocks of the evidence shown while the model is waited for: what fits into three lines."""


def say(text: str, *, dim: bool = False, newline: bool = True) -> None:
    """Write to stderr. stdout is for the answer alone."""
    click.secho(
        printable(text), err=True, dim=dim or None, nl=newline
    )  # False would write a code, too


def source_line(citation: Citation, language: Language) -> str:
    """Return one numbered source: title, URL, and the day of its text."""
    place = describe_place(citation).localize(language)
    name = f"[{citation.number}] {citation.title}{place}"
    day = in_brackets(Message.verbatim(describe_day(citation, language))).localize(language)
    # The space ends the address also where the bracket brings its own.
    return printable(f"{name} {shown_url(citation.url)} {day.strip()}")


@dataclass(kw_only=True)
class Terminal:
    """Shows one answer as it comes."""

    language: Language
    quiet: bool = False
    """True: no progress, only the answer, its sources and what went wrong."""
    thinking: bool = True
    _thinking_shown: bool = field(default=False, init=False)
    _answer_shown: bool = field(default=False, init=False)
    _line_open: bool = field(default=False, init=False)
    """Whether the answer's text so far ends within a line."""
    _evidence: AnswerEvidence = field(default=AnswerEvidence(), init=False)
    _page_lines: set[str] = field(default_factory=set, init=False)
    _urls: dict[int, str] = field(default_factory=dict, init=False)

    def show(self, event: AnswerEvent) -> None:
        """Show one event."""
        self._keep_evidence(event)
        match event:
            case ReasoningDelta():
                if self.thinking:
                    say(printable(event.text), dim=True, newline=False)
                    self._thinking_shown = True
            case AnswerDelta():
                self._answer(printable(event.text))
            case SentenceChecked():
                # Not by colour alone: the sign is in pipes and files, too. A sentence that is
                # not on the screen has no place for one.
                if event.shown and event.verdict.kind == "unsupported" and self._answer_shown:
                    click.secho(f" {UNSUPPORTED_SIGN.localize(self.language)}", dim=True, nl=False)
            case AnswerFinished():
                self._finish(event.answer)
            case AnswerFailed():
                self._fail(event)
            case Notice():
                self._notice(event)
            # Not `case _`: mypy then checks in `_progress` that no kind of event is left out.
            case _ if not self.quiet:
                self._progress(event)

    def _progress(
        self,
        event: StageStarted
        | SearchFinished
        | PageStored
        | PageSkipped
        | PassagesChosen
        | EvidenceChosen,
    ) -> None:
        match event:
            case StageStarted():
                stage = join_messages([STAGES[event.stage], ELLIPSIS])
                say(stage.localize(self.language), dim=True)
            case SearchFinished():
                found = [count_pages(len(event.hits)), Message.verbatim(event.query)]
                say(f"  {join_messages(found, COLON).localize(self.language)}", dim=True)
            case PageStored() | PageSkipped():
                line = page_line(event, self.language)
                # Two results may lead to one page; that it was read is said once.
                if line not in self._page_lines:
                    self._page_lines.add(line)
                    say(line, dim=True)
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
            case EvidenceChosen():
                # Something to read while a model on a processor reads its prompt. Quotes will be
                # the answer itself, and would say the same twice.
                quotes = event.answered_by == "quotes"
                for block in () if quotes else event.evidence.blocks[:SHOWN_BLOCKS]:
                    text = printable(" ".join(block.text.split()))
                    say(f"  · {text} [{block.passage}]", dim=True)
            case _:
                assert_never(event)

    def _notice(self, notice: Notice) -> None:
        self._end_thinking()
        if self._line_open:
            say("")  # on stderr: the answer's own text stays as it is
            self._line_open = False
        say(note(notice.text.localize(self.language), self.language))

    def _keep_evidence(self, event: AnswerEvent) -> None:
        """Keep what stands in for an answer that fails, whatever is shown of it meanwhile."""
        if isinstance(event, PassagesChosen):
            self._urls = {passage.number: passage.url for passage in event.passages}
        elif isinstance(event, EvidenceChosen):
            self._evidence = event.evidence

    def _fail(self, failure: AnswerFailed) -> None:
        """Say what failed, and leave the evidence where the answer would have stood."""
        self._end_thinking()
        if self._answer_shown:
            click.echo()
        elif self._evidence.blocks:
            click.echo(evidence_label(self._evidence.answerability).localize(self.language))
            for block in self._evidence.blocks:
                where = self._urls.get(block.passage, "")
                click.echo(printable(f"- {' '.join(block.text.split())} ({where})"))
        print_error_line(failure.message, failure.hint, self.language)

    def _end_thinking(self) -> None:
        if self._thinking_shown:
            say("\n")
            self._thinking_shown = False

    def _answer(self, text: str) -> None:
        self._end_thinking()
        click.echo(text, nl=False)
        self._answer_shown = True
        self._line_open = not text.endswith("\n")

    def _finish(self, answer: Answer) -> None:
        self._end_thinking()
        # A model that answers at once streams nothing; the whole answer is then the only text.
        if not self._answer_shown:
            click.echo(printable(answer.text), nl=False)
        click.echo()
        if answer.trust_note:
            click.secho(f"\n{answer.trust_note.localize(self.language)}", dim=True)
        if answer.citations:
            kind = in_brackets(QUOTES) if answer.kind == "quotes" else NO_MESSAGE
            click.echo(f"\n{join_messages([SOURCES, kind]).localize(self.language)}")
            for citation in answer.citations:
                click.echo(source_line(citation, self.language))
        if answer.id and not self.quiet:
            line = Message("explain: assistant explain {id}", id=answer.id)
            say(line.localize(self.language), dim=True)
