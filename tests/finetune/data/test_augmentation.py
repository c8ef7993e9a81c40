import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.augmentation import (
    Augmenter,
    read_synonyms,
    with_other_marks,
    with_sentences_moved,
    with_typo,
)
from finetune.data.dedupe import normalize_question
from finetune.errors import DataError
from finetune.recipe import AugmentTable
from finetune.records import Entity, Record
from tests.finetune.data.rows import conversation, record

LONG = "My battery swelled, and I flew 15 km. It is not 3.5 V anymore! Can I charge the drone?"
CHINESE = "我的电池鼓包了。昨天飞得很远，飞了15公里！现在还能给它充电吗？"


def varied(asked: Record, *methods: str, copies: int = 3, seed: int = 0, **more: str) -> list[str]:
    table = AugmentTable(copies=copies, methods=methods or ("punctuation",), **more)
    augmenter = Augmenter(table, folder=Path(), seed=seed)
    return [copy.last.user for copy in augmenter.copies(asked)]


def test_nothing_is_varied_unless_asked_for() -> None:
    assert list(Augmenter(AugmentTable(), folder=Path(), seed=0).copies(record(LONG))) == []


@pytest.mark.parametrize("text", [LONG, CHINESE])
@pytest.mark.parametrize("methods", [("typos",), ("punctuation",), ("shuffle",)])
def test_copies_differ_from_the_question_and_from_each_other(
    text: str, methods: tuple[str, ...]
) -> None:
    copies = varied(record(text), *methods)
    assert copies
    assert len({text, *copies}) == len(copies) + 1


def test_the_answer_its_thinking_and_the_label_stay() -> None:
    asked = record(LONG, "No.", think="It swelled.", label="battery")
    for copy in Augmenter(AugmentTable(copies=3), folder=Path(), seed=0).copies(asked):
        assert replace(copy, id="", turns=()) == replace(asked, id="", turns=())
        assert (copy.last.answer, copy.last.think) == ("No.", "It swelled.")
        assert copy.id != asked.id


def test_the_same_seed_gives_the_same_copies_and_another_gives_others() -> None:
    methods = ("typos", "punctuation", "shuffle")
    assert varied(record(LONG), *methods) == varied(record(LONG), *methods)
    assert varied(record(LONG), *methods) != varied(record(LONG), *methods, seed=1)


@given(st.text(), st.integers(0, 99))
def test_no_digit_is_touched_by_a_typo_or_a_mark(text: str, seed: int) -> None:
    for method in (with_typo, with_other_marks):
        assert re.findall(r"\d", method(text, Random(seed))) == re.findall(r"\d", text)


@given(st.integers(0, 99))
def test_a_decimal_point_stays_one(seed: int) -> None:
    assert "3.5" in with_other_marks("Is it 3.5 V, or 1,000 at 8:30?", Random(seed))


@given(st.integers(0, 99))
def test_a_typo_keeps_names_units_and_negations(seed: int) -> None:
    text = "never charge the LiPo at 4500mAh without a NASA charger"
    found = with_typo(text, Random(seed)).split()
    assert found[0] == "never"
    assert {"LiPo", "4500mAh", "NASA", "without"} <= set(found)


@given(st.integers(0, 99))
def test_a_chinese_typo_only_mistakes_one_de_for_another(seed: int) -> None:
    found = with_typo("我的无人机飞得很高，这个地方不得起飞。", Random(seed))
    assert re.sub("[的地得]", "_", found) == "我_无人机飞_很高，这个_方不_起飞。"
    assert "地方" in found
    assert "不得" in found


@given(st.text(), st.integers(0, 99))
def test_moving_sentences_keeps_every_character_and_the_last_sentence(text: str, seed: int) -> None:
    assert Counter(with_sentences_moved(text, Random(seed))) == Counter(text)


@given(st.integers(0, 99))
def test_the_sentence_that_asks_stays_last(seed: int) -> None:
    assert with_sentences_moved(CHINESE, Random(seed)).endswith("现在还能给它充电吗？")


@given(st.integers(0, 99))
def test_marks_alone_make_no_other_question(seed: int) -> None:
    text = "电池鼓包了还能飞吗？"
    assert normalize_question(with_other_marks(text, Random(seed))) == normalize_question(text)


def test_only_the_last_question_of_a_conversation_is_varied() -> None:
    asked = conversation("电池鼓包了吗？", "是的", "还能飞吗？", "不能")
    copy = next(Augmenter(AugmentTable(copies=1), folder=Path(), seed=0).copies(asked))
    assert copy.turns[0] == asked.turns[0]
    assert copy.last.user != "还能飞吗？"


def test_an_instruction_before_the_text_stays() -> None:
    kept = "判断科室，只回答名称。"
    table = AugmentTable(copies=5, methods=("punctuation", "shuffle"))
    augmenter = Augmenter(table, folder=Path(), seed=0, kept=kept)
    copies = list(augmenter.copies(record(kept + "头疼。发烧三天了。咳嗽。要挂什么号？")))
    assert copies
    assert all(copy.last.user.startswith(kept) for copy in copies)


def test_texts_whose_entities_have_positions_are_left_alone() -> None:
    asked = replace(record(LONG), entities=(Entity(label="part", text="battery", start=3, end=10),))
    assert varied(asked) == []


def test_synonyms_replace_whole_words_of_their_group(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("无人机，飞行器\ncell, battery\n", encoding="utf-8-sig")
    table = AugmentTable(copies=3, methods=("synonyms",), synonyms="words.txt")
    augmenter = Augmenter(table, folder=tmp_path, seed=0)
    assert [one.last.user for one in augmenter.copies(record("无人机怎么飞"))] == ["飞行器怎么飞"]
    assert [one.last.user for one in augmenter.copies(record("a cellular cell"))] == [
        "a cellular battery"
    ]


@pytest.mark.parametrize("content", [None, "", "无人机\n", b"\xff\xfe\xff"])
def test_a_file_without_synonyms_is_named(content: str | bytes | None, tmp_path: Path) -> None:
    if content is not None:
        held = content.encode() if isinstance(content, str) else content
        (tmp_path / "words.txt").write_bytes(held)
    with pytest.raises(DataError, match=r"words\.txt"):
        read_synonyms(tmp_path, "words.txt")
