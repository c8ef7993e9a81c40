"""Confidence intervals of figures and of their differences: the bootstrap, plain and paired.

Records are drawn with replacement and the figure is computed on each draw (Efron 1979); the
interval lies between percentiles. Where two models answered the same records, both get the same
draws, and the interval is that of the difference (Koehn, "Statistical Significance Tests for
Machine Translation Evaluation", EMNLP 2004): if it excludes 0, chance does not explain it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Maps sums over records, (draws, columns), to figures, (draws,)."""

RESAMPLES = 10_000
"""Draws of an interval: its ends then move by about 1 % of its width from seed to seed."""

CONFIDENCE = 0.95
CHUNK = 1_000_000
"""Drawn record numbers held at once: 8 MB."""

Z = 1.959964
"""Quantile of the normal distribution that belongs to 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure or a difference, and its 95 % confidence interval."""

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
    return _interval(
        [statistic(w @ b) - statistic(w @ a) for w in _draws(len(a), seed, resamples)],
        once=statistic(b.sum(axis=0)[None]) - statistic(a.sum(axis=0)[None]),
    )


def sample_interval(
    columns: Floats,
    statistic: Statistic = mean,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return a figure over records, and where it would lie with other records of their kind.

    Args:
        columns: What each record adds, (records, columns).
        statistic: Makes a figure of the columns' sums.
        seed: The same seed draws the same records.
        resamples: How often all records are drawn.

    Raises:
        ValueError: there is no record.
    """
    if not len(columns):
        raise ValueError("there is no record")
    return _interval(
        [statistic(weights @ columns) for weights in _draws(len(columns), seed, resamples)],
        once=statistic(columns.sum(axis=0)[None]),
    )


def _draws(records: int, seed: int, resamples: int) -> Iterator[Floats]:
    """Yield how often each record was drawn, (draws, records), in chunks that fit into memory."""
    random = np.random.default_rng(seed)
    per_chunk = max(1, CHUNK // records)
    for start in range(0, resamples, per_chunk):
        draws = min(per_chunk, resamples - start)
        drawn = random.integers(records, size=(draws, records))
        # One `bincount` counts all draws, as each has a range of numbers of its own. Sums over
        # draws are then a product of matrices.
        drawn += np.arange(draws)[:, None] * records
        times = np.bincount(drawn.ravel(), minlength=draws * records)
        yield times.reshape(draws, records).astype(np.float64)


def _interval(drawn: list[Floats], *, once: Floats) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail])
    return Interval(value=float(once[0]), low=float(low), high=float(high))


def wilson_interval(share: float, count: int) -> Interval:
    """Return Wilson's interval of a share among `count`, which is wider than 0 also at 0 and 1.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 1927. It
    holds for a mean of any values from 0 to 1, as none varies more than one of 0 and 1.
    """
    middle = (share + Z * Z / (2 * count)) / (1 + Z * Z / count)
    spread = math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    reach = Z * spread / (1 + Z * Z / count)
    return Interval(value=share, low=max(0.0, middle - reach), high=min(1.0, middle + reach))
