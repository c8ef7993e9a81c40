"""Merge base and adapter into one model folder, and verify that its logits are the same.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021, section 4.1.
"""

import gc
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finetune.errors import BaseModelError, ExportError
from finetune.export.config import read_json, write_small_files
from finetune.export.files import format_bytes, iterate_tensors, replacing, require_space
from finetune.model.base_model import find_base_model
from finetune.model.chat_format import chat_format
from finetune.model.chat_templates import ChatFormat
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
"""Largest file of weights, as Hugging Face's hub stores them."""

FP32_BYTES = 4
TOLERANCE = {"float32": 1e-3, "float16": 0.1, "bfloat16": 0.1}
"""Largest difference of logits allowed, as a share of the largest logit; a wrong merge has 0.5."""

QUESTIONS = (
    "无人机夜间飞行需要注意什么？",
    "What should I check before take-off?",
    "请用一句话介绍你自己。",
    "12 × 11 = ?",
)
"""Prompts for both models; what they reply does not matter, only that their logits agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeReport:
    """A merged model, and how its logits compare with those of base + adapter."""

    folder: Path
    dtype: str
    parameters: int
    bytes: int
    """Bytes of the weights, as saved."""
    max_difference: float
    """Largest difference of two logits on the probes, both computed in fp32."""
    argmax_equal: float
    """Share of positions at which both models rank the same token first."""

    def figures(self) -> dict[str, Any]:
        """Return all but the folder as JSON values."""
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

    Memory has to hold the model in fp32, also after a training in 4 bits (QLoRA). "auto" saves in
    the base's own dtype.

    Raises:
        BaseModelError: the base is missing, incomplete, 4-bit, or not the adapter's.
        ExportError: no adapter, no disk space, or the merged model computes something else.
    """
    base = find_base_model(recipe)
    if not run.adapter.is_dir():
        raise ExportError(
            Message("there is no {adapter}", adapter=run.adapter),
            hint=Message("train first: python -m finetune train RECIPE"),
        )
    saved = _dtype_to_save(base, dtype)
    check_adapter(run.adapter, base)
    is_full = not (run.adapter / "adapter_config.json").is_file()
    size = count_weights(run.adapter if is_full else base)
    require_space(run.merged, size * int(getattr(torch, saved).itemsize))
    needed = format_bytes(size * FP32_BYTES)
    progress.note(Message("merging takes {needed} of memory", needed=needed))
    fmt = chat_format(recipe.model.format)
    probes = _Probes.encode(base, fmt, recipe.model.system)
    with progress.stage(Message("merging"), total=4) as stage:
        loaded = _load_on_cpu(recipe, run.adapter if is_full else base)
        stage.advance()
        model, expected = probes.merge(loaded, None if is_full else run.adapter)
        stage.advance()
        with replacing(run.merged) as part:
            # Cast last: a sum W + (alpha/r)·B·A taken in bf16 is off by 0.1 in the logits of a
            # small model, one in fp32 by 3e-5.
            model.to(getattr(torch, saved))
            model.save_pretrained(part, max_shard_size=SHARD)
            del model, loaded
            gc.collect()  # before the next load, or memory holds the model twice
            write_small_files(base, part, fmt=fmt, export=recipe.export, dtype=saved)
            stage.advance()
            # Read back from disk: what is verified is what will be served.
            found = probes.logits(_load_on_cpu(recipe, part).model)
            report = verify_merge(part, found, expected, dtype=saved, size=size)
            stage.advance()
    return replace(report, folder=run.merged)


def _dtype_to_save(base: Path, wanted: DtypeName) -> str:
    """Return the dtype to save in; raises BaseModelError if the base's weights are quantised."""
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


def count_weights(folder: Path) -> int:
    """Return the number of weights in a model folder."""
    # Pickles have no header; and to load them only to count would take all their memory.
    pickles = sorted(folder.glob("pytorch_model*.bin"))
    if pickles and not any(folder.glob("*.safetensors")):
        width = int(getattr(torch, _dtype_to_save(folder, "auto")).itemsize)
        return sum(path.stat().st_size for path in pickles) // width
    return sum(torch.Size(shape).numel() for *_, shape in iterate_tensors(folder))


def _load_on_cpu(recipe: Recipe, folder: Path) -> LoadedModel:
    """Return the model in `folder` in fp32, on the CPU."""
    table = recipe.model.model_copy(update={"base": str(folder.absolute())})
    train = recipe.train.model_copy(update={"precision": "fp32"})
    loaded = load_base(recipe.model_copy(update={"model": table, "train": train}), hardware=CPU)
    loaded.model.train(False)
    return loaded


@dataclass(frozen=True, slots=True)
class _Probes:
    """Prompts on which two models have to agree, as ids of (1, tokens) each."""

    ids: tuple[Tensor, ...]

    @classmethod
    def encode(cls, base: Path, fmt: ChatFormat, system: str) -> "_Probes":
        tokenizer = load_tokenizer(base, fmt=fmt)
        records = [
            Record(id=question, turns=(Turn(user=question, answer=""),), system=system)
            for question in QUESTIONS
        ]
        return cls(
            tuple(torch.tensor([encode_prompt(record, fmt, tokenizer)]) for record in records)
        )

    @torch.inference_mode()
    def logits(self, model: torch.nn.Module) -> Tensor:
        """Return the logits of all probes in a row, (tokens, vocabulary), in fp32."""
        return torch.cat([model(input_ids=one).logits[0].float() for one in self.ids])

    def merge(self, loaded: LoadedModel, adapter: Path | None) -> tuple[PreTrainedModel, Tensor]:
        """Return the merged model, and the logits of base + adapter."""
        if adapter is None:
            return loaded.model, self.logits(loaded.model)
        adapted: Any = apply_adapter(loaded, adapter).model  # a PeftModel
        expected = self.logits(adapted)
        # `safe_merge` checks the sum for NaN before the base's weights are overwritten.
        return adapted.merge_and_unload(safe_merge=True), expected


def verify_merge(
    folder: Path, found: Tensor, expected: Tensor, *, dtype: str, size: int
) -> MergeReport:
    """Compare the logits of the model in `folder` with those of base + adapter.

    Raises:
        ExportError: they differ, or are NaN.
    """
    difference = float((found - expected).abs().max())
    # "not <=", since NaN compares as False.
    if not difference <= TOLERANCE[dtype] * max(1.0, float(expected.abs().max())):
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
        argmax_equal=float((found.argmax(-1) == expected.argmax(-1)).float().mean()),
    )
