"""Opposites, extremes and rates are told apart from what a passage says."""

import pytest

from tests.verdict_samples import verdict


@pytest.mark.parametrize(
    ("passage", "same", "other"),
    [
        ("Lights are seen for at least 3 miles.", "3 miles or more", "at most 3 miles"),
        ("More than 100 men worked there.", "over 100 men", "fewer than 100 men"),
        ("The hall takes no more than 20 people.", "up to 20 people", "at least 20 people"),
        ("微型无人机真高不得超过120米。", "微型无人机真高不能高于120米", "微型无人机真高至少120米"),
        ("不到100人参加了会议。", "少于100人参加了会议", "超过100人参加了会议"),
    ],
)
def test_the_least_is_not_the_most(passage: str, same: str, other: str) -> None:
    claim = passage.replace("at least 3 miles", "{}").replace("More than 100 men", "{}")
    claim = claim.replace("no more than 20 people", "{}")
    same, other = (claim.format(s) if "{}" in claim else s for s in (same, other))
    assert verdict(passage, same).kind == "supported"
    assert verdict(passage, other).reasons == ("polarity",)


@pytest.mark.parametrize(
    ("passage", "same", "other"),
    [
        (
            "The fine is 20 cents per day.",
            "The fine is 20 cents a day.",
            "The fine is 20 cents per week.",
        ),
        ("逾期每天罚款2角。", "逾期每日罚款0.2元。", "逾期每周罚款2角。"),
        (
            "甲方应于收到发票后30日内付款。",
            "甲方须于收到发票后30天内付款。",
            "乙方应于收到发票后30日内付款。",
        ),
        (
            "押金在退房后7个工作日内退还。",
            "押金在退房后7个工作日之内退还。",
            "押金在退房后7个自然日内退还。",
        ),
        ("今年利润同比增长5%。", "今年利润同比增长百分之五。", "今年利润环比增长5%。"),
        ("北京队以3比1战胜上海队。", "北京队以3比1击败上海队。", "北京队以3比1负于上海队。"),
        ("Tom is older than Jerry.", "Tom is older than Jerry is.", "Tom is younger than Jerry."),
        (
            "The court acquitted the mayor.",
            "The court has acquitted the mayor.",
            "The court convicted the mayor.",
        ),
        (
            "Python 3.12 removed distutils.",
            "Python 3.12 removes distutils.",
            "Python 3.12 added distutils.",
        ),
        (
            "30% of users prefer dark mode.",
            "30 percent of users prefer dark mode.",
            "30% of users prefer light mode.",
        ),
    ],
)
def test_opposites_and_rates_are_told_apart(passage: str, same: str, other: str) -> None:
    assert verdict(passage, same).kind == "supported"
    assert verdict(passage, other).kind == "unsupported"


@pytest.mark.parametrize(
    ("passage", "sentence", "is_true"),
    [
        ("五花肉冷水下锅，煮10分钟捞出。", "五花肉要热水下锅。", False),
        ("五花肉冷水下锅，煮10分钟捞出。", "五花肉要冷水下锅。", True),
        ("老抽1勺，生抽2勺。", "生抽放一勺。", False),
        ("老抽1勺，生抽2勺。", "老抽放一勺，生抽放两勺。", True),
        ("本品孕妇禁用。", "孕妇可以使用。", False),
        ("本品孕妇禁用。", "孕妇不得使用。", True),
    ],
)
def test_short_chinese_opposites_and_counts_are_compared(
    passage: str, sentence: str, is_true: bool
) -> None:
    assert (verdict(passage, sentence).kind == "supported") == is_true
