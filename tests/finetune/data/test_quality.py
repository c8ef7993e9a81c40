import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.columns import CHECKS, FIELDS
from finetune.data.prepare import prepare
from finetune.data.quality import Leak, Quality, escape_cell, label_balance, measure_lengths
from finetune.data.quality_page import CHECK_NAMES, FIELD_NAMES, quality_notes, render_quality_page
from finetune.progress import SilentProgress
from finetune.recipe import parse_recipe
from finetune.runs import Run

FORMS = {
    "broken_characters": {"output": "乱码\ufffd\ufffd。"},
    "open_code": {"output": "```python\nprint(1)"},
    "echo": {"instruction": "原样重复的问题", "output": "原样重复的问题"},
    "cut_off": {"output": "这个回答在一句话的中间就忽然断掉了，" * 4 + "因为"},
    "bad_json": {"output": '{"risk": true, '},
}


def row(number: int, **more: str) -> dict[str, str]:
    return {"instruction": f"第 {number} 个问题是什么？", "output": f"第 {number} 个回答。", **more}


def quality_of(folder: Path, rows: list[dict[str, Any]], **data: Any) -> Quality:
    text = "\n".join(json.dumps(one, ensure_ascii=False) for one in rows)
    (folder / "rows.jsonl").write_text(text, encoding="utf-8")
    tables = {"name": "test", "model": {"base": "none"}, "data": {"files": ["rows.jsonl"], **data}}
    recipe = parse_recipe(tables, source="test", folder=folder)
    return prepare(recipe, Run(folder / "run"), progress=SilentProgress())


@pytest.mark.parametrize("check", FORMS)
def test_a_row_of_wrong_form_is_found_and_named(check: str, tmp_path: Path) -> None:
    quality = quality_of(tmp_path, [*map(row, range(20)), row(20, **FORMS[check])])
    assert [(found.check, found.count, found.examples) for found in quality.findings] == [
        (check, 1, ("rows.jsonl:21",))
    ]


def test_rows_in_good_form_are_not_suspected(tmp_path: Path) -> None:
    code = "```python\nprint(1)\n```"
    rows = [*map(row, range(20)), row(20, output=code), row(21, output='{"a": 1}')]
    assert quality_of(tmp_path, rows).findings == ()


def test_labels_are_counted_in_each_split(tmp_path: Path) -> None:
    rows = [{"text": f"第 {at} 句。", "label": "好" if at % 4 else "坏"} for at in range(80)]
    split = {"train": 0.75, "val": 0.25, "stratify": "label"}
    quality = quality_of(tmp_path, rows, reader="classify", split=split)
    assert {label: sum(counts.values()) for label, counts in quality.labels.items()} == {
        "好": 60,
        "坏": 20,
    }
    assert quality.labels["坏"]["val"] == pytest.approx(5, abs=1)
    assert quality.balance == pytest.approx(0.8113, abs=1e-4)


@given(st.integers(2, 50), st.integers(1, 1_000))
def test_equal_shares_have_a_balance_of_one(labels: int, rows: int) -> None:
    assert label_balance([rows] * labels) == 1.0


@given(st.lists(st.integers(0, 1_000), max_size=30))
def test_balance_lies_between_nothing_and_one(counts: list[int]) -> None:
    found = label_balance(counts)
    assert (found is None) == (not any(counts))
    assert found is None or 0 <= found <= 1


@given(st.lists(st.integers(0, 100_000), max_size=200))
def test_a_histogram_holds_every_row_that_is_not_empty(values: list[int]) -> None:
    found = measure_lengths(np.array(values, dtype=np.int64))
    held = [value for value in values if value]
    assert sum(one.count for one in found.bins) == len(held) == found.rows
    assert found.longest == max(held, default=0)
    for one in found.bins:
        inside = [at for at in held if one.least <= at and (at < one.below or not one.below)]
        assert len(inside) == one.count


def test_equal_answers_on_both_sides_are_counted_as_leaks(tmp_path: Path) -> None:
    quality = quality_of(tmp_path, [row(number, output="都一样。") for number in range(60)])
    (leak,) = quality.leaks
    assert (leak.questions, leak.answers) == (0, leak.rows)


def test_a_question_in_two_groups_is_reported_as_a_leak(tmp_path: Path) -> None:
    rows = [row(number % 30, group=f"来源{number}", output=f"回答{number}") for number in range(60)]
    quality = quality_of(tmp_path, rows, split={"train": 0.5, "val": 0.5, "group": "group"})
    assert quality.leaks[0].questions > 0
    assert "train" in next(quality_notes(quality)).localize("en")


def test_languages_of_questions_and_answers_are_counted_apart(tmp_path: Path) -> None:
    rows = [*map(row, range(6)), {"instruction": "What is the weight?", "output": "约 250 克。"}]
    assert quality_of(tmp_path, rows).languages == {"zh": 6, "en → zh": 1}


def test_missing_thinking_is_counted_and_noted(tmp_path: Path) -> None:
    rows = [row(at, output=f"<think>想想{at}</think>答{at}。") for at in range(10)]
    quality = quality_of(tmp_path, [*rows, row(10)])
    assert quality.missing["think"] == 1
    assert any("no thinking" in note.localize("en") for note in list(quality_notes(quality)))


def test_what_cleaning_changed_is_counted(tmp_path: Path) -> None:
    rows = [*map(row, range(9)), row(9, output="回答<|im_end|>完。")]
    assert quality_of(tmp_path, rows).cleaned["control_tokens"] == 1


def test_the_file_holds_what_was_returned(tmp_path: Path) -> None:
    quality = quality_of(tmp_path, [*map(row, range(20))])
    written = json.loads((tmp_path / "run" / "data" / "quality.json").read_text(encoding="utf-8"))
    assert written == json.loads(quality.to_json())
    assert written["kept"] == 20


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_spreadsheet_computes_nothing(text: str) -> None:
    assert escape_cell(text) == f"'{text}"


def test_a_cell_is_never_longer_than_excel_holds() -> None:
    assert len(escape_cell("字" * 50_000)) < 32_767


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_needs_nothing_from_elsewhere(language: Any, tmp_path: Path) -> None:
    text = render_quality_page(quality_of(tmp_path, [*map(row, range(20))]), language)
    assert f'<html lang="{language}">' in text
    assert not re.search(r"<script|<link|@import|url\(|src=|https?://", text)
    assert "prefers-color-scheme: dark" in text


def test_the_page_is_in_one_language(tmp_path: Path) -> None:
    quality = quality_of(
        tmp_path, [{"instruction": f"q {at}", "output": f"a {at}"} for at in range(9)]
    )
    assert not re.search(r"[\u4e00-\u9fff]", render_quality_page(quality, "en"))


def test_no_markup_of_a_row_reaches_the_page(tmp_path: Path) -> None:
    rows = [{"text": f"第 {at} 句。", "label": "<script>alert(1)</script>"} for at in range(9)]
    quality = quality_of(tmp_path, rows, reader="classify", clean=[])
    assert "&lt;script&gt;" in render_quality_page(quality, "zh")
    assert "<script" not in render_quality_page(quality, "zh")


def test_leaks_are_the_first_thing_that_the_page_tells(tmp_path: Path) -> None:
    quality = quality_of(tmp_path, [*map(row, range(19)), row(20, **FORMS["echo"])])
    leaking = replace(quality, leaks=(Leak(split="val", rows=9, questions=4, answers=0),))
    assert [note.localize("en")[:6] for note in list(quality_notes(leaking))] == [
        "4 of 9",
        "answer",
    ]


def test_each_field_and_check_has_a_name() -> None:
    assert set(CHECKS) == set(CHECK_NAMES)
    assert set(FIELDS) <= set(FIELD_NAMES)
