"""How much memory a training takes, from config.json alone.

total = weights + trained + activations + logits, in bytes:

* weights: 2 or 4 bytes each; qlora keeps those of linear layers in 4.127 bits (NF4 and its
  constants: Dettmers et al., "QLoRA", 2023) and all others in fp32, as peft does; full trains fp32.
* trained: AdamW holds two moments and the gradient, 12 bytes for each trained weight; LoRA's own
  weights take 4 more, and autocast copies those of a full training into 2.
* activations: what each layer keeps for the gradient, for each token of a batch, by the table
  below. With checkpointing one layer keeps that much, the others only what went into them.
* logits: `loss_chunk` of them at once, with softmax and gradient.

The table was fitted to what torch saves for Qwen2 with fused attention (error below 0.3 %). CUDA
itself takes about half a GiB more, and there are gaps in its pool.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from finetune.recipe import TrainTable

Width = Literal["16-bit", "fp32"]
"""Precision of the weights and activations; bf16 and fp16 take the same."""

NF4_BYTES = 4.127 / 8
"""Bytes of a weight in 4 bits, with its share of the constants of a block."""

OPTIMISER_BYTES = 12
"""Bytes of a trained weight: gradient and AdamW's two moments, each in fp32."""

BYTES: dict[Width, int] = {"16-bit": 2, "fp32": 4}
"""Bytes of a weight."""

# In 16 bits the loss is computed on a copy in fp32, so that more is held than in fp32.
LOGIT_BYTES: dict[Width, int] = {"16-bit": 16, "fp32": 12}
"""Bytes of a logit: itself, its softmax and its gradient."""

PerLayer = tuple[int, int, int, int]
"""Bytes for each channel of: the hidden state, the queries, keys (or values), the inner layer."""

ADAPTED: dict[Width, PerLayer] = {"16-bit": (18, 6, 4, 8), "fp32": (16, 8, 8, 16)}
DROPPED: dict[Width, PerLayer] = {"16-bit": (20, 4, 0, 4), "fp32": (32, 8, 0, 4)}
"""What LoRA's dropout adds: each layer keeps its own thinned-out input, and the mask."""
FULL: dict[Width, PerLayer] = {"16-bit": (26, 4, 4, 8), "fp32": (24, 8, 8, 16)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """Estimated bytes by what they hold; `parameters` and `trainable` are numbers of weights."""

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
class ModelShape:
    """The sizes of a decoder such as Qwen2 or Llama, in channels, layers and tokens.

    `inner` is the width of the MLP, `query` and `key` those of all heads together; `tied`: the head
    shares the weights of the embedding.
    """

    hidden: int
    inner: int
    layers: int
    query: int
    key: int
    vocabulary: int
    tied: bool

    @property
    def linear(self) -> dict[str, tuple[int, int]]:
        """Name of a linear layer of one block -> channels in and out."""
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


def read_shape(config: Mapping[str, Any]) -> ModelShape | None:
    """Return the sizes of a config.json, None if it is of another kind of model."""
    try:
        heads = int(config["num_attention_heads"])
        # Qwen3 and others have heads whose width is not hidden / heads, and write it.
        width = int(config.get("head_dim") or config["hidden_size"] // heads)
        return ModelShape(
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


def estimate_memory(
    shape: ModelShape, table: TrainTable, *, width: Width, longest: int, targets: int
) -> MemoryEstimate:
    """Return what training takes.

    Samples have at most `longest` tokens, of which at most `targets` are trained on.
    """
    parameters = shape.in_layers + shape.elsewhere
    if table.method == "full":
        trainable = parameters
        weights = parameters * BYTES["fp32"]
        # Autocast keeps a copy of each weight in 16 bits.
        trained = trainable * (OPTIMISER_BYTES + (BYTES[width] if width == "16-bit" else 0))
    else:
        names = {target.rpartition(".")[2] for target in table.targets}
        adapted = [sizes for name, sizes in shape.linear.items() if names & {"all", name}]
        trainable = shape.layers * table.r * sum(one + other for one, other in adapted)
        trained = trainable * (OPTIMISER_BYTES + BYTES["fp32"])
        weights = parameters * BYTES[width]
        if table.method == "qlora":
            # peft casts all that is not in 4 bits to fp32.
            weights = round(shape.in_layers * NF4_BYTES) + shape.elsewhere * BYTES["fp32"]
    full = table.method == "full"
    kept_bytes = FULL[width] if full else ADAPTED[width]
    extra = DROPPED[width] if table.dropout and not full else (0, 0, 0, 0)
    sizes = (shape.hidden, shape.query, shape.key, shape.inner)
    layer = sum(
        (one + more) * size for one, more, size in zip(kept_bytes, extra, sizes, strict=True)
    )
    # Checkpointing keeps a layer's input alone, and computes the rest again, one layer at a time.
    checkpointed = layer + shape.layers * shape.hidden * BYTES[width]
    a_token = checkpointed if table.gradient_checkpointing else layer * shape.layers
    # A pair of preferences is two samples, read in one batch.
    sequences = table.batch * (1 if table.objective == "sft" else 2)
    logits = sequences * targets
    return MemoryEstimate(
        width=width,
        parameters=parameters,
        trainable=trainable,
        weights=weights,
        trained=trained,
        activations=sequences * longest * a_token,
        logits=min(table.loss_chunk or logits, logits) * shape.vocabulary * LOGIT_BYTES[width],
    )
