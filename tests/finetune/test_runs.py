import json
from pathlib import Path

import filelock
import pytest

from finetune.errors import FinetuneError, RecipeError, TrainingError
from finetune.records import Entity, Record, Turn, from_json, to_json
from finetune.runs import Run, digest_of, write_atomically
from ingest.foundation.messages import Message

RECORD = Record(
    id="ab12",
    system="be brief",
    turns=(Turn(user="a", answer="b"), Turn(user="c", think="d", answer="e")),
    label="yes",
    entities=(Entity(label="sum", text="5", start=0, end=1),),
    group="g",
    source="rows.csv:2",
    document="long",
    offset=40,
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "runs" / "small")


def test_records_come_back_as_they_were_written(run: Run) -> None:
    plain = Record(id="1", turns=(Turn(user="q", answer="a"),))
    lines = [json.dumps(to_json(record)) for record in (RECORD, plain)]
    write_atomically(run.data / "train.jsonl", "\n".join(lines) + "\n")
    assert list(run.records("train")) == [RECORD, plain]
    assert from_json(to_json(RECORD)) == RECORD


def test_data_that_is_missing_names_the_command(run: Run) -> None:
    with pytest.raises(RecipeError) as caught:
        list(run.records("val"))
    assert "finetune prepare" in caught.value.hint.localize("en")


@pytest.mark.parametrize("broken", [b"{", b"[]", b'{"id": "\xff"}'])
def test_a_broken_line_is_named(run: Run, broken: bytes) -> None:
    write_atomically(run.data / "val.jsonl", json.dumps(to_json(RECORD)) + "\n")
    with (run.data / "val.jsonl").open("ab") as file:
        file.write(broken + b"\n")
    with pytest.raises(RecipeError) as caught:
        list(run.records("val"))
    assert "line 2" in caught.value.message.localize("en")


def test_a_step_is_finished_for_the_same_inputs_only(run: Run) -> None:
    with run.step("train", "d1") as figures:
        figures["loss"] = 0.5
    assert run.is_finished("train", "d1")
    assert not run.is_finished("train", "d2")
    assert run.figures("train")["loss"] == 0.5


def test_a_step_that_fails_is_not_finished_and_forgets_the_one_before(run: Run) -> None:
    with run.step("train", "d1"):
        pass
    with pytest.raises(ZeroDivisionError), run.step("train", "d1"):
        raise ZeroDivisionError
    assert not run.is_finished("train", "d1")


def test_two_processes_do_not_write_into_one_run(run: Run) -> None:
    run.folder.mkdir(parents=True)
    with (
        filelock.FileLock(run.folder / ".lock"),
        pytest.raises(FinetuneError) as caught,
        run.step("train", "d"),
    ):
        pass
    assert "another process" in caught.value.message.localize("en")


def test_a_state_that_cannot_be_read_does_every_step_again(run: Run) -> None:
    with run.step("prepare", "d"):
        pass
    (run.folder / "state.json").write_text("{")
    assert not run.is_finished("prepare", "d")


def test_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_digest_follows_the_content_of_files_and_the_order_of_nothing(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_text("a")
    first = digest_of({"x": 1, "y": 2}, file)
    assert digest_of({"y": 2, "x": 1}, file) == first
    file.write_text("b")
    assert digest_of({"x": 1, "y": 2}, file) != first


def test_a_step_that_refuses_its_inputs_leaves_what_it_did_before_finished(run: Run) -> None:
    with run.step("train", "d1"):
        pass
    with pytest.raises(RecipeError), run.step("train", "d2"):
        raise RecipeError(Message.bilingual("no sample is left", "没有剩下样本"))
    assert run.is_finished("train", "d1")


def test_a_step_that_breaks_off_is_no_longer_finished(run: Run) -> None:
    with run.step("train", "d1"):
        pass
    with pytest.raises(TrainingError), run.step("train", "d2"):
        raise TrainingError(Message.bilingual("no room left", "没有空间"))
    assert not run.is_finished("train", "d1")
