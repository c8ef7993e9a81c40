"""How sure a difference between two models is: the paired bootstrap.

Both models answered the same records, so records are drawn, with replacement, and the difference is
taken anew on each draw (Koehn, "Statistical Significance Tests for Machine Translation Evaluation",
EMNLP 2004). The interval is that between the percentiles; if it does not hold 0, the difference is
not chance.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from finetune.evaluate.metrics.likelihood import perplexity_of

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Figures, (draws,), of what records add up to, (draws, columns)."""

RESAMPLES = 10_000
CONFIDENCE = 0.95
CHUNK = 1_000_000
"""Drawn record numbers held at once: 8 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A difference, and between which values it lies with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether chance is no explanation: the interval does not hold 0."""
        return self.low > 0 or self.high < 0


def mean(sums: Floats) -> Floats:
    """Return means, of the sums of values and of how many they are."""
    means: Floats = sums[:, 0] / sums[:, 1]
    return means


def f1(sums: Floats) -> Floats:
    """Return F1, of what is right, given and wanted; 1 where there is neither of the latter."""
    total = sums[:, 1] + sums[:, 2]
    scores: Floats = np.where(total > 0, 2 * sums[:, 0] / np.maximum(total, 1), 1.0)
    return scores


def macro_f1(sums: Floats) -> Floats:
    """Return the mean F1 of labels, of (right, given, wanted) of each; absent labels count not."""
    right, given, wanted = (sums[:, start::3] for start in range(3))
    scores: Floats = np.where(wanted > 0, 2 * right / np.maximum(given + wanted, 1), 0.0)
    averages: Floats = scores.sum(axis=1) / np.maximum((wanted > 0).sum(axis=1), 1)
    return averages


def perplexity(sums: Floats) -> Floats:
    """Return perplexities, of nats and tokens."""
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
        a: What each record adds for the one model, (records, columns).
        b: The same records for the other, in the same order.
        statistic: Makes a figure of the columns' sums.
        seed: The same seed draws the same records.
        resamples: How often all records are drawn anew.

    Raises:
        ValueError: no records, or not the same number.
    """
    if a.shape != b.shape or not len(a):
        raise ValueError(f"the records do not pair: {a.shape} and {b.shape}")
    whole = np.ones((1, len(a)))
    drawn = np.concatenate(
        [
            statistic(times @ b) - statistic(times @ a)
            for times in _draws(len(a), resamples, np.random.default_rng(seed))
        ]
    )
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    value = (statistic(whole @ b) - statistic(whole @ a))[0]
    return Interval(value=float(value), low=float(low), high=float(high))


def _draws(records: int, resamples: int, random: np.random.Generator) -> Iterator[Floats]:
    """Yield how often each record is drawn, (draws, records), some draws at a time."""
    at_once = max(1, CHUNK // records)
    for start in range(0, resamples, at_once):
        draws = min(at_once, resamples - start)
        drawn = random.integers(records, size=(draws, records))
        drawn += np.arange(draws)[:, None] * records  # each draw has a range of its own
        times = np.bincount(drawn.ravel(), minlength=draws * records)
        yield times.reshape(draws, records).astype(np.float64)
