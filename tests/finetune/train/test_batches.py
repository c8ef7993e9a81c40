"""Batches keep the ids and labels of samples, and every sample is counted."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.errors import RecipeError
from finetune.model.samples import IGNORED, Sample
from finetune.model.tokenization import load_tokenizer
from finetune.progress import SilentProgress
from finetune.runs import Run
from finetune.train.arguments import training_arguments, warmup_steps
from finetune.train.batches import (
    SampleSet,
    load_training_set,
    padding_collator,
)
from finetune.train.hardware import detect_hardware
from tests.finetune.train.training_set import prepared, recipe

PAD = 9


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    ids = draw(st.lists(st.integers(0, 150_000), min_size=1, max_size=12))
    prompt = draw(st.integers(0, len(ids)))
    labels = (*[IGNORED] * prompt, *ids[prompt:])
    return Sample(ids=tuple(ids), labels=labels, record="")


@settings(deadline=None)
@given(st.lists(samples(), max_size=8))
def test_packed_samples_come_out_as_they_went_in(given_samples: list[Sample]) -> None:
    packed = SampleSet(given_samples)
    assert len(packed) == len(given_samples)
    assert packed.tokens == sum(len(sample.ids) for sample in given_samples)
    for number, sample in enumerate(given_samples):
        row = packed[number]
        assert tuple(row["input_ids"].tolist()) == sample.ids
        assert tuple(row["labels"].tolist()) == sample.labels


def test_padding_is_on_the_right_neither_seen_nor_learnt() -> None:
    packed = SampleSet(
        [
            Sample(ids=(1, 2, 3), labels=(IGNORED, 2, 3), record=""),
            Sample(ids=(4,), labels=(4,), record=""),
        ]
    )
    batch = padding_collator(PAD)([packed[0], packed[1]])
    assert batch["input_ids"].tolist() == [[1, 2, 3], [4, PAD, PAD]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORED, 2, 3], [4, IGNORED, IGNORED]]
    assert all(part.dtype == torch.int64 for part in batch.values())


@pytest.mark.parametrize(
    ("warmup", "steps", "expected"),
    [(0.0, 100, 0), (0.03, 100, 3), (0.03, 20, 1), (1, 5, 1), (500, 90, 500)],
)
def test_warm_up_is_a_share_below_one_and_a_number_of_steps_from_one_on(
    warmup: float, steps: int, expected: int
) -> None:
    assert warmup_steps(warmup, steps) == expected


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [("constant", [0.5, 1.0, 1.0, 1.0]), ("linear", [0.5, 1.0, 0.5, 0.0])],
)
def test_schedules_warm_up_and_go_down(schedule: str, rates: list[float], tmp_path: Path) -> None:
    from transformers import get_scheduler

    args = training_arguments(
        recipe("base", schedule=schedule, warmup=2),
        folder=tmp_path,
        hardware=detect_hardware(),
        precision="fp32",
        evaluates=False,
        steps=4,
    )
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule_ = get_scheduler(
        args.lr_scheduler_type, optimizer, args.get_warmup_steps(4), num_training_steps=4
    )
    rates_taken = []
    for _ in range(4):
        optimizer.step()
        schedule_.step()
        rates_taken.append(schedule_.get_last_lr()[0])
    assert rates_taken == pytest.approx(rates)


def test_when_all_samples_are_too_long_the_hint_is_the_limit_they_need(
    tiny: Path, tmp_path: Path
) -> None:
    run = prepared(tmp_path / "run", train=5, val=0)
    with pytest.raises(RecipeError) as caught:
        load_training_set(
            recipe(tiny, max_tokens=16), run, load_tokenizer(tiny), progress=SilentProgress()
        )
    assert "5 of 5 are longer than train.max_tokens = 16" in caught.value.message.localize("en")
    longest = int(caught.value.message.localize("en").rpartition(" ")[2])
    assert caught.value.hint.localize("en") == f"set train.max_tokens = {longest}"
    training_set = load_training_set(
        recipe(tiny, max_tokens=longest), run, load_tokenizer(tiny), progress=SilentProgress()
    )
    assert (len(training_set.train), training_set.dropped) == (5, 0)


def test_some_samples_too_long_are_counted_in_both_splits(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run", train=12, val=12)
    tokenizer = load_tokenizer(tiny)
    everything = load_training_set(recipe(tiny), run, tokenizer, progress=SilentProgress())
    lengths = sorted({len(row["input_ids"]) for row in everything.train})  # type: ignore[attr-defined]
    tight = recipe(tiny, max_tokens=lengths[0])
    some = load_training_set(tight, run, tokenizer, progress=SilentProgress())
    assert 0 < len(some.train) < 12
    assert len(some.train) + len(some.val) + some.dropped == 24


def test_an_empty_training_split_raises(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run", train=0, val=0)
    with pytest.raises(RecipeError, match="the training split is empty"):
        load_training_set(recipe(tiny), run, load_tokenizer(tiny), progress=SilentProgress())


def test_unprepared_data_names_the_command_that_prepares_it(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_training_set(
            recipe(tiny), Run(tmp_path), load_tokenizer(tiny), progress=SilentProgress()
        )
    assert "finetune prepare" in caught.value.hint.localize("en")
