import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.language import cjk_share, language_of
from ingest.text.tokens import estimate_tokens
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


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("无人机夜间飞行需要什么条件?", "zh"),
        ("DJI Mini 4 Pro 多重?", "zh"),
        ("What is RFC 9309?", "en"),
        ("Who is 李白?", "en"),
        ("", "en"),
    ],
)
def test_language_of_a_question(text: str, language: str) -> None:
    assert language_of(text) == language


def test_share_of_cjk_letters() -> None:
    assert cjk_share("无人 ab") == 0.5
    assert cjk_share("123") == 0


def test_content_words_leave_out_what_carries_no_meaning() -> None:
    assert content_words("What is the weight of it?") == ["weight"]
    assert content_words("无人机的重量是多少") == ["无人", "人机", "重量"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        (" \n\u3000", 0),
        ("猫", 1),
        ("无人机夜航。", 6),
        ("A drone flies.", 4),
        ("international", 3),
        ("限重25kg的无人机", 7),
        ("a" * 1000, 200),
    ],
)
def test_tokens_are_estimated_alike_in_both_languages(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_texts_have_the_same_tokens_apart_as_with_white_space_between(one: str, two: str) -> None:
    assert estimate_tokens(f"{one} {two}") == estimate_tokens(one) + estimate_tokens(two)
