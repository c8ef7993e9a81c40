"""Write a model folder as one GGUF file, the format that llama.cpp and Ollama load.

Uses the `gguf` package, tensor by tensor: memory holds one of them at a time. Metadata and tensor
names follow llama.cpp's convert_hf_to_gguf.py. K-quants are left to Ollama, which makes them from
F16.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from finetune.errors import BaseModelError, ExportError
from finetune.export.config import read_json, rope_parameters
from finetune.export.files import iterate_tensors, replacing, require_space
from finetune.export.gguf_tokenizer import (
    Vocabulary,
    read_vocabulary,
    unsupported_model,
    write_vocabulary,
)
from finetune.model.gguf_support import ARCHITECTURES, architecture_obstacle
from finetune.progress import Progress, SilentProgress
from ingest.foundation.messages import Message

GgufKind = Literal["f32", "f16", "q8_0"]

Weights = NDArray[Any]
"""A tensor as a numpy array."""

FILE_TYPES = {
    "f32": gguf.LlamaFileType.ALL_F32,
    "f16": gguf.LlamaFileType.MOSTLY_F16,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
}
ROPE_SCALING = {"linear": gguf.RopeScalingType.LINEAR, "yarn": gguf.RopeScalingType.YARN}
"""Those that are written by name; llama3's is written as a tensor of factors."""

ARCHITECTURE_IDS = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}
F16_MAX = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufReport:
    """A written file."""

    path: Path
    kind: GgufKind
    architecture: str
    tensors: int
    bytes: int
    pre_tokenizer: str
    adds_bos: bool
    """Whether the engine adds BOS to a prompt; it then removes the template's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _GgufSource:
    """The model to write."""

    folder: Path
    config: Mapping[str, Any]
    architecture: gguf.MODEL_ARCH
    vocabulary: Vocabulary

    @property
    def heads(self) -> int:
        """Attention heads of queries."""
        return int(self.config["num_attention_heads"])

    @property
    def key_heads(self) -> int:
        """Attention heads of keys and values; fewer than of queries under grouped attention."""
        return int(self.config.get("num_key_value_heads") or self.heads)

    @property
    def head_size(self) -> int:
        """Width of one head."""
        return int(self.config.get("head_dim") or self.config["hidden_size"] // self.heads)

    def write_metadata(self, writer: gguf.GGUFWriter, kind: GgufKind) -> None:
        config = self.config
        writer.add_type(gguf.GGUFType.MODEL)
        writer.add_name(self.folder.resolve().parent.name)  # runs/<name>/merged
        writer.add_context_length(config["max_position_embeddings"])
        writer.add_embedding_length(config["hidden_size"])
        writer.add_block_count(config["num_hidden_layers"])
        writer.add_feed_forward_length(config["intermediate_size"])
        writer.add_head_count(self.heads)
        writer.add_head_count_kv(self.key_heads)
        if config.get("head_dim"):  # else engines divide the width by the heads themselves
            writer.add_key_length(self.head_size)
            writer.add_value_length(self.head_size)
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
        writer.add_vocab_size(config["vocab_size"])
        writer.add_file_type(FILE_TYPES[kind])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        parameters = rope_parameters(config)
        writer.add_rope_freq_base(parameters["rope_theta"])
        writer.add_rope_dimension_count(self.head_size)
        if scaling := ROPE_SCALING.get(parameters["rope_type"]):
            writer.add_rope_scaling_type(scaling)
            writer.add_rope_scaling_factor(parameters["factor"])
            if original := parameters.get("original_max_position_embeddings"):
                writer.add_rope_scaling_orig_ctx_len(original)
        if self.architecture == gguf.MODEL_ARCH.GEMMA3:
            writer.add_sliding_window(config["sliding_window"])
            if softcap := config.get("final_logit_softcapping"):
                writer.add_final_logit_softcapping(softcap)

    def plan_tensors(self, kind: GgufKind) -> "list[_PlannedTensor]":
        """Return the tensors to write, in the order of the files.

        Raises:
            ExportError: one has no name in GGUF.
            BaseModelError: one that every model or each layer has is missing.
        """
        names = gguf.get_tensor_name_map(self.architecture, int(self.config["num_hidden_layers"]))
        tied = bool(self.config.get("tie_word_embeddings"))
        block, _ = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType.Q8_0]
        found = []
        for path, key, shape in iterate_tensors(self.folder):
            # Engines compute the frequencies from the rope base, and take a missing head for a tied
            # one; some folders hold the tied head a second time.
            if key.endswith("rotary_emb.inv_freq") or (tied and key == "lm_head.weight"):
                continue
            name = names.get_name(key, try_suffixes=(".weight", ".bias"))
            if name is None:
                raise unsupported_model(Message("GGUF has no name for {key}", key=key))
            # Norms and biases stay in F32: they are tiny, and llama.cpp's kernels add them in F32
            # only. Q8_0 shares one scale among 32 weights of a row; a row that blocks do not fill
            # stays F16.
            as_type = gguf.GGMLQuantizationType.F16
            if kind == "f32" or len(shape) == 1:
                as_type = gguf.GGMLQuantizationType.F32
            elif kind == "q8_0" and shape[-1] % block == 0:
                as_type = gguf.GGMLQuantizationType.Q8_0
            found.append(_PlannedTensor(name=name, source=path, key=key, shape=shape, kind=as_type))
        present = {tensor.name for tensor in found}
        needed = {"token_embd.weight", "output_norm.weight"} | (
            set() if tied else {"output.weight"}
        )
        for layer in range(int(self.config["num_hidden_layers"])):
            # What the first layer has each layer needs: Qwen2 has biases, Llama has none.
            needed |= {
                name.replace("blk.0.", f"blk.{layer}.") for name in present if "blk.0." in name
            }
            needed.add(f"blk.{layer}.attn_q.weight")
        if missing := sorted(needed - present):
            raise BaseModelError(
                Message(
                    "{folder} has no weights for {missing} ({missing_count} missing)",
                    folder=self.folder,
                    missing=missing[0],
                    missing_count=len(missing),
                ),
                hint=Message("merge or download the model again"),
            )
        return found

    def write_tensors(
        self, writer: gguf.GGUFWriter, tensors: "Sequence[_PlannedTensor]", progress: Progress
    ) -> None:
        """Write the data of all planned tensors, behind the names and offsets of all."""
        parameters = rope_parameters(self.config)
        is_llama3 = parameters["rope_type"] == "llama3"
        factors = llama3_factors(parameters, self.head_size) if is_llama3 else None
        if factors is not None:
            writer.add_tensor_info(
                "rope_freqs.weight", factors.shape, factors.dtype, factors.nbytes
            )
        for tensor in tensors:
            bytes_shape = gguf.quant_shape_to_byte_shape(tensor.shape, tensor.kind)
            writer.add_tensor_info(
                tensor.name, bytes_shape, np.dtype(np.uint8), tensor.bytes, raw_dtype=tensor.kind
            )
        # Names and offsets of all tensors come before the first one's data, in the same order.
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        if factors is not None:
            writer.write_tensor_data(factors)
        with progress.stage(Message("writing GGUF"), total=len(tensors)) as stage:
            for path, group in itertools.groupby(tensors, key=lambda tensor: tensor.source):
                with safe_open(path, framework="pt") as file:  # numpy has no bf16
                    for tensor in group:
                        weights = file.get_tensor(tensor.key).to(torch.float32).numpy()
                        writer.write_tensor_data(self._encode(weights, tensor))
                        stage.advance(detail=tensor.name)

    def _encode(self, weights: Weights, tensor: "_PlannedTensor") -> Weights:
        """Return the weights in llama.cpp's order of rows, in the type that they are written in.

        Raises:
            ExportError: a weight is NaN or Inf, or larger than F16 can hold.
        """
        largest = max(float(weights.max()), -float(weights.min()))  # `abs` would copy the tensor
        if not np.isfinite(largest):
            raise ExportError(
                Message(
                    "{folder}: {key} holds NaN or infinity", folder=self.folder, key=tensor.key
                ),
                hint=Message("run: python -m finetune diagnose RECIPE"),
            )
        if tensor.kind == gguf.GGMLQuantizationType.F16 and largest > F16_MAX:
            raise ExportError(
                Message(
                    "{key} holds {largest:.0f}, F16 ends at {f16_largest:.0f}",
                    key=tensor.key,
                    largest=largest,
                    f16_largest=F16_MAX,
                ),
                hint=Message("set [export] quantize to f32 or q8_0"),
            )
        # transformers rotates the two halves of a head against each other, llama.cpp does so for
        # Qwen2; for Llama it rotates neighbouring rows.
        heads = None
        if self.architecture == gguf.MODEL_ARCH.LLAMA:
            part = tensor.name.split(".")[-2]
            heads = {"attn_q": self.heads, "attn_k": self.key_heads}.get(part)
        if heads is not None:
            halves = weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
            weights = np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(weights.shape)
        # Gemma's norms multiply by 1 + w, those of others by w; llama.cpp takes what it reads.
        if self.architecture == gguf.MODEL_ARCH.GEMMA3 and tensor.name.endswith("_norm.weight"):
            weights = weights + 1
        return np.asarray(gguf.quants.quantize(weights, tensor.kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlannedTensor:
    """A tensor to write: its file and key, its name in GGUF, and the type to write it in."""

    name: str
    source: Path
    key: str
    shape: tuple[int, ...]
    kind: gguf.GGMLQuantizationType

    @property
    def bytes(self) -> int:
        """Bytes in the GGUF file."""
        return int(np.prod(gguf.quant_shape_to_byte_shape(self.shape, self.kind)))


def write_gguf(
    model: Path, out: Path, *, kind: GgufKind, chat_template: str, progress: Progress | None = None
) -> GgufReport:
    """Write the model in folder `model` to the file `out`, with the Jinja template in it.

    Raises:
        BaseModelError: the folder is incomplete or broken.
        ExportError: architecture or tokenizer are not supported, a weight is NaN or Inf, or the
            disk is full. `out` is then unchanged.
    """
    config = read_json(model / "config.json")
    rope_parameters(config)  # raises if there is no rotary base
    if obstacle := architecture_obstacle(config):
        raise unsupported_model(obstacle)
    size = int(config["vocab_size"])
    source = _GgufSource(
        folder=model,
        config=config,
        architecture=ARCHITECTURE_IDS[ARCHITECTURES[config["architectures"][0]]],
        vocabulary=read_vocabulary(model, size=size, template=chat_template),
    )
    tensors = source.plan_tensors(kind)
    require_space(out.parent, sum(tensor.bytes for tensor in tensors))
    with replacing(out) as part:
        # Little-endian, the writer's default: no engine swaps the bytes of a GGUF file.
        writer = gguf.GGUFWriter(part, gguf.MODEL_ARCH_NAMES[source.architecture])
        try:
            source.write_metadata(writer, kind)
            write_vocabulary(writer, source.vocabulary)
            writer.add_chat_template(chat_template)
            source.write_tensors(writer, tensors, progress or SilentProgress())
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
    """Return the divisors of the rotary frequencies, (head_size / 2,), of Llama 3.1's scaling.

    Source: llama.cpp, convert_hf_to_gguf.py; the formula is Meta's, llama-models `apply_scaling`.
    """
    exponents = np.arange(0, head_size, 2, dtype=np.float64) / head_size
    wavelengths = 2 * np.pi * parameters["rope_theta"] ** exponents  # in tokens
    factor, low, high = (
        float(parameters[name]) for name in ("factor", "low_freq_factor", "high_freq_factor")
    )
    turns = float(parameters["original_max_position_embeddings"]) / wavelengths
    # Waves that turn often within the original context stay as they are, slow ones are stretched by
    # `factor`, and those between are interpolated.
    smooth = np.clip((turns - low) / (high - low), 0, 1)
    divisors: Weights = 1 / ((1 - smooth) / factor + smooth)
    return divisors.astype(np.float32)
