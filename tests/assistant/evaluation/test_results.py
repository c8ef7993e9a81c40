"""A saved run: added to, gone on with, and refused where it is none."""

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.errors import EvaluationFileError, EvaluationStoppedError
from assistant.evaluation.results import (
    QuestionResult,
    RunFile,
    RunHeader,
    is_saved_run,
    read_run,
)

HEADER = RunHeader(
    model="m",
    top_k=6,
    pages=3,
    language="zh",
    unsupported="mark",
    temperature=0.6,
    digest="abc",
)


def saved(path: Path, *results: QuestionResult) -> RunFile:
    file = RunFile(path)
    assert file.open(HEADER) == ()
    for result in results:
        file.add(result)
    return file


def result(key: str, **fields: object) -> QuestionResult:
    return QuestionResult(key=key, question=f"{key}?\u2028", **({"kind": "quotes"} | fields))  # type: ignore[arg-type]


def test_a_saved_run_comes_back_as_it_was(tmp_path: Path) -> None:
    one = result("a", verdicts={"supported": 2}, passages=("x", "y"), rank=2, f1=0.5, answer="é\n")
    path = tmp_path / "new" / "run.jsonl"
    saved(path, one)
    assert is_saved_run(path.read_text("utf-8"))
    run = read_run(path)
    assert (run.header, run.results, run.name) == (HEADER, (one,), "run")


def test_a_run_goes_on_and_asks_anew_what_failed(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    saved(path, result("a"), result("b", kind="failed", error="gone"))
    assert [one.key for one in RunFile(path).open(HEADER)] == ["a"]
    file = RunFile(path)
    file.open(HEADER)
    file.add(result("b"))
    assert [one.kind for one in read_run(path).results] == ["quotes", "quotes"]


def test_half_a_line_of_a_killed_process_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    saved(path, result("a"), result("b"))
    body = path.read_bytes()
    for cut in range(len(body) - 60, len(body)):
        path.write_bytes(body[:cut])
        assert [one.key for one in read_run(path).results] == ["a"]
    file = RunFile(path)
    assert [one.key for one in file.open(HEADER)] == ["a"]
    file.add(result("c"))
    assert [one.key for one in read_run(path).results] == ["a", "c"]


def test_a_run_of_another_model_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    saved(path, result("a"))
    before = path.read_bytes()
    for other in (
        {"model": "other"},
        {"top_k": 7},
        {"pages": 4},
        {"chunks": 1},
        {"space": "other"},
        {"language": "en"},
        {"unsupported": "drop"},
        {"temperature": 0.1},
        {"digest": "f00"},
    ):
        header = replace(HEADER, **other)  # type: ignore[arg-type]
        with pytest.raises(EvaluationFileError, match="holds a run with") as raised:
            RunFile(path).open(header)
        assert raised.value.exit_code == 2
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "body",
    [
        '{"question": "a?", "answer": "b"}\n',
        "no line end",
        '{"type": "run", "format": 99, "model": "m", "top_k": 6}\n',
    ],
)
def test_what_is_no_saved_run_is_refused_and_left_alone(body: str, tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(body)
    assert not is_saved_run(body)
    for use in (lambda: read_run(path), lambda: RunFile(path).open(HEADER)):
        with pytest.raises(EvaluationFileError, match="is no saved run"):
            use()
    assert path.read_text() == body


def test_a_broken_line_within_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    saved(path, result("a"), result("b"))
    lines = path.read_text().split("\n")
    path.write_text("\n".join([lines[0], "{}", *lines[2:]]))
    with pytest.raises(EvaluationFileError, match="line 2"):
        read_run(path)


def test_a_folder_is_no_file_to_save_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file" / "run.jsonl"):
        with pytest.raises(EvaluationFileError, match=r"cannot be written|no saved run|folder"):
            RunFile(path).open(HEADER)


def test_questions_side_by_side_and_what_was_not_kept_make_no_other_run(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    file = RunFile(path)
    file.open(RunHeader(model="m", top_k=6, pages=3))
    file.add(result("a"))
    file.close()
    assert [one.key for one in RunFile(path).open(replace(HEADER, jobs=4))] == ["a"]


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    first, second = RunFile(path), RunFile(path)
    first.open(HEADER)
    with pytest.raises(EvaluationFileError, match="another run writes"):
        second.open(HEADER)
    first.add(result("a"))
    first.close()
    assert [one.key for one in second.open(HEADER)] == ["a"]
    second.close()
    assert [one.name for one in tmp_path.iterdir()] == ["run.jsonl"]


def test_a_file_that_cannot_be_added_to_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    file = saved(path)
    path.unlink()
    path.mkdir()  # as a full disk does: fails at a line, not at the beginning
    with pytest.raises(EvaluationStoppedError, match="cannot be written") as raised:
        file.add(result("a"))
    assert raised.value.exit_code == 1
