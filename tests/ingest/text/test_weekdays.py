"""Days of the week are one word in all their spellings, and words that look like them are not."""

import pytest

from ingest.text.words import words

WEEK = "一二三四五六日"


def days(text: str) -> str:
    """Return the days that are words of a text: "一三" for Monday and Wednesday."""
    return "".join(word[2] for word in words(text) if len(word) == 3 and word.startswith("星期"))


@pytest.mark.parametrize(
    "text",
    [
        *("Saturday", "Saturdays only", "| Sat 16 | packing |", "Sat, 16 May", "Sat. 9:30", "Sat"),
        *("周六", "星期六", "礼拜六上午", "週六", "Sat morning", "open on Sat & holidays | Sat |"),
    ],
)
def test_a_day_is_one_word_in_all_its_spellings(text: str) -> None:
    assert set(days(text)) == {"六"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Mon-Fri 9-18", "一二三四五"),
        ("Mon–Fri 9:00–18:00", "一二三四五"),
        ("Monday to Wednesday", "一二三"),
        ("Fri through Mon", "五六日一"),
        ("周一至周五", "一二三四五"),
        ("星期六到星期天", "六日"),
        ("Fri, Sat and Sun from 10", "五六日"),
        ("星期一和星期三", "一三"),
    ],
)
def test_a_range_has_all_its_days(text: str, named: str) -> None:
    assert set(days(text)) == set(named)


@pytest.mark.parametrize(
    "text",
    [
        "The cat sat on the mat and the sun was hot.",
        "How far is the sun, and how old?",
        "They wed in May.",
        "a sat nav",
        "sun\ncream",
        "he sat and ate",
        "周末",
        "一周后",
        "周围的人",
        "星期",
    ],
)
def test_words_that_only_look_like_days_are_none(text: str) -> None:
    assert days(text) == ""


def test_a_question_finds_the_day_of_a_timetable_in_the_other_language() -> None:
    assert set(words("周四晚上有什么安排？")) & set(words("| Thu 14 | fado at Clube |"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("周五到三亚旅游", "五"),
        ("星期三到四川", "三"),
        ("周一至五", "一二三四五"),
        ("周一至五晚上", "一二三四五"),
        ("每周三次", ""),
        ("本周天气", ""),
    ],
)
def test_places_and_counts_are_no_days(text: str, named: str) -> None:
    assert set(days(text)) == set(named)
