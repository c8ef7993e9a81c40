"""Load the base model, and reject one that would train without learning anything."""

import importlib.util
import pickle
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
"""How a file begins that git cloned without its content (Git LFS, pointer spec v1)."""

PICKLES = "pytorch_model*.bin"
"""Files of weights of old models; of a pickle torch loads weights alone, and runs no code."""

MAX_REASON_CHARACTERS = 200
"""Characters of another library's error message that are passed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model in memory, on its device. `folder` is that of its base."""

    model: PreTrainedModel
    tokenizer: ChatTokenizer
    folder: Path
    precision: Precision


def silence_libraries() -> None:
    """Switch off the log output and progress bars of transformers and the hub's client."""
    transformers_logging: Any = logging  # transformers annotates only some of its functions
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    disable_progress_bars()


def load_base(recipe: Recipe, *, hardware: Hardware, quantized: bool = False) -> LoadedModel:
    """Return the base model on its device, in the precision that recipe and hardware ask for.

    A model of which every weight is trained is loaded in fp32. `quantized` loads it in 4 bits
    (NF4), on CUDA alone. The settings of its generation_config.json are replaced by neutral ones.

    Raises:
        BaseModelError: it is missing, broken, or no causal language model.
        TrainingError: `quantized` without bitsandbytes or CUDA.
    """
    silence_libraries()
    folder = find_base_model(recipe)
    for path in sorted((*folder.glob("*.safetensors"), *folder.glob(PICKLES))):
        with path.open("rb") as file:
            if file.read(len(LFS_POINTER)) == LFS_POINTER:
                reason = Message("{name} is a pointer of Git LFS, not the weights", name=path.name)
                raise _unusable_base(folder, reason, recipe)
    precision = choose_precision(recipe.train, hardware)
    options: dict[str, Any] = {"dtype": DTYPES[precision]}
    if recipe.train.method == "full":
        # lr * gradient is often below half a unit in the last place of a bf16 weight (8 bits of
        # precision): the sum would round back to the old weight, and nothing would be learnt.
        options["dtype"] = torch.float32
    if quantized:
        options["quantization_config"] = _nf4_config(hardware, DTYPES[precision])
        # bitsandbytes quantizes while weights move to the GPU: they have to be loaded there.
        options["device_map"] = {"": hardware.torch_device}
    model = _load_weights(folder, options, recipe)
    # `generate` fills settings that we leave out with the model's own advice: Qwen's turns greedy
    # decoding into sampling with a repetition penalty.
    model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    tokenizer = load_tokenizer(folder)
    table: Any = model.get_input_embeddings()
    rows = table.weight.shape[0]
    # More rows than tokens are common (padded to a multiple of 64 or 128); fewer would index past
    # the table, on CUDA as a device assertion without a word about the reason.
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
    if not quantized:
        nn.Module.to(model, hardware.torch_device)
    return LoadedModel(model=model, tokenizer=tokenizer, folder=folder, precision=precision)


def checkpoint_activations(model: PreTrainedModel) -> None:
    """Let a model recompute its activations in the backward pass instead of keeping them.

    Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
    """
    enable = getattr(model, "activation_checkpointing_enable", None)
    if enable is None:  # its name in transformers before 5.20
        enable = model.gradient_checkpointing_enable
    enable()


def count_parameters(model: PreTrainedModel | PeftModel) -> tuple[int, int]:
    """Return the number of trained weights and of all weights."""
    if isinstance(model, PeftModel):
        # 4-bit weights are stored in pairs, one byte each pair; peft counts both.
        trainable, parameters = model.get_nb_trainable_parameters()
        return trainable, parameters
    return model.num_parameters(only_trainable=True), model.num_parameters()


def _load_weights(folder: Path, options: dict[str, Any], recipe: Recipe) -> PreTrainedModel:
    loader: Any = AutoModelForCausalLM  # annotated without `output_loading_info`
    try:
        model, loading_info = loader.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, **options
        )
    except (
        *(OSError, ValueError, KeyError, RuntimeError, SafetensorError),
        pickle.UnpicklingError,
    ) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise  # a RuntimeError as well, but no fault of the folder
        pickled = next(iter(sorted(folder.glob(PICKLES))), None)
        if pickled is not None and isinstance(error, pickle.UnpicklingError | KeyError):
            # torch says how to run the code in it, which is the last thing to do.
            what = Message("{name} is broken, or holds code besides weights", name=pickled.name)
            raise _unusable_base(folder, what, recipe) from error
        reason = " ".join(str(error).split())[:MAX_REASON_CHARACTERS]
        raise _unusable_base(folder, Message.verbatim(reason), recipe) from error
    # transformers draws absent weights at random and only warns: training would learn on noise.
    mismatched = {key for key, *_ in loading_info["mismatched_keys"]}
    if missing := sorted({*loading_info["missing_keys"], *mismatched}):
        reason = f"{len(missing)}: {missing[0]}"
        raise _unusable_base(folder, Message("weights missing, {reason}", reason=reason), recipe)
    loaded: PreTrainedModel = model
    return loaded


def _nf4_config(hardware: Hardware, compute: torch.dtype) -> BitsAndBytesConfig:
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


def _unusable_base(folder: Path, reason: Message, recipe: Recipe) -> BaseModelError:
    return BaseModelError(
        Message("{folder} is not a usable base model ({reason})", folder=folder, reason=reason),
        hint=Message(
            "download it anew: {download_command}", download_command=download_command(recipe)
        ),
    )
