"""Confidence intervals of differences between two models: the paired bootstrap.

Both models answered the same records, so records are drawn with replacement, and the difference is
computed on each draw (Koehn, "Statistical Significance Tests for Machine Translation Evaluation",
EMNLP 2004). The interval lies between percentiles of these differences; if it excludes 0, chance
does not explain the difference.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from finetune.evaluate.metrics.likelihood import perplexity_of

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Maps sums over records, (draws, columns), to figures, (draws,)."""

RESAMPLES = 10_000
"""Draws of an interval: its ends then move by about 1 % of its width from seed to seed."""

CONFIDENCE = 0.95
CHUNK = 1_000_000
"""Drawn record numbers held at once: 8 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A difference and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    @property
    def is_significant(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def mean(sums: Floats) -> Floats:
    """Return means, (draws,), of the columns sum and count."""
    means: Floats = sums[:, 0] / sums[:, 1]
    return means


def f1(sums: Floats) -> Floats:
    """Return F1, (draws,), of the columns correct, given and expected; 1 where both are 0."""
    total = sums[:, 1] + sums[:, 2]
    scores: Floats = np.where(total > 0, 2 * sums[:, 0] / np.maximum(total, 1), 1.0)
    return scores


def macro_f1(sums: Floats) -> Floats:
    """Return the mean F1 over labels, (draws,), of columns correct, given, expected of each."""
    correct, given, expected = (sums[:, start::3] for start in range(3))
    scores: Floats = np.where(expected > 0, 2 * correct / np.maximum(given + expected, 1), 0.0)
    # A rare label may be absent from a draw: it is left out there, it does not count as 0.
    averages: Floats = scores.sum(axis=1) / np.maximum((expected > 0).sum(axis=1), 1)
    return averages


def perplexity(sums: Floats) -> Floats:
    """Return perplexities, (draws,), of the columns nats and tokens."""
    return np.array([perplexity_of(value) for value in mean(sums)])


def paired_interval(
    a: Floats,
    b: Floats,
    statistic: Statistic = mean,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the difference b - a of a figure over the same records.

    Args:
        a: What each record adds for model a, (records, columns).
        b: The same records for model b, in the same order.
        statistic: Makes a figure of the columns' sums.
        seed: The same seed draws the same records.
        resamples: How often all records are drawn.

    Raises:
        ValueError: no records, or not the same number.
    """
    if a.shape != b.shape or not len(a):
        raise ValueError(f"the records do not pair: {a.shape} and {b.shape}")
    records, random = len(a), np.random.default_rng(seed)
    differences = []
    per_chunk = max(1, CHUNK // records)
    for start in range(0, resamples, per_chunk):
        draws = min(per_chunk, resamples - start)
        drawn = random.integers(records, size=(draws, records))
        # One `bincount` counts all draws, as each has a range of numbers of its own.
        drawn += np.arange(draws)[:, None] * records
        times = np.bincount(drawn.ravel(), minlength=draws * records)
        # How often each record was drawn, (draws, records): sums over draws are a product of
        # matrices. Both models get the same draws: that is what pairs them.
        weights = times.reshape(draws, records).astype(np.float64)
        differences.append(statistic(weights @ b) - statistic(weights @ a))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.concatenate(differences), [tail, 1 - tail])
    once = np.ones((1, records))
    value = (statistic(once @ b) - statistic(once @ a))[0]
    return Interval(value=float(value), low=float(low), high=float(high))
