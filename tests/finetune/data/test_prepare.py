import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetune.data.prepare import prepare
from finetune.data.quality import Quality
from finetune.errors import DataError
from finetune.progress import SilentProgress
from finetune.recipe import parse_recipe
from finetune.runs import Run

BAD = {"instruction": "没有回答的问题"}


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"instruction": f"第 {number} 个问题是什么？", "output": f"第 {number} 个回答。", **more}


def prepared(folder: Path, rows: list[Any], name: str = "rows.jsonl", **data: Any) -> Quality:
    lines = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in rows]
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    tables = {"name": "test", "model": {"base": "none"}, "data": {"files": [name], **data}}
    recipe = parse_recipe(tables, source="test", folder=folder)
    return prepare(recipe, Run(folder / "run"), progress=SilentProgress())


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    text = (folder / "run" / "data" / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def questions(folder: Path, split: str) -> list[str]:
    return [record["turns"][-1]["user"] for record in lines(folder, f"{split}.jsonl")]


kinds = st.lists(st.sampled_from(["new", "again", "bad", "broken"]), min_size=30, max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(kinds, st.sampled_from(["off", "exact", "near"]))
def test_every_row_is_kept_or_counted(tmp_path: Path, rows: list[str], dedupe: str) -> None:
    made: list[Any] = [row(1), row(2)]
    for number, kind in enumerate(rows, start=3):
        made.append({"new": row(number), "again": row(1), "bad": BAD, "broken": "{"}[kind])
    quality = prepared(tmp_path, made, dedupe=dedupe, max_bad_share=1)
    assert quality.rows == len(made)
    assert quality.rows == quality.kept + quality.exact + quality.near + quality.quarantined
    assert quality.exact == (0 if dedupe == "off" else rows.count("again"))
    assert quality.quarantined == rows.count("bad") + rows.count("broken")
    assert len(lines(tmp_path, "quarantine.jsonl")) == quality.quarantined
    assert len(lines(tmp_path, "duplicates.jsonl")) == quality.exact + quality.near
    written = [questions(tmp_path, split) for split in ("train", "val", "test")]
    assert sum(map(len, written)) == quality.kept
    assert not set(written[0]) & set(written[1])


def test_answers_that_nobody_corrected_say_nothing_of_how_the_file_is_read(tmp_path: Path) -> None:
    rows = []
    for n in range(9):
        answer = [] if n % 3 else [{"role": "assistant", "content": f"a{n}"}]
        question = [{"role": "user", "content": f"q{n}"}]
        rating = "up" if answer else "down"
        rows.append({"messages": [*question, *answer], "rating": rating, "reasons": []})
    quality = prepared(tmp_path, rows)
    assert (quality.rows, quality.kept, quality.quarantined) == (9, 3, 6)


def test_a_bad_row_lies_in_quarantine_with_its_reason(tmp_path: Path) -> None:
    quality = prepared(tmp_path, [*map(row, range(9)), BAD])
    assert quality.quarantined == 1
    (bad,) = lines(tmp_path, "quarantine.jsonl")
    assert bad["source"] == "rows.jsonl:10"
    assert "没有回答的问题" in bad["raw"]
    assert bad["reason"]["en"]
    assert bad["reason"]["zh"]


def test_a_duplicate_is_named_with_the_row_that_it_repeats(tmp_path: Path) -> None:
    prepared(tmp_path, [*map(row, range(9)), row(3)])
    assert lines(tmp_path, "duplicates.jsonl") == [
        {"source": "rows.jsonl:10", "of": "rows.jsonl:4", "kind": "exact", "similarity": 1.0}
    ]


def test_a_row_that_is_nearly_another_goes_only_if_asked_for(tmp_path: Path) -> None:
    long = (
        "请检查桨叶、电池、返航高度和图传信号，确认周围没有人群、电线与高楼，再缓慢升空，全程保持目视。"
        * 3
    )
    rows = [*map(row, range(9)), row(10, output=long), row(10, output=long + "好的")]
    assert prepared(tmp_path, rows).kept == 11
    quality = prepared(tmp_path, rows, dedupe="near")
    assert (quality.kept, quality.near) == (10, 1)
    assert lines(tmp_path, "duplicates.jsonl")[0]["of"] == "rows.jsonl:10"


def test_too_many_bad_rows_stop_with_the_reasons_and_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        prepared(tmp_path, [*map(row, range(6)), BAD, "{", BAD, BAD])
    error = caught.value.localize("en")
    assert "4 of 10 rows" in error
    assert "rows.jsonl:7, rows.jsonl:9, rows.jsonl:10" in error
    assert "quarantine.jsonl" in error
    assert "\n" not in error
    assert len(lines(tmp_path, "quarantine.jsonl")) == 4
    assert not (tmp_path / "run" / "data" / "train.jsonl").exists()


def test_without_a_good_row_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 of 2 rows cannot be used"):
        prepared(tmp_path, [BAD, BAD], max_bad_share=1)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows\.jsonl"):
        prepared(tmp_path, [])


def test_one_row_is_refused_unless_all_is_for_training(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="validate"):
        prepared(tmp_path, [row(1)])
    quality = prepared(tmp_path, [row(1)], split={"train": 1, "val": 0})
    assert quality.written.records == {"train": 1, "val": 0, "test": 0}


def test_a_disk_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="run"):
        prepared(tmp_path, [*map(row, range(9))])


def test_strata_without_labels_are_reported(tmp_path: Path) -> None:
    text = "\n".join(json.dumps(row(number)) for number in range(9))
    (tmp_path / "rows.jsonl").write_text(text, encoding="utf-8")
    data = {"files": ["rows.jsonl"], "split": {"stratify": "label"}}
    tables = {"name": "test", "model": {"base": "none"}, "data": data}
    progress = SilentProgress()
    recipe = parse_recipe(tables, source="test", folder=tmp_path)
    prepare(recipe, Run(tmp_path / "run"), progress=progress)
    assert "no row has a label" in progress.notes[0].localize("en")


def test_key_rows_are_repeated_in_training_only(tmp_path: Path) -> None:
    rule = [{"match": "问题", "times": 4}]
    quality = prepared(tmp_path, [*map(row, range(40))], oversample=rule)
    trained, held_out = quality.splits["train"], quality.splits["val"]
    assert quality.written.records == {"train": 4 * trained, "val": held_out, "test": 0}
    assert quality.written.oversampled == 3 * trained


def test_varied_questions_never_ask_what_a_held_out_row_asks(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("无人机,飞行器", encoding="utf-8")
    rows = [
        {"instruction": f"{word}在{number}级风里能飞吗？", "output": f"{number}：{word}看情况。"}
        for number in range(40)
        for word in ("无人机", "飞行器")
    ]
    vary = {"copies": 1, "methods": ["synonyms"], "synonyms": "words.txt"}
    quality = prepared(tmp_path, rows, augment=vary)
    assert quality.written.leaking > 0
    assert quality.written.augmented > 0
    assert not set(questions(tmp_path, "train")) & set(questions(tmp_path, "val"))


def test_windows_of_one_text_stand_in_one_split(tmp_path: Path) -> None:
    rows = [
        {
            "text": f"合同{number}。" + "双方应当按时履行约定。" * 20 + f"甲方是公司{number}。",
            "entities": [{"label": "甲方", "text": f"公司{number}"}],
        }
        for number in range(20)
    ]
    quality = prepared(
        tmp_path,
        rows,
        reader="entities",
        window={"characters": 100, "overlap": 20},
        split={"train": 0.7, "val": 0.3, "group": "document"},
    )
    documents = [
        {record["document"] for record in lines(tmp_path, f"{split}.jsonl")}
        for split in ("train", "val")
    ]
    assert quality.written.windows > 0
    assert sum(quality.written.records.values()) == 20 + quality.written.windows
    assert not documents[0] & documents[1]
    assert len(documents[0] | documents[1]) == 20


def test_the_same_recipe_writes_the_same_bytes(tmp_path: Path) -> None:
    vary = {"copies": 2, "methods": ["punctuation", "typos"]}
    contents = []
    for _ in range(2):
        prepared(tmp_path, [*map(row, range(40))], augment=vary)
        found = sorted((tmp_path / "run" / "data").iterdir())
        contents.append({path.name: path.read_bytes() for path in found})
    assert contents[0] == contents[1]
    assert len(contents[0]) == 8


def test_rows_keep_their_split_when_rows_are_added(tmp_path: Path) -> None:
    prepared(tmp_path, [*map(row, range(100))])
    before = {split: set(questions(tmp_path, split)) for split in ("train", "val")}
    prepared(tmp_path, [*map(row, range(100, 150)), *map(row, range(100))])
    for split, asked in before.items():
        assert asked <= set(questions(tmp_path, split))


def test_a_tenth_of_the_rows_is_laid_out_for_people(tmp_path: Path) -> None:
    rows = [row(number) for number in range(300)] + [row(0, output="=1+1")]
    quality = prepared(tmp_path, rows)
    path = tmp_path / "run" / "data" / "sample.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == quality.sheet
    assert 15 <= quality.sheet <= 50
    assert {one["question"] for one in table} <= {made["instruction"] for made in rows}


def test_preparing_needs_no_torch_and_no_transformers(tmp_path: Path) -> None:
    code = (
        "import sys, finetune.data.prepare;"
        "print([name for name in ('torch', 'transformers', 'jinja2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_part_of_a_file_is_left_behind(tmp_path: Path) -> None:
    prepared(tmp_path, [*map(row, range(9))])
    assert {path.name for path in (tmp_path / "run" / "data").iterdir()} == {
        "train.jsonl",
        "val.jsonl",
        "test.jsonl",
        "quarantine.jsonl",
        "duplicates.jsonl",
        "quality.json",
        "quality.html",
        "sample.csv",
    }
