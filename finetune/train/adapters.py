"""LoRA's small matrices: laid on a base model, and bound to it by its fingerprint.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021.
"""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedModel

from finetune.errors import BaseModelError
from finetune.recipe import Recipe, TrainTable
from finetune.runs import write_whole
from finetune.train.hardware import Hardware
from finetune.train.model import LoadedModel, load_base
from ingest.foundation.messages import Message

BASE_FILE = "base.json"
"""Beside the adapter: which base it was trained on, by name and fingerprint."""

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
BLOCK = 64 * 1024
BLOCKS = 16
"""Of each file of weights so many blocks are looked at: enough to tell models apart, in a blink."""

LAYERS_SHOWN = 12


def add_lora(loaded: LoadedModel, table: TrainTable) -> PeftModel:
    """Return the model with fresh LoRA matrices, which alone are trained.

    Raises:
        BaseModelError: a layer that `train.targets` names is not in this model, or is its head and
            shares the embedding's weights.
    """
    model = loaded.model
    if table.method == "qlora":
        model = prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
            model, use_gradient_checkpointing=False
        )
    settings = LoraConfig(
        r=table.r,
        lora_alpha=table.alpha,
        lora_dropout=table.dropout,
        target_modules=_targets(model, table, loaded.folder),
        bias="none",
        task_type="CAUSAL_LM",
    )
    adapted: PeftModel = get_peft_model(model, settings)
    return adapted


def with_adapter(loaded: LoadedModel, adapter: Path) -> LoadedModel:
    """Return the loaded base with the adapter of `adapter` laid on it, ready to answer.

    Raises:
        BaseModelError: it is no adapter, or one of another base.
    """
    check_adapter(adapter, loaded.folder)
    try:
        adapted: Any = PeftModel.from_pretrained(loaded.model, adapter)  # answers as its base does
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise BaseModelError(
            Message("{adapter} holds no usable adapter", adapter=adapter),
            hint=Message("train again: python -m finetune train RECIPE"),
        ) from error
    adapted.eval()
    return replace(loaded, model=adapted)


def is_whole(folder: Path) -> bool:
    """Tell whether a folder holds a model of its own, and no adapter."""
    return (folder / "config.json").is_file()


def load_made(
    recipe: Recipe,
    folder: Path | None,
    *,
    hardware: Hardware,
    precision: Literal["auto", "fp32"] = "auto",
) -> LoadedModel:
    """Return what a run has made, to be asked: a whole model, or an adapter on the recipe's base.

    None is the base itself. It is loaded in the precision that this machine does well, whatever
    training asks for, or in fp32.

    Raises:
        BaseModelError: the model is missing or broken, or the adapter is of another base.
    """
    train = recipe.train.model_copy(update={"precision": precision, "method": "lora"})
    table = recipe.model
    if folder is not None and is_whole(folder):
        table = table.model_copy(update={"base": str(folder.absolute())})
    asked = recipe.model_copy(update={"train": train, "model": table})
    loaded = load_base(asked, hardware=hardware)
    return loaded if folder is None or is_whole(folder) else with_adapter(loaded, folder)


def check_adapter(adapter: Path, base: Path) -> None:
    """Make sure that an adapter was trained on the model in `base`.

    Raises:
        BaseModelError: it was trained on another, or it does not say on which.
    """
    try:
        told = json.loads((adapter / BASE_FILE).read_text(encoding="utf-8"))
        trained_on, digest = str(told["base"]), str(told["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        raise BaseModelError(
            Message("{adapter} does not say on which base it was trained", adapter=adapter),
            hint=Message("train it first: python -m finetune train RECIPE"),
        ) from None
    if digest != fingerprint(base):
        raise BaseModelError(
            Message(
                "{adapter} was trained on another base ({trained_on}) than {base}",
                adapter=adapter,
                trained_on=trained_on,
                base=base,
            ),
            hint=Message("set model.base to it, or train again"),
        )


def save_origin(folder: Path, base: Path, recipe: Recipe) -> None:
    """Write beside an adapter, or a wholly trained model, what it was trained from."""
    told: dict[str, Any] = {
        "base": str(base),
        "fingerprint": fingerprint(base),
        "method": recipe.train.method,
        "format": recipe.model.format,
    }
    write_whole(folder / BASE_FILE, json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    if recipe.train.method != "full":
        return
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)


def fingerprint(folder: Path) -> str:
    """Return a digest of a model's weights: names, sizes, and blocks spread over each file."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in WEIGHTS for path in folder.glob(pattern)):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            for at in range(0, size, max(BLOCK, size // BLOCKS)):
                file.seek(at)
                digest.update(file.read(BLOCK))
    return digest.hexdigest()


def _targets(model: PreTrainedModel, table: TrainTable, folder: Path) -> str | list[str]:
    if "all" in table.targets:
        return "all-linear"
    known = {name.rpartition(".")[2] for name, part in model.named_modules() if _is_linear(part)}
    if unknown := [name for name in table.targets if name.rpartition(".")[2] not in known]:
        layers = ", ".join(sorted(known)[:LAYERS_SHOWN])
        raise BaseModelError(
            Message(
                "train.targets: {name} has no linear layer {unknown}",
                name=folder.name,
                unknown=unknown[0],
            ),
            hint=Message('write targets = ["all"], or of these: {layers}', layers=layers),
        )
    _refuse_tied_head(model, table, folder)
    return list(table.targets)


def _refuse_tied_head(model: PreTrainedModel, table: TrainTable, folder: Path) -> None:
    """Refuse what could be trained but not merged: the embedding would change with the head."""
    causal: Any = model  # transformers annotates only some of its methods
    tied = getattr(model.config, "tie_word_embeddings", False)
    shared = causal.get_output_embeddings() if tied else None
    name = next((name for name, part in model.named_modules() if part is shared), "")
    if name and name.rpartition(".")[2] in {one.rpartition(".")[2] for one in table.targets}:
        raise BaseModelError(
            Message(
                "train.targets: {name} of {model} shares its weights with the embedding",
                name=name,
                model=folder.name,
            ),
            hint=Message(
                'leave it out, or write targets = ["all"], which means all but {name}', name=name
            ),
        )


def _is_linear(part: nn.Module) -> bool:
    return isinstance(part, nn.Linear)
