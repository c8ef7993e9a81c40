"""What holds an expected answer, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.evaluation.answer_scoring import (
    best_token_f1,
    holds_answer,
    is_same_page,
    spellings,
)
from ingest.web.urls import canonical_url

RIGHT = [
    ("It was 12,345 people.", "12345"),
    ("They are 2.5 million strong.", "2,500,000"),
    ("罚款三百元。", "300元"),
    ("On March 5, 2021 it ended.", "2021-03-05"),
    ("用八十度的水泡。", "80°C"),
    ("使用防撞燈。", "防撞灯"),
    ("about 25%", "百分之二十五"),
    ("It is -5 there", "-5"),
    ("５０米", "50 米"),
    ("run `ollama serve` now", "ollama serve"),
    ("The Beatles won.", "beatles"),
    ("use -> here", "->"),
    ("250g of tea", "250 g"),
    ("It takes two days.", "2 days"),
    ("80 degrees Celsius", "80 °C"),
    ("二十四小时", "24小时"),
    ("It costs 10 pounds.", "£10"),
    ("A ticket is £10–20.", "£20"),
    ("三十八块", "38元"),
    ("¥38", "38元"),
    ("Lunch is 5 US dollars.", "$5"),
    ("零下五度", "-5度"),
    ("minus 5 °C", "-5 °C"),
    ("between 5-10 minutes", "5-10 minutes"),
    ("Weight (g): 250", "250 g"),
    ("It goes 40 km/h.", "40 kph"),
    ("歼-20", "歼20"),
    ("COVID-19", "19"),
    ("The answer is A.", "A"),
    ("Plan A is the best.", "A"),
    ("答案是A，不是B。", "A"),
    ("It opens at 18:30.", "18:30"),
    ("The pages say:\n\n- 80 degrees", "80"),
]
WRONG = [
    ("15 people", "5"),
    ("a category", "cat"),
    ("25 apples", "25%"),
    ("5 miles", "5 km"),
    ("In 2021.", "2021-03-05"),
    ("12,346 people", "12345"),
    ("It is 5 there", "-5"),
    ("八十一度", "80度"),
    ("Apples cost 3 yuan. Two days are enough.", "3 days"),
    ("", "80"),
    ("from 18:30 to 20:10", "£10"),
    ("from 18:30 to 20:10", "10"),
    ("costs $10", "£10"),
    ("10 dollars", "£10"),
    ("£10 million", "£10"),
    ("It costs 10 kg", "£10"),
    ("seats 10 people", "£10"),
    ("seats 10 people", "₽10"),
    ("38 boxes", "38元"),
    ("38 boxes", "38 yuan"),
    ("5 people", "5 kg"),
    ("It goes 60 km/h.", "60 mph"),
    ("It is -5 °C.", "5 °C"),
    ("a balance of -$5", "$5"),
    ("零下5度", "5度"),
    ("气温为-5度", "5度"),
    ("minus 5 degrees", "5 degrees"),
    ("5 degrees below zero", "5 degrees"),
    ("A BANANA", "A"),
    ("Paris Area", "A"),
    ("答案是 C。ABC", "A"),
    ("a tea house", "A"),
    ("Otherwise", "The"),
]


@pytest.mark.parametrize(("text", "expected"), RIGHT)
def test_formats_are_folded(text: str, expected: str) -> None:
    assert holds_answer(text, [expected])
    assert holds_answer(text, ["something else", expected])


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_values_are_not(text: str, expected: str) -> None:
    assert not holds_answer(text, [expected])


@given(st.text(max_size=80), st.text(max_size=30))
def test_any_text_can_be_compared(text: str, expected: str) -> None:
    holds_answer(text, [expected])
    assert 0 <= best_token_f1(text, [expected]) <= 1
    is_same_page(text, expected)


def test_f1_is_squads_and_counts_no_citations() -> None:
    assert best_token_f1("Water of 80 °C [1].", ["80 °C"]) == pytest.approx(2 * 2 / (4 + 2))
    assert best_token_f1("[1] 北京", ["上海", "北京市"]) == pytest.approx(2 * 2 / (2 + 3))
    assert best_token_f1("x", []) == 0


def test_addresses_of_one_page_are_the_same() -> None:
    assert is_same_page("https://www.a.test/x/", "http://a.test/x#part")
    assert is_same_page("file:///home/ann/%E6%89%8B%E5%86%8C.pdf", "手册.pdf")
    assert is_same_page("https://a.test/docs/setup", "docs/setup")
    assert not is_same_page("https://a.test/xy", "y")
    assert not is_same_page("https://a.test/x", "https://b.test/x")


def test_spellings_are_those_that_are_the_same_page() -> None:
    known = spellings("http://www.a.test/x/#part")
    assert "https://a.test/x" in known
    assert all(is_same_page(url, "https://a.test/x") for url in known)
    assert spellings("handbook.pdf") == set()
    assert spellings("https://") == set()


@pytest.mark.parametrize(
    "url",
    [
        "https://baike.test/wiki/无人机",
        "https://a.test/two words?q=茶 叶",
        "https://a.test/a%2Fb",
        "http://www.例子.test/x",
        "https://a.test/c%23#part",
    ],
)
def test_spellings_are_those_that_an_index_holds(url: str) -> None:
    assert canonical_url(url) in spellings(url)
    assert is_same_page(canonical_url(url), url)


def test_an_escaped_number_sign_is_no_fragment() -> None:
    assert not is_same_page("https://a.test/c%23a", "https://a.test/c%23b")
