"""The bench for GPUs: what it would measure, how it counts, and that it works on a toy."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import Qwen2Config, Qwen2ForCausalLM

from bench.finetune_gpu import (
    BATCH,
    DRONE,
    R1_1_5B,
    RECIPE,
    Loss,
    cases,
    flops,
    peak_of,
    random_samples,
    recipe_of,
    table,
)
from finetune.model.memory_estimate import read_shape
from finetune.model.samples import IGNORED
from finetune.recipe import TrainTable, load_recipe
from finetune.train.adapters import add_lora
from finetune.train.batches import padding_collator
from finetune.train.hardware import detect_hardware
from finetune.train.loss import patch_target_loss
from finetune.train.model import checkpoint_activations, load_base
from tests.finetune.train.training_set import recipe

ROOT = Path(__file__).parents[2]
LENGTH, LEARNT = 48, 16
FIRST_LAYER = 0.03
"""Below the first layer nothing wants a gradient; the toy has only four, so it shows."""


def bench(*options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bench.finetune_gpu", *options],
        cwd=ROOT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def counted(tiny: Path, settings: TrainTable, loss: Loss) -> int:
    """Return the operations that torch does for the gradient of one sample."""
    given = recipe(tiny, **settings.model_dump())
    loaded = load_base(given, hardware=detect_hardware())
    loaded.model.set_attn_implementation("eager")  # torch counts no fused one on a processor
    if loss == "masked":
        patch_target_loss(loaded.model, chunk=settings.loss_chunk)
    if settings.gradient_checkpointing:
        checkpoint_activations(loaded.model)
    model = add_lora(loaded, settings)
    model.train()
    batch = padding_collator(0)([random_samples(1, length=LENGTH, learnt=LEARNT)[0]])
    with FlopCounterMode(display=False) as counter:
        model(**batch).loss.backward()
    return counter.get_total_flops()


@pytest.mark.parametrize(
    ("loss", "again", "chunk"),
    list(itertools.product(("full", "masked"), (False, True), (0, 5))),
)
def test_operations_are_those_that_torch_counts(
    tiny: Path, loss: Loss, again: bool, chunk: int
) -> None:
    settings = TrainTable(r=8, alpha=16, gradient_checkpointing=again, loss_chunk=chunk)
    shape = read_shape(json.loads((tiny / "config.json").read_text()))
    assert shape is not None
    found = flops(shape, settings, length=LENGTH, learnt=LEARNT, loss=loss)
    assert found.done == pytest.approx(counted(tiny, settings, loss), rel=FIRST_LAYER)
    assert found.needed <= found.done


def test_what_is_needed_depends_on_no_way_of_computing() -> None:
    shape = read_shape(R1_1_5B)
    assert shape is not None
    ways = itertools.product(("full", "masked"), (False, True), (0, 1024))
    needed = {
        flops(
            shape,
            TrainTable(gradient_checkpointing=again, loss_chunk=chunk),
            length=1024,
            learnt=341,
            loss=loss,  # type: ignore[arg-type]  one of the two
        ).needed
        for loss, again, chunk in ways
    }
    assert len(needed) == 1


def test_base_has_the_size_of_the_published_model() -> None:
    with torch.device("meta"):
        model = Qwen2ForCausalLM(Qwen2Config(**R1_1_5B))
    assert model.num_parameters() == 1_777_088_000
    shape = read_shape(R1_1_5B)
    assert shape is not None
    assert shape.in_layers + shape.elsewhere == model.num_parameters()


def test_every_precision_meets_every_loss_with_and_without_checkpointing(tmp_path: Path) -> None:
    seen = set()
    for case in cases(BATCH):
        given = recipe_of(case, tmp_path).train
        seen.add((given.precision, given.method, case.loss, given.gradient_checkpointing))
    kinds = (("bf16", "lora"), ("fp16", "lora"), ("auto", "qlora"))
    for (precision, method), loss, again in itertools.product(
        kinds, ("full", "masked"), (False, True)
    ):
        assert (precision, method, loss, again) in seen
    names = [case.name for case in cases(BATCH)]
    assert len(set(names)) == len(names)


def test_drone_case_is_the_shipped_recipe_in_less_than_16_gb(tmp_path: Path) -> None:
    case = next(case for case in cases(BATCH) if case.name == DRONE)
    shipped = load_recipe(RECIPE).train
    assert recipe_of(case, tmp_path).train == shipped
    assert (shipped.batch, shipped.accumulate, shipped.precision) == (2, 16, "fp16")
    assert 15e9 < case.memory < 16e9


def test_samples_are_the_same_each_time_and_learn_their_end() -> None:
    first, again = (random_samples(3, length=LENGTH, learnt=LEARNT) for _ in range(2))
    assert len(first) == 3
    for row, other in zip(first, again, strict=True):  # type: ignore[call-overload]
        assert torch.equal(row["input_ids"], other["input_ids"])
        assert (row["labels"] == IGNORED).sum() == LENGTH - LEARNT
        assert torch.equal(row["labels"][-LEARNT:], row["input_ids"][-LEARNT:])


def test_peak_is_that_of_the_longest_name_that_fits() -> None:
    assert peak_of("NVIDIA H100 80GB HBM3") == 989e12
    assert peak_of("NVIDIA H100 PCIe") == 756e12
    assert peak_of("NVIDIA A10G") == 70e12
    assert peak_of("NVIDIA L40S") == 362e12
    assert peak_of("Some other card") is None


def test_without_cuda_it_says_that_nothing_was_measured() -> None:
    done = bench()
    assert done.returncode == 0
    assert done.stdout == "no CUDA device here: nothing was measured\n"


def test_unknown_case_is_named_with_those_that_there_are() -> None:
    done = bench("--tiny", "--only", "bf17")
    assert done.returncode == 1
    assert "no case bf17" in done.stderr
    assert "bf16-masked" in done.stderr


def test_a_toy_is_measured_and_what_cannot_be_done_says_why() -> None:
    done = bench("--tiny", "--only", "bf16-masked-checkpointed", "--only", "fp16-full")
    assert done.returncode == 0, done.stderr
    first, second, *shown = done.stdout.splitlines()
    measured, left_out = json.loads(first), json.loads(second)
    assert measured["tokens_per_second"] > 0
    assert measured["memory"] > 0
    assert measured["precision"] == "bf16"
    assert "fp16" in left_out["left_out"]
    assert shown == list(table([measured, left_out]))
