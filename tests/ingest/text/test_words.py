"""Words and sentences, counted alike in Chinese and English."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.figures import figures
from ingest.text.normalize import normalize_text
from ingest.text.words import content_words, sentence_spans, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A drone. The drone!", ["a", "drone", "the", "drone"]),
        ("Drones, ladies; gas is us", ["drone", "lady", "gas", "is", "us"]),
        ("无人机夜航", ["无人", "人机", "机夜", "夜航"]),
        ("猫", ["猫"]),
        ("限重25kg的无人机", ["限重", "25kg", "25", "kg", "的无", "无人", "人机"]),
        ("ＤＪＩ　Ｍｉｎｉ", ["dji", "mini"]),
        ("", []),
    ],
)
def test_words_are_bigrams_for_cjk_and_plain_words_otherwise(
    text: str, expected: list[str]
) -> None:
    assert words(text) == expected


SPELLINGS = {
    "a number": ["1,234", "1234", "1 234", "1\u202f234", "１，２３４", "1'234", "一千二百三十四"],
    "lakhs": ["12,34,567", "1,234,567", "1234567"],
    "a code": ["E-1234", "E1234", "e 1234", "Ｅ-1234", "E\u20111234", "E_1234"],
    "a model": ["RTX 4090", "RTX4090", "rtx-4090"],
    "an amount": ["250g", "250 g", "250克", "250 克", "２５０g"],
    "a version": ["v2.0.1", "version 2.0.1", "V 2.0.1", "2.0.1"],
    "a disease": ["COVID-19", "COVID 19", "covid19"],
    "a language model": ["GPT-4o", "GPT4o", "gpt 4o"],
    "an identifier": ["fn_42", "fn42", "fn-42"],
    "a word in two": ["e-mail", "email", "E-Mail"],
    "a broken word": ["infor-\nmation", "information", "infor\u00ad\nmation"],
    "a hyphen at the line's end": ["well-\nknown", "well-known", "well known"],
    "a telephone": ["010-6255-1234", "01062551234"],
    "a telephone abroad": ["86 138 1234 5678", "86 13812345678"],
    "a card": ["138 1234 5678", "13812345678", "138-1234-5678"],
    "a count": ["三百", "300"],
    "a myriad": ["250万", "2500000", "2,500,000", "2.5 million"],
    "a share": ["百分之十五", "15%", "15 percent"],
    "a chapter": ["第三十章", "第30章"],
    "a name": ["王强", "王 强", "王　强"],
    "a day": [
        "2024-03-05",
        "2024/3/5",
        "2024.03.05",
        "20240305",
        "2024年3月5日",
        "2024 年 03 月 05 日",
        "二〇二四年三月五日",
        "March 5, 2024",
        "Mar. 5th 2024",
        "5 March 2024",
        "5th of March, 2024",
        "March the 5th, 2024",
        "05/03/2024",
        "5.3.2024",
        "2024-03-05T10:00:00Z",
        "二 〇 二 四 年 三 月 五 日",
    ],
    "a month": ["March 2024", "2024年3月", "2024-03", "二〇二四年三月", "2024/03"],
    "a month before ideographs": ["March 2024发布", "2024年3月发布", "于March 2024"],
    "a day before ideographs": ["3 March 2024发布", "March 3, 2024发布", "2024年3月3日发布"],
    "a day of any year": ["March 5", "3月5日", "三月五号", "5 March"],
    "a place": ["臺灣", "台湾", "台灣"],
}


@pytest.mark.parametrize("spellings", SPELLINGS.values(), ids=SPELLINGS)
def test_each_spelling_finds_the_others(spellings: list[str]) -> None:
    for one, other in itertools.permutations(spellings, 2):
        # What another number, code or date has in common is not enough.
        telling = set(words(one)) - set(
            words("E A v g RTX covid GPT 4 o fn 年 月 日 3 5 1 2024, march")
        )
        assert telling & set(words(other)) or words(one) == words(other), (one, other)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("1,2,3", "123"),
        ("in 2024, 300 people", "2024300"),
        ("3,14", "314"),
        ("1,2345", "12345"),
        ("300 2019", "3002019"),
        (" ".join(["123"] * 8), "123" * 8),
        ("1 234 567", "234567"),
        ("2024-13-05", "2024年13月5日"),
        ("甲 乙 丙", "甲乙丙"),
    ],
)
def test_lists_and_neighbours_are_not_one_number(text: str, missing: str) -> None:
    assert missing not in words(text)


def test_spaces_that_do_not_break_make_one_number_and_plain_ones_may() -> None:
    assert words("7\u2009777\u00a0627") == ["7777627"]
    assert words("2024\u00a0300") == ["2024", "300"]
    assert {"7", "7777627", "777", "627"} <= set(words("7 777 627"))


@pytest.mark.parametrize(
    "repeated",
    ["123 ", "1234 ", "12,", "123,", "1'", "1.", "一万", "一", "三月", "a1", "a-", "9", "a "],
)
@pytest.mark.parametrize("end", ["", "1234万", " million", " 字 字 字 字 "])
def test_a_page_of_nothing_but_numbers_has_few_words_more_than_it_writes(
    repeated: str, end: str
) -> None:
    # Long enough that a pattern which tries again at each number would not return today.
    text = repeated * 100_000 + end
    assert sum(map(len, words(text))) < 4 * len(text)
    assert sum(map(len, figures(text))) <= 2 * len(text)


def test_parts_of_lists_stay_to_be_found() -> None:
    assert {"甲", "乙", "丙"} <= set(words("甲 乙 丙"))
    assert {"2024", "300"} <= set(words("in 2024, 300 people"))
    assert {"infor", "mation", "information"} <= set(words("infor-\nmation"))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n")))
def test_normalised_text_has_the_same_words(text: str) -> None:
    assert words(normalize_text(text)) == words(text)


@given(st.text(st.characters(categories=["L", "N"], codec="utf-8"), min_size=1))
def test_no_text_of_letters_or_digits_loses_all_its_words(text: str) -> None:
    assert words(text)


@given(st.text(st.characters(exclude_categories=["Cn", "Cs"])))
def test_words_are_what_the_full_text_index_takes_as_one(text: str) -> None:
    assert all(re.fullmatch(r"\w+", word) for word in words(text))


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
