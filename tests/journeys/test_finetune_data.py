"""What goes wrong with data to learn from, in both languages: one line, nothing lost."""

import csv
import io
import json
import re
import sys
from pathlib import Path

import pytest

from tests.finetune_shell import (
    CHINESE,
    RECIPE,
    finetune,
    prepared_rows,
    quarantine,
    refused,
    rows,
    write_rows,
)
from tests.journeys.conftest import Shell, clean_environment

MEBIBYTE = 1 << 20


@pytest.fixture
def shell(home: Path, tmp_path: Path) -> Shell:
    """A shell in a folder with a recipe and rows to learn from; the base model is not there."""
    (tmp_path / "small.toml").write_text(RECIPE, encoding="utf-8")
    write_rows(tmp_path / "rows.jsonl", rows(20))
    return Shell(variables=clean_environment(home), folder=tmp_path)


@pytest.mark.parametrize("content", ["", "\n \n\n"], ids=["no-bytes", "blank-lines"])
def test_an_empty_data_file_is_named_and_earlier_data_stay(shell: Shell, content: str) -> None:
    finetune(shell, "prepare", "small.toml")
    (shell.folder / "rows.jsonl").write_text(content, encoding="utf-8")
    told = refused(shell, "prepare", "small.toml")
    assert told.count("rows.jsonl") == 2
    assert len(prepared_rows(shell)) == 20


def test_one_row_cannot_be_split_and_the_advice_works(shell: Shell) -> None:
    write_rows(shell.folder / "rows.jsonl", rows(1))
    told = refused(shell, "prepare", "small.toml")
    advice = re.findall(r'--set "(.+)"', told)
    assert len(advice) == 2
    finetune(shell, "prepare", "small.toml", "--set", advice[0])
    assert prepared_rows(shell) == ["第1问？第1答。"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_row_with_a_missing_field_is_named_and_counted_and_the_rest_goes_on(
    shell: Shell, language: str
) -> None:
    kept = rows(20)
    write_rows(shell.folder / "rows.jsonl", [*kept[:6], {"instruction": "第0问？"}, *kept[6:]])
    shown = finetune(shell, "prepare", "small.toml", "--json", "--lang", language)
    figures = json.loads(shown.stdout)
    assert (figures["rows"], figures["kept"], figures["quarantined"]) == (21, 20, 1)
    assert [row["source"] for row in quarantine(shell)] == ["rows.jsonl:7"]
    assert len(prepared_rows(shell)) == 20
    told = finetune(shell, "prepare", "small.toml", "--force", "--lang", language).stderr
    assert "rows.jsonl:7" in told
    assert "quarantine.jsonl" in told


def test_too_many_rows_with_missing_fields_stop_it_and_some_are_named(shell: Shell) -> None:
    write_rows(shell.folder / "rows.jsonl", [*rows(2), {"instruction": "第0问？"}])
    told = refused(shell, "prepare", "small.toml")
    assert told.count("rows.jsonl:3") == 2
    assert len(quarantine(shell)) == 1


def test_a_table_from_excel_in_gbk_is_read_rightly(shell: Shell) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, ["instruction", "output"])
    table.writeheader()
    table.writerows(rows(20))
    (shell.folder / "表格.csv").write_bytes(text.getvalue().encode("gbk"))
    finetune(shell, "prepare", "small.toml", "--set", 'data.files=["表格.csv"]')
    assert prepared_rows(shell) == sorted(f"第{n}问？第{n}答。" for n in range(1, 21))


def test_formats_may_be_mixed_in_one_file(shell: Shell) -> None:
    mixed = [
        {"instruction": "一？", "output": "1"},
        {"conversations": [{"from": "human", "value": "二？"}, {"from": "gpt", "value": "2"}]},
        {"messages": [{"role": "user", "content": "三？"}, {"role": "assistant", "content": "3"}]},
        {"data": ["问：四？", "答：4"]},
    ]
    write_rows(shell.folder / "rows.jsonl", mixed)
    finetune(shell, "prepare", "small.toml")
    assert prepared_rows(shell) == ["一？1", "三？3", "二？2", "四？4"]


MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""
"""A process of its own: what a child has used counts the memory of the process that forked it."""


def test_a_row_of_ten_megabytes_is_put_aside_and_never_held_in_memory(shell: Shell) -> None:
    command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "finetune", "prepare"]
    usual = int(shell(*command, "small.toml").stdout)
    long = {"instruction": "长" * (10 * MEBIBYTE // 3), "output": "短"}
    write_rows(shell.folder / "rows.jsonl", [*rows(10), long, *rows(20)[10:]])
    peak = int(shell(*command, "small.toml").stdout)
    assert [row["source"] for row in quarantine(shell)] == ["rows.jsonl:11"]
    assert len(str(quarantine(shell)[0]["raw"])) < 3_000
    assert len(prepared_rows(shell)) == 20
    assert peak - usual < 9 * MEBIBYTE


@pytest.mark.parametrize(
    "locale",
    [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
    ids=["as-python-reads-it", "truly-ascii"],
)
def test_a_locale_without_chinese_letters_changes_no_data(
    shell: Shell, locale: dict[str, str]
) -> None:
    narrow = Shell(variables={**shell.variables, **locale}, folder=shell.folder)
    finetune(narrow, "prepare", "small.toml", "--lang", "zh")
    assert prepared_rows(shell) == sorted(f"第{n}问？第{n}答。" for n in range(1, 21))
    assert "error: " in finetune(narrow, "merge", "small.toml", code=2).stderr
    quality = shell.folder / "runs" / "small" / "data" / "quality.html"
    assert CHINESE.search(quality.read_text(encoding="utf-8"))
