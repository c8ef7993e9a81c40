"""EM and token F1 after SQuAD, with ideographs as tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.answer_overlap import answer_tokens, is_exact_match, token_f1


def test_ideographs_are_tokens_and_articles_are_none() -> None:
    assert answer_tokens("The 限高 is １２０ m!") == ["限", "高", "is", "120", "m"]


def test_a_decimal_is_one_token() -> None:
    assert answer_tokens("重 4.5 公斤") == ["重", "4.5", "公", "斤"]


@pytest.mark.parametrize(
    ("answer", "reference", "same"),
    [
        ("不可以。", "不可以", True),
        ("The Eiffel Tower!", "eiffel tower", True),
        ("可以", "不可以", False),
        ("4.5", "45", False),
        ("。", "。", True),
        ("。", "！", False),
        ("", "", True),
    ],
)
def test_exact_match_ignores_case_punctuation_and_articles(
    answer: str, reference: str, same: bool
) -> None:
    assert is_exact_match(answer, reference) is same


def test_token_f1_is_the_harmonic_mean() -> None:
    assert token_f1("限高120米", "限高是120米") == pytest.approx(2 * 4 / (4 + 5))
    assert token_f1("", "限高") == 0
    assert token_f1("甲", "乙") == 0


@given(st.text(max_size=40), st.text(max_size=40))
def test_token_f1_is_symmetric_and_1_where_texts_match(one: str, other: str) -> None:
    assert token_f1(one, other) == pytest.approx(token_f1(other, one))
    assert token_f1(one, one) == 1
    assert 0 <= token_f1(one, other) <= 1
