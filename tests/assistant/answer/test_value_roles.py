"""Sentences with all words and figures of a passage, in their own parts and in others'."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.answer.verification import SentenceVerifier
from assistant.values import Passage

CASES = Path(__file__).parents[2] / "data" / "answers" / "value_roles.tsv"


def role_cases() -> list[tuple[str, str, str]]:
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["passage"].replace("\\n", "\n"), row["is"], row["sentence"]) for row in rows]


def verdict_on(sentence: str, text: str) -> str:
    passage = Passage(
        number=1,
        url="https://one.example/",
        title="",
        text=text,
        score=1.0,
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return SentenceVerifier([passage]).check(sentence).kind


@pytest.mark.parametrize(("text", "expected", "sentence"), role_cases())
def test_what_a_value_is_said_of_decides(text: str, expected: str, sentence: str) -> None:
    assert (verdict_on(sentence, text) == "supported") is (expected == "true")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "All rooms of the hotel have a phone on the desk. But few have a fax.",
            "All rooms of the hotel have a phone on the desk.",
        ),
        ("除了北京，上海也每天开放。", "上海每天开放。"),
        ("Two of the four batteries are spare.", "Two batteries are spare."),
        ("每周一次例会，逢周三举行。", "例会在周三举行。"),
    ],
)
def test_words_of_another_part_of_the_passage_contradict_nothing(text: str, sentence: str) -> None:
    assert verdict_on(sentence, text) == "supported"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("除了工资外，公司每月都发放500元餐补。", "公司每月都发放500元餐补。"),
        ("除基本工资外，全体员工均享有年终奖。", "全体员工均享有年终奖。"),
        ("除了年假外，员工都有3天病假。", "员工都有3天病假。"),
        ("除节假日外的工作日，每天都有班车。", "工作日每天都有班车。"),
        ("除周一外，博物馆每天开放。", "博物馆周一不开放。"),
        ("Each room is small but clean.", "Each room is small."),
        ("Every seat was sold but the show was cancelled.", "Every seat was sold."),
        (
            "Every model is light but strong, and costs 20 euros.",
            "Every model costs 20 euros.",
        ),
        ("It rained all day long but we walked.", "It rained all day long."),
        ("Each room has a bath, and every guest except children pays.", "Each room has a bath."),
    ],
)
def test_what_is_added_to_all_is_no_exception(text: str, sentence: str) -> None:
    assert verdict_on(sentence, text) == "supported"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Everyone but Tom passed the exam.", "Everyone passed the exam."),
        ("All rooms but two have private baths.", "All rooms have private baths."),
        ("Every day but Sunday the shop is open.", "Every day the shop is open."),
        ("Every employee except interns gets a bonus.", "All employees get a bonus."),
        ("Every order ships free, except to islands.", "Every order ships free."),
        ("除周一外，博物馆每天开放。", "博物馆每天开放。"),
        ("除周一外，博物馆每天开放。", "博物馆周一开放。"),
        ("除实习生外，全体员工享有年终奖。", "全体员工享有年终奖。"),
        ("除急救车外，所有车辆不得停放。", "所有车辆不得停放。"),
        ("每人限购两张票，老年人除外。", "老年人限购两张票。"),
    ],
)
def test_who_leaves_an_exception_out_says_too_much(text: str, sentence: str) -> None:
    assert verdict_on(sentence, text) == "unsupported"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("It is a 50 cm computer case.", "The case is 50 cm."),
        ("The house has a 5 m river front.", "The house has a 5 m front."),
        ("It weighs 5 kg more or less.", "It weighs 5 kg."),
    ],
)
def test_nouns_in_er_compare_nothing(text: str, sentence: str) -> None:
    assert verdict_on(sentence, text) == "supported"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "The bus goes from Leeds to York every hour.",
            "The bus to York from Leeds goes every hour.",
        ),
        ("博物馆周一闭馆，周二至周日开放。", "博物馆周二至周日开放，周一闭馆。"),
    ],
)
def test_phrases_and_clauses_may_come_in_another_order(text: str, sentence: str) -> None:
    assert verdict_on(sentence, text) == "supported"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("He is 6'2\" tall.", "supported"),
        ("He is 6 feet 2 inches tall.", "supported"),
        ("He is 6’4” tall.", "unsupported"),
    ],
)
@pytest.mark.parametrize("text", ["He is 6 feet, 2 inches tall.", "He is 6'2\" tall."])
def test_feet_and_inches_may_be_marks(text: str, sentence: str, expected: str) -> None:
    assert verdict_on(sentence, text) == expected


def test_open_is_the_opposite_of_closed_in_chinese() -> None:
    assert verdict_on("博物馆周一开馆。", "博物馆周一闭馆。") == "unsupported"


def test_a_condition_and_what_it_demands_are_no_parallel_clauses() -> None:
    rule = (
        "《条例》第三十二条规定了操控无人驾驶航空器飞行时应当遵守的行为规范，其中一项是：在夜间或者"
        "低能见度气象条件下飞行的，应当开启灯光系统并确保其处于良好工作状态。"
    )
    assert verdict_on("夜间飞行应当开启灯光系统。", rule) == "supported"
