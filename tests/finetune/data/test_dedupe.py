from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.dedupe import (
    SeenRows,
    SimilarPair,
    SimilarRows,
    content_digest,
    jaccard,
    normalize_question,
    rows_of_band,
    shingles,
    similarity_text,
)
from tests.finetune.data.rows import conversation, record

DRONE = (
    "无人机在强风中起飞前应当先检查桨叶、电池电量和返航高度，确认周围没有人群和电线，再缓慢升空。"
)
ENGLISH = "Before take-off in strong wind, check the propellers, the battery and the return height."


def near(folder: Path, *texts: str, threshold: float = 0.7, kinds: str = "") -> list[SimilarPair]:
    with SimilarRows(threshold=threshold, folder=folder) as rows:
        for number, text in enumerate(texts):
            rows.add(text, kind=ord(kinds[number]) if kinds else 0)
        return list(rows.find_pairs(texts.__getitem__))


def test_case_and_white_space_make_no_other_row() -> None:
    assert content_digest(record("Is it  15GB?", "Yes")) == content_digest(
        record("is it 15gb?", "YES\n")
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (record("15GB吗", "是"), record("10GB吗", "是")),
        (record("15GB吗", "是"), record("15GB吗", "否")),
        (record("ab", "c"), record("a", "bc")),
        (conversation("a", "b"), conversation("a", "b", "c", "d")),
    ],
)
def test_rows_that_say_different_things_stay_apart(one: object, other: object) -> None:
    assert content_digest(one) != content_digest(other)  # type: ignore[arg-type]


def test_thinking_and_system_message_make_no_other_row() -> None:
    assert content_digest(record("问", "答", think="想", system="一")) == content_digest(
        record("问", "答", think="另想", system="二")
    )


def test_the_first_of_equal_rows_is_the_one_that_stays() -> None:
    seen = SeenRows()
    found = [
        seen.find_or_add(digest, number) for number, digest in enumerate([b"a", b"b", b"a", b"a"])
    ]
    assert found == [None, None, 0, 0]


def test_a_question_is_the_same_in_full_width_and_without_its_mark() -> None:
    assert normalize_question("ＧＰＳ 没有信号 怎么办？") == normalize_question("gps没有信号怎么办")


@given(st.text())
def test_white_space_and_marks_at_the_end_ask_nothing_else(text: str) -> None:
    assert normalize_question(f"{text} ？ ") == normalize_question(text)


@pytest.mark.parametrize("text", [DRONE, ENGLISH])
def test_one_changed_word_is_near_in_both_languages(text: str, tmp_path: Path) -> None:
    changed = text.replace("缓慢", "慢慢").replace("strong", "heavy")
    assert [(found.row, found.of) for found in near(tmp_path, text, changed)] == [(1, 0)]


def test_different_texts_are_not_near(tmp_path: Path) -> None:
    assert near(tmp_path, DRONE, ENGLISH, "电池鼓包后必须停用，放到防火袋里回收。") == []


def test_rows_with_different_labels_are_never_near(tmp_path: Path) -> None:
    assert near(tmp_path, DRONE, DRONE, kinds="ab") == []
    assert len(near(tmp_path, DRONE, DRONE, kinds="aa")) == 1


def test_each_pair_is_named_with_the_row_that_stays(tmp_path: Path) -> None:
    found = near(tmp_path, DRONE, ENGLISH, DRONE + "请", DRONE + "请你", threshold=0.8)
    assert [(one.row, one.of) for one in found] == [(2, 0), (3, 0)]


def test_an_empty_text_and_a_single_letter_are_rows_like_others(tmp_path: Path) -> None:
    assert [(one.row, one.of) for one in near(tmp_path, "", "a", "", "a")] == [(2, 0), (3, 1)]


def test_nothing_at_all_has_no_duplicates(tmp_path: Path) -> None:
    assert near(tmp_path) == []


def test_of_many_pairs_above_the_threshold_nearly_all_are_found(tmp_path: Path) -> None:
    chance = Random(7)
    texts: list[str] = []
    for _ in range(300):
        text = "".join(chance.choices("的一是在不了有和人这中大为上个国我以要他", k=200))
        texts += [text, text[:198] + "末尾"]
    found = near(tmp_path, *texts, threshold=0.9)
    assert {(one.row, one.of) for one in found} <= {(at + 1, at) for at in range(0, 600, 2)}
    assert len(found) >= 297


def test_no_pair_below_the_threshold_is_ever_dropped(tmp_path: Path) -> None:
    changed = DRONE.replace("强风", "大雨").replace("电线", "高楼")
    true = jaccard(shingles_of(DRONE), shingles_of(changed))
    assert 0.5 < true < 0.9
    assert near(tmp_path, DRONE, changed, threshold=true + 0.001) == []
    assert near(tmp_path, DRONE, changed, threshold=true - 0.001)[0].similarity == round(true, 4)


def shingles_of(text: str):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.unique(shingles(text))


@given(st.text(min_size=1), st.text(min_size=1))
def test_similarity_is_that_of_the_sets_of_eight_bytes(one: str, other: str) -> None:
    def sets(text: str) -> set[bytes]:
        held = text.encode(errors="replace").ljust(8, b"\0")
        return {held[at : at + 8] for at in range(len(held) - 7)}

    expected = len(sets(one) & sets(other)) / len(sets(one) | sets(other))
    assert jaccard(shingles_of(one), shingles_of(other)) == pytest.approx(expected)


@given(st.floats(min_value=0.3, max_value=1.0))
def test_a_pair_at_the_threshold_is_found_with_99_percent(threshold: float) -> None:
    rows = rows_of_band(threshold)
    assert 1 - (1 - threshold**rows) ** (128 // rows) >= 0.99


def test_files_of_the_search_are_gone_afterwards(tmp_path: Path) -> None:
    near(tmp_path, DRONE, DRONE)
    assert list(tmp_path.iterdir()) == []


def test_a_conversation_is_compared_by_all_its_turns() -> None:
    assert similarity_text(conversation("a ", "b", "c", "d")) == "abcd"
