"""Statistics of figures that are no plain means, for `ingest.foundation.intervals`."""

import numpy as np

from finetune.evaluate.metrics.likelihood import perplexity_of
from ingest.foundation.intervals import Floats, mean


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
