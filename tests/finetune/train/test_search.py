"""`finetune search` compares short trainings, keeps what it tried, and goes on after a cut."""

import json
from pathlib import Path

import pytest

from finetune.errors import RecipeError, TrainingError
from finetune.progress import SilentProgress
from finetune.runs import Run
from finetune.train.search import search_settings
from tests.finetune.train.training_set import InterruptingProgress, prepared, recipe

RATES = (1e-6, 5e-3)
"""One that learns nothing, and one that does."""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return prepared(tmp_path / "run", train=16, val=4)


def test_the_setting_that_learns_is_named_first(tiny: Path, run: Run) -> None:
    report = search_settings(
        recipe(tiny, epochs=6), run, rates=RATES, ranks=(4,), share=0.5, progress=SilentProgress()
    )
    best, worst = report.trials
    assert (best.lr, best.r, best.alpha) == (5e-3, 4, 8)
    assert best.loss is not None
    assert worst.loss is not None
    assert best.loss < worst.loss - 1
    assert report.to_json()["set"] == ["train.lr=0.005", "train.r=4", "train.alpha=8"]
    for language in ("en", "zh"):
        assert "--set train.lr=0.005 --set train.r=4" in report.to_text(language)
    # Weights of trials would fill a disk; the run itself is untouched.
    assert not list((run.folder / "search").rglob("*.safetensors"))
    assert not run.adapter.exists()
    assert len(list((run.folder / "search").rglob("log.jsonl"))) == 2


def test_a_search_that_was_cut_short_goes_on(tiny: Path, run: Run) -> None:
    wanted = recipe(tiny, epochs=2)
    with pytest.raises(KeyboardInterrupt):
        search_settings(
            wanted,
            run,
            rates=RATES,
            ranks=(4,),
            share=0.5,
            progress=InterruptingProgress(steps=3),
        )
    finished = {path: path.read_bytes() for path in (run.folder / "search").rglob("summary.json")}
    assert len(finished) == 1
    report = search_settings(
        wanted, run, rates=RATES, ranks=(4,), share=0.5, progress=SilentProgress()
    )
    assert len(report.trials) == 2
    assert all(path.read_bytes() == before for path, before in finished.items())


def test_a_rate_that_diverges_is_a_result_and_not_the_end(tiny: Path, run: Run) -> None:
    diverging = recipe(tiny, epochs=2, clip=0, warmup=0, schedule="constant")
    report = search_settings(
        diverging, run, rates=(1e30, 5e-3), ranks=(4,), share=1.0, progress=SilentProgress()
    )
    assert report.trials[0].lr == 5e-3
    assert report.trials[1].loss is None
    assert "1e+30" in report.trials[1].reason
    assert json.dumps(report.to_json())
    with pytest.raises(TrainingError, match="every trial failed"):
        search_settings(
            diverging, run, rates=(1e30,), ranks=(4,), share=1.0, progress=SilentProgress()
        )


def test_without_validation_rows_there_is_nothing_to_compare(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run", val=0)
    with pytest.raises(RecipeError, match="no validation rows") as caught:
        search_settings(recipe(tiny), run, progress=SilentProgress())
    assert "data.split.val" in caught.value.localize("zh")
