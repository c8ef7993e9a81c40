"""Text as it is compared: what no reader sees, spaced-out text, broken words, old characters."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ingest.text
from ingest.text.normalize import normalize_text
from ingest.text.words import words
from tests.ideograph_table import build_table

IGNORABLE = "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u2060\ufe0f\ufeff\U000e0041\U000e0100"
TEXT = st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so\u00adft", "soft"),
        ("zero\u200bwidth and word\u2060joiner", "zerowidth and wordjoiner"),
        ("夜\u200b航", "夜航"),
        ("infor-\nmation", "information"),
        ("con\u00ad\n  tract", "contract"),
        ("infor-\u200b\nmation", "information"),
        ("字 间 空 格", "字间空格"),
        ("二 〇 二 四 年", "二〇二四年"),
        ("苹 果 公 司 发 布 了 iPhone 15 ， 价 格", "苹果公司发布了iPhone 15，价格"),
        ("价 格 是 1 2 3 元", "价格是123元"),
        ("I n t r o d u c t i o n", "Introduction"),
        ("這裡為臺灣", "这里为台湾"),
        ("裏面，裡面，里面", "里面，里面，里面"),
        ("看著，著名", "看着，着名"),
        ("⾞", "车"),
        ("什麼？好像什么", "什么？好像什么"),
    ],
)
def test_one_spelling_stands_for_all(text: str, expected: str) -> None:
    assert normalize_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "甲 乙 丙",
        "a b c d",
        "well-known",
        "3-\n4",
        "- one\n- two",
        "普通 的 句子 没有 变化",
        "１，２３４",
        "A Drone",
        "",
    ],
)
def test_lists_and_ordinary_text_stay_as_they_are(text: str) -> None:
    assert normalize_text(text) == text


@given(TEXT)
def test_what_is_normalised_is_left_alone(text: str) -> None:
    once = normalize_text(text)
    assert normalize_text(once) == once


@given(TEXT, st.data())
def test_invisible_characters_anywhere_change_no_word(text: str, data: st.DataObject) -> None:
    text = text.replace("\n", " ")  # a soft hyphen before it says that the word goes on
    at = data.draw(st.integers(0, len(text)))
    ignorable = data.draw(st.text(IGNORABLE, min_size=1, max_size=3))
    assert words(text[:at] + ignorable + text[at:]) == words(text)


def test_the_table_of_ideographs_is_the_one_that_opencc_makes() -> None:
    assert (
        Path(ingest.text.__file__).with_name("ideographs.txt").read_text("utf-8") == build_table()
    )


def test_a_name_with_a_middle_dot_is_joined_where_text_is_spaced_out() -> None:
    assert words("约 翰 · 埃 尔 维 目 前 在 哪 里") == words("约翰·埃尔维目前在哪里")
