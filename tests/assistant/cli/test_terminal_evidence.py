"""What a person reads on the terminal while a model works, and when it fails."""

from datetime import UTC, datetime

import pytest

from assistant.cli.terminal import Terminal
from assistant.events import AnswerDelta, AnswerFailed, EvidenceChosen, Notice, PassagesChosen
from assistant.values import AnswerEvidence, EvidenceBlock, Passage
from ingest.foundation.messages import Message

TEXT = "Green tea wants 80 degrees."
PASSAGES = PassagesChosen(
    passages=(
        Passage(
            number=1,
            url="https://tea.example/",
            title="Tea",
            text=TEXT,
            score=1.0,
            fetched_at=datetime(2026, 11, 28, tzinfo=UTC),
        ),
    )
)
EVIDENCE = EvidenceChosen(
    evidence=AnswerEvidence(
        blocks=(EvidenceBlock(number=1, passage=1, start=0, end=len(TEXT), text=TEXT),),
        answerability="answerable",
    )
)
FAILED = AnswerFailed(code="model", message=Message("it died"), hint=Message("ask again"))


def test_evidence_is_there_to_read_while_the_model_is_waited_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = Terminal(language="en")
    terminal.show(PASSAGES)
    terminal.show(EVIDENCE)
    shown = capsys.readouterr()
    assert f"{TEXT} [1]" in shown.err
    assert shown.out == ""


def test_evidence_is_not_said_twice_where_quotes_are_the_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = Terminal(language="en")
    terminal.show(Notice(code="no_model", text=Message("no model")))
    terminal.show(EVIDENCE)
    assert TEXT not in capsys.readouterr().err


@pytest.mark.parametrize("quiet", [False, True])
def test_a_model_that_fails_leaves_the_evidence_with_its_addresses(
    capsys: pytest.CaptureFixture[str], *, quiet: bool
) -> None:
    terminal = Terminal(language="en", quiet=quiet)
    for event in (PASSAGES, EVIDENCE, FAILED):
        terminal.show(event)
    shown = capsys.readouterr()
    assert f"- {TEXT} (https://tea.example/)" in shown.out
    assert "it died: ask again" in shown.err


def test_what_was_said_before_a_failure_stays_alone(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(language="en", quiet=True)
    for event in (PASSAGES, EVIDENCE, AnswerDelta(text="It should"), FAILED):
        terminal.show(event)
    assert capsys.readouterr().out == "It should\n"
