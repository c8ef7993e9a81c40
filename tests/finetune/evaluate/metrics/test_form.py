"""Form of replies: broken thinking, loops, the wrong language, missing numbers."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluate.metrics.form import (
    extract_numbers,
    is_looping,
    is_same_language,
    is_well_formed,
    repeated_share,
)
from finetune.evaluate.metrics.likelihood import TargetLoss, likelihood
from finetune.records import Prediction

GOOD = Prediction(
    id="1",
    text="<think>\n先看高度。\n</think>\n\n不可以。",
    think="先看高度。",
    answer="不可以。",
    stopped=True,
    seconds=0.5,
    tokens=12,
)


@pytest.mark.parametrize(
    ("text", "answer", "thinks", "good"),
    [
        (GOOD.text, "不可以。", True, True),
        ("先看高度。\n</think>\n\n不可以。", "不可以。", True, True),
        ("<think>\n先看高度。", "", True, False),
        ("不可以。", "不可以。", True, False),
        ("<think>\n想\n</think>\n\n", "", True, False),
        ("<think>\n想\n</think>\n\n好</think>", "好", True, False),
        ("</think>\n<think>好", "好", True, False),
        ("不可以。", "不可以。", False, True),
        (GOOD.text, "不可以。", False, False),
        ("", "", False, False),
    ],
)
def test_a_reply_keeps_to_its_format_or_not(
    text: str, answer: str, thinks: bool, good: bool
) -> None:
    assert is_well_formed(replace(GOOD, text=text, answer=answer), thinks=thinks) is good


@pytest.mark.parametrize(
    ("text", "looping"),
    [
        ("!" * 50, True),
        ("不可以。请先申请。" * 6, True),
        ("I can not. " * 10, True),
        ("哈哈哈哈", False),
        ("第一步，看高度。第二步，看地点。第三步，看机型。第四步，看天气。", False),
        ("- 甲\n- 乙\n- 丙\n- 丁\n- 戊\n- 己\n- 庚\n- 辛", False),
        ("", False),
    ],
)
def test_a_text_that_ends_in_the_same_words_again_and_again_loops(text: str, looping: bool) -> None:
    assert is_looping(text) is looping


@given(st.text(alphabet="甲乙丙丁ab ，", min_size=3, max_size=20), st.integers(20, 30))
def test_any_unit_repeated_twenty_times_is_a_loop(unit: str, times: int) -> None:
    text = "起" + (unit.strip() + "。") * times
    assert is_looping(text)
    assert repeated_share(text) > 0.5


def test_words_that_occur_once_do_not_count_as_repeated() -> None:
    assert repeated_share("轻型无人机限高一百二十米") == 0


def test_an_answer_in_another_language_is_recognized() -> None:
    assert is_same_language("不可以。", "可以。")
    assert not is_same_language("No, it is not allowed.", "不可以。")
    assert is_same_language("120", "限高是多少米")  # a number is of every language


def test_numbers_are_compared_without_width_and_thousands() -> None:
    assert extract_numbers("限高１２０米，罚款1,000元，占3.5%，8:30") == {
        "120",
        "1000",
        "3.5%",
        "8:30",
    }


def loss(nats: float, tokens: int = 10, size: int = 30) -> TargetLoss:
    return TargetLoss(id="1", nats=nats, tokens=tokens, bytes=size)


def test_perplexity_is_over_all_target_tokens_together() -> None:
    figures = likelihood([loss(10.0), loss(30.0, tokens=30, size=90)])
    assert figures is not None
    assert figures.perplexity == pytest.approx(math.e)
    assert figures.bits_per_byte == pytest.approx(40 / math.log(2) / 120)


def test_perplexity_without_a_target_is_left_out_and_a_huge_one_is_infinite() -> None:
    assert likelihood([loss(0.0, tokens=0)]) is None
    huge = likelihood([loss(1e9)])
    assert huge is not None
    assert huge.perplexity == math.inf
