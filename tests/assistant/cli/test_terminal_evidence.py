"""What a person reads on the terminal while a model works, and when it fails."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from assistant.cli.terminal import Terminal
from assistant.events import (
    AnswerDelta,
    AnswerFailed,
    AnswerFinished,
    EvidenceChosen,
    Notice,
    PassagesChosen,
    SentenceChecked,
)
from assistant.values import Answer, AnswerEvidence, EvidenceBlock, Passage, SentenceVerdict
from ingest.foundation.messages import Language, Message

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
    terminal.show(replace(EVIDENCE, answered_by="quotes"))
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


@pytest.mark.parametrize(("language", "sign"), [("en", "(?)"), ("zh", "（?）")])
def test_an_unsupported_sentence_has_its_sign_behind_it_and_the_answer_its_trust(
    capsys: pytest.CaptureFixture[str], language: Language, sign: str
) -> None:
    terminal = Terminal(language=language, quiet=True)
    unsupported = SentenceVerdict(kind="unsupported", reasons=("figure",))
    answer = Answer(text="", kind="model", trust=0.5, trust_note=Message.verbatim("half"))
    for event in (
        AnswerDelta(text="It wants 95 degrees."),
        SentenceChecked(text="It wants 95 degrees.", verdict=unsupported),
        SentenceChecked(text="It is blue.", verdict=unsupported, shown=False),
        AnswerDelta(text=" Pour it slowly [1]."),
        SentenceChecked(
            text="Pour it slowly.", verdict=SentenceVerdict(kind="supported", passage=1)
        ),
        AnswerFinished(answer=answer),
    ):
        terminal.show(event)
    out = f"It wants 95 degrees. {sign} Pour it slowly [1].\n\nhalf\n"
    assert capsys.readouterr().out == out


def test_a_notice_in_mid_answer_has_a_line_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(language="en", quiet=True)
    terminal.show(AnswerDelta(text="It costs 25."))
    terminal.show(Notice(code="reply_unusable", text=Message("nothing of it stands in the pages")))
    terminal.show(AnswerDelta(text="\n\nQuotes:"))
    shown = capfd.readouterr()
    assert shown.err.startswith("\n")
    assert shown.out == "It costs 25.\n\nQuotes:"
