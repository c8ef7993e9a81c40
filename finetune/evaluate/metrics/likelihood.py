"""The likelihood of the references under a model: perplexity and bits per byte."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLoss:
    """Cross-entropy of one record's target: `nats` in all, over `tokens` and `bytes` of UTF-8."""

    id: str
    nats: float
    tokens: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """Figures over all records. Perplexity is per token, bits per byte of UTF-8."""

    perplexity: float
    bits_per_byte: float
    records: int


def likelihood(losses: Iterable[TargetLoss]) -> Likelihood | None:
    """Return the figures over all target tokens together, None without any.

    A loss of NaN or Inf gives NaN or Inf.
    """
    kept = [loss for loss in losses if loss.tokens]
    if not kept:
        return None
    # Over all tokens, not the mean of the records' means: a short target weighs less. Perplexity
    # compares models of one vocabulary alone; bits per byte compare any two.
    nats = sum(loss.nats for loss in kept)
    mean = nats / sum(loss.tokens for loss in kept)
    return Likelihood(
        perplexity=perplexity_of(mean),
        bits_per_byte=nats / math.log(2) / max(1, sum(loss.bytes for loss in kept)),
        records=len(kept),
    )


def perplexity_of(mean_nats: float) -> float:
    """Return e to the mean loss of a token in nats, infinity where a float overflows."""
    try:
        return math.exp(mean_nats)
    except OverflowError:  # untrained weights: from a loss of 710 nats on
        return math.inf
