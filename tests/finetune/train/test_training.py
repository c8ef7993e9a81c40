"""Training learns, keeps the best weights, reports progress, and fails with a reason."""

import importlib.util
import json
import math
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from finetune.errors import RecipeError, TrainingError
from finetune.progress import SilentProgress
from finetune.runs import Run
from finetune.train.adapters import apply_adapter
from finetune.train.hardware import detect_hardware
from finetune.train.log import read_log, read_summary
from finetune.train.model import load_base
from finetune.train.trainer import train
from tests.finetune.train.training_set import prepared, recipe, unlearnable_record


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return prepared(tmp_path / "run")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(next(folder.glob("*model.safetensors")))


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_loss_falls_to_a_tenth_and_is_logged(tiny: Path, run: Run) -> None:
    summary = train(recipe(tiny, epochs=10), run, progress=SilentProgress())
    assert summary.train_loss < summary.first_loss / 10
    assert summary.eval_loss is not None
    assert summary.eval_loss < summary.first_loss / 10
    assert (summary.steps, summary.total_steps, summary.epochs) == (30, 30, 10.0)
    assert (summary.samples, summary.val_samples, summary.precision) == (24, 6, "fp32")
    assert read_summary(run.train) == summary
    entries = list(read_log(run.train))
    assert [entry.step for entry in entries if entry.loss is not None] == list(range(1, 31))
    evaluated = [entry.step for entry in entries if entry.eval_loss is not None]
    assert evaluated == list(range(3, 31, 3))
    assert summary.tokens == entries[-1].tokens > 0
    assert all(entry.peak_memory > 0 and entry.seconds > 0 for entry in entries)
    assert all(entry.grad_norm and entry.tokens_per_second for entry in entries if entry.loss)
    for name in ("loss.png", "loss.svg", "lr.png", "lr.svg"):
        assert (run.train / name).stat().st_size > 1000


def test_every_token_of_every_sample_is_counted_once_an_epoch(tiny: Path, run: Run) -> None:
    from finetune.model.tokenization import load_tokenizer
    from finetune.train.batches import load_training_set

    training_set = load_training_set(
        recipe(tiny), run, load_tokenizer(tiny), progress=SilentProgress()
    )
    summary = train(recipe(tiny, epochs=2), run, progress=SilentProgress())
    assert summary.tokens == 2 * training_set.train.tokens


def test_only_the_adapter_learns(tiny: Path, run: Run) -> None:
    before = (tiny / "model.safetensors").read_bytes()
    summary = train(recipe(tiny), run, progress=SilentProgress())
    assert (tiny / "model.safetensors").read_bytes() == before
    learnt = weights(run.adapter)
    assert all("lora_" in name for name in learnt)
    assert any(bool(weight.any()) for name, weight in learnt.items() if "lora_B" in name)
    assert summary.trainable_parameters == sum(weight.numel() for weight in learnt.values())
    assert summary.parameters > 5 * summary.trainable_parameters


def test_all_weights_learn_when_asked_and_the_model_can_be_loaded(tiny: Path, run: Run) -> None:
    summary = train(recipe(tiny, method="full", lr=1e-3), run, progress=SilentProgress())
    assert summary.trainable_parameters == summary.parameters
    assert summary.train_loss < summary.first_loss
    before, after = weights(tiny), weights(run.adapter)
    assert all(not torch.equal(before[name], after[name]) for name in before)
    assert (run.adapter / "tokenizer.json").read_bytes() == (tiny / "tokenizer.json").read_bytes()
    again = load_base(recipe(run.adapter), hardware=detect_hardware())
    assert same(dict(again.model.state_dict()), after)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    tiny: Path, tmp_path: Path
) -> None:
    learnt = []
    for number, seed in enumerate((1, 1, 2)):
        run = prepared(tmp_path / str(number))
        train(recipe(tiny, seed=seed, dropout=0.2, epochs=1), run, progress=SilentProgress())
        learnt.append(weights(run.adapter))
    assert same(learnt[0], learnt[1])
    assert not same(learnt[0], learnt[2])


def test_saving_memory_changes_no_loss(tiny: Path, tmp_path: Path) -> None:
    """Checkpointed activations, small chunks, small batches: the mathematics stay."""
    losses = []
    settings: list[dict[str, Any]] = [
        {"batch": 8, "accumulate": 1, "gradient_checkpointing": False, "loss_chunk": 0},
        {"batch": 2, "accumulate": 4, "gradient_checkpointing": True, "loss_chunk": 5},
    ]
    for number, changes in enumerate(settings):
        run = prepared(tmp_path / str(number))
        train(recipe(tiny, **changes), run, progress=SilentProgress())
        losses.append([one.loss or one.eval_loss for one in read_log(run.train)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_the_best_checkpoint_is_kept_and_training_stops_when_it_gets_worse(
    tiny: Path, tmp_path: Path
) -> None:
    run = prepared(tmp_path / "run", val_record=unlearnable_record)
    wanted = recipe(tiny, epochs=20, schedule="constant", early_stop=2)
    summary = train(wanted, run, progress=SilentProgress())
    losses = {one.step: one.eval_loss for one in read_log(run.train) if one.eval_loss}
    assert summary.stopped_early
    assert summary.steps == summary.best_step + 6 < summary.total_steps
    assert summary.best_eval_loss == losses[summary.best_step] == min(losses.values())
    best = run.train / "checkpoints" / f"checkpoint-{summary.best_step}"
    assert same(weights(run.adapter), weights(best))
    assert "stopped early" in (run.train / "loss.svg").read_text(encoding="utf-8")


def test_the_best_is_saved_even_between_two_checkpoints(tiny: Path, run: Run) -> None:
    wanted = recipe(tiny, evaluate_every=2, save_every=5, max_steps=6, log_every=4)
    summary = train(wanted, run, progress=SilentProgress())
    saved = {path.name for path in (run.train / "checkpoints").glob("checkpoint-*")}
    assert summary.best_step == 6
    assert "checkpoint-6" in saved


def test_old_checkpoints_make_room_but_never_the_best(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run", val_record=unlearnable_record)
    summary = train(
        recipe(tiny, epochs=8, schedule="constant", keep=1), run, progress=SilentProgress()
    )
    assert summary.best_step < 21
    saved = {path.name for path in (run.train / "checkpoints").glob("checkpoint-*")}
    assert saved == {f"checkpoint-{summary.best_step}", "checkpoint-24"}


def test_without_a_validation_split_the_last_weights_are_kept(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run", val=0)
    summary = train(recipe(tiny), run, progress=SilentProgress())
    assert (summary.eval_loss, summary.best_eval_loss, summary.best_step) == (None, None, 6)
    assert same(weights(run.adapter), weights(run.train / "checkpoints" / "checkpoint-6"))


def test_the_adapter_repeats_the_loss_that_was_measured(tiny: Path, run: Run) -> None:
    """What lies in the run folder is what was evaluated, not something near it."""
    from finetune.model.tokenization import load_tokenizer
    from finetune.train.batches import load_training_set, padding_collator
    from finetune.train.loss import patch_target_loss, summed_loss

    wanted = recipe(tiny)
    summary = train(wanted, run, progress=SilentProgress())
    loaded = load_base(wanted, hardware=detect_hardware())
    patch_target_loss(loaded.model, chunk=0)
    tokenizer = load_tokenizer(tiny)
    training_set = load_training_set(wanted, run, tokenizer, progress=SilentProgress())
    rows = [training_set.val[number] for number in range(len(training_set.val))]
    model = apply_adapter(loaded, run.adapter).model
    batch = padding_collator(tokenizer.pad_id)(rows)
    summed, count = summed_loss(model, [batch], device=torch.device("cpu")).tolist()
    assert summed / count == pytest.approx(summary.best_eval_loss, rel=1e-5)


def test_a_dry_run_measures_and_keeps_nothing(tiny: Path, run: Run) -> None:
    summary = train(recipe(tiny, epochs=5), run, progress=SilentProgress(), dry_steps=3)
    assert (summary.steps, summary.total_steps) == (3, 15)
    assert summary.tokens_per_second > 0
    assert summary.estimated_seconds is not None
    assert summary.estimated_seconds > summary.seconds
    assert not run.train.exists()
    assert not run.adapter.exists()


def test_a_new_training_moves_old_checkpoints_aside(tiny: Path, run: Run) -> None:
    train(recipe(tiny, epochs=1), run, progress=SilentProgress())
    before = weights(run.adapter)
    train(recipe(tiny, epochs=1, lr=1e-3), run, progress=SilentProgress())
    assert same(weights(run.train / "checkpoints.old" / "checkpoint-3"), before)
    assert not same(weights(run.adapter), before)


def test_progress_shows_loss_rate_speed_and_time_left(tiny: Path, run: Run) -> None:
    class RecordingProgress(SilentProgress):
        lines: list[str] = []  # noqa: RUF012  of this one test

        def advance(self, units: int = 1, *, detail: str = "") -> None:
            if detail:
                self.lines.append(detail)

    train(recipe(tiny, epochs=1), run, progress=RecordingProgress())
    assert len(RecordingProgress.lines) == 3
    for words in ("loss ", "lr ", "tokens/s", "0:00:0"):
        assert words in RecordingProgress.lines[-1]


def test_nothing_is_printed(tiny: Path, run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    train(recipe(tiny, epochs=1), run, progress=SilentProgress())
    train(recipe(tiny, epochs=1, method="full"), run, progress=SilentProgress())
    assert capfd.readouterr() == ("", "")


class NetworkLog:
    """Records network calls by an audit hook, which cannot be removed, but switched off."""

    def __init__(self) -> None:
        self.on = False
        self.calls: list[tuple[Any, ...]] = []
        sys.addaudithook(self._audit)

    def _audit(self, event: str, values: tuple[Any, ...]) -> None:
        if self.on and event in ("socket.connect", "socket.getaddrinfo"):
            self.calls.append((event, *values))


@pytest.fixture(scope="module")
def network_log() -> NetworkLog:
    return NetworkLog()


@pytest.fixture
def listening(network_log: NetworkLog) -> Iterator[NetworkLog]:
    network_log.on = True
    yield network_log
    network_log.on = False


def test_training_on_a_local_base_never_uses_the_network(
    tiny: Path, run: Run, listening: NetworkLog
) -> None:
    train(recipe(tiny, epochs=1), run, progress=SilentProgress())
    apply_adapter(load_base(recipe(tiny), hardware=detect_hardware()), run.adapter)
    assert listening.calls == []


def copy_with_nan(base: Path, folder: Path) -> Path:
    copy = Path(shutil.copytree(base, folder))
    tensors = load_file(copy / "model.safetensors")
    tensors["model.layers.2.mlp.up_proj.weight"][3, 5] = math.nan
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    return copy


def test_base_weights_with_nan_are_named_at_the_first_step(
    tiny: Path, tmp_path: Path, run: Run
) -> None:
    base = copy_with_nan(tiny, tmp_path / "nan")
    with pytest.raises(TrainingError) as caught:
        train(recipe(base), run, progress=SilentProgress())
    assert "step 1: the loss is not a finite number" in caught.value.message.localize("en")
    assert "base weights" in caught.value.message.localize("en")
    assert "model.layers.2.mlp.up_proj.weight" in caught.value.message.localize("en")
    assert list(read_log(run.train)) == []
    assert not run.adapter.exists()


def test_full_training_from_weights_with_nan_blames_the_base(
    tiny: Path, tmp_path: Path, run: Run
) -> None:
    base = copy_with_nan(tiny, tmp_path / "nan")
    with pytest.raises(TrainingError, match="the base weights are not finite"):
        train(recipe(base, method="full"), run, progress=SilentProgress())


def test_a_rate_that_blows_up_is_named_and_earlier_checkpoints_stay(tiny: Path, run: Run) -> None:
    wanted = recipe(tiny, method="full", lr=1e30, warmup=3, clip=0, save_every=1, epochs=3)
    with pytest.raises(TrainingError) as caught:
        train(wanted, run, progress=SilentProgress())
    assert "the learning rate" in caught.value.message.localize("en")
    assert caught.value.hint.localize("en") == "set train.lr = 2e+29 and train.clip = 1.0"
    kept = sorted((run.train / "checkpoints").glob("checkpoint-*"))
    assert kept
    assert all(bool(torch.isfinite(one).all()) for one in weights(kept[0]).values())


def test_bf16_learns_too(tiny: Path, run: Run) -> None:
    summary = train(recipe(tiny, precision="bf16", epochs=8), run, progress=SilentProgress())
    assert summary.precision == "bf16"
    assert summary.train_loss < summary.first_loss / 2
    assert all(weight.dtype == torch.float32 for weight in weights(run.adapter).values())


def test_the_adapter_records_what_it_was_trained_on(tiny: Path, run: Run) -> None:
    train(recipe(tiny, epochs=1), run, progress=SilentProgress())
    origin = json.loads((run.adapter / "base.json").read_text(encoding="utf-8"))
    assert (origin["base"], origin["method"], origin["format"]) == (str(tiny), "lora", "r1-think")


@pytest.mark.parametrize("switch", [{"rslora": True}, {"dora": True}, {"neftune": 5.0}], ids=str)
def test_a_switch_of_peft_changes_what_is_learnt_and_can_be_merged(
    tiny: Path, tmp_path: Path, switch: dict[str, Any]
) -> None:
    from finetune.export.merge import merge

    learnt = []
    for number, changes in enumerate(({}, switch)):
        run = prepared(tmp_path / str(number))
        wanted = recipe(tiny, epochs=1, **changes)
        summary = train(wanted, run, progress=SilentProgress())
        assert summary.train_loss < summary.first_loss
        learnt.append(weights(run.adapter))
    assert not same(learnt[0], learnt[1])
    assert merge(wanted, run, progress=SilentProgress()).argmax_equal == 1


MISSING_REPORTERS = [
    name for name in ("tensorboard", "mlflow", "wandb") if importlib.util.find_spec(name) is None
]
assert MISSING_REPORTERS, "no extra of ours brings one of them"


@pytest.mark.parametrize("name", MISSING_REPORTERS)
def test_a_reporter_that_is_not_installed_is_named_before_anything_is_loaded(
    run: Run, name: str
) -> None:
    with pytest.raises(RecipeError, match=name) as caught:
        train(recipe("/nowhere", reporters=[name]), run, progress=SilentProgress())
    assert f"pip install {name}" in caught.value.localize("zh")
