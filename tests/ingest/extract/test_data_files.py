"""Data that people keep as text: JSON, a value a line, and notebooks; whole and cut off."""

import json
from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.extractor import read_file


def read(path: Path, body: str) -> Document:
    path.write_bytes(body.encode())
    return read_file(path)


@pytest.mark.parametrize(
    ("lines", "english", "chinese"),
    [
        (['{"a": "heron"}', "", '{"a": "otter"}', '{"a": "tru'], "line 4", "第 4 行无法读取"),
        (['{"a": "heron"}', '{"a": brok', '{"a": "otter"}'], "line 2", "第 2 行无法读取"),
        (["x", '{"a": "heron"}', '{"a": "otter"}', "x"], "lines 1, 4", "第 1, 4 行无法读取"),
        (['{"a": "heron"}', '{"a": "otter"}', "[" * 100_000], "line 3", "第 3 行无法读取"),
    ],
)
def test_line_that_is_no_json_costs_itself_alone(
    lines: list[str], english: str, chinese: str, tmp_path: Path
) -> None:
    document = read(tmp_path / "a.jsonl", "\n".join(lines))
    assert document.text == "- a: heron\n\n- a: otter"
    (note,) = document.notes
    assert note.localize("en") == f"{english} cannot be read"
    assert note.localize("zh") == chinese


def test_lines_that_are_no_json_are_counted_where_they_are_many(tmp_path: Path) -> None:
    body = '{"a": 1}\n' * 9 + "{\n" * 7
    (note,) = read(tmp_path / "a.ndjson", body).notes
    assert note.localize("en") == "7 lines cannot be read: 10, 11, 12, …"
    assert note.localize("zh") == "7 行无法读取（第 10, 11, 12 行……）"


def test_separator_of_lines_within_a_value_ends_no_line_of_json(tmp_path: Path) -> None:
    document = read(tmp_path / "a.jsonl", '{"a": "heron\u2028otter"}\r\n{"a": "ibis"}\r\n')
    assert document.text.endswith("- a: ibis")
    assert document.notes == ()


@pytest.mark.parametrize(
    ("name", "body", "place"),
    [
        ("a.json", '{"a": 1, "b": }', (1, 15)),
        ("a.json", '{\n "a": 1,\n "b" 2\n}', (3, 6)),
        ("a.geojson", '{"a": 1}\n{"b": 2}\nend', (2, 1)),
        ("a.jsonl", "Some notes.\nAnd more.\n{}", (1, 1)),
        ("a.ipynb", '{"cells": [}', (1, 12)),
    ],
)
def test_place_at_which_json_breaks_off_is_named(
    name: str, body: str, place: tuple[int, int], tmp_path: Path
) -> None:
    with pytest.raises(ExtractError) as caught:
        read(tmp_path / name, body)
    assert caught.value.reason == "unsupported"
    english, chinese = caught.value.localize("en"), caught.value.localize("zh")
    assert f"{name} is not valid JSON: line {place[0]}, column {place[1]}" in english
    assert f"第 {place[0]} 行第 {place[1]} 列" in chinese
    assert "protected" not in english


def test_values_a_line_under_the_name_of_json_and_one_value_a_file_are_both_read(
    tmp_path: Path,
) -> None:
    assert read(tmp_path / "a.json", '{"a": 1}\n{"a": 2}\n').text == "- a: 1\n\n- a: 2"
    whole = json.dumps({"name": "heron", "nests": [{"pond": 9}, {"pond": 4}]}, indent=1)
    assert "- pond: 9" in read(tmp_path / "a.jsonl", whole).text


@pytest.mark.parametrize("kind", ["error", "pyerr"])
def test_error_in_which_a_cell_ended_is_below_it_without_its_traceback(
    kind: str, tmp_path: Path
) -> None:
    error = {
        "output_type": kind,
        "ename": "KeyError",
        "evalue": "\x1b[0;31m'kg_per_plant'\x1b[0m",
        "traceback": ["\x1b[0;31m------\x1b[0m", "lib/frame.py in __getitem__"],
    }
    interrupt = {"output_type": kind, "ename": "KeyboardInterrupt", "evalue": "", "traceback": []}
    cell = {"cell_type": "code", "source": "df[1]", "outputs": [error, interrupt]}
    text = read(tmp_path / "a.ipynb", json.dumps({"cells": [cell]})).text
    assert text == "```\ndf[1]\n```\n\nKeyError: 'kg_per_plant'\n\nKeyboardInterrupt"
