"""What is made of the events of an answer, and when no more is asked."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from assistant.answer.orchestrator import Assistant
from assistant.errors import EvaluationStoppedError, ModelError
from assistant.evaluation.asking import ask_question, ask_questions
from assistant.evaluation.questions import EvaluationQuestion
from assistant.evaluation.results import QuestionResult
from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    Notice,
    SentenceChecked,
)
from assistant.values import Answer, Question, SentenceVerdict, VerdictKind
from ingest.foundation.messages import Message

MODEL = Answer(text="It is 80.", kind="model")
FAILED = AnswerFailed.from_error(ModelError(Message("gone"), kind="failed"))


@dataclass
class Stream:
    """Events in place of an assistant: one list for each question, in their order."""

    answers: list[list[AnswerEvent]]
    asked: list[str] = field(default_factory=list)

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        self.asked.append(question.text)
        await asyncio.sleep(0)
        for event in self.answers[len(self.asked) - 1]:
            yield event


def checked(text: str, kind: VerdictKind) -> SentenceChecked:
    return SentenceChecked(text=text, verdict=SentenceVerdict(kind=kind))


def listen(*events: AnswerEvent, answers: tuple[str, ...] = ("80",)) -> QuestionResult:
    question = EvaluationQuestion(text="How hot?", answers=answers, unanswerable=not answers)
    assistant = cast("Assistant", Stream([list(events)]))
    return asyncio.run(ask_question(assistant, question, options=Question(""), language="en"))


def run(answers: Sequence[list[AnswerEvent]], *, jobs: int = 1) -> list[QuestionResult]:
    results: list[QuestionResult] = []
    stream = Stream(list(answers))
    asking = ask_questions(
        cast("Assistant", stream),
        [EvaluationQuestion(text=str(n), answers=("80",)) for n in range(len(answers))],
        options=Question(""),
        jobs=jobs,
        language="en",
        report=results.append,
    )
    asyncio.run(asking)
    return results


def test_the_quotes_beneath_a_reply_are_told_from_it() -> None:
    quotes = "What the pages say:\n\n- 80 degrees [1]"
    answer = Answer(text=f"It is hot [1].\n\n{quotes}", kind="model", quotes=quotes)
    found = listen(
        checked("It is hot [1].", "unsupported"),
        AnswerFinished(answer=answer),
    )
    assert (found.right, found.shown_right) == (False, True)
    assert found.verdicts == {"unsupported": 1}
    found = listen(AnswerFinished(answer=Answer(text="What the pages say: 80.", kind="model")))
    assert found.right


def test_a_sum_or_a_greeting_is_no_refusal() -> None:
    said = Answer(text="84", kind="nothing", found=True)
    assert not listen(AnswerFinished(answer=said)).refused
    nothing = Answer(text="Nothing answers this.", kind="nothing", found=False)
    assert listen(AnswerFinished(answer=nothing), answers=()).is_good


def test_a_model_that_says_it_is_not_there_refuses_unless_it_then_answers() -> None:
    away = checked("The passages do not say who.", "no_claim")
    assert listen(away, AnswerFinished(answer=MODEL)).refused
    when = checked("They say when: in 1926 [1].", "supported")
    assert not listen(away, when, AnswerFinished(answer=MODEL)).refused


@pytest.mark.parametrize("code", ["reasoning_leaked", "reply_unusable"])
def test_sentences_that_gave_way_are_not_counted(code: str) -> None:
    given_way = Notice(code=code, text=Message("gave way"))  # type: ignore[arg-type]
    found = listen(
        AnswerDelta(text="Let me think."),
        checked("Let me think.", "unsupported"),
        given_way,
        AnswerDelta(text="It is 80."),
        checked("It is 80.", "supported"),
        AnswerFinished(answer=MODEL),
    )
    assert found.verdicts == {"supported": 1}


def test_leaked_thinking_is_no_first_word() -> None:
    leaked = Notice(code="reasoning_leaked", text=Message("thinking"))
    thought = (AnswerDelta(text="Let me think."), leaked)
    assert listen(*thought, AnswerFinished(answer=MODEL)).seconds_to_first_word is None
    found = listen(*thought, AnswerDelta(text="80"), AnswerFinished(answer=MODEL))
    assert found.seconds_to_first_word is not None


def test_only_failures_in_a_row_stop_a_run() -> None:
    good: list[AnswerEvent] = [AnswerFinished(answer=MODEL)]
    bad: list[AnswerEvent] = [FAILED]
    assert len(run([bad, bad, good, bad, bad, good])) == 6
    with pytest.raises(ModelError, match="3 answers failed"):
        run([good, bad, bad, bad, good])


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_result_that_cannot_be_kept_ends_the_run_with_its_own_error(jobs: int) -> None:
    stream = Stream([[AnswerFinished(answer=MODEL)] for _ in range(20)])

    def report(_: QuestionResult) -> None:
        raise EvaluationStoppedError(Message("the disk is full"))

    asking = ask_questions(
        cast("Assistant", stream),
        [EvaluationQuestion(text=str(n), answers=("80",)) for n in range(20)],
        options=Question(""),
        jobs=jobs,
        language="en",
        report=report,
    )
    with pytest.raises(EvaluationStoppedError, match="the disk is full"):
        asyncio.run(asking)
    assert len(stream.asked) <= jobs
