"""`finetune init --from FILE`: the recipe that fits a file, and what it shows of it."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from finetune.data.prepare import prepare
from finetune.errors import RecipeError
from finetune.own_recipe import guess_map, write_own_recipe
from finetune.progress import SilentProgress
from finetune.recipe import load_recipe
from finetune.runs import Run

TICKETS = [
    {
        "工单号": f"T{n}",
        "日期": "2026-01-02",
        "客户": "王先生",
        "客户提出的问题": f"第{n}号商品怎么退货？",
        "客服最终回复": f"第{n}号商品请在签收后七天内申请退货，运费由买家承担。",
        "状态": "已关闭",
    }
    for n in range(30)
]


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


def test_a_workbook_of_tickets_becomes_a_recipe_that_prepares(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(list(TICKETS[0]))
    for row in TICKETS:
        book.active.append(list(row.values()))
    book.save(tmp_path / "工单.xlsx")
    made = write_own_recipe(tmp_path / "工单.xlsx", "", tmp_path / "new")
    assert made.path == tmp_path / "new" / "工单.toml"
    assert made.map == {"question": "客户提出的问题", "answer": "客服最终回复"}
    assert [one.last.user for one in made.rows] == [row["客户提出的问题"] for row in TICKETS[:3]]
    recipe = load_recipe(made.path)
    quality = prepare(recipe, Run(tmp_path / "run"), progress=SilentProgress())
    assert quality.kept == 30


def test_files_of_chinese_names_have_recipes_and_runs_of_their_own(tmp_path: Path) -> None:
    made = []
    for stem in ("客服问答", "产品问答", "问答 2024"):
        path = tmp_path / f"{stem}.csv"
        path.write_text("问题,回答\n几点开门？,九点。\n几点关门？,六点。\n", encoding="utf-8")
        made.append(write_own_recipe(path, "", tmp_path).path)
    assert [path.name for path in made] == ["客服问答.toml", "产品问答.toml", "问答 2024.toml"]
    names = [load_recipe(path).name for path in made]
    assert len(set(names)) == 3
    assert names[2].startswith("2024-")


def test_known_names_need_no_map_and_lengths_fit(tmp_path: Path) -> None:
    rows = [{"query": f"q{n}", "response": "很长的回答。" * 400} for n in range(4)]
    made = write_own_recipe(write_jsonl(tmp_path / "my set.jsonl", rows), "", tmp_path)
    tables = tomllib.loads(made.path.read_text("utf-8"))
    assert tables["name"] == "my-set"
    assert "map" not in tables["data"]
    assert tables["data"]["files"] == ["my set.jsonl"]
    assert tables["train"]["max_tokens"] >= 2_400


def test_rows_of_the_index_are_split_by_page_and_labels_evenly(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    rows = [{"messages": messages, "passages": [], "document": f"d{n}"} for n in range(3)]
    made = write_own_recipe(write_jsonl(tmp_path / "a.jsonl", rows), "", tmp_path)
    assert load_recipe(made.path).data.split.group == "group"
    rows = [{"内容": f"电池{n}坏了", "问题类别": "电池" if n % 2 else "桨叶"} for n in range(40)]
    made = write_own_recipe(write_jsonl(tmp_path / "b.jsonl", rows), "", tmp_path)
    recipe = load_recipe(made.path)
    assert recipe.data.map == {"text": "内容", "label": "问题类别"}
    assert (recipe.data.split.stratify, recipe.evaluate.task) == ("label", "classify")


def test_thoughts_begin_with_a_base_that_thinks(tmp_path: Path) -> None:
    rows = [{"question": f"q{n}", "think": "hm", "answer": "a"} for n in range(4)]
    made = write_own_recipe(write_jsonl(tmp_path / "a.jsonl", rows), "mine", tmp_path)
    assert load_recipe(made.path).model.format == "r1-think"
    assert made.path.name == "mine.toml"


def test_what_tells_nothing_is_refused_with_its_fields(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"foo": "x", "bar": "y"}] * 5)
    with pytest.raises(RecipeError, match="foo, bar") as raised:
        write_own_recipe(path, "", tmp_path)
    assert "--set data.map.question=FIELD" in str(raised.value.hint)
    assert list(tmp_path.glob("*.toml")) == []
    told = write_own_recipe(path, "", tmp_path, ["data.map.question=foo", "data.map.answer=bar"])
    assert told.rows[0].last.answer == "y"
    assert load_recipe(told.path).data.map == {"question": "foo", "answer": "bar"}


def test_a_recipe_that_is_there_stays(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"question": "q", "answer": "a"}])
    (tmp_path / "a.toml").write_text("mine")
    with pytest.raises(RecipeError, match="is there already"):
        write_own_recipe(path, "", tmp_path)
    assert (tmp_path / "a.toml").read_text() == "mine"


def test_the_longest_text_is_the_answer_where_several_could_be() -> None:
    rows = [
        {"标题": "短", "问题描述": "怎么退货呢", "回复人": "小王", "回复": "请在七天内申请。"}
    ] * 6
    assert guess_map(rows) == {"question": "问题描述", "answer": "回复"}
    assert guess_map([]) == {}


def test_the_command_shows_three_rows_and_what_comes_next(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "t.jsonl", TICKETS)
    arguments = ["init", "--from", str(path), "--into", str(tmp_path), "--lang", "zh"]
    shown = subprocess.run(
        [sys.executable, "-m", "finetune", *arguments, "--set", "train.lr=2e-4"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert shown.stdout.strip() == str(tmp_path / "t.toml")
    assert "question 对应字段 客户提出的问题" in shown.stderr
    assert shown.stderr.count("怎么退货？ →") == 3
    assert f"下一步：finetune prepare {tmp_path / 't.toml'}" in shown.stderr
    assert load_recipe(tmp_path / "t.toml").train.lr == 2e-4
