"""Rows of every format to records; each row gives one record or one bad row."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.format_detection import detect_format
from finetune.data.formats.entities import split_prompt
from finetune.data.readers import parse_row, read_records
from finetune.data.rows import RejectedRow, RowFields
from finetune.errors import DataError
from finetune.records import RawRow, Record, Turn
from tests.finetune.data.parsed import AUTO, reason, record, table

ALPACA = {"instruction": "翻译", "input": "hello", "output": "你好"}
SHAREGPT = {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}
OPENAI = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
HUATUO = {"data": ["问：头疼怎么办？", "答：多休息。"]}
COT = {"question": "q", "answer": "thought", "reasoning": "a"}
CLASSIFY = {"text": "电池鼓包", "label": "电池", "instruction": "分类"}
ENTITIES = {"text": "甲方为张三", "entities": [[3, 5, "人名"]]}
NVC = {"message": "你总是迟到！", "risk": False}


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (ALPACA, "alpaca"),
        (SHAREGPT, "sharegpt"),
        (OPENAI, "openai"),
        (HUATUO, "huatuo"),
        (COT, "cot"),
        (CLASSIFY, "classify"),
        (ENTITIES, "entities"),
        (NVC, "nvc"),
        ({"text": "t", "label": [[0, 1, "X"]]}, "entities"),
        ({"foo": "bar"}, None),
    ],
)
def test_format_is_found_from_the_fields(row: dict[str, Any], name: str | None) -> None:
    assert detect_format(RowFields(row, AUTO)) == name


def test_alpaca_joins_instruction_and_input_behind_the_history() -> None:
    row = {**ALPACA, "system": "s", "history": [["q1", "a1"]]}
    assert record(row).turns == (
        Turn(user="q1", answer="a1"),
        Turn(user="翻译\nhello", answer="你好"),
    )
    assert record(row).system == "s"


def test_history_in_a_cell_of_a_table_is_json() -> None:
    row = {**ALPACA, "history": '[["q1", "a1"]]'}
    assert len(record(row).turns) == 2
    assert len(record({**row, "history": ""}).turns) == 1
    assert reason({**row, "history": "q1 a1"}) == "history is no list of [question, answer]"


@pytest.mark.parametrize(
    ("output", "think", "answer"),
    [
        ("<think>\nhm\n</think>\n\na", "hm", "a"),
        ("<think></think>a", "", "a"),
        ("hm\n</think>\n\na", "hm", "a"),
        ("    code first", "", "    code first"),
        ("<think>hm</think>\n    indented", "hm", "    indented"),
        ("Write `<think>` and `</think>` in R1.", "", "Write `<think>` and `</think>` in R1."),
    ],
)
def test_thinking_before_an_answer_is_split_off(output: str, think: str, answer: str) -> None:
    turn = record({"instruction": "q", "output": output}).last
    assert (turn.think, turn.answer) == (think, answer)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"instruction": "q", "output": ""}, "no answer"),
        ({"instruction": "q", "output": None}, "no answer"),
        ({"instruction": "q", "output": float("nan")}, "no answer"),
        ({"instruction": " ", "output": "a"}, "no question"),
        ({"instruction": "q", "output": ["a"]}, "answer is no text but list"),
        ({"instruction": "q", "output": True}, "answer is no text but bool"),
        ({"instruction": "q", "output": "<think>hm</think>\n"}, "no answer"),
        ({"instruction": "q", "output": "<think>hm"}, "<think> is never closed"),
        (
            {"instruction": "q", "output": "<think>x</think>a", "think": "y"},
            "thinking in two places",
        ),
        ({"instruction": "q", "output": "\ud83d"}, "\\ud83d is half a character"),
        ({"foo": "bar"}, "no known format: fields foo (name them in data.map)"),
        ({}, "no known format: fields none (name them in data.map)"),
    ],
)
def test_row_that_cannot_be_learnt_from_says_why(row: dict[str, Any], message: str) -> None:
    assert reason(row) == message


def test_numbers_are_text() -> None:
    assert record({"instruction": "6*7", "output": 42}).last.answer == "42"


def test_sharegpt_keeps_tools_observations_and_the_system_message() -> None:
    said = [("system", "s"), ("human", "q"), ("function_call", "f()"), ("observation", "o")]
    rows = [{"from": who, "value": text} for who, text in [*said, ("gpt", "a")]]
    read = record({"conversations": rows})
    assert read.system == "s"
    assert read.turns == (Turn(user="q", answer="f()"), Turn(user="o", answer="a"))


def test_openai_brings_reasoning_and_parts() -> None:
    parts = [{"type": "text", "text": "q1 "}, {"type": "text", "text": "q2"}]
    reply = {"role": "assistant", "content": "a", "reasoning_content": "hm"}
    read = record({"messages": [{"role": "user", "content": parts}, reply]})
    assert read.turns == (Turn(user="q1 q2", think="hm", answer="a"),)


def messages(*roles: str) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": "x"} for role in roles]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (messages(), "no messages"),
        (messages("user"), "the last question has no answer"),
        (messages("assistant"), "no question"),
        (messages("user", "user"), "the last question has no answer"),
        (messages("user", "system"), "the last question has no answer"),
        (messages("user", "robot"), "unknown role robot"),
        ({"messages": ["x"]}, "a message is no object"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "a part of a message is no text",
        ),
    ],
)
def test_conversation_in_disorder_is_refused(row: dict[str, Any], message: str) -> None:
    assert reason(row) == message


def test_huatuo_turns_lose_their_marks() -> None:
    read = record({"data": ["问：q1", "答：a1", "问: q2", "答： a2"]})
    assert read.turns == (Turn(user="q1", answer="a1"), Turn(user="q2", answer="a2"))
    assert record({"data": ["q", "a"]}).turns == (Turn(user="q", answer="a"),)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "0 texts do not make pairs"),
        (["问：q"], "1 text does not make a pair"),
        (["答：a", "问：q"], "text 1 has the mark of the other side"),
        (["问：q", "答："], "no answer"),
        (["问：q", None], "data is no text but NoneType"),
    ],
)
def test_huatuo_row_that_is_no_dialogue_is_refused(texts: list[Any], message: str) -> None:
    assert reason({"data": texts}) == message


def test_map_swaps_thought_and_answer() -> None:
    swapped = table(map={"question": "question", "think": "answer", "answer": "reasoning"})
    assert record(COT, swapped).turns == (Turn(user="q", think="thought", answer="a"),)
    assert reason({"question": "q", "answer": "thought"}, swapped).startswith("no known format")
    named = swapped.model_copy(update={"reader": "cot"})
    assert reason({"question": "q", "answer": "thought"}, named) == "no answer"


def test_classification_answers_with_the_label() -> None:
    read = record(CLASSIFY)
    assert read.turns == (Turn(user="分类\n电池鼓包", answer="电池"),)
    assert read.label == "电池"
    own = table(instruction="选择类别", labels=("电池", "桨叶"))
    assert record({"text": "t", "label": "桨叶"}, own).last.user == "选择类别\nt"
    assert reason({"text": "t", "label": "云台"}, own) == "label 云台 is none of data.labels"


@pytest.mark.parametrize(
    ("given", "start", "text"),
    [
        ([3, 5, "人名"], 3, "张三"),
        ({"label": "人名", "text": "张三", "start": 3, "end": 5}, 3, "张三"),
        ({"label": "人名", "text": "张三", "start": 9, "end": 11}, 11, "张三"),
        ({"label": "人名", "text": " 张三 "}, 3, "张三"),
        ({"label": "人名", "start": 5, "end": 8}, 6, "乙方"),
    ],
)
def test_offsets_of_entities_are_checked_and_corrected(given: Any, start: int, text: str) -> None:
    read = record({"text": "甲方为张三 乙方为李四张三", "entities": [given]})
    (entity,) = read.entities
    assert (entity.start, entity.text) == (start, text)
    assert split_prompt(read.last.user)[1][entity.start : entity.end] == text
    assert json.loads(read.last.answer) == [{"label": "人名", "text": text}]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([3, 99, "人名"], "entity [3, 99] is not in the text"),
        ([5, 3, "人名"], "entity [5, 3] is not in the text"),
        ({"label": "人名", "text": "王五"}, "entity 王五 is not in the text"),
        (
            {"text": "张三"},
            "an entity is neither {label, text, start, end} nor [start, end, label]",
        ),
        ([3, 5, " "], "no label"),
    ],
)
def test_entity_that_is_not_there_is_refused(given: Any, message: str) -> None:
    assert reason({"text": "甲方为张三", "entities": [given]}) == message


def test_text_without_entities_asks_for_an_empty_list() -> None:
    assert record({"text": "无", "entities": []}).last.answer == "[]"


def test_instruction_of_an_extraction_row_never_looks_like_its_text() -> None:
    read = record(
        {"text": "一\n\n二", "entities": []}, table(instruction="找人名。\n\n只写 JSON。")
    )
    assert split_prompt(read.last.user) == ("找人名。\n只写 JSON。", "一\n\n二")


RISKY = {"observation": "o", "feeling": "f", "need": "n", "request": "r", "rewrite": "w"}


def test_hurtful_message_is_rewritten_and_a_polite_one_left_alone() -> None:
    hurtful = record({"message": "m", "risk": "是", **RISKY})
    assert json.loads(hurtful.last.answer) == {"risk": True, **RISKY}
    assert hurtful.label == "risk"
    polite = record({"message": "m", "risk": 0, "rewrite": ""})
    assert (polite.last.answer, polite.label) == ('{"risk": false}', "polite")
    assert reason({"message": "m", "risk": True, **RISKY, "need": ""}) == "no need"
    assert reason({"message": "m", "risk": "maybe"}) == "risk maybe is neither true nor false"


def test_system_message_of_the_recipe_stands_in() -> None:
    assert record(ALPACA, system="s").system == "s"
    assert record({**ALPACA, "system": "own"}, system="s").system == "own"


def test_id_is_the_same_wherever_the_row_stands_and_whatever_its_format() -> None:
    first = record({"instruction": "q", "output": "a"})
    second = record({"data": ["问：q", "答：a"]})
    assert first.id == second.id
    assert len(first.id) == 16
    assert first.id != record({"instruction": "q", "output": "b"}).id


def test_another_system_message_is_another_prompt_so_another_id() -> None:
    assert record(ALPACA, system="s").id != record(ALPACA).id
    assert record(ALPACA, system="s").id == record({**ALPACA, "system": "s"}).id


def test_group_is_read_from_any_format() -> None:
    assert record({**HUATUO, "patient": 7}, table(map={"group": "patient"})).group == "7"


def test_file_of_mixed_formats_is_read_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    rows = [ALPACA, SHAREGPT, OPENAI, HUATUO, {"foo": 1}, CLASSIFY, ENTITIES, NVC]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    read = list(read_records(path, AUTO))
    assert [isinstance(one, Record) for one in read] == [True] * 4 + [False] + [True] * 3
    assert isinstance(read[4], RejectedRow)
    assert read[4].message.localize("en").startswith("mixed.jsonl: row 5: no known format")
    assert read[4].message.localize("zh").startswith("mixed.jsonl：第 5 行：")


def test_one_row_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_bytes("instruction,output\n问题,回答\n".encode("gbk"))
    (read,) = read_records(path, AUTO)
    assert isinstance(read, Record)
    assert read.turns == (Turn(user="问题", answer="回答"),)


def test_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "header.csv"
    path.write_text("instruction,output\n", encoding="utf-8")
    with pytest.raises(DataError, match="the file holds no row"):
        list(read_records(path, AUTO))


def test_row_in_another_encoding_is_refused_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = json.dumps({"instruction": "问题" * 20, "output": "回答"}, ensure_ascii=False)
    path.write_bytes(good.encode() + b"\n" + good.encode("gbk") + b"\n" + good.encode() + b"\n")
    read = list(read_records(path, AUTO))
    assert [isinstance(one, Record) for one in read] == [True, False, True]
    assert isinstance(read[1], RejectedRow)
    assert "does not fit the file's encoding" in read[1].reason.localize("en")
    read[1].raw.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    """
    instruction input output system history think conversations messages data question answer text
    label entities message risk rewrite
    """.split()  # noqa: SIM905  a list would be sixteen lines
)


@given(row=st.dictionaries(NAMES, JSON, max_size=5))
def test_any_row_gives_one_record_or_one_bad_row(row: dict[str, Any]) -> None:
    for name in ("auto", "alpaca", "sharegpt", "huatuo", "cot", "classify", "entities", "nvc"):
        read = parse_row(RawRow(source="a:1", fields=row), table(reader=name))
        assert isinstance(read, Record | RejectedRow)
        if isinstance(read, Record):
            assert all(turn.user.strip() and turn.answer.strip() for turn in read.turns)
