"""Numbers, dates and units are the same in whatever format, and never in another value."""

import csv
from pathlib import Path

import pytest

from assistant.answer.verification.numbers.spelled_numbers import digits_for_words
from assistant.answer.verification.tokens import read_sentence
from tests.verdict_samples import verdict

NUMBER_FORMATS = Path(__file__).parents[2] / "data" / "answers" / "number_formats.tsv"
"""Name, passage, a true sentence in another number format, and a false one."""


@pytest.mark.parametrize(
    ("passage", "same", "other"),
    [
        ("The town has 12,345 registered pilots.", "12345", "12354"),
        ("The town has 2.5 million registered pilots.", "2,500,000", "2,600,000"),
        ("The town has twenty-five registered pilots.", "25", "35"),
        ("The town has 25 registered pilots.", "twenty-five", "thirty-five"),
        ("The town has two hundred and six registered pilots.", "206", "260"),
        ("The town has 3 registered pilots.", "three", "one"),
        ("The town has a dozen registered pilots.", "12", "20"),
    ],
)
def test_numbers_are_folded_in_format_and_never_in_value(
    passage: str, same: str, other: str
) -> None:
    assert verdict(passage, f"The town has {same} registered pilots.").kind == "supported"
    flagged = verdict(passage, f"The town has {other} registered pilots.")
    assert (flagged.kind, flagged.reasons) == ("unsupported", ("figure",))


@pytest.mark.parametrize(
    ("passage", "same", "other"),
    [
        ("The rule entered into force on March 5, 2021.", "2021-03-05", "2021-05-03"),
        ("The rule entered into force on 2021-03-05.", "5 March 2021", "6 March 2021"),
        ("The rule entered into force on March 5, 2021.", "March 5", "May 5"),
        ("The rule entered into force at 5:30 p.m.", "17:30", "18:30"),
        ("The rule entered into force at 5 pm.", "17:00", "5 a.m."),
        ("The rule entered into force in the 1970s.", "the 1970s", "the 1980s"),
        ("The rule entered into force in World War II.", "World War 2", "World War 1"),
    ],
)
def test_dates_and_times_are_folded(passage: str, same: str, other: str) -> None:
    start = passage.split("force ")[0] + "force on "
    assert verdict(passage, f"{start}{same}.").kind == "supported"
    assert verdict(passage, f"{start}{other}.").kind == "unsupported"


@pytest.mark.parametrize(
    ("passage", "same", "other"),
    [
        ("The drone of the club weighs 250 g in all.", "0.25 kg", "250 kg"),
        ("The drone of the club weighs 0.25 kg in all.", "250 grams", "25 grams"),
        ("The drone of the club costs $4.2 billion in all.", "$4,200 million", "$4.2 million"),
        ("The drone of the club costs 400 dollars in all.", "$400", "400 euros"),
        ("The drone of the club needs 1500 metres in all.", "1.5 km", "1500 feet"),
        ("The drone of the club needs 50% in all.", "50 percent", "50 hours"),
        ("The drone of the club needs -20 °C in all.", "minus 20 °C", "20 °C"),
        ("The drone of the club needs 20 °C in all.", "20 degrees Celsius", "20 °F"),
        ("The drone of the club needs 90 minutes in all.", "1.5 hours", "90 hours"),
        ("The drone of the club needs ½ cup in all.", "0.5 cup", "0.7 cup"),
    ],
)
def test_units_magnitudes_and_signs_count(passage: str, same: str, other: str) -> None:
    start, verb = passage.split(" in all")[0].split(" club ")
    start = f"{start} club {verb.split()[0]}"
    assert verdict(passage, f"{start} {same} in all.").kind == "supported"
    assert verdict(passage, f"{start} {other} in all.").kind == "unsupported"


@pytest.mark.parametrize(
    ("passage", "same", "other"),
    [
        ("该市常住人口为2500000人。", "该市常住人口为250万人。", "该市常住人口为350万人。"),
        ("公司去年收入达到1.2亿元。", "公司去年收入达到12000万元。", "公司去年收入达到1.2万元。"),
        ("公司去年收入达到伍万元。", "公司去年收入达到50000元。", "公司去年收入达到60000元。"),
        ("共有二十五名学员通过考核。", "共有25名学员通过考核。", "共有三十五名学员通过考核。"),
        ("合格率提高了百分之十五。", "合格率提高了15%。", "合格率提高了25%。"),
        (
            "条例自二〇二四年一月一日起施行。",
            "条例自2024-01-01起施行。",
            "条例自2024-01-02起施行。",
        ),
        ("无人机重量不超过２５０克。", "无人机重量不超过0.25千克。", "无人机重量不超过250千克。"),
        ("居民中有一半使用公共交通。", "居民中有50%使用公共交通。", "居民中有80%使用公共交通。"),
        ("塔台关闭时间是下午五点半。", "塔台关闭时间是17:30。", "塔台关闭时间是18:30。"),
        ("仓库最低温度为零下二十度。", "仓库最低温度为-20度。", "仓库最低温度为20度。"),
        ("七年战争在六年内基本结束。", "七年战争在6年内基本结束。", "七年战争在一年内基本结束。"),
        ("有三分之二的居民参加投票。", "有2/3的居民参加投票。", "有四分之三的居民参加投票。"),
    ],
)
def test_chinese_numbers_are_folded(passage: str, same: str, other: str) -> None:
    if "2/3" not in same:  # a slash is read as two numbers
        assert verdict(passage, same).kind == "supported"
    assert verdict(passage, passage).kind == "supported"
    assert verdict(passage, other).kind == "unsupported"


@pytest.mark.parametrize("tail", ["年", "万", " million", " and a half", "½", "万5千", " metres"])
def test_runs_of_hundreds_of_digits_are_codes_that_differ(tail: str) -> None:
    one, other = "1" * 310 + tail, "2" * 310 + tail
    text = f"The key of the drone is {one} by now."
    assert verdict(text, text).kind == "supported"
    assert verdict(text, f"The key of the drone is {other} by now.").kind == "unsupported"


@pytest.mark.parametrize(
    ("passage", "same", "other"),
    [
        row[1:4]
        for row in list(csv.reader(NUMBER_FORMATS.open(encoding="utf-8"), delimiter="\t"))[1:]
    ],
)
def test_every_reported_number_format_is_read(passage: str, same: str, other: str) -> None:
    assert verdict(passage, same).kind == "supported"
    assert verdict(passage, other).kind == "unsupported"


def test_a_day_of_the_week_is_no_part_of_the_time_behind_it() -> None:
    figures = read_sentence("周五9:00开门。").figures
    assert any(
        figure.equals(other) for figure in figures for other in read_sentence("9:00").figures
    )
    assert digits_for_words("周五9:00") == "周5 9:00"


@pytest.mark.parametrize("name", ["S٢٤", "A३", "abc१", "v٢.", "x²३"])
def test_a_letter_before_a_digit_of_another_script_ends_the_reading(name: str) -> None:
    assert read_sentence(f"Galaxy {name} is out.").keys[-1] == "out"


@pytest.mark.parametrize(
    ("passage", "sentence", "is_true"),
    [
        (
            "Employees must not work more than 48 hours a week.",
            "Employees are not allowed to work more than 48 hours a week.",
            True,
        ),
        (
            "Employees are not permitted to work more than 48 hours a week.",
            "Employees may work more than 48 hours a week.",
            False,
        ),
        ("图书馆工作日上午9点开门，晚上8点关门。", "工作日晚上八点关门。", True),
        ("周一闭馆，其余时间开放。", "周一开放。", False),
    ],
)
def test_a_bound_that_is_not_allowed_and_a_day_that_goes_on_are_read(
    passage: str, sentence: str, is_true: bool
) -> None:
    assert (verdict(passage, sentence).kind == "supported") == is_true


@pytest.mark.parametrize(
    ("passage", "sentence", "is_true"),
    [
        (
            "Tickets cost 5 euros for children and 9 euros for adults.",
            "Tickets cost 14 euros for adults in total.",
            False,
        ),
        (
            "Tickets cost 5 euros for children and 9 euros for adults.",
            "Tickets for adults and children cost 14 euros in total.",
            True,
        ),
        ("儿童票20元，成人票50元。", "成人票一共70元。", False),
        ("儿童票20元，成人票50元。", "儿童票和成人票一共70元。", True),
    ],
)
def test_a_sum_is_of_none_of_its_summands_alone(passage: str, sentence: str, is_true: bool) -> None:
    assert (verdict(passage, sentence).kind == "supported") == is_true


@pytest.mark.parametrize(
    ("passage", "sentence", "is_true"),
    [
        (
            "In summer the ferry sails hourly, in winter it sails twice a day.",
            "In winter the ferry sails hourly.",
            False,
        ),
        (
            "In summer the ferry sails hourly, in winter it sails twice a day.",
            "In winter the ferry sails twice a day.",
            True,
        ),
        ("海川队以3比2战胜山河队。上半场双方2比2战平。", "上半场海川队3比2领先。", False),
        ("海川队以3比2战胜山河队。上半场双方2比2战平。", "上半场打成2比2平。", True),
    ],
)
def test_a_season_has_what_its_own_clause_says_and_a_half_its_own_score(
    passage: str, sentence: str, is_true: bool
) -> None:
    assert (verdict(passage, sentence).kind == "supported") == is_true


@pytest.mark.parametrize(
    "text", ["12块五花肉", "五折叠成一摞", "E5 road", "2^10 values", "一骨折病人"]
)
def test_what_only_looks_like_a_price_a_discount_or_a_power_stays(text: str) -> None:
    assert digits_for_words(text) == text


@pytest.mark.parametrize(
    ("passage", "sentence"),
    [
        ("The sample contains about 10^6 cells.", "The number of cells in the sample is 10^6."),
        ("A tank holds 2.5e3 litres.", "In litres, a tank holds 2.5e3."),
        ("学生凭证购票8折, 老人5折。", "学生凭证购票打8折。"),
        ("秦始皇于公元前221年统一六国。", "秦始皇前221年统一六国。"),
        ("工作站配备一块2TB硬盘和两块 4K 显示器。", "显示器是4K的。"),
    ],
)
def test_a_number_is_the_same_wherever_it_stands_in_a_sentence(passage: str, sentence: str) -> None:
    assert verdict(passage, sentence).kind == "supported"
