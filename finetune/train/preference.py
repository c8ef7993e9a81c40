"""The losses of training by preferences: DPO and ORPO, over pairs of a chosen and a rejected reply.

Rafailov et al., "Direct Preference Optimization", 2023, equation 7; Hong, Lee and Thorne, "ORPO:
Monolithic Preference Optimization without Reference Model", 2024, equations 6 to 8. As in TRL, DPO
sums the log-probabilities of a reply's tokens and ORPO averages them. Only tokens of replies count,
also in ORPO's likelihood of the chosen one.

A batch holds the chosen replies first and the rejected ones behind them, in the same order.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own name for it
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from finetune.model.samples import IGNORED
from finetune.train.loss import RESHAPED_LOGITS

MAX_LOGP = -1e-6
"""Mean log-probability above which ORPO's odds, p / (1 - p), would overflow: p is then 1."""


def reply_logps(
    hidden: Tensor, head: nn.Module, labels: Tensor, *, chunk: int
) -> tuple[Tensor, Tensor]:
    """Return for each row the summed log-probability of its targets, and how many there are.

    Both are (batch,), in fp32. Logits are computed for targets alone, `chunk` at a time (0: all),
    and again for the gradient, as in `target_loss`.
    """
    shifted = labels[:, 1:]
    chosen = shifted != IGNORED
    states, targets = hidden[:, :-1][chosen], shifted[chosen]
    rows = torch.arange(len(labels), device=labels.device)[:, None].expand_as(shifted)[chosen]
    if chunk:
        pieces = zip(torch.split(states, chunk), torch.split(targets, chunk), strict=True)
        logps = torch.cat(
            [checkpoint(_token_logps, head, *piece, use_reentrant=False) for piece in pieces]
        )
    else:
        logps = _token_logps(head, states, targets)
    sums = torch.zeros(len(labels), dtype=torch.float32, device=labels.device)
    return sums.index_add(0, rows, logps), chosen.sum(-1).float()


def _token_logps(head: nn.Module, states: Tensor, targets: Tensor) -> Tensor:
    return -F.cross_entropy(head(states).float(), targets, reduction="none")


def dpo_loss(sums: Tensor, reference: Tensor, *, beta: float) -> tuple[Tensor, Tensor]:
    """Return loss and margin of each pair, (pairs,); `sums` and `reference` are (2 · pairs,).

    `reference` is the summed log-probability of the same replies under the model as it was before
    training. The margin is how much more the chosen reply gained than the rejected one, times beta.
    """
    chosen, rejected = (sums - reference).chunk(2)
    margin = beta * (chosen - rejected)
    return -F.logsigmoid(margin), margin


def orpo_loss(sums: Tensor, counts: Tensor, *, beta: float) -> tuple[Tensor, Tensor]:
    """Return loss and log odds ratio of each pair, (pairs,); `sums` and `counts` (2 · pairs,).

    The likelihood of the chosen replies is the mean over all their tokens in the batch.
    """
    chosen, rejected = (sums / counts.clamp(min=1)).clamp(max=MAX_LOGP).chunk(2)
    # log(p / (1 - p)) of each, from log p without leaving logarithms.
    odds = (chosen - torch.log1p(-chosen.exp())) - (rejected - torch.log1p(-rejected.exp()))
    half = len(chosen)
    likelihood = -sums[:half].sum() / counts[:half].sum()
    return likelihood - beta * F.logsigmoid(odds), odds


def patch_preference_loss(
    model: PreTrainedModel, *, objective: Literal["dpo", "orpo"], beta: float, chunk: int
) -> bool:
    """Let a causal language model return the mean loss of the pairs in a batch when it gets labels.

    The output's `logits` are the margins, (pairs,). With DPO the batch brings `reference`, except
    where the reference itself is computed: without it the loss is None, and the `logits` are the
    summed log-probabilities of all replies.

    Returns False, and changes nothing, for models whose logits are not one linear layer's.
    """
    if any(getattr(model.config, name, None) is not None for name in RESHAPED_LOGITS):
        return False
    causal: Any = model  # transformers annotates only some of its methods
    original = model.forward

    # `forward` of this one object, for the reasons that `patch_target_loss` gives.
    def forward(
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        reference: Tensor | None = None,
        **others: Any,
    ) -> CausalLMOutputWithPast:
        """Return the loss for `labels`, without them the model's own output."""
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if labels is None:
            output: CausalLMOutputWithPast = original(**inputs, **others)
            return output
        states = causal.get_decoder()(**inputs, use_cache=False).last_hidden_state
        sums, counts = reply_logps(states, causal.get_output_embeddings(), labels, chunk=chunk)
        if objective == "orpo":
            losses, margins = orpo_loss(sums, counts, beta=beta)
        elif reference is None:
            return CausalLMOutputWithPast(logits=sums)
        else:
            losses, margins = dpo_loss(sums, reference, beta=beta)
        mean: Any = losses.mean()
        return CausalLMOutputWithPast(loss=mean, logits=margins.detach())

    model.forward = forward
    return True
