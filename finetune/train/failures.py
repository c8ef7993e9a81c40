"""Why a training broke off, in one line, with the next change to make."""

import errno
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from finetune.errors import TrainingError
from finetune.recipe import Recipe, TrainTable
from finetune.train.hardware import Hardware, Precision
from ingest.foundation.messages import NO_MESSAGE, Message

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
WRITE_FAILED = ("PytorchStreamWriter", "inline_container", "iostream error")
"""In torch's words when a checkpoint cannot be written: it raises no OSError of its own."""

READ_FAILED = ("PytorchStreamReader", "deserializing")
"""In torch's and safetensors' words when a file was cut short."""

ALLOCATION_FAILED = ("not enough memory", "out of memory", "can't allocate memory")
SMALL_CHUNK = 256
SHORT = 512
GENTLER = 5
"""By how much to lower a learning rate that blew up."""


def out_of_memory(error: BaseException) -> bool:
    """Tell whether torch had no memory left: CUDA, MPS and the processor each say it their way."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error).lower() for words in ALLOCATION_FAILED
    )


def out_of_disk(error: BaseException) -> bool:
    """Tell whether a file could not be written for want of room."""
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    if unreadable(error):
        return False
    if isinstance(error, SafetensorError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in WRITE_FAILED)


def unreadable(error: BaseException) -> bool:
    """Tell whether a file of weights or of the optimiser is there, but broken."""
    return isinstance(error, RuntimeError | SafetensorError) and any(
        words in str(error) for words in READ_FAILED
    )


def memory_failure(recipe: Recipe, hardware: Hardware) -> TrainingError:
    """Return the error for want of memory; its hint is the next setting to try."""
    return TrainingError(
        Message("out of memory on {name} ({device})", name=hardware.name, device=hardware.device),
        hint=_relief(recipe.train, hardware),
    )


def disk_failure(folder: Path, whole: Sequence[Path]) -> TrainingError:
    """Return the error for want of room in `folder`; `whole` are the checkpoints that stay."""
    kept = Message("; {name} is whole", name=whole[-1].name) if whole else NO_MESSAGE
    return TrainingError(
        Message("no room left to write in {folder}{kept}", folder=folder, kept=kept),
        hint=Message("make room, then: python -m finetune train RECIPE --resume"),
    )


def checkpoint_failure(last: Path) -> TrainingError:
    """Return the error for a checkpoint of which a file is broken, after a power cut for one."""
    return TrainingError(
        Message("{last} cannot be read: a file in it is broken", last=last),
        hint=Message(
            "delete that folder, then: python -m finetune train RECIPE --resume (the "
            "checkpoint before it goes on)"
        ),
    )


def divergence(
    model: nn.Module,
    what: Message,
    *,
    step: int,
    table: TrainTable,
    precision: Precision,
    lr: float,
) -> TrainingError:
    """Return the error for a `what` that is no finite number, with its likeliest cause."""
    cause, hint = _cause(model, step=step, table=table, precision=precision, lr=lr)
    return TrainingError(
        Message(
            "step {step}: {what} is not a finite number: {cause}", step=step, what=what, cause=cause
        ),
        hint=hint,
    )


def _cause(
    model: nn.Module, *, step: int, table: TrainTable, precision: Precision, lr: float
) -> tuple[Message, Message]:
    """Return the likeliest cause of numbers that are none, and the next change."""
    frozen = table.method != "full" or step == 1
    if frozen and (name := _broken_weight(model, trainable=table.method == "full")):
        return (
            Message("the base weights are not finite ({name})", name=name),
            Message("download the base model anew"),
        )
    if precision == "fp16":
        return Message("fp16 overflowed"), Message(
            'set train.precision = "bf16" on a GPU that has it, else "fp32"'
        )
    gentler = f"train.lr = {table.lr / GENTLER:g}"
    change = Message("set {setting}", setting=gentler)
    if not table.clip:
        change = Message("set {setting} and train.clip = 1.0", setting=gentler)
    return Message("the learning rate {lr:g} is too high", lr=lr), change


def _broken_weight(model: nn.Module, *, trainable: bool) -> str:
    """Return the name of the first weight of the base that holds NaN or infinity, "" for none."""
    for name, weight in model.named_parameters():
        looked_at = weight.requires_grad == trainable and weight.is_floating_point()
        if looked_at and not bool(torch.isfinite(weight).all()):
            return name.removeprefix("base_model.model.").replace(".base_layer.", ".")
    return ""


def _relief(table: TrainTable, hardware: Hardware) -> Message:
    """Return the next change that saves memory, the cheapest in time and quality first."""
    if table.batch > 1:
        batch = table.batch // 2
        accumulate = -(-table.batch * table.accumulate // batch)
        change = f"train.batch = {batch}, train.accumulate = {accumulate}"
    elif not table.gradient_checkpointing:
        change = "train.gradient_checkpointing = true"
    elif not 0 < table.loss_chunk <= SMALL_CHUNK:
        change = f"train.loss_chunk = {SMALL_CHUNK}"
    elif table.method == "full":
        change = 'train.method = "lora"'
    elif table.max_tokens > SHORT:
        change = f"train.max_tokens = {max(SHORT, table.max_tokens // 2)}"
    elif table.method == "lora" and hardware.device == "cuda":
        change = 'train.method = "qlora"'
    else:
        return Message("take a smaller base model")
    return Message("set {change}", change=change)
