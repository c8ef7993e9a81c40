"""Numbers and dates, in one spelling whatever the text has."""

import pytest

from ingest.text.dates import TextDate, dates_at_digits
from ingest.text.figures import figures
from ingest.text.numerals import parse_numeral, parse_scaled


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("１,０００元，2024.05.01，3.50", {"1000", "2024", "5", "1", "5月1日", "3.50"}),
        ("一千元，二〇二四年五月一日", {"1000", "2024", "5", "1", "5月1日"}),
        ("on March 5, 2021", {"2021", "3", "5", "3月5日"}),
        ("on 5th March 2021", {"2021", "3", "5", "3月5日"}),
        ("03/04/2024", {"2024", "3", "4"}),  # of two readings neither is stated
        ("百分之十五", {"15"}),
        ("250万人", {"2500000"}),
        ("4,200 million and 4.2 billion", {"4200000000"}),
        ("2.5 million people, 3 millionaires", {"2500000", "3"}),
        ("1.2亿元和12000万元", {"120000000"}),
        ("1 234 567", {"1234567", "1", "234", "567"}),
        ("192.168.0.1", {"192", "168", "0", "1"}),
        ("一个人千万不要三四次", set()),
        ("no figure", set()),
    ],
)
def test_each_number_has_one_spelling(text: str, expected: set[str]) -> None:
    assert figures(text) == expected


@pytest.mark.parametrize(
    ("numeral", "digits"),
    [
        ("十", "10"),
        ("十二", "12"),
        ("二十", "20"),
        ("两千三百", "2300"),
        ("一万二千", "12000"),
        ("三亿五千万", "350000000"),
        ("二〇二四", "2024"),
        ("壹佰贰拾", "120"),
        ("一万亿", "1000000000000"),
        ("一百五", "150"),
        ("一百零五", "105"),
        ("三四百", None),
    ],
)
def test_chinese_numerals_are_read(numeral: str, digits: str | None) -> None:
    assert parse_numeral(numeral) == digits


def test_units_behind_digits_scale_them() -> None:
    assert parse_scaled("2.5亿", 0) == "250000000"
    assert parse_scaled("3 千", 0) == "3000"
    assert parse_scaled("12万亿", 0) == "12000000000000"
    assert parse_scaled("1.23456万", 0) is None
    assert parse_scaled("12元", 0) is None
    assert parse_scaled("9" * 5_000 + "万", 0) is None
    assert parse_scaled("1." + "9" * 5_000 + " million", 0) is None


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05",
        "2024/3/5",
        "2024.03.05",
        "20240305",
        "2024年3月5日",
        "2024 年 03 月 05 号",
        "5 march 2024",
        "5th of march, 2024",
        "5-mar-2024",
        "5.3.2024",
    ],
)
def test_a_date_is_read_in_every_order(text: str) -> None:
    assert dates_at_digits(text, 0) == ([TextDate(year=2024, month=3, day=5)], len(text))


@pytest.mark.parametrize(
    "text",
    [
        "2024-13-05",
        "2024-00-05",
        "20241305",
        "3 apples",
        "5 mayor 2024",
        "2024",
        "3.14",
        "1.2.3",
        "13月",
        "2010-2012",
        "12345678901",
        "00月00日",
    ],
)
def test_what_is_no_date_is_left_alone(text: str) -> None:
    assert dates_at_digits(text, 0) == ([], 0)
