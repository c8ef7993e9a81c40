"""How much memory a training will take, from config.json alone.

total = weights + trained + activations + logits, in bytes:

* weights: 2 or 4 bytes each; qlora keeps those of linear layers in 4.127 bits (NF4 and its
  constants: Dettmers et al., "QLoRA", 2023) and all others in fp32, as peft does; full trains fp32.
* trained: AdamW holds two moments and the gradient, 12 bytes for each trained weight; LoRA's own
  weights take 4 more, and autocast copies those of a full training into 2.
* activations: what each layer keeps for the gradient, for each token of a batch, by the table
  below. With checkpointing one layer keeps that much, the others only what went into them.
* logits: `loss_chunk` of them at once, with softmax and gradient.

The table was fitted to what torch saves for Qwen2 with fused attention (error below 0.3 %). What
CUDA itself takes, about half a GiB, and gaps in its pool come on top.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from finetune.recipe import TrainTable

Width = Literal["16-bit", "fp32"]
"""bf16 and fp16 take the same room."""

NF4_BYTES = 4.127 / 8
OPTIMISER_BYTES = 12
BYTES: dict[Width, int] = {"16-bit": 2, "fp32": 4}
LOGIT_BYTES: dict[Width, int] = {"16-bit": 16, "fp32": 12}

PerLayer = tuple[int, int, int, int]
"""Bytes for each channel of: the hidden state, the queries, keys (or values), the inner layer."""

ADAPTED: dict[Width, PerLayer] = {"16-bit": (18, 6, 4, 8), "fp32": (16, 8, 8, 16)}
DROPPED: dict[Width, PerLayer] = {"16-bit": (20, 4, 0, 4), "fp32": (32, 8, 0, 4)}
"""What LoRA's dropout adds: each layer keeps its own thinned-out input, and the mask."""
FULL: dict[Width, PerLayer] = {"16-bit": (26, 4, 4, 8), "fp32": (24, 8, 8, 16)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Estimated bytes, and how many weights there are and are trained."""

    width: Width
    parameters: int
    trainable: int
    weights: int
    trained: int
    activations: int
    logits: int

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return self.weights + self.trained + self.activations + self.logits


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of a decoder such as Qwen2 or Llama."""

    hidden: int
    inner: int
    layers: int
    query: int
    key: int
    vocabulary: int
    tied: bool

    @property
    def linear(self) -> dict[str, tuple[int, int]]:
        """Linear layer of one block -> channels in and out."""
        return {
            "q_proj": (self.hidden, self.query),
            "k_proj": (self.hidden, self.key),
            "v_proj": (self.hidden, self.key),
            "o_proj": (self.query, self.hidden),
            "gate_proj": (self.hidden, self.inner),
            "up_proj": (self.hidden, self.inner),
            "down_proj": (self.inner, self.hidden),
        }

    @property
    def in_layers(self) -> int:
        """How many weights the linear layers have."""
        return self.layers * sum(one * other for one, other in self.linear.values())

    @property
    def elsewhere(self) -> int:
        """How many weights are in embeddings, head, norms and the biases of q, k and v."""
        tables = self.vocabulary * self.hidden * (1 if self.tied else 2)
        small = 2 * self.hidden + self.query + 2 * self.key
        return tables + self.layers * small + self.hidden


def read_shape(config: Mapping[str, Any]) -> Shape | None:
    """Return the sizes that a config.json tells, None if it is of another kind of model."""
    try:
        heads = int(config["num_attention_heads"])
        width = int(config.get("head_dim") or config["hidden_size"] // heads)
        return Shape(
            hidden=int(config["hidden_size"]),
            inner=int(config["intermediate_size"]),
            layers=int(config["num_hidden_layers"]),
            query=heads * width,
            key=int(config.get("num_key_value_heads") or heads) * width,
            vocabulary=int(config["vocab_size"]),
            tied=bool(config.get("tie_word_embeddings", False)),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def estimate(
    shape: Shape, table: TrainTable, *, width: Width, longest: int, targets: int
) -> Memory:
    """Return what training takes when samples have at most `longest` tokens, `targets` learnt."""
    tokens = table.batch * longest
    logits = min(table.loss_chunk or table.batch * targets, table.batch * targets)
    trainable = _trainable(shape, table)
    return Memory(
        width=width,
        parameters=shape.in_layers + shape.elsewhere,
        trainable=trainable,
        weights=_weights(shape, table, width),
        trained=trainable * _bytes_trained(table, width),
        activations=tokens * _bytes_a_token(shape, table, width),
        logits=logits * shape.vocabulary * LOGIT_BYTES[width],
    )


def _trainable(shape: Shape, table: TrainTable) -> int:
    if table.method == "full":
        return shape.in_layers + shape.elsewhere
    adapted = [sizes for name, sizes in shape.linear.items() if _is_adapted(name, table.targets)]
    return shape.layers * table.r * sum(one + other for one, other in adapted)


def _is_adapted(name: str, targets: Sequence[str]) -> bool:
    return "all" in targets or any(target.rpartition(".")[2] == name for target in targets)


def _weights(shape: Shape, table: TrainTable, width: Width) -> int:
    if table.method == "qlora":
        return round(shape.in_layers * NF4_BYTES) + shape.elsewhere * BYTES["fp32"]
    held: Width = "fp32" if table.method == "full" else width
    return (shape.in_layers + shape.elsewhere) * BYTES[held]


def _bytes_trained(table: TrainTable, width: Width) -> int:
    if table.method != "full":
        return OPTIMISER_BYTES + BYTES["fp32"]
    return OPTIMISER_BYTES + (BYTES[width] if width == "16-bit" else 0)


def _bytes_a_token(shape: Shape, table: TrainTable, width: Width) -> int:
    kept = FULL[width] if table.method == "full" else ADAPTED[width]
    extra = DROPPED[width] if table.method != "full" and table.dropout else (0, 0, 0, 0)
    sizes = (shape.hidden, shape.query, shape.key, shape.inner)
    layer = sum((one + more) * size for one, more, size in zip(kept, extra, sizes, strict=True))
    if table.gradient_checkpointing:
        return layer + shape.layers * shape.hidden * BYTES[width]
    return layer * shape.layers
