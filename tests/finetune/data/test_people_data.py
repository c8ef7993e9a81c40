"""Data as people have it: their headers, files and odd conversations, and what is in it."""

import datetime
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from finetune.data.notes import row_notes
from finetune.data.personal import mask_personal
from finetune.data.prepare import prepare
from finetune.data.quality import Quality
from finetune.data.readers import parse_row, read_records
from finetune.data.rows import ReadingNotes, RejectedRow
from finetune.errors import DataError
from finetune.progress import SilentProgress
from finetune.recipe import DataTable, parse_recipe
from finetune.records import RawRow, Record, Turn
from finetune.runs import Run

AUTO = DataTable(files=("a.jsonl",))
PAIR = Turn(user="怎么退货？", answer="七天内可退。")


def record(row: dict[str, Any], notes: ReadingNotes | None = None) -> Record:
    read = parse_row(RawRow(source="a.jsonl:1", fields=row), AUTO, notes=notes)
    assert isinstance(read, Record), read
    return read


def records_in(path: Path) -> list[Record | RejectedRow]:
    return list(read_records(path, AUTO))


@pytest.mark.parametrize(
    "names",
    [
        ("问题", "回答"),
        ("问题", "答案"),
        ("提问", "回复"),
        ("客户问题", "客服回复"),
        ("query", "response"),
        ("prompt", "completion"),
        ("question", "answer"),
        ("指令", "输出"),
    ],
)
def test_headers_of_people_and_of_other_tools_are_known(
    names: tuple[str, str], tmp_path: Path
) -> None:
    assert record(dict(zip(names, (PAIR.user, PAIR.answer), strict=True))).turns == (PAIR,)
    path = tmp_path / "a.csv"
    path.write_text(f"工单号,{','.join(names)}\n7,{PAIR.user},{PAIR.answer}\n", encoding="gbk")
    (read,) = records_in(path)
    assert isinstance(read, Record)
    assert read.turns == (PAIR,)


def test_a_history_comes_with_any_question() -> None:
    read = record({"query": "q2", "response": "a2", "history": [["q1", "a1"]], "system": "s"})
    assert read.turns == (Turn(user="q1", answer="a1"), Turn(user="q2", answer="a2"))
    assert read.system == "s"


def test_a_prompt_and_a_completion_may_be_lists_of_messages() -> None:
    row = {
        "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": PAIR.user}],
        "completion": [{"role": "assistant", "content": PAIR.answer}],
    }
    assert (record(row).system, record(row).turns) == ("s", (PAIR,))


MESSAGES = [
    {"role": "user", "content": PAIR.user},
    {"role": "assistant", "content": PAIR.answer},
]


def test_messages_may_be_a_text_of_json() -> None:
    assert record({"messages": json.dumps(MESSAGES)}).turns == (PAIR,)
    broken = parse_row(RawRow(source="a:1", fields={"messages": "[{"}), AUTO)
    assert isinstance(broken, RejectedRow)


@pytest.mark.parametrize(
    "around",
    [
        '{"data": [%s]}',
        '{"version": "1.0", "count": 2, "rows": [\n%s\n], "note": "x"}\n',
        '{\n  "name": "a [b] {c}",\n  "train": [%s]\n}',
    ],
)
def test_rows_within_an_object_are_found(around: str, tmp_path: Path) -> None:
    rows = [{"question": f"问题{n}]}}", "answer": "答案"} for n in range(2)]
    path = tmp_path / "a.json"
    body = ",".join(json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text(around % body, encoding="utf-8")
    assert [one.last.user for one in records_in(path) if isinstance(one, Record)] == [
        "问题0]}",
        "问题1]}",
    ]
    assert len(records_in(path)) == 2


def test_commas_at_the_ends_of_lines_cost_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    line = json.dumps({"question": "q", "answer": "a"})
    path.write_text(f"{line},\n{line} ,\n{line}\n", encoding="utf-8")
    assert all(isinstance(one, Record) for one in records_in(path))


@pytest.mark.parametrize("name", ["faq.txt", "faq.md"])
def test_a_text_with_marked_questions_is_data(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(
        "常见问题\n\n问：怎么退货？\n答：七天内可退。\n\n问2：运费谁付？\n答2：买家付。\n质量问题除外。\n\n"
        "**Q:** Is it open?\n**A:** Yes, daily.\n",
        encoding="utf-8",
    )
    assert [one.last for one in records_in(path) if isinstance(one, Record)] == [
        PAIR,
        Turn(user="运费谁付？", answer="买家付。\n质量问题除外。"),
        Turn(user="Is it open?", answer="Yes, daily."),
    ]


def test_a_workbook_is_read_sheet_by_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    first.append([])
    first.append(["工单号", "日期", "问题", "回答"])
    first.append([1, datetime.date(2026, 1, 2), PAIR.user, PAIR.answer])
    first.append([None, None, None, None])
    first.append([2, None, "几天到？", 3.0])
    second = book.create_sheet("more")
    second.append(["question", "answer"])
    second.append(["q", None])
    book.save(tmp_path / "a.xlsx")
    one, two, three = records_in(tmp_path / "a.xlsx")
    assert isinstance(one, Record)
    assert isinstance(two, Record)
    assert one.turns == (PAIR,)
    assert (two.last.answer, two.source) == ("3", "a.xlsx:2")
    assert isinstance(three, RejectedRow)
    assert three.message.localize("en") == "a.xlsx: row 3: no answer"


def test_a_parquet_file_is_read_with_its_lists(tmp_path: Path) -> None:
    rows = [{"messages": MESSAGES, "score": 1.0}] * 3
    table = pyarrow.Table.from_pylist(rows)
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    read = records_in(tmp_path / "a.parquet")
    assert [one.turns for one in read if isinstance(one, Record)] == [(PAIR,)] * 3


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet"])
def test_a_damaged_table_is_one_clear_error(name: str, tmp_path: Path) -> None:
    mark = b"PAR1" if name.endswith("parquet") else b"PK\x03\x04"
    (tmp_path / name).write_bytes(mark + b"\0" * 200)
    with pytest.raises(DataError, match="can be read") as raised:
        records_in(tmp_path / name)
    assert "CSV" in str(raised.value.hint)


def test_folders_and_documents_are_pointed_to_the_index(tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text("# Guide\n\nTurn it on.\n")
    for path in (tmp_path, tmp_path / "guide.md"):
        with pytest.raises(DataError, match="holds no rows") as raised:
            records_in(path)
        assert "finetune synthesize" in str(raised.value.hint)


def said(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"conversations": [{"from": who, "value": text} for who, text in turns]}


@pytest.mark.parametrize(
    ("row", "turns", "repair"),
    [
        (said(("gpt", "Hi!"), ("human", "q"), ("gpt", "a")), [("q", "a")], "greeting"),
        (
            said(("human", "q"), ("human", "and"), ("gpt", "a"), ("gpt", "b")),
            [("q\n\nand", "a\n\nb")],
            "joined",
        ),
        (said(("human", "q"), ("gpt", "a"), ("human", "bye")), [("q", "a")], "unanswered"),
        (
            said(("human", "q"), ("gpt", " "), ("human", "r"), ("gpt", "b")),
            [("q\n\nr", "b")],
            "empty",
        ),
        (
            said(("human", "q"), ("gpt", "a"), ("system", "s"), ("human", "r"), ("gpt", "b")),
            [("q", "a"), ("s\n\nr", "b")],
            "system",
        ),
    ],
)
def test_an_odd_turn_is_put_right_and_counted(
    row: dict[str, Any], turns: list[tuple[str, str]], repair: str
) -> None:
    notes = ReadingNotes()
    read = record(row, notes)
    assert [(turn.user, turn.answer) for turn in read.turns] == turns
    assert notes.repairs[repair] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**said(("human", "<image>q"), ("gpt", "a")), "images": ["a.png"]}, "picture"),
        (
            {"messages": [MESSAGES[0], {"role": "assistant", "tool_calls": [{"id": "1"}]}]},
            "call of a tool",
        ),
    ],
)
def test_what_is_no_text_is_refused_by_its_name(row: dict[str, Any], message: str) -> None:
    read = parse_row(RawRow(source="a:1", fields=row), AUTO)
    assert isinstance(read, RejectedRow)
    assert message in read.reason.localize("en")


def test_fields_that_nothing_uses_are_counted() -> None:
    notes = ReadingNotes()
    record({**said(("human", "q"), ("gpt", "a")), "tools": "[...]", "id": 3, "empty": ""}, notes)
    record({"question": "q", "answer": "a", "reasoning": "r", "tools": "[...]"}, notes)
    record({"messages": MESSAGES, "rating": "up", "reasons": ["wrong"], "rejected": "no"}, notes)
    record({"messages": MESSAGES, "passages": [{"text": "t"}], "document": "d"}, notes)
    weighted = [MESSAGES[0], {**MESSAGES[1], "weight": 0}]
    record({"messages": weighted}, notes)
    assert notes.unused == {"tools": 2, "reasoning": 1, "messages.weight": 1}


def prepared(folder: Path, rows: list[dict[str, Any]], **data: Any) -> tuple[Quality, list[str]]:
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "rows.jsonl").write_text(body, encoding="utf-8")
    tables = {"name": "t", "model": {"base": "none"}, "data": {"files": ["rows.jsonl"], **data}}
    recipe = parse_recipe(tables, source="t", folder=folder)
    progress = SilentProgress()
    quality = prepare(recipe, Run(folder / "run"), progress=progress)
    return quality, [note.localize("en") for note in progress.notes]


def test_one_question_with_two_answers_is_told_with_both(tmp_path: Path) -> None:
    rows = [{"question": f"问题{n}？", "answer": f"答案{n}。"} for n in range(20)]
    rows += [
        {"question": "问题3？", "answer": "不清楚。"},
        {"question": "问题5", "answer": "别问。"},
    ]
    quality, notes = prepared(tmp_path, rows)
    assert (quality.conflicts.questions, quality.conflicts.rows) == (2, 4)
    first = quality.conflicts.examples[0]
    assert first.answers == ("答案3。", "不清楚。")
    assert first.sources == ("rows.jsonl:4", "rows.jsonl:21")
    assert any("“答案3。” (rows.jsonl:4) and “不清楚。” (rows.jsonl:21)" in one for one in notes)
    page = (tmp_path / "run" / "data" / "quality.html").read_text(encoding="utf-8")
    assert "别问。" in page
    assert quality.figures()["conflicts"] == 2


def test_the_same_words_in_another_conversation_are_no_conflict(tmp_path: Path) -> None:
    rows = [
        {"instruction": "继续", "output": f"{n}", "history": [[f"第{n}", "好"]]} for n in range(20)
    ]
    rows += [{"instruction": "你是谁", "output": one, "system": one} for one in ("甲", "乙")]
    assert prepared(tmp_path, rows)[0].conflicts.questions == 0


def test_answers_that_training_has_are_told(tmp_path: Path) -> None:
    rows = [{"question": f"问题{n}", "answer": "请联系客服。"} for n in range(30)]
    quality, notes = prepared(tmp_path, rows)
    held = quality.written.records["val"]
    assert quality.figures()["answer_leaks"] == held
    assert any(
        f"{held} of {held} answers of val are in train word for word" in one for one in notes
    )


PERSON = "联系人：王小明，电话 13812345678，邮箱 wang@mail.cn，身份证 11010519491231002X。"


def test_personal_data_is_counted_and_masked_where_asked_for(tmp_path: Path) -> None:
    rows = [{"question": f"问题{n}", "answer": f"第{n}条。"} for n in range(20)]
    rows += [{"question": "怎么联系？", "answer": PERSON}]
    quality, notes = prepared(tmp_path, rows)
    assert quality.personal == {"email": 1, "id_card": 1, "phone": 1, "name": 1}
    assert any("rows with personal data" in one and '"personal"]' in one for one in notes)
    steps = ["unicode", "spaces", "html", "personal", "control_tokens"]
    masked, _ = prepared(tmp_path, rows, clean=steps)
    assert masked.personal == {}
    texts = "".join(path.read_text("utf-8") for path in (tmp_path / "run/data").glob("*.jsonl"))
    assert "联系人：[姓名]，电话 [电话]，邮箱 [邮箱]，身份证 [身份证号]。" in texts
    assert "13812345678" not in texts


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Call +44 20 7946 0958 or mail a.b@c.org", "Call [phone] or mail [email]"),
        ("卡号 6222 0212 0000 0000 006", None),
        ("Card 4111 1111 1111 1111 expires", "Card [card number] expires"),
        ("身份证 110105194912310021 号", None),
        ("订单 20260102138123456789", None),
        ("价格 13800 元，共 1234567 件", None),
        ("姓名：欧阳娜娜", "姓名：[姓名]"),
        ("请填写姓名：并签字确认后寄回", None),
        ("name: Jane Doe, age 30", "name: [name], age 30"),
        ("π = 3.14159265358979", None),
    ],
)
def test_only_what_has_the_form_and_the_check_is_masked(text: str, masked: str | None) -> None:
    assert mask_personal(text, 0) == (masked or text)


def test_key_rows_that_are_nowhere_are_told(tmp_path: Path) -> None:
    rows = [{"question": f"问题{n}", "answer": f"第{n}条。"} for n in range(20)]
    _, notes = prepared(tmp_path, rows, oversample=[{"match": "15GB", "times": 5}])
    assert notes == ["data.oversample has no effect: no training row holds what it names"]
    _, notes = prepared(tmp_path, rows, oversample=[{"match": "问题", "times": 2}])
    assert notes == []


def test_a_clean_set_has_nothing_to_tell(tmp_path: Path) -> None:
    rows = [{"question": f"问题{n}", "answer": f"第{n}条。"} for n in range(20)]
    quality, notes = prepared(tmp_path, rows)
    assert list(row_notes(quality)) == []
    assert notes == []


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["问题", "回答", "回答"])
    book.active.append(["几点开门？", "九点。", "待定备注"])
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(DataError, match="two columns are called 回答"):
        records_in(tmp_path / "a.xlsx")


def test_a_workbook_whose_sheet_is_cut_is_an_error_in_a_line(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for n in range(50):
        book.active.append([f"问题{n}", f"回答{n}"])
    book.save(tmp_path / "whole.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "whole.xlsx") as whole,
        zipfile.ZipFile(tmp_path / "cut.xlsx", "w") as cut,
    ):
        for name in whole.namelist():
            body = whole.read(name)
            cut.writestr(name, body[: len(body) // 2] if "sheet1" in name else body)
    with pytest.raises(DataError, match="no workbook that can be read"):
        records_in(tmp_path / "cut.xlsx")
