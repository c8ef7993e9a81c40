"""Asks questions of an open assistant, and makes a result of the events of each answer."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from assistant.answer.verification.claims import says_not_there
from assistant.errors import ModelError
from assistant.evaluation.answer_scoring import best_token_f1, holds_answer, is_same_page
from assistant.evaluation.questions import EvaluationQuestion
from assistant.evaluation.results import QuestionResult
from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    EvidenceChosen,
    Notice,
    NoticeCode,
    PassagesChosen,
    SentenceChecked,
)
from assistant.values import (
    Answer,
    AnswerEvidence,
    Passage,
    Question,
    SentenceVerdict,
    VerdictKind,
)
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message

FAILURES_IN_A_ROW = 3
"""Answers in a row that fail before a run ends: the server is gone, and the rest would fail, too.
One alone may be the question's own."""


class AnswersQuestions(Protocol):
    """What `Assistant` is to an evaluation."""

    def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the events of one answer, as `Assistant.ask` does."""
        ...


async def ask_questions(
    assistant: AnswersQuestions,
    questions: Iterable[EvaluationQuestion],
    *,
    options: Question,
    jobs: int,
    language: Language,
    report: Callable[[QuestionResult], None],
) -> None:
    """Ask all questions, `jobs` at a time, and report the result of each as it comes.

    Args:
        assistant: Whom to ask.
        questions: What to ask.
        options: Model, passages, language of each answer, and whether it is kept; its text is
            replaced.
        jobs: Questions asked side by side.
        language: Of the errors in results.
        report: Called with each result.

    Raises:
        QiuzhengError: answers fail one after the other, or `report` raised it.
    """
    # Shared by all workers: each takes the next question, so none waits for another's slow one.
    waiting = iter(questions)
    failed_in_a_row: list[QuestionResult] = []
    stopped: list[QiuzhengError] = []

    async def work() -> None:
        for question in waiting:
            result = await ask_question(assistant, question, options=options, language=language)
            try:
                report(result)
            except QiuzhengError as error:
                stopped.append(error)
            if result.has_failed:
                failed_in_a_row.append(result)
            else:
                failed_in_a_row.clear()
            if stopped or len(failed_in_a_row) >= FAILURES_IN_A_ROW:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(work())
    # Not raised by a task: a group would wrap it up.
    if stopped:
        raise stopped[0]
    if len(failed_in_a_row) >= FAILURES_IN_A_ROW:
        raise _server_gone(failed_in_a_row)


def _server_gone(failed: Sequence[QuestionResult]) -> ModelError:
    return ModelError(
        Message(
            "{count} {count:?answer|answers} failed one after the other: {error}",
            count=len(failed),
            error=failed[-1].error,
        ),
        kind="failed",
        hint=Message("with --save FILE the same command goes on where it stopped"),
    )


async def ask_question(
    assistant: AnswersQuestions,
    question: EvaluationQuestion,
    *,
    options: Question,
    language: Language,
) -> QuestionResult:
    """Return what came of one question."""
    started = time.monotonic()
    listener = _Listener(question, language)
    async with aclosing(assistant.ask(replace(options, text=question.text))) as events:
        async for event in events:
            listener.apply_event(event, time.monotonic() - started)
    return listener.result()


class _Listener:
    """Keeps what figures are made of from the events of one answer."""

    def __init__(self, question: EvaluationQuestion, language: Language) -> None:
        self._question = question
        self._language = language
        self._passages: tuple[Passage, ...] = ()
        self._evidence = AnswerEvidence()
        self._checked: list[tuple[str, SentenceVerdict]] = []
        self._notices: list[str] = []
        self._answer: Answer | None = None
        self._error = ""
        self._to_evidence: float | None = None
        self._to_first_word: float | None = None
        self._seconds = 0.0

    def apply_event(self, event: AnswerEvent, seconds: float) -> None:
        """Keep what one event brings, `seconds` after the question was asked."""
        self._seconds = seconds
        match event:
            case PassagesChosen():
                self._passages = event.passages
            case EvidenceChosen():
                self._evidence = event.evidence
                self._to_evidence = seconds
            case AnswerDelta():
                # 0 would be falsy, but no word comes in no time.
                self._to_first_word = self._to_first_word or seconds
            case SentenceChecked():
                self._checked.append((event.text, event.verdict))
            case Notice():
                self._apply_notice(event.code)
            case AnswerFinished():
                self._answer = event.answer
            case AnswerFailed():
                self._error = event.message.localize(self._language)
            case _:
                pass  # stages and pages read: nothing is judged by them

    def _apply_notice(self, code: NoticeCode) -> None:
        self._notices.append(code)
        # What was shown until then was thinking, or gives way to quotes.
        if code == "reasoning_leaked":
            self._to_first_word = None
        if code in {"reasoning_leaked", "reply_unusable"}:
            self._checked.clear()

    def result(self) -> QuestionResult:
        """Return the result, once the stream has ended."""
        question = self._question
        # Where only a page is expected, nothing is known about the answer: None, and not wrong.
        wants_answer = bool(question.answers)
        blocks = tuple(block.text for block in self._evidence.blocks)
        evidence = "\n\n".join(blocks)
        result = QuestionResult(
            key=question.key,
            question=question.text,
            id=question.id,
            expected=question.answers,
            expected_urls=question.urls,
            unanswerable=question.unanswerable,
            error=self._error,
            passages=tuple(passage.url for passage in self._passages),
            rank=self._rank(),
            evidence=blocks,
            in_evidence=holds_answer(evidence, question.answers) if wants_answer else None,
            answerability=self._evidence.answerability,
            right=False if wants_answer else None,
            shown_right=False if wants_answer else None,
            f1=0.0 if wants_answer else None,
            seconds_to_evidence=self._to_evidence,
            seconds=self._seconds,
            notices=tuple(self._notices),
        )
        answer = self._answer
        return result if answer is None else self._with_answer(result, answer)

    def _with_answer(self, result: QuestionResult, answer: Answer) -> QuestionResult:
        """Return the result with the figures of an answer."""
        wanted = self._question.answers
        # The quotes beneath a small model's reply are no words of its own.
        words = answer.text.removesuffix(answer.quotes)
        checked = self._checked if answer.kind == "model" else []
        return replace(
            result,
            kind=answer.kind,
            answer=answer.text,
            own_words=words.strip(),
            model=answer.model,
            answer_id=answer.id,
            cited=tuple(citation.url for citation in answer.citations),
            right=holds_answer(words, wanted) if wanted else None,
            shown_right=holds_answer(answer.text, wanted) if wanted else None,
            f1=best_token_f1(words, wanted) if wanted else None,
            refused=self._is_refusal(answer),
            verdicts=dict(Counter(verdict.kind for _, verdict in checked)),
            # Quotes are in the passages by the way they are made: their trust says nothing.
            trust=answer.trust if answer.kind == "model" else None,
            seconds_to_first_word=self._to_first_word,
            prompt_tokens=answer.usage.prompt if answer.usage else None,
            reply_tokens=answer.usage.reply if answer.usage else None,
        )

    def _rank(self) -> int | None:
        """Return the number of the first right passage; the page decides where one is named."""
        for rank, passage in enumerate(self._passages, start=1):
            if self._question.urls:
                right = any(is_same_page(passage.url, url) for url in self._question.urls)
            else:  # looser: the words may be there by chance, as a year does
                right = holds_answer(passage.text, self._question.answers)
            if right:
                return rank
        return None

    def _is_refusal(self, answer: Answer) -> bool:
        """Return whether a reader learns from the answer that the index does not hold it."""
        if answer.kind == "nothing":
            return not answer.found  # a sum, or a greeting, is answered by code
        if answer.kind == "quotes":
            # Labelled "the pages do not seem to answer this. Closest to it:".
            return self._evidence.answerability != "answerable"
        # "The pages do not say who; they say when: …" is an answer.
        supported = any(verdict.kind in _SUPPORTED for _, verdict in self._checked)
        return not supported and any(says_not_there(text) for text, _ in self._checked)


_SUPPORTED: frozenset[VerdictKind] = frozenset({"supported", "re_attached"})
