"""Tables and lists as people really keep them: titles, merged cells, formulas, choices, pairs."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from finetune.data.files.opening import raw_rows
from finetune.data.personal import mask_personal
from finetune.data.readers import parse_row, read_records
from finetune.data.rows import RejectedRow
from finetune.errors import DataError, RecipeError
from finetune.own_recipe import guess_map, write_own_recipe
from finetune.recipe import DataTable
from finetune.records import RawRow, Record

AUTO = DataTable(files=("a.csv",))
PAIRS = [("怎么退货？", "七天内可退。"), ("几点开门？", "九点。")]


def pairs_in(path: Path, data: DataTable = AUTO) -> list[tuple[str, str]]:
    read = read_records(path, data)
    return [(one.last.user, one.last.answer) for one in read if isinstance(one, Record)]


def workbook(path: Path, rows: Sequence[Sequence[Any]], merged: Sequence[str] = ()) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    for one in merged:
        book.active.merge_cells(one)
    book.save(path)
    return path


ABOVE = [["2026年客服问答（内部）", "", ""], [], ["导出：", "2026-01-02", ""]]


@pytest.mark.parametrize(
    "names",
    [
        ("编号", "问题", "答案"),
        ("No.", "Customer query", "Reply text"),
    ],
)
def test_a_title_and_notes_above_the_header_are_passed_over(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    rows = [*ABOVE, names, *[(n, *pair) for n, pair in enumerate(PAIRS)]]
    data = (
        AUTO
        if "问题" in names
        else DataTable(files=("a",), map={"question": "Customer query", "answer": "Reply text"})
    )
    assert pairs_in(workbook(tmp_path / "a.xlsx", rows, ["A1:C1"]), data) == PAIRS
    text = "".join(";".join(map(str, row)) + "\n" for row in rows)
    (tmp_path / "a.csv").write_text(text, encoding="gb18030")
    assert pairs_in(tmp_path / "a.csv", data) == PAIRS


def test_names_of_columns_may_hold_line_ends_and_remarks(tmp_path: Path) -> None:
    names = ("序号", "问题\n（必填）", "答案 *")
    rows = [names, *((str(n), *pair) for n, pair in enumerate(PAIRS))]
    assert pairs_in(workbook(tmp_path / "a.xlsx", rows)) == PAIRS
    with (tmp_path / "a.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    assert pairs_in(tmp_path / "a.csv") == PAIRS


def test_a_table_without_a_header_is_told_apart_and_mapped(tmp_path: Path) -> None:
    for path in (tmp_path / "a.xlsx", tmp_path / "b.tsv"):
        if path.suffix == ".xlsx":
            workbook(path, PAIRS)
        else:
            path.write_text("".join("\t".join(pair) + "\n" for pair in PAIRS), encoding="utf-8")
        made = write_own_recipe(path, "", tmp_path)
        assert made.map == {"question": "column 1", "answer": "column 2"}
        assert [one.last.user for one in made.rows] == [pair[0] for pair in PAIRS]


def test_a_formula_without_its_value_is_told(tmp_path: Path) -> None:
    rows = [
        ["问题", "回答", "序号"],
        ["a？", '=CONCATENATE("b","c")', "=ROW()"],
        ["c？", "d", "=1"],
    ]
    first, second = read_records(workbook(tmp_path / "a.xlsx", rows), AUTO)
    assert isinstance(first, RejectedRow)
    assert "formula without its value" in first.reason.localize("en")
    assert isinstance(second, Record)
    only = workbook(tmp_path / "b.xlsx", rows[:2])
    with pytest.raises(RecipeError, match="formula without its value"):
        write_own_recipe(only, "", tmp_path)


def test_cells_merged_downwards_count_for_each_row(tmp_path: Path) -> None:
    rows = [["类别", "文本"], ["售后", "a"], [None, "b"], ["物流", "c"], [None, "d"]]
    path = workbook(tmp_path / "a.xlsx", rows, ["A2:A3", "A4:A5"])
    read = [one for one in read_records(path, AUTO) if isinstance(one, Record)]
    assert [(one.last.user, one.label) for one in read] == [
        ("a", "售后"),
        ("b", "售后"),
        ("c", "物流"),
        ("d", "物流"),
    ]


def test_a_sheet_of_notes_is_counted_and_not_held_against_the_file(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in ("本表由客服部维护。", "请勿改动列名。", "每周更新。"):
        book.active.append([line])
    sheet = book.create_sheet("问答")
    for row in (("问题", "答案"), *PAIRS):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    rejected = [r for r in read_records(tmp_path / "a.xlsx", AUTO) if isinstance(r, RejectedRow)]
    assert [one.is_expected for one in rejected] == [True, True]
    assert pairs_in(tmp_path / "a.xlsx") == PAIRS


def test_other_wordings_of_a_question_are_rows_of_one_group(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "标准问题,相似问题,答案\n怎么退货？,如何退货？|退货流程,七天内可退。\n", "utf-8"
    )
    read = [one for one in read_records(path, AUTO) if isinstance(one, Record)]
    assert [one.last.user for one in read] == ["怎么退货？", "如何退货？", "退货流程"]
    assert {(one.last.answer, one.group) for one in read} == {("七天内可退。", "怎么退货？")}
    assert len({one.id for one in read}) == 3


CHOICE = "哪项正确？\nA. 远火\nB. 上床"


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        (
            {"题目": "哪项正确？", "选项a": "远火", "选项b": "上床", "答案": "A"},
            "A. 远火",
        ),
        (
            {"question": "哪项正确？", "A": "远火", "B": "上床", "answer": "b"},
            "B. 上床",
        ),
        (
            {"question": "哪项正确？", "options": ["远火", "上床"], "answer": 1},
            "B. 上床",
        ),
        (
            {
                "question": "哪项正确？",
                "choices": {"text": ["远火", "上床"]},
                "answer": "AB",
            },
            "A. 远火\nB. 上床",
        ),
        (
            {
                "question": "哪项正确？",
                "options": {"A": "远火", "B": "上床"},
                "answer": "A",
                "解析": "热会损坏电池。",
            },
            "A. 远火\n\n热会损坏电池。",
        ),
    ],
)
def test_a_choice_is_asked_with_its_options(row: dict[str, Any], answer: str) -> None:
    read = parse_row(RawRow(source="a:1", fields=row), AUTO)
    assert isinstance(read, Record), read
    assert (read.last.user, read.last.answer) == (CHOICE, answer)


@pytest.mark.parametrize(
    ("options", "answer", "said"),
    [
        (["AB", "A", "B", "O"], "AB", "A. AB"),
        (["b", "c", "a"], "a", "C. a"),
        (["x", "y"], "B", "B. y"),
        (["x", "y"], "y", "B. y"),
        (["1", "2", "3"], 1, "B. 2"),
        (["1", "2", "3"], "1", "A. 1"),
        (["A. x", "B. y"], "B", "B. y"),
        (["A. x", "B. y"], "B. y", "B. y"),
        ({"A": "B", "B": "A"}, "A", "A. B"),
        ({"A": "A、x", "B": "B、y"}, "a", "A. x"),
        ({"1": "x", "2": "y"}, 1, "1. x"),
        ({"label": ["1", "2"], "text": ["x", "y"]}, "2", "2. y"),
        ([{"key": "A", "text": "x"}, {"key": "B", "text": "y"}], "B", "B. y"),
        ([{"content": "x"}, {"content": "y"}], "B", "B. y"),
    ],
)
def test_an_option_is_answered_with_its_letter_once(options: Any, answer: Any, said: str) -> None:
    row = {"question": "q", "options": options, "answer": answer}
    read = parse_row(RawRow(source="a:1", fields=row), AUTO)
    assert isinstance(read, Record), read
    assert read.last.answer == said
    assert said in read.last.user.splitlines()


@pytest.mark.parametrize("answer", ["E", "1", 2])
def test_an_answer_that_is_no_option_is_refused(answer: Any) -> None:
    row = {"question": "q", "A": "a", "B": "b", "answer": answer}
    read = parse_row(RawRow(source="a:1", fields=row), AUTO)
    assert isinstance(read, RejectedRow)
    assert "none of the options" in read.reason.localize("en")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "问：哪项？\nA：火\nB：水\n答案：A\n\n问：几点？\n答：九点。\n",
            [("哪项？\nA： 火\nB：水", "A"), ("几点？", "九点。")],
        ),
        ("Q: Which?\nA: one\nB: two\nAnswer: B\n", [("Which?\nA: one\nB: two", "B")]),
        ("Q: Open?\nA: Yes.\nBring a coat.\n", [("Open?", "Yes.\nBring a coat.")]),
        ("- Q: 怎么退货？\n- A: 七天内可退。\n", PAIRS[:1]),
        ("1. 问题：怎么退货？\n   答案：七天内可退。\n", PAIRS[:1]),
        ("【问】怎么退货？\n【答】七天内可退。\n", PAIRS[:1]),
        ("问：怎么退货？ 答：七天内可退。\n问：几点开门？ 答：九点。\n", PAIRS),
        ("Q1. 怎么退货？\nA1. 七天内可退。\nQ2. 几点开门？\nA2. 九点。\n", PAIRS),
        (
            "1、怎么退货？\n答：分两步：\n1. 申请\n2. 寄回\n\n2、几点开门？\n答：九点。\n",
            [("怎么退货？", "分两步：\n1. 申请\n2. 寄回"), PAIRS[1]],
        ),
    ],
)
def test_marks_of_questions_and_answers_are_known(
    text: str, expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert pairs_in(tmp_path / "a.txt") == expected


@pytest.mark.parametrize("header", ["", "常见问题\n"])
def test_one_column_may_hold_questions_and_answers_in_turn(header: str, tmp_path: Path) -> None:
    cells = "问：怎么退货？\n答：七天内可退。\n问：几点开门？\n答：九点。\n"
    (tmp_path / "a.csv").write_text(header + cells, encoding="utf-8")
    assert pairs_in(tmp_path / "a.csv") == PAIRS
    book = openpyxl.Workbook()
    for line in f"{header}{cells}".splitlines():
        book.active.append([line])
    book.save(tmp_path / "a.xlsx")
    assert pairs_in(tmp_path / "a.xlsx") == PAIRS


@pytest.mark.parametrize(
    "cells",
    [
        ["问题：城市内涝怎么来的？看排水就知道。", "长江全长6300公里。", "北京是首都。"],
        ["问题：2+2？答案：4", "问题：3+3？答案：6", "问题：5+5？答案：10"],
        ["Q: hi", *(f"<|im_start|>user {n}<|im_end|>" for n in range(50))],
    ],
)
def test_texts_of_one_column_of_which_the_first_asks_stay_rows(
    cells: list[str], tmp_path: Path
) -> None:
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([cell] for cell in cells)])
    rows = list(raw_rows(tmp_path / "a.csv", encoding="utf-8", limit=1_000))
    assert [row.fields for row in rows if isinstance(row, RawRow)] == [
        {"text": cell} for cell in cells
    ]


def test_an_answer_of_many_rows_is_no_longer_than_a_row_may_be(tmp_path: Path) -> None:
    cells = ["Q: hi", "A: hello", *("b" * 300 for _ in range(50)), "Q: who?", "A: me"]
    (tmp_path / "a.csv").write_text("\n".join(["text", *cells]), encoding="utf-8")
    first, second = raw_rows(tmp_path / "a.csv", encoding="utf-8", limit=1_000)
    assert isinstance(first, RejectedRow)
    assert "1,000 bytes" in str(first.reason)
    assert isinstance(second, RawRow)
    assert second.fields == {"question": "who?", "answer": "me"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps(dict([*PAIRS, ("还有吗？", "没有。")]))),
        ("a.json", json.dumps([*PAIRS, ("还有吗？", "没有。")])),
        ("a.jsonl", "\n".join(map(repr, [{"question": q, "answer": a} for q, a in PAIRS]))),
        (
            "a.txt",
            "| 问题 | 答案 |\n| --- | :--: |\n" + "".join(f"| {q} | {a} |\n" for q, a in PAIRS),
        ),
    ],
)
def test_pairs_without_the_names_of_fields_are_read(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert pairs_in(tmp_path / name)[:2] == PAIRS


def test_questions_of_a_paragraph_come_with_it_and_stay_together(tmp_path: Path) -> None:
    asked = [
        {"question": "保修多久？", "answers": [{"text": "一年", "answer_start": 0}]},
        {"question": "多重？", "answers": [], "is_impossible": True},
    ]
    article = {"title": "t", "paragraphs": [{"context": "保修一年。", "qas": asked}]}
    (tmp_path / "a.json").write_text(json.dumps({"version": "1", "data": [article]}))
    one, two = read_records(tmp_path / "a.json", AUTO)
    assert isinstance(one, Record)
    assert (one.last.user, one.last.answer) == ("保修多久？\n保修一年。", "一年")
    assert one.group
    assert isinstance(two, RejectedRow)


def test_yaml_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- question: q\n  answer: a\n")
    with pytest.raises(DataError, match="is YAML"):
        pairs_in(tmp_path / "a.yaml")


def test_what_is_the_same_in_many_rows_is_no_question() -> None:
    rows = [
        {"subject": "Order", "description": f"Where is parcel {n}?", "resolution": f"Sent {n}."}
        for n in range(8)
    ]
    assert guess_map(rows) == {"question": "description", "answer": "resolution"}
    rows = [{"foo": f"Is it {n}?", "bar": f"It is {n}."} for n in range(8)]
    assert guess_map(rows) == {"question": "foo", "answer": "bar"}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("手机：１３８１２３４５６７８", "手机：[电话]"),
        ("邮箱 ｗａｎｇ＠ｍａｉｌ．ｃｎ。", "邮箱 [邮箱]。"),
        ("电话（010）62345678", "电话[电话]"),
        ("打138.1234.5678", "打[电话]"),
        ("号码一三八一二三四五六七八", "号码[电话]"),
        ("Call 415-555-0134.", "Call [phone]."),
        ("身份证 110105 19491231 002X", "身份证 [身份证号]"),
        ("护照号：E12345678", "护照号：[护照号]"),
        ("微信：wang_xm88 加我", "微信：[账号] 加我"),
        ("收货地址：北京市海淀区中关村大街27号1101室，谢谢", "收货地址：[地址]，谢谢"),
        ("My SSN is 123-45-6789.", "My SSN is [ID number]."),
        ("Customer name: Jane Doe", "Customer name: [name]"),
        ("姓名：公孙胜", "姓名：[姓名]"),
        ("姓名：不详", None),
        ("姓名：必填", None),
        ("姓名：性别：年龄：", None),
        ("联系人：客服部", None),
        ("File name: Main Window", None),
        ("Product name: Surface Pro", None),
        ("Name: Not Available", None),
        ("服务热线 400-800-1234", None),
        ("part 123-45-6789", None),
        ("ISBN 978-7-111-12345-6", None),
        ("网站地址：www.x.cn", None),
        ("一二三四五六七八九十一二", None),
        ("![](icon@2x.png) logo@3x.jpeg", None),
        ("git clone git@github.com:foo/bar.git, pkg@1.2.beta", None),
        ("mail foo@163.com: now", "mail [email]: now"),
        ("offset +86400000000", None),
        ("call +8613812345678", "call [phone]"),
        ("订单号13812345678，编号：15012345678，ID 13812345678", None),
        ("手机号13812345678，微信号13812345678", "手机号[电话]，微信号[电话]"),
        ("快递单号13812345678，电话13812345678", "快递单号13812345678，电话[电话]"),
        ("经办人：甲方；收件人：全体员工；申请人：企业法人", None),
        ("申请人：学生；负责人：校长；负责人：总监；负责人：项目经理；负责人：班主任", None),
        ("联系人：行政；签收人：家人；负责人：高经理；申请人：高中生", None),
        (
            "联系人：欧阳锋；收件人：李春生；申请人：陈东方",
            "联系人：[姓名]；收件人：[姓名]；申请人：[姓名]",
        ),
        ("联系人：约翰·史密斯", "联系人：[姓名]"),
        ("联系人：单位；申请人：顾客；负责人：施工方；经办人：房东", None),
        ("Full Name: Jane Doe", "Full Name: [name]"),
        ("Name: New York", None),
        ("Product: X\nName: Visual Studio Code", None),
        ("Name: Max Length", None),
        ("Your name: Type Here", None),
        ("Name: Jane Doe\nPhone: none", "Name: [name]\nPhone: none"),
        ("访问地址：见网站首页路由1号", None),
    ],
)
def test_people_are_masked_and_what_only_looks_like_them_is_left(
    text: str, masked: str | None
) -> None:
    assert mask_personal(text, 0) == (masked or text)


def test_a_bar_in_a_row_of_markdown_ends_no_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("| question | answer |\n|---|---|\n| What sorts? | ls \\| sort |\n")
    assert pairs_in(path) == [("What sorts?", "ls | sort")]
