"""Figures other than means: F1 and perplexity are of sums over records."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from finetune.evaluate.metrics.statistics import f1, macro_f1, perplexity
from ingest.foundation.intervals import mean

RANDOM = np.random.default_rng(7)


def test_f1_is_of_the_sums_and_not_the_mean_of_f1s() -> None:
    counts = np.array([[1.0, 1, 1], [0, 4, 2], [0, 0, 0]])
    assert f1(counts.sum(axis=0, keepdims=True))[0] == pytest.approx(2 * 1 / (5 + 3))
    assert f1(np.zeros((1, 3)))[0] == 1


def test_macro_f1_is_scikit_learns() -> None:
    wanted = RANDOM.integers(0, 3, 80)
    given_ = np.where(RANDOM.random(80) < 0.6, wanted, RANDOM.integers(0, 3, 80))
    columns = [
        part
        for label in range(3)
        for part in ((wanted == label) & (given_ == label), given_ == label, wanted == label)
    ]
    sums = np.stack(columns, axis=1).astype(float).sum(axis=0, keepdims=True)
    assert macro_f1(sums)[0] == pytest.approx(f1_score(wanted, given_, average="macro"))


def test_perplexity_is_of_all_tokens_together_and_may_be_infinite() -> None:
    assert perplexity(np.array([[40.0, 40.0]]))[0] == pytest.approx(np.e)
    assert perplexity(np.array([[1e9, 1.0]]))[0] == np.inf
    assert mean(np.array([[6.0, 3.0]]))[0] == 2
