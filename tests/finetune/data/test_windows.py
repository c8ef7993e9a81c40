"""Windows over long texts: no entity is lost at their borders."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.formats.entities import (
    build_prompt,
    render_entities,
    sort_entities,
    split_prompt,
)
from finetune.data.windows import cut_windows, window_bounds
from finetune.errors import RecipeError
from finetune.recipe import WindowTable
from finetune.records import Entity, Record, Turn

SENTENCES = "第一条 甲方为张三。第二条 乙方为李四。第三条 金额为一百元。第四条 期限为三年。"


def extraction(text: str, entities: tuple[Entity, ...] = ()) -> Record:
    turn = Turn(user=build_prompt("找实体。", text), answer=render_entities(entities))
    return Record(id="whole", turns=(turn,), entities=sort_entities(entities), source="a:1")


def entity(text: str, start: int, end: int) -> Entity:
    return Entity(label="X", text=text[start:end], start=start, end=end)


def test_windows_end_where_sentences_do() -> None:
    cut = list(cut_windows(extraction(SENTENCES), WindowTable(characters=25, overlap=5)))
    texts = [split_prompt(one.last.user)[1] for one in cut]
    assert texts[0] == "第一条 甲方为张三。第二条 乙方为李四。"
    assert all(text.endswith("。") for text in texts)
    assert all(one.last.user.startswith("找实体。\n\n") for one in cut)
    assert {one.document for one in cut} == {"whole"}
    places = [(one.offset, text) for one, text in zip(cut, texts, strict=True)]
    assert all(SENTENCES.startswith(text, offset) for offset, text in places)


def test_short_text_and_other_rows_stay_whole() -> None:
    table = WindowTable(characters=1_000, overlap=10)
    given = extraction("短")
    (short,) = cut_windows(given, table)
    assert (short.turns, short.id, short.document) == (given.turns, "whole", "whole")
    chat = Record(id="c", turns=(Turn(user="x" * 5_000, answer="a"),))
    assert list(cut_windows(chat, table)) == [chat]
    assert list(cut_windows(extraction("x" * 5_000), WindowTable())) == [extraction("x" * 5_000)]


def test_entity_cut_by_a_border_stands_whole_in_the_neighbour() -> None:
    text = "字" * 18 + "北京大学" + "字" * 18
    given = extraction(text, (entity(text, 18, 22),))
    cut = list(cut_windows(given, WindowTable(characters=20, overlap=5)))
    holders = [one for one in cut if one.entities]
    assert holders
    assert cut[0].entities == ()
    assert cut[0].last.answer == "[]"
    for one in holders:
        (found,) = one.entities
        assert split_prompt(one.last.user)[1][found.start : found.end] == "北京大学"
        assert json.loads(one.last.answer) == [{"label": "X", "text": "北京大学"}]


def test_overlap_that_fills_the_window_is_refused() -> None:
    with pytest.raises(RecipeError, match="overlap is not below characters"):
        list(cut_windows(extraction("x" * 50), WindowTable(characters=20, overlap=20)))


@st.composite
def annotated(draw: st.DrawFn) -> tuple[Record, WindowTable, str]:
    text = draw(st.text(st.sampled_from("字词a. 。！\n"), min_size=1, max_size=200)) + "。"
    characters = draw(st.integers(2, 60))
    table = WindowTable(characters=characters, overlap=draw(st.integers(0, characters - 1)))
    entities = []
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(text) - 1))
        end = min(len(text), start + draw(st.integers(1, max(1, characters))))
        entities.append(entity(text, start, end))
    return extraction(text, tuple(entities)), table, text


@given(given=annotated())
def test_every_entity_stands_whole_in_some_window(given: tuple[Record, WindowTable, str]) -> None:
    record, table, text = given
    found = set()
    for window in cut_windows(record, table):
        part = split_prompt(window.last.user)[1]
        assert len(part) <= max(table.characters, 1)
        assert text[window.offset : window.offset + len(part)] == part
        for one in window.entities:
            assert part[one.start : one.end] == one.text
            found.add((one.start + window.offset, one.end + window.offset))
    assert found == {(one.start, one.end) for one in record.entities}


@given(
    text=st.text(st.sampled_from("字a. 。\n"), min_size=1, max_size=300), size=st.integers(2, 40)
)
def test_windows_cover_the_text_and_share_the_overlap(text: str, size: int) -> None:
    table = WindowTable(characters=size, overlap=size // 3)
    places = list(window_bounds(text, table))
    assert places[0][0] == 0
    assert places[-1][1] == len(text)
    assert all(0 < end - start <= size for start, end in places)
    for (start, end), (following, _) in pairwise(places):
        assert start < following <= end - table.overlap


def test_the_same_words_in_two_documents_are_two_windows() -> None:
    table = WindowTable(characters=25, overlap=5)
    one, other = (
        list(cut_windows(replace(extraction(SENTENCES + end), id=end), table))
        for end in ("甲", "乙")
    )
    assert one[0].turns == other[0].turns
    assert len({window.id for window in (*one, *other)}) == len(one) + len(other)
