from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.splitting import SPLITS, assign_splits, group_name, hash_text, opening_question
from finetune.errors import DataError
from finetune.recipe import SplitTable
from finetune.records import Split
from tests.finetune.data.rows import conversation, record

RATIOS = [(0.85, 0.15, 0.0), (0.7, 0.2, 0.1), (0.6, 0.2, 0.2), (0.7, 0.15, 0.15), (0.9, 0.0, 0.1)]


def table(train: float, val: float, test: float, **more: str) -> SplitTable:
    return SplitTable(train=train, val=val, test=test, **more)


def numbers(names: list[str], seed: int = 0) -> npt.NDArray[np.uint64]:
    return np.array([hash_text(name, seed=seed) for name in names], dtype=np.uint64)


def split(
    names: list[str],
    ratios: tuple[float, float, float],
    labels: list[str] | None = None,
    seed: int = 0,
) -> list[Split]:
    known = sorted(set(labels or [""]))
    codes = np.array([known.index(label) for label in labels or [""] * len(names)])
    found = assign_splits(
        numbers(names, seed),
        table(*ratios, stratify="label" if labels else ""),
        labels=codes,
        names=known,
        seed=seed,
    )
    return [SPLITS[place] for place in found]


@pytest.mark.parametrize("ratios", RATIOS)
@pytest.mark.parametrize("stratified", [False, True])
def test_shares_are_near_the_ratio(ratios: tuple[float, float, float], stratified: bool) -> None:
    names = [f"question {number}" for number in range(5_000)]
    labels = [f"label {number % 7}" for number in range(5_000)] if stratified else None
    counts = Counter(split(names, ratios, labels))
    # Four standard deviations of a binomial draw; strata are exact to one row of each label.
    off = 7 if stratified else 4 * (5_000 * 0.25) ** 0.5
    for name, share in zip(SPLITS, ratios, strict=True):
        assert abs(counts[name] - 5_000 * share) <= off


@pytest.mark.parametrize("ratios", RATIOS)
def test_each_label_has_its_share_to_one_row(ratios: tuple[float, float, float]) -> None:
    labels = ["often"] * 900 + ["seldom"] * 40 + ["rare"] * 7
    names = [f"question {number}" for number in range(len(labels))]
    counts = Counter(zip(labels, split(names, ratios, labels), strict=True))
    for label, rows in Counter(labels).items():
        for name, share in zip(SPLITS, ratios, strict=True):
            assert abs(counts[label, name] - rows * share) <= 1


def test_many_small_labels_together_have_the_right_share() -> None:
    labels = [f"label {number // 3}" for number in range(300)]
    names = [f"question {number}" for number in range(300)]
    held_out = split(names, (0.85, 0.15, 0.0), labels).count("val")
    assert 30 <= held_out <= 60


few = st.lists(st.integers(0, 40), min_size=1, max_size=120)


@given(few, st.sampled_from(RATIOS), st.integers(0, 9), st.booleans())
def test_no_group_stands_in_two_splits(
    groups: list[int], ratios: tuple[float, float, float], seed: int, stratified: bool
) -> None:
    names = [f"group {group}" for group in groups]
    labels = [f"label {at % 3}" for at, _ in enumerate(groups)] if stratified else None
    if len(set(groups)) < sum(share > 0 for share in ratios):
        with pytest.raises(DataError):
            split(names, ratios, labels, seed)
        return
    placed = split(names, ratios, labels, seed)
    assert len(set(zip(names, placed, strict=True))) == len(set(names))


@given(few, st.sampled_from(RATIOS), st.booleans())
def test_each_wanted_split_has_rows_however_few_there_are(
    groups: list[int], ratios: tuple[float, float, float], stratified: bool
) -> None:
    names = [f"group {group}" for group in (*groups, 100, 101, 102)]
    labels = ["one"] * len(names) if stratified else None
    wanted = {name for name, share in zip(SPLITS, ratios, strict=True) if share}
    assert set(split(names, ratios, labels)) == wanted


@given(
    st.sets(st.integers(0, 10_000), min_size=100, max_size=300),
    st.sets(st.integers(10_001, 20_000), max_size=100),
)
def test_a_row_keeps_its_split_when_others_are_added(old: set[int], new: set[int]) -> None:
    names = [f"question {number}" for number in sorted(old)]
    added = [f"question {number}" for number in sorted(new)]
    ratios = (0.7, 0.2, 0.1)
    assert split(added + names, ratios)[len(added) :] == split(names, ratios)


@given(
    st.sets(st.integers(0, 10_000), min_size=20, max_size=200),
    st.integers(10_001, 99_999),
    st.sampled_from(RATIOS),
)
def test_a_row_added_to_a_label_moves_at_most_one_across_each_cut(
    old: set[int], new: int, ratios: tuple[float, float, float]
) -> None:
    names = [f"question {number}" for number in sorted(old)]
    before = split([*names, *"abc"], ratios, ["one"] * len(names) + ["two"] * 3)
    after = split(
        [*names, *"abc", f"question {new}"], ratios, ["one"] * len(names) + ["two"] * 3 + ["one"]
    )
    moved = sum(was != now for was, now in zip(before, after, strict=False))
    assert moved <= sum(share > 0 for share in ratios) - 1


@given(
    st.sets(st.integers(0, 10_000), min_size=20, max_size=200),
    st.sets(st.integers(10_001, 20_000), max_size=100),
)
def test_rows_of_one_label_stay_when_another_label_grows(old: set[int], new: set[int]) -> None:
    names = [f"question {number}" for number in sorted(old)]
    added = [f"question {number}" for number in sorted(new)]
    labels = ["one"] * len(names)
    ratios = (0.7, 0.15, 0.15)
    before = split([*names, *"abcde"], ratios, [*labels, *["two"] * 5])
    after = split([*names, *"abcde", *added], ratios, [*labels, *["two"] * (5 + len(added))])
    assert after[: len(names)] == before[: len(names)]


def test_another_seed_splits_otherwise() -> None:
    names = [f"question {number}" for number in range(100)]
    assert split(names, (0.5, 0.5, 0.0), seed=1) != split(names, (0.5, 0.5, 0.0), seed=2)


def test_one_row_has_nothing_to_validate_on() -> None:
    with pytest.raises(DataError, match="validate"):
        split(["one", "one"], (0.85, 0.15, 0.0))


def test_one_row_may_be_trained_on_if_nothing_is_held_out() -> None:
    assert split(["one"], (1.0, 0.0, 0.0)) == ["train"]


def test_no_row_falls_behind_the_last_split() -> None:
    groups = np.array([2**64 - 1, 0, 1], dtype=np.uint64)
    placed = assign_splits(groups, table(0.7, 0.3, 0.0))
    assert [SPLITS[place] for place in placed] == ["val", "train", "train"]


def test_greetings_before_a_question_do_not_bind_conversations() -> None:
    one = conversation("你好", "您好", "电池鼓包了还能继续飞吗？", "不能")
    other = conversation("你好！", "您好", "返航高度应该设成多少米？", "高于障碍物")
    assert opening_question(one) != opening_question(other)


@pytest.mark.parametrize("greeting", ["您好，医生！", "在吗？", "Hello!", "Hi there, doctor"])
def test_a_greeting_before_it_does_not_make_another_question(greeting: str) -> None:
    greeted = conversation(greeting, "您好", "头疼怎么办？", "多休息")
    assert opening_question(greeted) == opening_question(conversation("头疼怎么办", "多休息"))


@pytest.mark.parametrize("question", ["头疼怎么办？", "咳嗽", "Can I fly?", "有人吗啡中毒了"])
def test_a_short_question_binds_conversations_however_they_go_on(question: str) -> None:
    short = conversation(question, "多休息")
    longer = conversation(question, "多休息", "吃什么药好得快一点？", "先看医生")
    assert opening_question(short) == opening_question(longer)


def test_a_conversation_of_greetings_alone_is_about_them() -> None:
    assert opening_question(conversation("你好", "您好")) == "你好"


def test_conversations_that_begin_with_the_same_question_are_bound() -> None:
    one = conversation("电池鼓包了还能继续飞吗？", "不能")
    other = conversation("电池鼓包了还能继续飞吗", "不能", "为什么？", "会起火")
    assert opening_question(one) == opening_question(other)


def test_a_field_binds_where_it_is_there_and_the_question_where_not() -> None:
    one, other = record("甲？", group="合同一"), record("乙？", group="合同一")
    assert group_name(one, "group") == group_name(other, "group") != ""
    assert group_name(one, "question") == ""
    assert group_name(one, "document") == ""
