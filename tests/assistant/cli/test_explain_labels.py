"""Whatever a snapshot may hold has a name that people understand."""

from typing import get_args

from assistant.answer.evidence.answer_types import ANSWER_TYPES as KINDS_OF_ANSWER
from assistant.cli.explain import question_phrases
from assistant.cli.explain_labels import (
    ANSWER_TYPES,
    ANSWERABILITY,
    REASONS,
    VERDICT_SIGNS,
    VERDICTS,
    describe_score,
)
from assistant.values import Answerability, BlockScore, VerdictKind, VerdictReason


def test_each_verdict_reason_and_kind_of_answer_has_a_label() -> None:
    assert set(VERDICTS) == set(VERDICT_SIGNS) == set(get_args(VerdictKind))
    assert set(REASONS) == set(get_args(VerdictReason))
    assert set(ANSWERABILITY) == set(get_args(Answerability))
    assert set(ANSWER_TYPES) == {kind.name for kind in KINDS_OF_ANSWER}


def test_terms_are_shown_as_the_question_says_them() -> None:
    assert question_phrases(["间飞", "夜间", "飞行", "条件"], "夜间飞行需要什么条件?") == [
        "夜间飞行",
        "条件",
    ]
    assert question_phrases(["use", "drone"], "Used drones: what use has a Drone?") == [
        "use",
        "Drone",
    ]
    assert question_phrases(["1000"], "一千元够吗?") == ["1000"]
    assert question_phrases(["dji", "多重"], "DJI Mini 多重?") == ["DJI", "多重"]
    assert question_phrases([], "") == []


def test_a_score_shows_the_parts_that_count() -> None:
    parts = BlockScore(
        own_words=0.6,
        above=0.0,
        title=0.001,
        beside=0.1,
        passage=0.8,
        rank=1.0,
        answer_type=1.35,
        kind=1.0,
        length=0.98,
    )
    shown = "own words +0.60, neighbours +0.10, passage +0.80, kind of answer ×1.35, length ×0.98"
    assert str(describe_score(parts)) == shown
