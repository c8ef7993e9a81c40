"""LoRA adapters: added to a base model, loaded again, and bound to that base by its fingerprint.

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
from finetune.runs import write_atomically
from finetune.train.hardware import Hardware
from finetune.train.model import LoadedModel, load_base
from ingest.foundation.messages import Message

BASE_FILE = "base.json"
"""Beside the adapter: the base it was trained on, by name and fingerprint."""

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
BLOCK_BYTES = 64 * 1024
BLOCKS = 16
"""Blocks of each file of weights in a fingerprint: enough to tell models apart, in milliseconds."""

LAYERS_SHOWN = 12
"""Names of layers in an error message."""


def add_lora(loaded: LoadedModel, table: TrainTable) -> PeftModel:
    """Return the model with new LoRA matrices, which alone are trained.

    Raises:
        BaseModelError: a layer in `train.targets` is not in this model, or is a head that shares
            its weights with the embedding.
    """
    model = loaded.model
    if table.method == "qlora":
        # Norms go to fp32, for stable gradients through 4-bit layers. Gradient checkpointing was
        # switched on already, in the non-reentrant way.
        model = prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
            model, use_gradient_checkpointing=False
        )
    settings = LoraConfig(
        r=table.r,
        lora_alpha=table.alpha,
        lora_dropout=table.dropout,
        use_rslora=table.rslora,
        use_dora=table.dora,
        target_modules=target_layers(model, table, loaded.folder),
        bias="none",
        task_type="CAUSAL_LM",
    )
    adapted: PeftModel = get_peft_model(model, settings)
    return adapted


def apply_adapter(loaded: LoadedModel, adapter: Path) -> LoadedModel:
    """Return the loaded base with the adapter in the folder `adapter`, ready for inference.

    Raises:
        BaseModelError: it is no adapter, or one of another base.
    """
    check_adapter(adapter, loaded.folder)
    try:
        # `Any`: a PeftModel is no PreTrainedModel, but passes its attributes and methods through.
        adapted: Any = PeftModel.from_pretrained(loaded.model, adapter)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise BaseModelError(
            Message("{adapter} holds no usable adapter", adapter=adapter),
            hint=Message("train again: python -m finetune train RECIPE"),
        ) from error
    adapted.eval()  # peft leaves dropout on
    return replace(loaded, model=adapted)


def is_full_model(folder: Path) -> bool:
    """Return whether a folder holds a complete model, not an adapter."""
    return (folder / "config.json").is_file()


def load_for_inference(
    recipe: Recipe,
    folder: Path | None,
    *,
    hardware: Hardware,
    precision: Literal["auto", "fp32"] = "auto",
) -> LoadedModel:
    """Return the model in `folder`, complete or an adapter on the recipe's base; None: the base.

    Raises:
        BaseModelError: the model is missing or broken, or the adapter is of another base.
    """
    # `method` and `precision` of training do not bind inference: full training would load fp32,
    # and its format may be one that this machine does not support.
    train = recipe.train.model_copy(update={"precision": precision, "method": "lora"})
    table = recipe.model
    if folder is not None and is_full_model(folder):
        table = table.model_copy(update={"base": str(folder.absolute())})
    for_inference = recipe.model_copy(update={"train": train, "model": table})
    loaded = load_base(for_inference, hardware=hardware)
    return loaded if folder is None or is_full_model(folder) else apply_adapter(loaded, folder)


def check_adapter(adapter: Path, base: Path) -> None:
    """Check that an adapter was trained on the model in `base`.

    Raises:
        BaseModelError: it was trained on another, or does not say on which.
    """
    try:
        origin = json.loads((adapter / BASE_FILE).read_text(encoding="utf-8"))
        trained_on, digest = str(origin["base"]), str(origin["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        raise BaseModelError(
            Message("{adapter} does not say on which base it was trained", adapter=adapter),
            hint=Message("train it first: python -m finetune train RECIPE"),
        ) from None
    # By content, not by path: models move between folders, and two sizes of one family may have
    # layers of the same shapes.
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
    """Write base, method and format beside an adapter or a fully trained model.

    A fully trained model gets the files of the base's tokenizer as well.
    """
    origin: dict[str, Any] = {
        "base": str(base),
        "fingerprint": fingerprint(base),
        "method": recipe.train.method,
        "format": recipe.model.format,
    }
    write_atomically(folder / BASE_FILE, json.dumps(origin, ensure_ascii=False, indent=1) + "\n")
    if recipe.train.method != "full":
        return
    # The Trainer saves no tokenizer that it was not given; its own copy could differ in spelling.
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)


def fingerprint(folder: Path) -> str:
    """Return a digest of the files of weights: names, sizes, and blocks spread over each file."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in WEIGHTS for path in folder.glob(pattern)):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            for at in range(0, size, max(BLOCK_BYTES, size // BLOCKS)):
                file.seek(at)
                digest.update(file.read(BLOCK_BYTES))
    return digest.hexdigest()


def target_layers(model: PreTrainedModel, table: TrainTable, folder: Path) -> str | list[str]:
    """Return `target_modules` for peft.

    Raises:
        BaseModelError: a target is no linear layer of the model, or shares the embedding's weights.
    """
    if "all" in table.targets:
        return "all-linear"  # peft's name for all linear layers but the head
    known_layers = {
        name.rpartition(".")[2]
        for name, part in model.named_modules()
        if isinstance(part, nn.Linear)
    }
    if unknown := [name for name in table.targets if name.rpartition(".")[2] not in known_layers]:
        layers = ", ".join(sorted(known_layers)[:LAYERS_SHOWN])
        raise BaseModelError(
            Message(
                "train.targets: {name} has no linear layer {unknown}",
                name=folder.name,
                unknown=unknown[0],
            ),
            hint=Message('write targets = ["all"], or of these: {layers}', layers=layers),
        )
    # A tied head could be trained, but not merged: it would change the embedding as well.
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
    return list(table.targets)
