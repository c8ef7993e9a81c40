"""Errors of a training say in one line what failed, with the next setting to try."""

import errno
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from finetune.recipe import TrainTable
from finetune.train.failures import (
    divergence_failure,
    is_out_of_disk,
    is_out_of_memory,
    memory_failure,
)
from finetune.train.hardware import Hardware
from ingest.foundation.messages import Message
from tests.finetune.train.training_set import prepared, recipe

ROOT = Path(__file__).parents[3]
T4 = Hardware(device="cuda", name="Tesla T4", memory=16 << 30, capability=(7, 5))
PROCESSOR = Hardware(device="cpu", name="x86_64", memory=16 << 30)
LOSS = Message.bilingual("the loss", "损失")

FRUGAL = {"batch": 1, "gradient_checkpointing": True, "loss_chunk": 256, "max_tokens": 512}


@pytest.mark.parametrize(
    ("table", "machine", "fix"),
    [
        ({"batch": 4, "accumulate": 8}, T4, "train.batch = 2, train.accumulate = 16"),
        ({"batch": 3, "accumulate": 2}, T4, "train.batch = 1, train.accumulate = 6"),
        ({"gradient_checkpointing": False}, T4, "train.gradient_checkpointing = true"),
        ({"loss_chunk": 0}, T4, "train.loss_chunk = 256"),
        ({"method": "full"}, T4, 'train.method = "lora"'),
        ({"max_tokens": 2048}, T4, "train.max_tokens = 1024"),
        ({}, T4, 'train.method = "qlora"'),
        ({}, PROCESSOR, "smaller base model"),
        ({"method": "qlora"}, T4, "smaller base model"),
    ],
)
def test_out_of_memory_names_the_next_setting(
    table: dict[str, object], machine: Hardware, fix: str
) -> None:
    error = memory_failure(recipe("base", **FRUGAL | table), machine)
    assert fix in error.hint.localize("en")
    assert machine.name in error.message.localize("en")


def test_each_hint_can_be_followed_until_none_is_left() -> None:
    from finetune.recipe import parse_recipe

    wanted = recipe("base", batch=8, accumulate=4, loss_chunk=0, max_tokens=4096)
    effective = wanted.train.batch * wanted.train.accumulate
    for _ in range(20):
        hint = memory_failure(wanted, T4).hint.localize("en")
        if "smaller base model" in hint:
            break
        tables = wanted.model_dump()
        for setting in hint.removeprefix("set ").split(", "):
            key, _, value = setting.partition(" = ")
            read = {"true": True}.get(value, value.strip('"'))
            tables["train"][key.removeprefix("train.")] = read
        wanted = parse_recipe(tables, source="drones.toml", folder=Path())
        assert wanted.train.batch * wanted.train.accumulate == effective
    assert wanted.train.method == "qlora"
    assert "smaller base model" in memory_failure(wanted, T4).hint.localize("en")


CHILD = """
import resource
import sys
from pathlib import Path

import torch

from finetune.errors import TrainingError
from finetune.progress import SilentProgress
from finetune.runs import Run
from finetune.train import trainer
from tests.finetune.train.training_set import recipe

torch.set_num_threads(1)


class LimitingProgress(SilentProgress):
    def stage(self, name, *, total=None):
        if name.localize("en") == "training":
            size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + (4 << 20), resource.RLIM_INFINITY))
        return self


try:
    wanted = recipe(sys.argv[1], batch=24, accumulate=1, loss_chunk=0)
    trainer.train(wanted, Run(Path(sys.argv[2])), progress=LimitingProgress())
except TrainingError as error:
    print(error.localize("en"))
"""


def test_real_memory_exhaustion_is_reported_in_one_line(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run")
    command = [sys.executable, "-c", CHILD, str(tiny), str(run.folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, env=environment, cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.stdout.startswith("out of memory on "), done.stderr[-2000:]
    assert "set train.batch = 12, train.accumulate = 2" in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 bytes"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
    ],
)
def test_out_of_memory_is_recognized(error: BaseException, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_recognized(number: int) -> None:
    assert is_out_of_disk(OSError(number, "x"))
    copied = [("a.safetensors", "b.safetensors", str(OSError(number, os.strerror(number))))]
    assert is_out_of_disk(shutil.Error(copied))
    assert not is_out_of_disk(OSError(errno.EACCES, "Permission denied"))
    assert not is_out_of_disk(RuntimeError("shape mismatch"))


def layer_with(value: float) -> nn.Linear:
    layer = nn.Linear(2, 2)
    layer.weight.requires_grad_(False)
    layer.weight[0, 0] = value
    return layer


@pytest.mark.parametrize(
    ("model", "precision", "reason", "fix"),
    [
        (layer_with(math.nan), "fp16", "the base weights are not finite (weight)", "download"),
        (layer_with(math.inf), "fp32", "the base weights are not finite (weight)", "download"),
        (layer_with(0.0), "fp16", "fp16 overflowed", 'train.precision = "bf16"'),
        (layer_with(0.0), "bf16", "the learning rate 0.0005 is too high", "train.lr = 0.0002"),
    ],
)
def test_divergence_names_its_likeliest_reason(
    model: nn.Module, precision: str, reason: str, fix: str
) -> None:
    error = divergence_failure(
        model, LOSS, step=7, table=TrainTable(lr=1e-3), precision=precision, lr=5e-4
    )
    assert error.message.localize("en") == f"step 7: the loss is not a finite number: {reason}"
    assert fix in error.hint.localize("en")
