"""A resumed training ends with the weights of an uninterrupted one."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from finetune.errors import RecipeError, TrainingError
from finetune.progress import SilentProgress
from finetune.runs import Run
from finetune.train.checkpoints import Checkpoints
from finetune.train.log import read_log
from finetune.train.trainer import train
from tests.finetune.train.training_set import (
    InterruptingProgress,
    prepared,
    recipe,
    unlearnable_record,
)

ROOT = Path(__file__).parents[3]
UNALIGNED = {"dropout": 0.2, "epochs": 3, "evaluate_every": 5, "save_every": 2, "log_every": 4}
"""Dropout draws random numbers; epochs of 3 steps, logs, evaluations and checkpoints differ."""

CHILD = """
import sys
from pathlib import Path

import torch

from finetune.runs import Run
from finetune.train.trainer import train
from tests.finetune.train.training_set import InterruptingProgress, recipe
from tests.finetune.train.test_resume import UNALIGNED

torch.set_num_threads(1)
base, folder, steps = sys.argv[1:]
progress = InterruptingProgress(int(steps), kill=True)
train(recipe(base, **UNALIGNED), Run(Path(folder)), progress=progress)
"""


def logged_losses(run: Run) -> list[tuple[int, float | None, float | None, float | None]]:
    """Return the log without times and memory, which differ from run to run."""
    return [(one.step, one.loss, one.eval_loss, one.lr) for one in read_log(run.train)]


def test_a_training_killed_mid_epoch_and_resumed_ends_with_the_same_loss_and_weights(
    tiny: Path, tmp_path: Path
) -> None:
    whole, cut = prepared(tmp_path / "whole"), prepared(tmp_path / "cut")
    expected = train(recipe(tiny, **UNALIGNED), whole, progress=SilentProgress())
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, str(tiny), str(cut.folder), "5"]
    killed = subprocess.run(command, env=environment, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert Checkpoints(cut.train / "checkpoints").complete()[-1].name == "checkpoint-4"
    assert not cut.adapter.exists()
    got = train(recipe(tiny, **UNALIGNED), cut, progress=SilentProgress(), resume=True)
    assert got.resumed_from == 4
    assert (got.train_loss, got.eval_loss) == (expected.train_loss, expected.eval_loss)
    assert (got.steps, got.tokens) == (expected.steps, expected.tokens)
    assert logged_losses(cut) == logged_losses(whole)
    ours, theirs = (run.adapter / "adapter_model.safetensors" for run in (cut, whole))
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = prepared(tmp_path_factory.mktemp("uninterrupted") / "run")
    train(recipe(tiny, dropout=0.2, save_every=1), run, progress=SilentProgress())
    return run


@pytest.mark.parametrize("steps", [3, 4, 5], ids=["mid-epoch", "epoch-end", "next-epoch"])
def test_a_training_stopped_at_any_step_resumes_alike(
    tiny: Path, tmp_path: Path, uninterrupted: Run, steps: int
) -> None:
    wanted, run = recipe(tiny, dropout=0.2, save_every=1), prepared(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        train(wanted, run, progress=InterruptingProgress(steps))
    assert train(wanted, run, progress=SilentProgress(), resume=True).resumed_from == steps - 1
    assert logged_losses(run) == logged_losses(uninterrupted)


def test_a_training_cut_behind_its_last_step_only_publishes_it(tiny: Path, tmp_path: Path) -> None:
    run, wanted = prepared(tmp_path / "run"), recipe(tiny, max_steps=4)
    first = train(wanted, run, progress=SilentProgress())
    weights = (run.adapter / "adapter_model.safetensors").read_bytes()
    shutil.rmtree(run.adapter)
    again = train(wanted, run, progress=SilentProgress(), resume=True)
    assert (again.steps, again.resumed_from) == (first.steps, 4)
    assert [one.name for one in Checkpoints(run.train / "checkpoints").complete()][-1:] == [
        "checkpoint-4"
    ]
    assert (run.adapter / "adapter_model.safetensors").read_bytes() == weights


def test_an_incomplete_checkpoint_is_skipped(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run")
    wanted = recipe(tiny, save_every=1, epochs=2)
    with pytest.raises(KeyboardInterrupt):
        train(wanted, run, progress=InterruptingProgress(5))
    folder = run.train / "checkpoints"
    shutil.copytree(folder / "checkpoint-4", folder / "checkpoint-5", dirs_exist_ok=True)
    state = folder / "checkpoint-5" / "trainer_state.json"
    state.write_text(state.read_text(encoding="utf-8")[:40], encoding="utf-8")
    (folder / "checkpoint-9").mkdir()
    summary = train(wanted, run, progress=SilentProgress(), resume=True)
    assert (summary.resumed_from, summary.steps) == (4, 6)
    assert not (folder / "checkpoint-9").exists()


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "optimizer.pt"])
def test_an_unreadable_checkpoint_is_named_and_the_one_before_can_be_resumed(
    tiny: Path, tmp_path: Path, name: str
) -> None:
    """As a power cut leaves it: all files are there, one was not written through."""
    run, wanted = prepared(tmp_path / "run"), recipe(tiny, save_every=1, epochs=2)
    with pytest.raises(KeyboardInterrupt):
        train(wanted, run, progress=InterruptingProgress(5))
    last = run.train / "checkpoints" / "checkpoint-4"
    file = last / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(TrainingError) as caught:
        train(wanted, run, progress=SilentProgress(), resume=True)
    assert str(last) in caught.value.message.localize("zh")
    assert "--resume" in caught.value.hint.localize("en")
    shutil.rmtree(last)
    assert train(wanted, run, progress=SilentProgress(), resume=True).resumed_from == 3


def test_with_nothing_to_resume_training_begins_anew_and_says_so(
    tiny: Path, tmp_path: Path
) -> None:
    run, progress = prepared(tmp_path / "run"), SilentProgress()
    summary = train(recipe(tiny, epochs=1), run, progress=progress, resume=True)
    assert (summary.resumed_from, summary.steps) == (0, 3)
    assert "begins anew" in progress.notes[-1].localize("en")


def test_a_finished_training_is_not_done_again(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run")
    first = train(recipe(tiny, epochs=1), run, progress=SilentProgress())
    lines = (run.train / "log.jsonl").read_text()
    again = train(recipe(tiny, epochs=1), run, progress=SilentProgress(), resume=True)
    assert (run.train / "log.jsonl").read_text() == lines
    assert (again.steps, again.train_loss, again.eval_loss, again.tokens) == (
        first.steps,
        first.train_loss,
        first.eval_loss,
        first.tokens,
    )


def test_a_training_that_stopped_early_stays_stopped(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run", val_record=unlearnable_record)
    wanted = recipe(tiny, epochs=20, schedule="constant", early_stop=1)
    first = train(wanted, run, progress=SilentProgress())
    again = train(wanted, run, progress=SilentProgress(), resume=True)
    assert first.stopped_early
    assert again.stopped_early
    assert (again.steps, again.best_step) == (first.steps, first.best_step)


def test_more_epochs_can_be_added_to_a_finished_training(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run")
    train(recipe(tiny, epochs=1, schedule="constant"), run, progress=SilentProgress())
    more = recipe(tiny, epochs=2, schedule="constant")
    longer = train(more, run, progress=SilentProgress(), resume=True)
    other = prepared(tmp_path / "other")
    whole = train(more, other, progress=SilentProgress())
    assert (longer.resumed_from, longer.steps) == (3, 6)
    assert longer.train_loss == whole.train_loss


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr": 1e-3}, "train.lr was 0.005, now it is 0.001"),
        ({"r": 4}, "train.r was 16, now it is 4"),
    ],
    ids=["lr", "r"],
)
def test_a_resume_with_other_settings_raises(
    tiny: Path, tmp_path: Path, changes: dict[str, float], message: str
) -> None:
    run = prepared(tmp_path / "run")
    train(recipe(tiny, epochs=1), run, progress=SilentProgress())
    adapter = (run.adapter / "adapter_model.safetensors").read_bytes()
    with pytest.raises(RecipeError) as caught:
        train(recipe(tiny, epochs=1, **changes), run, progress=SilentProgress(), resume=True)
    assert message in caught.value.message.localize("en")
    assert (run.adapter / "adapter_model.safetensors").read_bytes() == adapter


def test_a_resume_on_other_data_raises(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run")
    train(recipe(tiny, epochs=1), run, progress=SilentProgress())
    with (run.data / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"id": "x", "turns": [{"user": "a", "answer": "b"}]}) + "\n")
    with pytest.raises(RecipeError, match="cannot resume: data has changed"):
        train(recipe(tiny, epochs=1), run, progress=SilentProgress(), resume=True)


def test_settings_that_only_save_memory_may_change(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        train(recipe(tiny, save_every=1), run, progress=InterruptingProgress(3))
    frugal = recipe(tiny, save_every=1, gradient_checkpointing=True, loss_chunk=8)
    assert train(frugal, run, progress=SilentProgress(), resume=True).resumed_from == 2


def test_a_moved_run_folder_can_be_resumed(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        train(recipe(tiny, save_every=1), run, progress=InterruptingProgress(5))
    moved = Run(run.folder.rename(tmp_path / "elsewhere"))
    summary = train(recipe(tiny, save_every=1), moved, progress=SilentProgress(), resume=True)
    assert (summary.resumed_from, summary.steps) == (4, 6)


def test_when_the_disk_is_full_one_line_says_so_and_earlier_checkpoints_stay_usable(
    tiny: Path, tmp_path: Path
) -> None:
    """/dev/full answers every write with ENOSPC, as a full disk does."""
    run = prepared(tmp_path / "run")
    wanted = recipe(tiny, save_every=1)
    with pytest.raises(KeyboardInterrupt):
        train(wanted, run, progress=InterruptingProgress(3))
    third = run.train / "checkpoints" / "checkpoint-3"
    shutil.rmtree(third, ignore_errors=True)

    class DiskFillingProgress(SilentProgress):
        def advance(self, units: int = 1, *, detail: str = "") -> None:
            if detail and not third.exists():
                third.mkdir()
                (third / "optimizer.pt").symlink_to("/dev/full")

    with pytest.raises(TrainingError) as caught:
        train(wanted, run, progress=DiskFillingProgress(), resume=True)
    assert str(run.train) in caught.value.message.localize("en")
    assert "checkpoint-2 is whole" in caught.value.message.localize("en")
    assert "--resume" in caught.value.hint.localize("en")
    assert "\n" not in caught.value.localize("en")
    assert not third.exists()
    assert load_file(run.train / "checkpoints" / "checkpoint-2" / "adapter_model.safetensors")
    assert train(wanted, run, progress=SilentProgress(), resume=True).resumed_from == 2
