"""What the terminal shows, and what it refuses to obey."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from assistant.cli.terminal import Terminal, source_line
from assistant.events import AnswerDelta, AnswerEvent, AnswerFinished, Notice, ReasoningDelta
from assistant.values import Answer, Citation
from ingest.events import PageSkipped, PageStored
from ingest.foundation.messages import Message

URL = "https://tea.test/"
CITATION = Citation(
    number=1, url=URL, title="Green\x1b[2J tea", fetched_at=datetime(2026, 11, 21, 12, tzinfo=UTC)
)
EVENTS: tuple[AnswerEvent, ...] = (
    PageStored(
        url=URL, title="\x1b]0;owned\x07Tea\u202e", chunks=2, embedded=0, robots="", fetcher="http"
    ),
    PageSkipped(
        url=URL, reason="robots", detail=Message.verbatim("robots.txt line 2: Disallow: /\x1b[31m")
    ),
    ReasoningDelta(text="hm\x1b"),
    Notice(code="pages_late", text=Message.verbatim("late\x9b")),
    AnswerDelta(text="80 degrees \x1b[1m[1]"),
    AnswerFinished(answer=Answer(text="80 degrees [1]", kind="model", citations=(CITATION,))),
)


def test_words_of_strangers_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(language="en")
    for event in EVENTS:
        terminal.show(event)
    shown = capsys.readouterr()
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown.out + shown.err)
    assert "80 degrees" in shown.out
    assert "[1] Green[2J tea https://tea.test/ (fetched 2026-11-21)" in shown.out


def test_answer_goes_to_stdout_and_all_else_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(language="en")
    for event in EVENTS:
        terminal.show(event)
    shown = capsys.readouterr()
    for word in ("hm", "late", "robots.txt", "Tea"):
        assert word in shown.err
        assert word not in shown.out


def test_a_page_that_two_results_lead_to_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(language="en")
    for event in (*EVENTS[:2], *EVENTS[:2]):
        terminal.show(event)
    assert capsys.readouterr().err.count("Tea") == 1


def test_quiet_shows_the_answer_and_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(language="zh", quiet=True, thinking=False)
    for event in EVENTS:
        terminal.show(event)
    shown = capsys.readouterr()
    assert shown.err.split() == ["提示：late"]
    assert "来源" in shown.out


def test_source_names_the_section_that_it_stands_in() -> None:
    section = replace(CITATION, title="RFC 9309", heading="Caching")
    assert source_line(section, "en").startswith("[1] RFC 9309 › Caching https://tea.test/")
    assert "›" not in source_line(replace(section, heading="RFC 9309"), "en")
    paper = replace(section, page=3)
    assert source_line(paper, "en").startswith("[1] RFC 9309 › Caching, p. 3 https://tea.test/")
    assert "RFC 9309，第 3 页 https" in source_line(replace(paper, heading=""), "zh")
