"""Log, summary and plots of a training can be read, by people and by programs."""

import json
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from finetune.errors import TrainingError
from finetune.train.log import LogEntry, TrainLog, best_evaluation, read_log, read_summary
from finetune.train.plots import draw_curves

SVG = "{http://www.w3.org/2000/svg}"


def entry(step: int, **values: float) -> LogEntry:
    return LogEntry(
        step=step, epoch=step / 4, tokens=step * 100, seconds=step * 0.5, peak_memory=1, **values
    )


CURVE = [
    entry(1, loss=8.0, lr=0.0),
    entry(4, loss=2.0, lr=1e-4),
    entry(4, eval_loss=2.5),
    entry(8, loss=0.5, lr=5e-5),
    entry(8, eval_loss=1.5),
    entry(12, loss=0.1, lr=1e-5),
    entry(12, eval_loss=1.75),
]


def test_entries_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    log = TrainLog(tmp_path)
    for one in CURVE:
        log.add(one)
    assert list(read_log(tmp_path)) == CURVE == log.entries


def test_absent_values_leave_no_key(tmp_path: Path) -> None:
    TrainLog(tmp_path).add(entry(4, eval_loss=2.5))
    line = json.loads((tmp_path / "log.jsonl").read_text())
    assert line == {
        "step": 4,
        "epoch": 1.0,
        "tokens": 400,
        "seconds": 2.0,
        "peak_memory": 1,
        "eval_loss": 2.5,
    }


def test_a_resume_drops_the_entries_of_steps_that_are_taken_again(tmp_path: Path) -> None:
    log = TrainLog(tmp_path)
    for one in CURVE:
        log.add(one)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 13, "epo')  # as a killed process leaves it
    again = TrainLog(tmp_path, until=8)
    again.add(CURVE[5])
    assert list(read_log(tmp_path)) == CURVE[:6]


def test_a_new_training_begins_a_new_log(tmp_path: Path) -> None:
    TrainLog(tmp_path).add(CURVE[0])
    TrainLog(tmp_path)
    assert list(read_log(tmp_path)) == []


def test_a_process_that_does_not_write_leaves_the_log_alone(tmp_path: Path) -> None:
    TrainLog(tmp_path).add(CURVE[0])
    TrainLog(tmp_path, writes=False).add(CURVE[1])
    assert list(read_log(tmp_path)) == CURVE[:1]


def test_the_best_evaluation_is_the_first_of_the_lowest_loss() -> None:
    best = best_evaluation([*CURVE, entry(16, eval_loss=1.5)])
    assert best is not None
    assert best.step == 8
    assert best_evaluation(CURVE[:2]) is None


def test_reading_without_a_training_names_the_command_that_trains(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there is no usable") as caught:
        read_summary(tmp_path)
    assert "finetune train" in caught.value.hint.localize("en")
    with pytest.raises(TrainingError, match=r"log\.jsonl"):
        list(read_log(tmp_path))


def test_the_log_is_read_without_torch() -> None:
    heavy = "sorted({'torch', 'transformers', 'peft', 'matplotlib'} & set(sys.modules))"
    code = f"import sys, finetune.train.log; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_loss_plot_shows_both_curves_the_best_checkpoint_and_the_early_stop(
    tmp_path: Path,
) -> None:
    draw_curves(CURVE, tmp_path, stopped_early=True)
    texts = words_of(tmp_path / "loss.svg")
    for words in ("optimiser step", "loss per target token (nats)", "training", "validation"):
        assert words in texts
    assert "best: 1.5000 at step 8" in texts
    assert "stopped early" in texts
    assert {"optimiser step", "learning rate"} <= set(words_of(tmp_path / "lr.svg"))


def test_plots_are_pictures_of_a_useful_size(tmp_path: Path) -> None:
    draw_curves(CURVE, tmp_path)
    for name in ("loss.png", "lr.png"):
        picture = (tmp_path / name).read_bytes()
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", picture[16:24])
        assert width > height > 400


def test_one_step_without_validation_can_be_drawn(tmp_path: Path) -> None:
    draw_curves(CURVE[:1], tmp_path)
    assert "validation" not in words_of(tmp_path / "loss.svg")


def words_of(path: Path) -> list[str]:
    return ["".join(text.itertext()) for text in ET.parse(path).iter(f"{SVG}text")]
