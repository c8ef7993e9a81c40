"""What a log of losses says by itself, without a model."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.diagnose.checks.evidence import Evidence
from finetune.diagnose.checks.learning import check_overfit, check_underfit
from finetune.diagnose.checks.numerics import check_divergence
from finetune.recipe import Recipe
from finetune.train.log import LogEntry
from tests.finetune.broken_models import recipe
from tests.finetune.training_logs import logged


def evidence_of(settings: Recipe, log: tuple[LogEntry, ...]) -> Evidence:
    return Evidence(recipe=settings, model="adapter", log=log, finished=True)


@given(
    st.lists(st.floats(0.4, 20), min_size=2, max_size=30),
    st.lists(st.floats(0.4, 20), min_size=30, max_size=30),
)
def test_a_validation_loss_that_ends_at_its_lowest_is_never_over_fit(
    losses: list[float], evaluations: list[float]
) -> None:
    ends_low = [*evaluations[: len(losses) - 1], min(evaluations)]
    evidence = evidence_of(recipe(Path("base")), logged(losses, ends_low))
    assert check_overfit(evidence).state == "sound"


@given(st.floats(0.31, 20), st.integers(1, 300))
def test_a_loss_that_does_not_move_is_under_fit_however_long(loss: float, steps: int) -> None:
    evidence = evidence_of(recipe(Path("base")), logged([loss] * steps))
    assert check_underfit(evidence).state == "wrong"


def test_a_loss_that_still_falls_is_fixed_by_epochs_unless_validation_rises() -> None:
    falling = [8 / step for step in range(1, 21)]
    settings = recipe(Path("base"), epochs=4)
    evidence = evidence_of(settings, logged(falling, falling))
    assert check_underfit(evidence).fix.localize("en").endswith("--set train.epochs=8")
    rising = evidence_of(settings, logged(falling, sorted(falling)))
    assert check_underfit(rising).state == "sound"
    assert check_overfit(rising).fix.localize("en").count("--set train.epochs=1 ") == 1


def test_too_few_steps_are_fixed_by_smaller_steps_before_more_epochs() -> None:
    log = logged([5.0] * 20)
    small = evidence_of(recipe(Path("base"), accumulate=16), log)
    assert check_underfit(small).fix.localize("en").endswith("RECIPE --set train.accumulate=3")
    single = evidence_of(recipe(Path("base"), accumulate=1, epochs=3), log)
    assert check_underfit(single).fix.localize("en").endswith("RECIPE --set train.epochs=15")


@pytest.mark.parametrize(
    ("lr", "fix"),
    [(1e-5, "--set train.lr=0.0002"), (2e-4, "--set train.r=16 --set train.alpha=32")],
)
def test_many_steps_without_effect_are_fixed_by_a_higher_rate_then_a_higher_rank(
    lr: float, fix: str
) -> None:
    evidence = evidence_of(recipe(Path("base"), lr=lr), logged([5.0] * 200))
    assert check_underfit(evidence).fix.localize("en").endswith(fix)


def test_the_scaler_of_fp16_may_overflow_at_first_and_no_loss_may() -> None:
    calibrating = logged([3.0, 2.0, 1.0], norms=[math.inf, 1.0, 1.0])
    settings = recipe(Path("base"))
    half = Evidence(recipe=settings, model="base", log=calibrating, precision="fp16", finished=True)
    assert check_divergence(half).state == "sound"
    assert check_divergence(replace(half, precision="fp32")).state == "wrong"
    blown = replace(half, log=logged([3.0, math.nan, 1.0]))
    assert check_divergence(blown).fix.localize("en").endswith("--set train.precision=bf16")
    assert check_underfit(blown).state == "unchecked"
