"""How well a model foresees the references: perplexity and bits per byte."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLoss:
    """What one record's target costs: `nats` of cross-entropy over `tokens`, `bytes` of UTF-8."""

    id: str
    nats: float
    tokens: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """Perplexity counts tokens, so it compares models of one vocabulary; bits per byte all."""

    perplexity: float
    bits_per_byte: float
    records: int


def likelihood(losses: Iterable[TargetLoss]) -> Likelihood | None:
    """Return the figures over all target tokens together, None if there is none.

    A loss that is no number (a model that overflows) gives figures that are none.
    """
    kept = [loss for loss in losses if loss.tokens]
    if not kept:
        return None
    nats = sum(loss.nats for loss in kept)
    mean = nats / sum(loss.tokens for loss in kept)
    return Likelihood(
        perplexity=perplexity_of(mean),
        bits_per_byte=nats / math.log(2) / max(1, sum(loss.bytes for loss in kept)),
        records=len(kept),
    )


def perplexity_of(mean_nats: float) -> float:
    """Return e to the mean loss of a token, infinity where a float ends."""
    try:
        return math.exp(mean_nats)
    except OverflowError:
        return math.inf
