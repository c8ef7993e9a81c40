"""Words and sentences, counted alike in Chinese and English."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.words import content_words, sentence_spans, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A drone. The drone!", ["a", "drone", "the", "drone"]),
        ("Drones, ladies; gas is us", ["drone", "lady", "gas", "is", "us"]),
        ("无人机夜航", ["无人", "人机", "机夜", "夜航"]),
        ("猫", ["猫"]),
        ("限重25kg的无人机", ["限重", "25kg", "的无", "无人", "人机"]),
        ("ＤＪＩ　Ｍｉｎｉ", ["dji", "mini"]),
        ("", []),
    ],
)
def test_words_are_bigrams_for_cjk_and_plain_words_otherwise(
    text: str, expected: list[str]
) -> None:
    assert words(text) == expected


def test_sentences_end_at_chinese_and_english_stops_but_not_inside_numbers() -> None:
    text = "Pi is 3.14. See example.com now! 应当取得执照。“可以吗？”他问。"
    assert [text[a:b] for a, b in sentence_spans(text)] == [
        "Pi is 3.14.",
        "See example.com now!",
        "应当取得执照。",
        "“可以吗？”",
        "他问。",
    ]


@given(st.text())
def test_sentences_cover_all_but_white_space(text: str) -> None:
    spans = sentence_spans(text)
    assert all(a < b for a, b in spans)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))
    kept = "".join(text[a:b] for a, b in spans)
    assert "".join(kept.split()) == "".join(text.split())


def test_content_words_leave_out_what_carries_no_meaning() -> None:
    assert content_words("What is the weight of it?") == ["weight"]
    assert content_words("无人机的重量是多少") == ["无人", "人机", "重量"]
