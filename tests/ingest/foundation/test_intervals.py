"""The bootstrap, plain and paired: SciPy's intervals, and coverage of the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ingest.foundation.intervals import Interval, paired_interval, sample_interval

RANDOM = np.random.default_rng(7)


def column(values: np.ndarray) -> np.ndarray:
    return np.stack([values, np.ones_like(values)], axis=1)


def test_the_interval_is_scipys() -> None:
    a = RANDOM.gamma(2, 10, 200)
    b = a + RANDOM.normal(1, 4, 200)
    ours = paired_interval(column(a), column(b), seed=1)
    theirs = stats.bootstrap(
        (b - a,), np.mean, n_resamples=10_000, method="percentile", rng=1
    ).confidence_interval
    assert ours.value == pytest.approx(np.mean(b - a))
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.04 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.04 * width)


def test_the_interval_of_a_normal_mean_is_the_textbooks() -> None:
    differences = RANDOM.normal(0.5, 2, 400)
    found = paired_interval(column(np.zeros(400)), column(differences))
    reach = 1.96 * differences.std() / np.sqrt(400)
    assert found.low == pytest.approx(differences.mean() - reach, abs=0.05 * reach)
    assert found.high == pytest.approx(differences.mean() + reach, abs=0.05 * reach)


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    held = 0
    for seed in range(200):
        b = np.random.default_rng(seed).normal(1, 3, 60)
        found = paired_interval(column(np.zeros(60)), column(b), seed=seed, resamples=500)
        held += found.low <= 1 <= found.high
    assert 0.88 <= held / 200 <= 0.99


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.floats(0.5, 50))
def test_a_gain_that_every_record_has_is_significant(values: list[float], gain: float) -> None:
    a = np.array(values)
    found = paired_interval(column(a), column(a + gain), resamples=200)
    assert found.is_significant
    assert found.low == pytest.approx(gain, abs=1e-6)
    assert found.high == pytest.approx(gain, abs=1e-6)


def test_the_same_model_twice_differs_by_nothing() -> None:
    a = column(RANDOM.random(50))
    assert paired_interval(a, a) == Interval(value=0, low=0, high=0)
    assert not paired_interval(a, a).is_significant


def test_the_same_seed_gives_the_same_interval() -> None:
    a, b = column(RANDOM.random(30)), column(RANDOM.random(30))
    assert paired_interval(a, b, seed=3) == paired_interval(a, b, seed=3)
    assert paired_interval(a, b, seed=3) != paired_interval(a, b, seed=4)


def test_many_records_are_drawn_in_chunks() -> None:
    records = 9_000
    a, b = column(np.zeros(records)), column(RANDOM.normal(0.1, 1, records))
    found = paired_interval(a, b, resamples=1_000)
    assert found.low < found.value < found.high


def test_records_that_do_not_pair_raise() -> None:
    with pytest.raises(ValueError, match="do not pair"):
        paired_interval(np.ones((3, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="do not pair"):
        paired_interval(np.ones((0, 2)), np.ones((0, 2)))


def test_the_interval_of_one_sample_is_scipys() -> None:
    values = RANDOM.gamma(2, 10, 200)
    ours = sample_interval(column(values), seed=1)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=1
    ).confidence_interval
    assert ours.value == pytest.approx(np.mean(values))
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.04 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.04 * width)
    with pytest.raises(ValueError, match="no record"):
        sample_interval(np.ones((0, 2)))
