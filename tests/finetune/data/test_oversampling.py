import pytest

from finetune.data.oversampling import times_shown
from finetune.recipe import Oversample
from tests.finetune.data.rows import conversation, record

RULES = (Oversample(match="15GB", times=5), Oversample(match="保修", times=3))


@pytest.mark.parametrize(
    ("question", "answer", "times"),
    [
        ("流量有多少？", "每月15GB。", 5),
        ("15GB够吗？", "够。", 5),
        ("保修多久？", "两年。", 3),
        ("15GB 保修吗？", "不保修。", 5),
        ("流量有多少？", "每月15gb。", 1),
        ("你好", "您好", 1),
    ],
)
def test_the_largest_rule_that_matches_counts(question: str, answer: str, times: int) -> None:
    assert times_shown(record(question, answer), RULES) == times


def test_any_turn_of_a_conversation_may_match() -> None:
    assert times_shown(conversation("有多少流量", "15GB", "谢谢", "不客气"), RULES) == 5


def test_without_rules_a_row_stands_once() -> None:
    assert times_shown(record("15GB"), ()) == 1
