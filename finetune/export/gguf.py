"""A model folder as one GGUF file, the form that llama.cpp and Ollama load.

Written with the `gguf` package, tensor by tensor: memory holds one of them at a time. Metadata and
tensor names follow llama.cpp's convert_hf_to_gguf.py; K-quants are left to Ollama, which makes
them from F16.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from finetune.errors import BaseModelError, ExportError
from finetune.export.config import read_json, rope
from finetune.export.files import require_space, tensor_files, writing
from finetune.export.gguf_tokenizer import (
    Vocabulary,
    not_ours,
    read_vocabulary,
    write_vocabulary,
)
from finetune.progress import Progress, SilentProgress
from ingest.foundation.messages import Message

GgufKind = Literal["f32", "f16", "q8_0"]

Weights = NDArray[Any]

FILE_TYPES = {
    "f32": gguf.LlamaFileType.ALL_F32,
    "f16": gguf.LlamaFileType.MOSTLY_F16,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
}
ARCHITECTURES = {
    "Qwen2ForCausalLM": gguf.MODEL_ARCH.QWEN2,
    "LlamaForCausalLM": gguf.MODEL_ARCH.LLAMA,
}
ROPE_TYPES: dict[str, gguf.RopeScalingType | None] = {
    "default": None,
    "llama3": None,  # a tensor of factors instead
    "linear": gguf.RopeScalingType.LINEAR,
    "yarn": gguf.RopeScalingType.YARN,
}
F16_LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufReport:
    """One written file."""

    path: Path
    kind: GgufKind
    architecture: str
    tensors: int
    bytes: int
    pre_tokenizer: str
    adds_bos: bool
    """Whether the engine writes BOS; the template's own is then taken away by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """What is to be written."""

    folder: Path
    config: Mapping[str, Any]
    architecture: gguf.MODEL_ARCH
    vocabulary: Vocabulary

    @property
    def heads(self) -> int:
        return int(self.config["num_attention_heads"])

    @property
    def key_heads(self) -> int:
        return int(self.config.get("num_key_value_heads") or self.heads)

    @property
    def head_size(self) -> int:
        return int(self.config.get("head_dim") or self.config["hidden_size"] // self.heads)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tensor:
    """One tensor to come: where it lies, and how it is to be written."""

    name: str
    source: Path
    key: str
    shape: tuple[int, ...]
    kind: gguf.GGMLQuantizationType

    @property
    def bytes(self) -> int:
        return int(np.prod(gguf.quant_shape_to_byte_shape(self.shape, self.kind)))


def write_gguf(
    model: Path, out: Path, *, kind: GgufKind, chat_template: str, progress: Progress | None = None
) -> GgufReport:
    """Write the model in folder `model` to the file `out`, with `chat_template` (Jinja) in it.

    Raises:
        BaseModelError: the folder is incomplete or broken.
        ExportError: the architecture or the tokenizer is one that we cannot write, a weight is
            no number, or the disk is full. `out` is then as it was.
    """
    source = _read(model, chat_template)
    tensors = _tensors(source, kind)
    require_space(out.parent, sum(tensor.bytes for tensor in tensors))
    with writing(out) as part:
        writer = gguf.GGUFWriter(part, gguf.MODEL_ARCH_NAMES[source.architecture])
        try:
            _add_shape(writer, source, kind)
            write_vocabulary(writer, source.vocabulary)
            writer.add_chat_template(chat_template)
            _write_tensors(writer, source, tensors, progress or SilentProgress())
        finally:
            writer.close()
    return GgufReport(
        path=out,
        kind=kind,
        architecture=gguf.MODEL_ARCH_NAMES[source.architecture],
        tensors=len(tensors),
        bytes=out.stat().st_size,
        pre_tokenizer=source.vocabulary.pre,
        adds_bos=source.vocabulary.adds_bos,
    )


def llama3_factors(parameters: Mapping[str, Any], head_size: int) -> Weights:
    """Return by what each frequency is divided, shape [head_size / 2] (Llama 3.1's scaling).

    Source: llama.cpp, convert_hf_to_gguf.py; the formula is Meta's, llama-models `apply_scaling`.
    """
    steps = np.arange(0, head_size, 2, dtype=np.float64) / head_size
    length = 2 * np.pi * parameters["rope_theta"] ** steps  # of each wave, in tokens
    factor, low, high = (
        float(parameters[name]) for name in ("factor", "low_freq_factor", "high_freq_factor")
    )
    turns = float(parameters["original_max_position_embeddings"]) / length
    smooth = np.clip((turns - low) / (high - low), 0, 1)
    divided: Weights = 1 / ((1 - smooth) / factor + smooth)
    return divided.astype(np.float32)


def _read(folder: Path, template: str) -> _Model:
    config = read_json(folder / "config.json")
    named = (config.get("architectures") or ["?"])[0]
    if named not in ARCHITECTURES:
        raise not_ours(Message("{named} cannot be written as GGUF here", named=named))
    if rope(config)["rope_type"] not in ROPE_TYPES:
        kind = rope(config)["rope_type"]
        raise not_ours(Message("unknown rope type {kind}", kind=kind))
    return _Model(
        folder=folder,
        config=config,
        architecture=ARCHITECTURES[named],
        vocabulary=read_vocabulary(folder, size=int(config["vocab_size"]), template=template),
    )


def _add_shape(writer: gguf.GGUFWriter, model: _Model, kind: GgufKind) -> None:
    config = model.config
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(model.folder.resolve().parent.name)  # runs/<name>/merged
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(model.heads)
    writer.add_head_count_kv(model.key_heads)
    if config.get("head_dim"):
        writer.add_key_length(model.head_size)
        writer.add_value_length(model.head_size)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(FILE_TYPES[kind])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_rope(writer, model)


def _add_rope(writer: gguf.GGUFWriter, model: _Model) -> None:
    parameters = rope(model.config)
    writer.add_rope_freq_base(parameters["rope_theta"])
    writer.add_rope_dimension_count(model.head_size)
    if scaling := ROPE_TYPES[parameters["rope_type"]]:
        writer.add_rope_scaling_type(scaling)
        writer.add_rope_scaling_factor(parameters["factor"])
        if original := parameters.get("original_max_position_embeddings"):
            writer.add_rope_scaling_orig_ctx_len(original)


def _tensors(model: _Model, kind: GgufKind) -> list[_Tensor]:
    """Return the tensors to write, in the order of the files.

    Raises:
        ExportError: one has no name in GGUF, or one that each layer needs is not there.
    """
    names = gguf.get_tensor_name_map(model.architecture, int(model.config["num_hidden_layers"]))
    tied = bool(model.config.get("tie_word_embeddings"))
    found = []
    for path, key, shape in tensor_files(model.folder):
        if key.endswith("rotary_emb.inv_freq") or (tied and key == "lm_head.weight"):
            continue  # computed from the rope base; the embedding itself
        name = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise not_ours(Message("GGUF has no name for {key}", key=key))
        as_type = _type_of(shape, kind)
        found.append(_Tensor(name=name, source=path, key=key, shape=shape, kind=as_type))
    _require_complete({tensor.name for tensor in found}, model, tied=tied)
    return found


def _require_complete(names: set[str], model: _Model, *, tied: bool) -> None:
    needed = {"token_embd.weight", "output_norm.weight"} | (set() if tied else {"output.weight"})
    for layer in range(int(model.config["num_hidden_layers"])):
        needed |= {name.replace("blk.0.", f"blk.{layer}.") for name in names if "blk.0." in name}
        needed.add(f"blk.{layer}.attn_q.weight")
    if missing := sorted(needed - names):
        raise BaseModelError(
            Message(
                "{folder} has no weights for {missing} ({missing_count} missing)",
                folder=model.folder,
                missing=missing[0],
                missing_count=len(missing),
            ),
            hint=Message("merge or download the model again"),
        )


def _type_of(shape: tuple[int, ...], kind: GgufKind) -> gguf.GGMLQuantizationType:
    """Return how a tensor is written: vectors always in F32, rows that no block fills in F16."""
    if kind == "f32" or len(shape) == 1:
        return gguf.GGMLQuantizationType.F32
    block, _ = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType.Q8_0]
    if kind == "q8_0" and shape[-1] % block == 0:
        return gguf.GGMLQuantizationType.Q8_0
    return gguf.GGMLQuantizationType.F16


def _write_tensors(
    writer: gguf.GGUFWriter, model: _Model, tensors: Sequence[_Tensor], progress: Progress
) -> None:
    scaled = rope(model.config)["rope_type"] == "llama3"
    factors = llama3_factors(rope(model.config), model.head_size) if scaled else None
    if factors is not None:
        writer.add_tensor_info("rope_freqs.weight", factors.shape, factors.dtype, factors.nbytes)
    for tensor in tensors:
        bytes_shape = gguf.quant_shape_to_byte_shape(tensor.shape, tensor.kind)
        writer.add_tensor_info(
            tensor.name, bytes_shape, np.dtype(np.uint8), tensor.bytes, raw_dtype=tensor.kind
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    if factors is not None:
        writer.write_tensor_data(factors)
    with progress.stage(Message("writing GGUF"), total=len(tensors)) as stage:
        for tensor, weights in _loaded(tensors):
            ordered = _ordered(weights, tensor.name, model)
            writer.write_tensor_data(_quantized(ordered, tensor, model.folder))
            stage.advance(detail=tensor.name)


def _loaded(tensors: Sequence[_Tensor]) -> Iterator[tuple[_Tensor, Weights]]:
    """Yield each tensor's weights in fp32; files are opened once and read lazily."""
    for path, group in itertools.groupby(tensors, key=lambda tensor: tensor.source):
        with safe_open(path, framework="pt") as file:  # numpy knows no bf16
            for tensor in group:
                yield tensor, file.get_tensor(tensor.key).to(torch.float32).numpy()


def _ordered(weights: Weights, name: str, model: _Model) -> Weights:
    """Return the rows in the order that llama.cpp's rope wants.

    transformers turns the two halves of a head, llama.cpp for Llama neighbouring rows. Qwen2 is
    turned by halves in both.
    """
    if model.architecture != gguf.MODEL_ARCH.LLAMA:
        return weights
    heads = {"attn_q": model.heads, "attn_k": model.key_heads}.get(name.split(".")[-2])
    if heads is None:
        return weights
    rest = weights.shape[1:]
    halves = weights.reshape(heads, 2, weights.shape[0] // heads // 2, *rest)
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(weights.shape)


def _quantized(weights: Weights, tensor: _Tensor, folder: Path) -> Weights:
    """Return the weights in the type they are written in.

    Raises:
        ExportError: a weight is NaN or infinite, or beyond what F16 can hold.
    """
    largest = max(float(weights.max()), -float(weights.min()))  # `abs` would copy them
    if not np.isfinite(largest):
        raise ExportError(
            Message("{folder}: {key} holds NaN or infinity", folder=folder, key=tensor.key),
            hint=Message("run: python -m finetune diagnose RECIPE"),
        )
    if tensor.kind == gguf.GGMLQuantizationType.F16 and largest > F16_LARGEST:
        raise ExportError(
            Message(
                "{key} holds {largest:.0f}, F16 ends at {f16_largest:.0f}",
                key=tensor.key,
                largest=largest,
                f16_largest=F16_LARGEST,
            ),
            hint=Message("set [export] quantize to f32 or q8_0"),
        )
    return np.asarray(gguf.quants.quantize(weights, tensor.kind))
