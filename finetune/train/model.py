"""The base model: found, loaded, and refused with a reason where it would train into nothing."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.utils.tqdm import disable_progress_bars
from peft import PeftModel
from safetensors import SafetensorError
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    GenerationConfig,
    PreTrainedModel,
)
from transformers.utils import logging

from finetune.errors import BaseModelError, TrainingError
from finetune.model.base_model import download_command, find_base_model
from finetune.model.tokenization import ChatTokenizer, load_tokenizer
from finetune.recipe import Recipe
from finetune.train.hardware import Hardware, Precision, choose_precision
from ingest.foundation.messages import Message

DTYPES: dict[Precision, torch.dtype] = {
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "fp32": torch.float32,
}
LFS_POINTER = b"version https://git-lfs"
"""How a file begins that git cloned without its content."""

LONGEST_REASON = 200
"""Characters of another library's reason that we pass on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model in memory, on its device. `folder` is where the base lies."""

    model: PreTrainedModel
    tokenizer: ChatTokenizer
    folder: Path
    precision: Precision


def quiet() -> None:
    """Silence what transformers and the hub's client tell and draw by themselves."""
    chatter: Any = logging  # transformers annotates only some of its functions
    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    disable_progress_bars()


def load_base(recipe: Recipe, *, hardware: Hardware, quantized: bool = False) -> LoadedModel:
    """Return the base model on its device, in the precision that the recipe and hardware ask for.

    A model of which every weight is trained is loaded in fp32, since steps are smaller than what
    half precision tells apart. `quantized` loads it in 4 bits (NF4), on CUDA alone.

    What the folder's generation_config.json advises is forgotten: transformers would fill our own
    settings up with it, and a greedy reply would be sampled, its repetitions punished.

    Raises:
        BaseModelError: it is missing, broken, or no model that writes text.
        TrainingError: `quantized`, and bitsandbytes or CUDA is not there.
    """
    quiet()
    folder = find_base_model(recipe)
    _refuse_pointers(folder, recipe)
    precision = choose_precision(recipe.train, hardware)
    options: dict[str, Any] = {"dtype": DTYPES[precision]}
    if recipe.train.method == "full":
        options["dtype"] = torch.float32
    if quantized:
        options["quantization_config"] = _four_bits(hardware, DTYPES[precision])
        options["device_map"] = {"": hardware.torch_device}
    model = _from_folder(folder, options, recipe)
    model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    tokenizer = load_tokenizer(folder)
    _refuse_small_vocabulary(model, tokenizer, folder)
    if not quantized:
        nn.Module.to(model, hardware.torch_device)
    return LoadedModel(model=model, tokenizer=tokenizer, folder=folder, precision=precision)


def checkpoint_activations(model: PreTrainedModel) -> None:
    """Let a model compute its activations again for the gradient instead of keeping them.

    Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
    """
    begin = getattr(model, "activation_checkpointing_enable", None)
    if begin is None:  # transformers before 5.20 calls it so
        begin = model.gradient_checkpointing_enable
    begin()


def count_parameters(model: PreTrainedModel | PeftModel) -> tuple[int, int]:
    """Return how many weights are trained and how many there are; 4-bit ones count singly."""
    if isinstance(model, PeftModel):
        trainable, parameters = model.get_nb_trainable_parameters()
        return trainable, parameters
    return model.num_parameters(only_trainable=True), model.num_parameters()


def _from_folder(folder: Path, options: dict[str, Any], recipe: Recipe) -> PreTrainedModel:
    loader: Any = AutoModelForCausalLM  # whose annotations leave out what loading tells
    try:
        model, told = loader.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, **options
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        reason = " ".join(str(error).split())[:LONGEST_REASON]
        raise _broken(folder, Message.verbatim(reason), recipe) from error
    if missing := sorted({*told["missing_keys"], *(key for key, *_ in told["mismatched_keys"])}):
        reason = f"{len(missing)}: {missing[0]}"
        raise _broken(folder, Message("weights missing, {reason}", reason=reason), recipe)
    loaded: PreTrainedModel = model
    return loaded


def _refuse_pointers(folder: Path, recipe: Recipe) -> None:
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            if file.read(len(LFS_POINTER)) == LFS_POINTER:
                reason = Message("{name} is a pointer of Git LFS, not the weights", name=path.name)
                raise _broken(folder, reason, recipe)


def _refuse_small_vocabulary(
    model: PreTrainedModel, tokenizer: ChatTokenizer, folder: Path
) -> None:
    table: Any = model.get_input_embeddings()
    rows = table.weight.shape[0]
    if tokenizer.size > rows:
        raise BaseModelError(
            Message(
                "{folder}: the tokenizer has {size} tokens, the model only {rows}",
                folder=folder,
                size=tokenizer.size,
                rows=rows,
            ),
            hint=Message("take tokenizer and weights from the same model"),
        )


def _four_bits(hardware: Hardware, compute: torch.dtype) -> BitsAndBytesConfig:
    """Return QLoRA's settings (Dettmers et al., 2023): NF4, its constants quantized once more."""
    if hardware.device != "cuda":
        raise TrainingError(
            Message(
                "train.method qlora needs a CUDA GPU; this is {name} ({device})",
                name=hardware.name,
                device=hardware.device,
            ),
            hint=Message('write method = "lora"'),
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise TrainingError(
            Message("train.method qlora needs bitsandbytes"),
            hint=Message("pip install 'qiuzheng[qlora]'"),
        )
    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )


def _broken(folder: Path, reason: Message, recipe: Recipe) -> BaseModelError:
    return BaseModelError(
        Message("{folder} is not a usable base model ({reason})", folder=folder, reason=reason),
        hint=Message(
            "download it anew: {download_command}", download_command=download_command(recipe)
        ),
    )
