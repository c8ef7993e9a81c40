"""Base and adapter become one model folder, proven to compute what the adapter computed.

The sum W + (alpha/r)·B·A is taken in fp32 and cast last: taken in bf16 it is off by 0.1 in the
logits of a small model, in fp32 by 3e-5 (Hu et al., "LoRA", 2021, section 4.1).
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finetune.errors import BaseModelError, ExportError
from finetune.export.config import (
    compatible_config,
    copy_tokenizer,
    read_json,
    write_generation_config,
    write_json,
)
from finetune.export.files import gigabytes, require_space, tensor_files, writing
from finetune.model.base_model import find_base_model
from finetune.model.chat_format import ChatFormat, chat_format
from finetune.model.samples import encode_prompt
from finetune.model.tokenization import load_tokenizer
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.records import Record, Turn
from finetune.runs import Run
from finetune.train.adapters import apply_adapter, check_adapter
from finetune.train.hardware import Hardware
from finetune.train.model import LoadedModel, load_base
from ingest.foundation.messages import Message

DtypeName = Literal["auto", "float32", "float16", "bfloat16"]

CPU = Hardware(device="cpu", name="cpu", memory=0)
"""Merging is one pass over the weights: a GPU gains nothing, and may be too small for fp32."""

SHARD = "5GB"
FP32_BYTES = 4
TOLERANCE = {"float32": 1e-3, "float16": 0.1, "bfloat16": 0.1}
"""Largest difference of logits, as a share of the largest logit; a wrong merge is off by 0.5."""

QUESTIONS = (
    "无人机夜间飞行需要注意什么？",
    "What should I check before take-off?",
    "请用一句话介绍你自己。",
    "12 × 11 = ?",
)
"""Asked of both models; what they answer does not matter, only that they agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeReport:
    """A merged model and how near it is to base + adapter."""

    folder: Path
    dtype: str
    parameters: int
    bytes: int
    """Of the weights, as saved."""
    max_difference: float
    """Largest difference of two logits on the probes, both computed in fp32."""
    argmax_equal: float
    """Share of positions at which both models put the same token first."""

    def figures(self) -> dict[str, Any]:
        """Return what is worth keeping, for JSON."""
        return {
            "dtype": self.dtype,
            "parameters": self.parameters,
            "bytes": self.bytes,
            "max_difference": self.max_difference,
            "argmax_equal": self.argmax_equal,
        }


def merge(
    recipe: Recipe, run: Run, *, progress: Progress, dtype: DtypeName = "auto"
) -> MergeReport:
    """Write base + adapter to `run.merged`; a run that trained all weights is copied instead.

    The base is loaded in 32 bits, also if it was trained in 4 (QLoRA), so that memory must hold
    the model in fp32. "auto" saves in the base's own dtype.

    Raises:
        BaseModelError: the base is missing, incomplete, 4-bit, or not the adapter's.
        ExportError: no adapter, no room on the disk, or the merged model computes something else.
    """
    base = find_base_model(recipe)
    adapter = _adapter(run)
    saved = _dtype(base, dtype)
    check_adapter(adapter, base)
    whole = not (adapter / "adapter_config.json").is_file()
    size = _weights(adapter if whole else base)
    require_space(run.merged, size * int(getattr(torch, saved).itemsize))
    needed = gigabytes(size * FP32_BYTES)
    progress.note(Message("merging takes {needed} of memory", needed=needed))
    chat = chat_format(recipe.model.format)
    probes = _probes(base, chat, recipe.model.system)
    with progress.stage(Message("merging"), total=4) as stage:
        loaded = _load(recipe, adapter if whole else base)
        stage.advance()
        model, expected = _merged(loaded, None if whole else adapter, probes)
        stage.advance()
        with writing(run.merged) as part:
            _save(model, part, dtype=saved)
            del model, loaded
            gc.collect()  # before the next load, or memory holds the model twice
            _write_small_files(base, part, recipe, chat, dtype=saved)
            stage.advance()
            found = _logits(_load(recipe, part).model, probes)
            report = _report(part, found, expected, dtype=saved, size=size)
            stage.advance()
    return replace(report, folder=run.merged)


def _adapter(run: Run) -> Path:
    if not run.adapter.is_dir():
        raise ExportError(
            Message("there is no {adapter}", adapter=run.adapter),
            hint=Message("train first: python -m finetune train RECIPE"),
        )
    return run.adapter


def _dtype(base: Path, wanted: DtypeName) -> str:
    """Return the dtype to save in, and refuse a base whose weights are quantised."""
    config = read_json(base / "config.json")
    if config.get("quantization_config"):
        raise BaseModelError(
            Message("{base} is a quantised model: an adapter cannot be merged into it", base=base),
            hint=Message("set model.base to the 16-bit model that it was made from"),
        )
    if wanted != "auto":
        return wanted
    own = str(config.get("dtype") or config.get("torch_dtype"))
    return own if own in TOLERANCE else "float32"


def _weights(folder: Path) -> int:
    """Return the number of weights in a folder; files of pickles tell it by their size alone."""
    pickles = sorted(folder.glob("pytorch_model*.bin"))
    if pickles and not any(folder.glob("*.safetensors")):
        width = int(getattr(torch, _dtype(folder, "auto")).itemsize)
        return sum(path.stat().st_size for path in pickles) // width
    return sum(torch.Size(shape).numel() for *_, shape in tensor_files(folder))


def _load(recipe: Recipe, folder: Path) -> LoadedModel:
    """Return the model in `folder` in fp32, on the CPU."""
    table = recipe.model.model_copy(update={"base": str(folder.absolute())})
    train = recipe.train.model_copy(update={"precision": "fp32"})
    loaded = load_base(recipe.model_copy(update={"model": table, "train": train}), hardware=CPU)
    loaded.model.train(False)  # of a library without types, as `eval` is not
    return loaded


def _probes(base: Path, chat: ChatFormat, system: str) -> list[Tensor]:
    """Return prompts as ids, each of shape [1, tokens]."""
    tokenizer = load_tokenizer(base, fmt=chat)
    asked = [
        Record(id=question, turns=(Turn(user=question, answer=""),), system=system)
        for question in QUESTIONS
    ]
    return [torch.tensor([encode_prompt(record, chat, tokenizer)]) for record in asked]


def _merged(
    loaded: LoadedModel, adapter: Path | None, probes: Sequence[Tensor]
) -> tuple[PreTrainedModel, list[Tensor]]:
    """Return the merged model, and what base + adapter say to the probes."""
    if adapter is None:
        return loaded.model, _logits(loaded.model, probes)
    adapted: Any = apply_adapter(loaded, adapter).model  # a PeftModel
    expected = _logits(adapted, probes)
    return adapted.merge_and_unload(safe_merge=True), expected


@torch.inference_mode()
def _logits(model: torch.nn.Module, probes: Sequence[Tensor]) -> list[Tensor]:
    """Return logits of shape [tokens, vocabulary] for each probe."""
    return [model(input_ids=probe).logits[0].float() for probe in probes]


def _save(model: PreTrainedModel, folder: Path, *, dtype: str) -> None:
    model.to(getattr(torch, dtype))
    model.save_pretrained(folder, max_shard_size=SHARD)


def _write_small_files(
    base: Path, folder: Path, recipe: Recipe, chat: ChatFormat, *, dtype: str
) -> None:
    written = read_json(folder / "config.json")
    write_json(folder / "config.json", compatible_config(written, dtype=dtype))
    copy_tokenizer(base, folder, template=chat.jinja)
    write_generation_config(base, folder, chat=chat, export=recipe.export)


def _report(
    folder: Path, found: Sequence[Tensor], expected: Sequence[Tensor], *, dtype: str, size: int
) -> MergeReport:
    """Compare what the model in `folder` says with what base + adapter said.

    Raises:
        ExportError: it says something else, or no numbers at all.
    """
    ours, theirs = torch.cat(list(found)), torch.cat(list(expected))
    difference = float((ours - theirs).abs().max())
    if not difference <= TOLERANCE[dtype] * max(1.0, float(theirs.abs().max())):  # NaN never is
        raise ExportError(
            Message(
                "the merged model is off from base + adapter by {difference:.3g} in its logits",
                difference=difference,
            ),
            hint=Message("run: python -m finetune diagnose RECIPE"),
        )
    return MergeReport(
        folder=folder,
        dtype=dtype,
        parameters=size,
        bytes=sum(path.stat().st_size for path in folder.glob("*.safetensors")),
        max_difference=difference,
        argmax_equal=float((ours.argmax(-1) == theirs.argmax(-1)).float().mean()),
    )
