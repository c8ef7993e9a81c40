"""Errors that end a training: each says in one line what failed and which setting to try next."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from finetune.errors import TrainingError, UnsuitableSettingsError
from finetune.recipe import Recipe, TrainTable
from finetune.runs import Run
from finetune.train.advice import LR_DIVISOR
from finetune.train.checkpoints import Checkpoints
from finetune.train.hardware import Hardware, Precision
from ingest.foundation.messages import NO_MESSAGE, Message

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""No space, no quota left, or a file larger than the file system allows (FAT: 4 GiB)."""

WRITE_FAILED = ("PytorchStreamWriter", "inline_container", "iostream error")
"""In torch's messages when a checkpoint cannot be written: it raises no OSError of its own."""

READ_FAILED = ("PytorchStreamReader", "deserializing")
"""In torch's and safetensors' messages when a file was cut short."""

ALLOCATION_FAILED = ("not enough memory", "out of memory", "can't allocate memory")
SMALL_CHUNK = 256
"""Targets per loss chunk: with a vocabulary of 150,000 their logits take 150 MB in fp32."""

SHORT_SAMPLES = 512
"""Tokens to which `max_tokens` is lowered at most; below, answers would be lost, not memory."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether torch could not allocate memory, on CUDA, MPS or the processor."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # MPS and the CPU allocator raise a plain RuntimeError; its message alone says why.
    return isinstance(error, RuntimeError) and any(
        words in str(error).lower() for words in ALLOCATION_FAILED
    )


def is_out_of_disk(error: BaseException) -> bool:
    """Return whether a file could not be written for want of disk space."""
    if isinstance(error, shutil.Error):
        # `copytree` gathers what failed as text: the numbers are gone.
        return any(os.strerror(number) in str(error) for number in DISK_FULL)
    if isinstance(error, OSError):
        return error.errno in DISK_FULL
    if is_unreadable(error):
        return False
    # safetensors raises one class for reading and writing, without an errno.
    if isinstance(error, SafetensorError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in WRITE_FAILED)


def is_unreadable(error: BaseException) -> bool:
    """Return whether a file of weights or of the optimiser exists, but is broken."""
    return isinstance(error, RuntimeError | SafetensorError) and any(
        words in str(error) for words in READ_FAILED
    )


def memory_failure(recipe: Recipe, hardware: Hardware) -> UnsuitableSettingsError:
    """Return the error for want of memory; its hint is the next setting that saves some.

    The settings come in the order of what they cost, in time first and in quality last.
    """
    table = recipe.train
    if table.batch > 1:
        batch = table.batch // 2
        # Rounded up, so that a step still sees at least as many samples and `lr` still fits.
        accumulate = -(-table.batch * table.accumulate // batch)
        fix = f"train.batch = {batch}, train.accumulate = {accumulate}"
    elif not table.gradient_checkpointing:
        fix = "train.gradient_checkpointing = true"
    elif not 0 < table.loss_chunk <= SMALL_CHUNK:
        fix = f"train.loss_chunk = {SMALL_CHUNK}"
    elif table.method == "full":
        fix = 'train.method = "lora"'
    elif table.max_tokens > SHORT_SAMPLES:
        fix = f"train.max_tokens = {max(SHORT_SAMPLES, table.max_tokens // 2)}"
    elif table.method == "lora" and hardware.device == "cuda":
        fix = 'train.method = "qlora"'
    else:
        fix = ""
    return UnsuitableSettingsError(
        Message("out of memory on {name} ({device})", name=hardware.name, device=hardware.device),
        hint=Message("set {change}", change=fix) if fix else Message("take a smaller base model"),
    )


def disk_failure(folder: Path, complete: Sequence[Path]) -> TrainingError:
    """Return the error for want of disk space in `folder`; `complete` are the checkpoints left."""
    kept = Message("; {name} is whole", name=complete[-1].name) if complete else NO_MESSAGE
    return TrainingError(
        Message("no room left to write in {folder}{kept}", folder=folder, kept=kept),
        hint=Message("make room, then: python -m finetune train RECIPE --resume"),
    )


def checkpoint_failure(last: Path) -> TrainingError:
    """Return the error for a checkpoint with a broken file, as a power cut leaves it."""
    return TrainingError(
        Message("{last} cannot be read: a file in it is broken", last=last),
        hint=Message(
            "delete that folder, then: python -m finetune train RECIPE --resume (the "
            "checkpoint before it goes on)"
        ),
    )


def divergence_failure(
    model: nn.Module,
    what: Message,
    *,
    step: int,
    table: TrainTable,
    precision: Precision,
    lr: float,
) -> UnsuitableSettingsError:
    """Return the error for a `what` that is NaN or Inf at `step`, with its likeliest reason.

    `lr` is the learning rate of that step.
    """
    reason, hint = likeliest_reason(model, step=step, table=table, precision=precision, lr=lr)
    return UnsuitableSettingsError(
        Message(
            "step {step}: {what} is not a finite number: {cause}",
            step=step,
            what=what,
            cause=reason,
        ),
        hint=hint,
    )


def likeliest_reason(
    model: nn.Module, *, step: int, table: TrainTable, precision: Precision, lr: float
) -> tuple[Message, Message]:
    """Return why numbers stopped being finite, and the next setting to try."""
    # In full training the base weights are the trained ones: after the first update a NaN in them
    # says nothing about the download any more.
    if table.method != "full" or step == 1:
        for name, weight in model.named_parameters():
            # LoRA's matrices are trainable, its base is not: the flag tells them apart. 4-bit
            # weights are uint8, in which NaN has no code.
            is_base = weight.requires_grad == (table.method == "full")
            if not is_base or not weight.is_floating_point() or torch.isfinite(weight).all():
                continue
            # peft wraps names; the user knows those of the file.
            in_file = name.removeprefix("base_model.model.").replace(".base_layer.", ".")
            return (
                Message("the base weights are not finite ({name})", name=in_file),
                Message("download the base model anew"),
            )
    if precision == "fp16":
        return Message("fp16 overflowed"), Message(
            'set train.precision = "bf16" on a GPU that has it, else "fp32"'
        )
    lower = f"train.lr = {table.lr / LR_DIVISOR:g}"
    fix = Message("set {setting}", setting=lower)
    if not table.clip:
        fix = Message("set {setting} and train.clip = 1.0", setting=lower)
    return Message("the learning rate {lr:g} is too high", lr=lr), fix


@contextlib.contextmanager
def explain_failures(recipe: Recipe, run: Run, machine: Hardware) -> Iterator[None]:
    """Turn an error of torch or the system into a TrainingError that names the next step."""
    try:
        yield
    except (OSError, RuntimeError, MemoryError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise memory_failure(recipe, machine) from error
        checkpoints = Checkpoints(run.train / "checkpoints")
        if is_unreadable(error) and checkpoints.complete():
            raise checkpoint_failure(checkpoints.complete()[-1]) from error
        if not is_out_of_disk(error):
            raise
        # The half-written checkpoint takes the very space that the next attempt needs.
        checkpoints.delete_incomplete()
        raise disk_failure(run.train, checkpoints.complete()) from error
