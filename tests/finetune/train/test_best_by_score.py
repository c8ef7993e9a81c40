"""The best checkpoint and the early stop by what a model answers, in the place of its loss."""

import time
from pathlib import Path

import pytest

from finetune.errors import RecipeError
from finetune.evaluate.training_score import training_scorer
from finetune.progress import SilentProgress
from finetune.recipe import Recipe, parse_recipe
from finetune.train.hardware import detect_hardware
from finetune.train.log import read_log, read_summary
from finetune.train.model import load_base
from finetune.train.trainer import train
from tests.finetune.train.test_training import same, weights
from tests.finetune.train.training_set import QUICK_SETTINGS, prepared


def recipe_by(name: str, base: Path, **settings: object) -> Recipe:
    tables = {
        "name": "drones",
        "model": {"base": str(base)},
        "data": {"files": ["drones.jsonl"]},
        "train": QUICK_SETTINGS | {"best_by": name, "best_questions": 4} | settings,
        "evaluate": {"max_new_tokens": 48},
    }
    return parse_recipe(tables, source="drones.toml", folder=Path())


def test_the_checkpoint_with_the_best_answers_is_published(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run")
    wanted = recipe_by("sentence_chrf", tiny, epochs=6)
    score = training_scorer(wanted, run)
    assert score is not None
    summary = train(wanted, run, progress=SilentProgress(), score=score)
    scores = {one.step: one.eval_score for one in read_log(run.train) if one.eval_loss is not None}
    assert len(scores) == 6
    assert None not in scores.values()
    best = max(scores.values(), key=lambda one: one or 0.0)
    assert summary.best_score == best == scores[summary.best_step]
    assert read_summary(run.train) == summary
    saved = run.train / "checkpoints" / f"checkpoint-{summary.best_step}"
    assert same(weights(run.adapter), weights(saved))
    # An untrained model says nothing of it: the score is one of answers.
    untrained = load_base(wanted, hardware=detect_hardware()).model
    assert score(untrained) < best


def test_training_stops_where_answers_get_no_better(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run")
    wanted = recipe_by("exact", tiny, epochs=20, early_stop=2)
    scores = iter([0.0, 50.0, 25.0, 50.0])
    summary = train(wanted, run, progress=SilentProgress(), score=lambda model: next(scores))
    # Its loss still falls; the score has no new highest at the third and fourth evaluation.
    assert summary.stopped_early
    assert (summary.best_score, summary.best_step, summary.steps) == (50.0, 6, 12)


def test_answering_changes_no_step_of_the_training(tiny: Path, tmp_path: Path) -> None:
    learnt = []
    for name in ("loss", "token_f1"):
        run = prepared(tmp_path / name)
        wanted = recipe_by(name, tiny, epochs=2, dropout=0.2)
        score = training_scorer(wanted, run)
        assert (score is None) == (name == "loss")
        train(wanted, run, progress=SilentProgress(), score=score)
        learnt.append(weights(run.train / "checkpoints" / "checkpoint-6"))
    assert same(*learnt)


def test_a_figure_of_another_task_is_refused(tiny: Path) -> None:
    with pytest.raises(RecipeError, match=r"a figure of evaluate\.task classify"):
        recipe_by("accuracy", tiny)


def test_a_dry_run_counts_the_time_of_the_replies(tiny: Path, tmp_path: Path) -> None:
    run = prepared(tmp_path / "run")
    scored: list[object] = []

    def slow_score(model: object) -> float:
        scored.append(model)
        time.sleep(0.5)
        return 0.0

    wanted = recipe_by("exact", tiny, epochs=200)
    summary = train(wanted, run, progress=SilentProgress(), dry_steps=1, score=slow_score)
    # Asked once, and counted for each of 200 evaluations.
    assert len(scored) == 1
    assert summary.estimated_seconds is not None
    assert summary.estimated_seconds >= 100
    without = prepared(tmp_path / "without", val=0)
    train(wanted, without, progress=SilentProgress(), dry_steps=1, score=slow_score)
    assert len(scored) == 1
