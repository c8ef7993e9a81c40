"""Figures, their intervals, and what a difference of two runs has to show."""

from typing import Any

import pytest

from assistant.errors import EvaluationFileError
from assistant.evaluation.comparison import compare_runs, sign_test
from assistant.evaluation.figures import FigureValue, measure, measure_latency
from assistant.evaluation.results import EvaluationRun, QuestionResult, RunHeader


def result(number: int, **fields: Any) -> QuestionResult:
    given: dict[str, Any] = {"kind": "quotes", "rank": 1, "right": True, "in_evidence": True}
    return QuestionResult(key=f"k{number}", question=f"q{number}?", **(given | fields))


def figures(results: list[QuestionResult]) -> dict[str, FigureValue]:
    return {one.figure.name: one for one in measure(results)}


def run(name: str, results: list[QuestionResult]) -> EvaluationRun:
    header = RunHeader(model=name, top_k=6)
    return EvaluationRun(header=header, results=tuple(results), name=name)


def test_recall_and_mrr_are_of_the_first_right_passage() -> None:
    found = figures([result(n, rank=rank) for n, rank in enumerate((1, 2, 4, None))])
    assert found["recall_at_1"].value == 0.25
    assert found["recall_at_k"].value == 0.75
    assert found["mrr"].value == pytest.approx((1 + 1 / 2 + 1 / 4) / 4)
    assert found["mrr"].low < found["mrr"].value < found["mrr"].high


def test_refusals_are_right_or_wrong_by_what_the_question_is() -> None:
    unanswerable = {"unanswerable": True, "rank": None, "right": None, "in_evidence": None}
    found = figures(
        [
            result(1, refused=True),
            result(2),
            result(3),
            result(4, refused=True, **unanswerable),
            result(5, refused=False, **unanswerable),
        ]
    )
    assert (found["refusals_right"].value, found["refusals_right"].questions) == (0.5, 2)
    assert found["refusals_wrong"].value == pytest.approx(1 / 3)
    # What is unanswerable has no right passage: it counts neither way.
    assert found["recall_at_k"].questions == 3
    assert found["right"].questions == 3


def test_verdicts_are_shares_of_all_sentences_that_claim_something() -> None:
    found = figures(
        [
            result(1, kind="model", verdicts={"supported": 3, "no_claim": 5}),
            result(2, kind="model", verdicts={"supported": 1, "unsupported": 2}),
            result(3, kind="model", verdicts={"no_claim": 1}),
        ]
    )
    assert found["supported"].value == pytest.approx(4 / 6)
    assert found["unsupported"].value == pytest.approx(2 / 6)
    assert found["supported"].questions == 2
    unchecked = figures([result(1, kind="model", verdicts={"supported": 1, "unchecked": 3})])
    assert unchecked["supported"].value == 0.25


def test_an_answer_that_fails_is_wrong_and_says_nothing_about_retrieval() -> None:
    failed = result(2, kind="failed", rank=None, right=False, in_evidence=False, error="gone")
    found = figures([result(1), failed])
    assert found["right"].value == 0.5
    assert found["failed"].value == 0.5
    assert found["recall_at_1"].questions == 1
    assert "failed" not in figures([result(1)])


def test_five_of_five_are_not_certain() -> None:
    right = figures([result(n) for n in range(5)])["right"]
    assert (right.value, right.high) == (1.0, 1.0)
    assert right.low == pytest.approx(0.566, abs=0.001)  # Wilson's lower end for 5 of 5
    wrong = figures([result(n, right=False) for n in range(5)])["right"]
    assert (wrong.low, round(wrong.high, 3)) == (0.0, 0.434)
    mrr = figures([result(n) for n in range(5)])["mrr"]
    assert (round(mrr.low, 3), mrr.high) == (0.566, 1.0)
    f1 = figures([result(1, f1=0.4)])["f1"]
    assert f1.low < 0.1
    assert f1.high > 0.8


def test_latencies_are_percentiles_of_what_was_answered() -> None:
    results = [result(n, seconds=float(n), seconds_to_evidence=n / 10) for n in range(101)]
    results.append(result(999, kind="failed", seconds=1_000.0))
    evidence, whole = measure_latency(results)
    assert (evidence.p50, evidence.p95) == (5.0, 9.5)
    assert (whole.p50, whole.p95, whole.questions) == (50.0, 95.0, 101)


def verdict_of(changed: int, back: int = 0, same: int = 40) -> str:
    """Return the verdict on `right` where so many questions became right, and so many wrong."""
    total = changed + back + same
    old = [result(n, right=n >= changed) for n in range(total)]
    new = [result(n, right=not changed <= n < changed + back) for n in range(total)]
    found = compare_runs(run("old", old), run("new", new))
    return next(one.verdict for one in found.differences if one.figure.name == "right")


def test_a_difference_is_shown_only_where_chance_does_not_explain_it() -> None:
    assert verdict_of(12) == "better"
    assert verdict_of(0, back=12) == "worse"
    assert verdict_of(8, back=7) == "none"
    assert verdict_of(0) == "none"
    # The bootstrap alone would call these certain: all that differ point one way.
    assert verdict_of(5, same=0) == "none"
    assert verdict_of(6, same=0) == "better"
    # And these: 7 of 8, as uneven or more, come by chance in 1 of 14 comparisons.
    assert verdict_of(6, back=1, same=0) == "none"
    assert verdict_of(7, back=1, same=0) == "none"
    assert verdict_of(8, back=1, same=0) == "better"


def test_the_sign_test_is_two_sided() -> None:
    assert sign_test(0, 0) == 1
    assert sign_test(6, 0) == sign_test(0, 6) == pytest.approx(2 / 64)
    assert sign_test(7, 1) == pytest.approx(18 / 256)
    assert sign_test(4, 4) == 1


def test_lower_is_better_for_seconds() -> None:
    old = [result(n, seconds=2.0 + n / 100) for n in range(20)]
    new = [result(n, seconds=1.0 + n / 100) for n in range(20)]
    differences = compare_runs(run("old", old), run("new", new)).differences
    seconds = next(one for one in differences if one.figure.name == "seconds")
    assert seconds.gain.value == pytest.approx(-1)
    assert seconds.verdict == "better"


def test_only_questions_of_both_runs_are_compared() -> None:
    found = compare_runs(run("old", [result(1), result(2)]), run("new", [result(2), result(3)]))
    assert (len(found.pairs), found.only_one) == (1, 2)
    with pytest.raises(EvaluationFileError, match="no question in common"):
        compare_runs(run("old", [result(1)]), run("new", [result(2)]))
