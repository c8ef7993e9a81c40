"""Cross-entropy on target tokens alone, in chunks that fit into memory.

Tokens of a prompt are not learnt, and the logits of a whole batch over a vocabulary of 150,000 are
by far its largest tensor. So logits are computed only where there is a target, one chunk of targets
at a time, and recomputed for the gradient instead of being kept. Loss and gradient equal those of
the unchunked computation. (Wijmans et al., "Cut Your Losses in Large-Vocabulary Language Models",
2024; Hsu et al., "Liger Kernel", 2024.)
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own name for it
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from finetune.model.samples import IGNORED

RESHAPED_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")
"""Settings of models whose logits are more than one linear layer (Gemma 2, Cohere, Granite)."""


PROBE = 16
"""Tokens of the two samples by which a model is tried."""

PROBE_STRIDE = 7
"""Distance of their ids: neighbours in the vocabulary would be much alike."""

PROBE_TOLERANCE = 0.03
"""Share of the states' norm by which half precision differs; another sample's text is far more."""


def target_loss(
    hidden: Tensor, head: nn.Module, labels: Tensor, *, chunk: int, count: Tensor | int | None
) -> Tensor:
    """Return the mean cross-entropy of the target tokens in nats, a scalar in fp32.

    Args:
        hidden: last hidden states, (batch, length, width).
        head: the layer that turns (…, width) into logits, (…, vocabulary).
        labels: ids to learn, IGNORED elsewhere, (batch, length), int64.
        chunk: targets whose logits are held at once; 0 holds all and recomputes nothing.
        count: what to divide the sum by; None: the targets of this batch.
    """
    # The state at position n predicts the token at n + 1.
    shifted = labels[:, 1:]
    is_target = shifted != IGNORED
    states, targets = hidden[:, :-1][is_target], shifted[is_target]
    if chunk:
        pieces = zip(torch.split(states, chunk), torch.split(targets, chunk), strict=True)
        # The reentrant variant loses the gradient of the head's own weights where no state
        # requires one, as with targets = ["lm_head"].
        parts = [
            checkpoint(_summed_cross_entropy, head, *piece, use_reentrant=False) for piece in pieces
        ]
        total = torch.stack(parts).sum()
    else:
        total = _summed_cross_entropy(head, states, targets)
    # With gradient accumulation `count` is the targets of the whole step. Dividing each batch by
    # its own would weigh a token of short replies more (so did transformers until 4.46).
    return total / (len(targets) if count is None else count)


def _summed_cross_entropy(head: nn.Module, states: Tensor, targets: Tensor) -> Tensor:
    # fp32: the exponentials of 150,000 logits do not sum up in half precision.
    return F.cross_entropy(head(states).float(), targets, reduction="sum")


def patch_target_loss(model: PreTrainedModel, *, chunk: int) -> bool:
    """Let a causal language model return `target_loss` alone, and no logits, when it gets labels.

    Returns False, and changes nothing, for models whose logits are not one linear layer's.
    """
    if any(getattr(model.config, name, None) is not None for name in RESHAPED_LOGITS):
        return False
    causal: Any = model  # transformers annotates only some of its methods
    original = model.forward

    # `forward` of this one object, not a loss function of the Trainer: peft's wrapper, autocast and
    # DDP then surround it as they surround any model's, and DDP sees each gradient.
    def forward(
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        **others: Any,
    ) -> CausalLMOutputWithPast:
        """Return the loss for `labels`, without them the model's own output."""
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if labels is None:
            output: CausalLMOutputWithPast = original(**inputs, **others)
            return output
        # With positions that begin again transformers builds a mask of blocks, one for each sample,
        # but only if it gets no other mask.
        if others.get("position_ids") is not None:
            inputs = {"input_ids": input_ids, "position_ids": others["position_ids"]}
        # The decoder without its head: the head comes in `target_loss`, chunk by chunk.
        states = causal.get_decoder()(**inputs, use_cache=False).last_hidden_state
        head = causal.get_output_embeddings()
        loss = target_loss(states, head, labels, chunk=chunk, count=num_items_in_batch)
        return CausalLMOutputWithPast(loss=loss)

    model.forward = forward
    return True


@torch.no_grad()
def keeps_samples_apart(model: PreTrainedModel) -> bool:
    """Return whether a model reads two samples of one row as it reads each of them alone.

    Most do by their positions alone; one that builds its own mask may not, and would learn to
    answer from what a stranger asked before.
    """
    causal: Any = model  # transformers annotates only some of its methods
    decoder = causal.get_decoder()
    device, vocabulary = model.device, causal.get_input_embeddings().weight.shape[0]
    ids = torch.arange(PROBE, device=device)[None] * PROBE_STRIDE % vocabulary
    halves = ids.chunk(2, dim=1)
    positions = torch.arange(PROBE // 2, device=device).repeat(2)[None]
    packed = decoder(input_ids=ids, position_ids=positions, use_cache=False).last_hidden_state
    alone = [decoder(input_ids=half, use_cache=False).last_hidden_state for half in halves]
    apart = (packed - torch.cat(alone, dim=1)).float().norm() / packed.float().norm()
    return bool(apart < PROBE_TOLERANCE)


@torch.no_grad()
def summed_loss(
    model: nn.Module, batches: Iterable[Mapping[str, Tensor]], *, device: torch.device
) -> Tensor:
    """Return the summed cross-entropy of all target tokens and their number, (2,), on `device`.

    Unlike a mean of batch means it does not depend on which samples share a batch.
    """
    wide = torch.float32 if device.type == "mps" else torch.float64  # MPS has no fp64
    total = torch.zeros(2, dtype=wide, device=device)
    for batch in batches:
        moved = {name: part.to(device, non_blocking=True) for name, part in batch.items()}
        targets = (moved["labels"][:, 1:] != IGNORED).sum()
        loss = model(**moved, num_items_in_batch=1).loss  # divided by 1: the sum
        total += torch.stack((loss.to(wide), targets.to(wide)))
    return total
