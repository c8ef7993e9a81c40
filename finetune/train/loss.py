"""Cross-entropy on target tokens alone, in pieces that fit.

A prompt's tokens are not learnt, and the logits of a whole batch over a vocabulary of 150,000 words
are by far its largest tensor. So logits are computed only where there is a target, some targets at
a time, and computed again for the gradient instead of being kept. The loss and its gradient are
those of the whole. (Wijmans et al., "Cut Your Losses in Large-Vocabulary Language Models", 2024;
Hsu et al., "Liger Kernel", 2024.)
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
"""Settings of models that do more to logits than one linear layer (Gemma 2, Cohere, Granite)."""


def target_loss(
    hidden: Tensor, head: nn.Module, labels: Tensor, *, chunk: int, count: Tensor | int | None
) -> Tensor:
    """Return the mean cross-entropy of the target tokens, a scalar in fp32.

    Args:
        hidden: last hidden states, (batch, length, width).
        head: what makes logits of them.
        labels: ids to learn, IGNORED elsewhere, (batch, length); position n is foretold by n - 1.
        chunk: targets whose logits are held at once; 0 holds all and computes nothing again.
        count: what to divide the sum by; None: the targets of this batch. Where gradients are
            accumulated it is the number of targets in all batches of the step.
    """
    shifted = labels[:, 1:]
    chosen = shifted != IGNORED
    states, targets = hidden[:, :-1][chosen], shifted[chosen]
    if chunk:
        pieces = zip(torch.split(states, chunk), torch.split(targets, chunk), strict=True)
        parts = [checkpoint(_sum, head, *piece, use_reentrant=False) for piece in pieces]
        total = torch.stack(parts).sum()
    else:
        total = _sum(head, states, targets)
    return total / (len(targets) if count is None else count)


def _sum(head: nn.Module, states: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(head(states).float(), targets, reduction="sum")


def learn_targets_only(model: PreTrainedModel, *, chunk: int) -> bool:
    """Let a causal language model return this loss alone, and no logits, when it gets labels.

    Its `forward` is replaced on this one object, before peft wraps it: whatever stands around it
    (autocast, several GPUs) is gone through as always. Returns False, and changes nothing, for
    models whose logits are not one linear layer's.
    """
    if any(getattr(model.config, name, None) is not None for name in RESHAPED_LOGITS):
        return False
    causal: Any = model  # transformers annotates only some of its methods
    plain = model.forward

    def forward(
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        **others: Any,
    ) -> CausalLMOutputWithPast:
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if labels is None:
            output: CausalLMOutputWithPast = plain(**inputs, **others)
            return output
        states = causal.get_decoder()(**inputs, use_cache=False).last_hidden_state
        head = causal.get_output_embeddings()
        loss = target_loss(states, head, labels, chunk=chunk, count=num_items_in_batch)
        return CausalLMOutputWithPast(loss=loss)

    model.forward = forward
    return True


@torch.no_grad()
def summed_loss(
    model: nn.Module, batches: Iterable[Mapping[str, Tensor]], *, device: torch.device
) -> Tensor:
    """Return the summed cross-entropy of all target tokens and their number, (2,), on `device`.

    Unlike a mean over batches it does not depend on how samples fall into batches.
    """
    wide = torch.float32 if device.type == "mps" else torch.float64  # MPS has no fp64
    total = torch.zeros(2, dtype=wide, device=device)
    for batch in batches:
        moved = {name: part.to(device, non_blocking=True) for name, part in batch.items()}
        targets = (moved["labels"][:, 1:] != IGNORED).sum()
        loss = model(**moved, num_items_in_batch=1).loss
        total += torch.stack((loss.to(wide), targets.to(wide)))
    return total
