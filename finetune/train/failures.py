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
from ingest.foundation.messages import SILENCE, Wording

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
        Wording(
            f"out of memory on {hardware.name} ({hardware.device})",
            f"{hardware.name}（{hardware.device}）内存不足",
        ),
        hint=_relief(recipe.train, hardware),
    )


def disk_failure(folder: Path, whole: Sequence[Path]) -> TrainingError:
    """Return the error for want of room in `folder`; `whole` are the checkpoints that stay."""
    kept = Wording(f"; {whole[-1].name} is whole", f"；{whole[-1].name} 完好") if whole else SILENCE
    return TrainingError(
        Wording(f"no room left to write in {folder}{kept.en}", f"{folder} 已无空间可写{kept.zh}"),
        hint=Wording(
            "make room, then: python -m finetune train RECIPE --resume",
            "请腾出空间，然后：python -m finetune train 配方 --resume",
        ),
    )


def checkpoint_failure(last: Path) -> TrainingError:
    """Return the error for a checkpoint of which a file is broken, after a power cut for one."""
    return TrainingError(
        Wording(
            f"{last} cannot be read: a file in it is broken", f"{last} 中有损坏的文件，无法读取"
        ),
        hint=Wording(
            "delete that folder, then: python -m finetune train RECIPE --resume "
            "(the checkpoint before it goes on)",
            "请删除该文件夹，然后：python -m finetune train 配方 --resume（从前一个检查点继续）",
        ),
    )


def divergence(
    model: nn.Module,
    what: Wording,
    *,
    step: int,
    table: TrainTable,
    precision: Precision,
    lr: float,
) -> TrainingError:
    """Return the error for a `what` that is no finite number, with its likeliest cause."""
    cause, hint = _cause(model, step=step, table=table, precision=precision, lr=lr)
    return TrainingError(
        Wording(
            f"step {step}: {what.en} is not a finite number: {cause.en}",
            f"第 {step} 步：{what.zh}不是有限数：{cause.zh}",
        ),
        hint=hint,
    )


def _cause(
    model: nn.Module, *, step: int, table: TrainTable, precision: Precision, lr: float
) -> tuple[Wording, Wording]:
    """Return the likeliest cause of numbers that are none, and the next change."""
    frozen = table.method != "full" or step == 1
    if frozen and (name := _broken_weight(model, trainable=table.method == "full")):
        return (
            Wording(f"the base weights are not finite ({name})", f"基座权重含有非有限值（{name}）"),
            Wording("download the base model anew", "请重新下载基座模型"),
        )
    if precision == "fp16":
        return Wording("fp16 overflowed", "fp16 溢出"), Wording(
            'set train.precision = "bf16" on a GPU that has it, else "fp32"',
            '显卡支持时请设 train.precision = "bf16"，否则设 "fp32"',
        )
    gentler = f"train.lr = {table.lr / GENTLER:g}"
    return Wording(f"the learning rate {lr:g} is too high", f"学习率 {lr:g} 过高"), Wording(
        f"set {gentler}" + (" and train.clip = 1.0" if not table.clip else ""),
        f"请设 {gentler}" + ("，并设 train.clip = 1.0" if not table.clip else ""),
    )


def _broken_weight(model: nn.Module, *, trainable: bool) -> str:
    """Return the name of the first weight of the base that holds NaN or infinity, "" for none."""
    for name, weight in model.named_parameters():
        looked_at = weight.requires_grad == trainable and weight.is_floating_point()
        if looked_at and not bool(torch.isfinite(weight).all()):
            return name.removeprefix("base_model.model.").replace(".base_layer.", ".")
    return ""


def _relief(table: TrainTable, hardware: Hardware) -> Wording:
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
        return Wording("take a smaller base model", "请换更小的基座模型")
    return Wording(f"set {change}", f"请设 {change}")
