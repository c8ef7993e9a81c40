"""What a run has left in its folder, read back for its report and its card."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.compare.differences import shown
from finetune.evaluate.metrics.catalogue import FIGURES, Figure
from finetune.recipe import Recipe
from finetune.runs import Run
from ingest.foundation.messages import Language, Message

CARD_FIGURES = (
    "accuracy",
    "macro_f1",
    "entity_f1",
    "risk_f1",
    "similarity",
    "answer_bleu-4",
    "answer_rouge-l",
    "exact",
    "token_f1",
    "format",
    "stop",
)
"""What a card shows, if the run has it: a report shows all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One figure over all models, and how sure its change from base is."""

    figure: Figure
    values: Mapping[str, float]
    interval: tuple[float, float] | None = None
    """Of the change from base to tuned, 95 %, in the figure's unit."""
    verdict: str = ""
    """`better` or `worse` where chance does not explain the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """All of a run that is there; what has not been done yet is empty."""

    recipe: Recipe
    quality: Mapping[str, Any]
    training: Mapping[str, Any]
    models: tuple[str, ...]
    outdated: tuple[str, ...]
    """Models whose figures are older than the recipe, the data or the weights: left out."""
    rows: tuple[FigureRow, ...]
    loss_plot: str
    exports: tuple[str, ...]
    merged: Mapping[str, Any]


def read_run_summary(
    recipe: Recipe, run: Run, *, is_current: Callable[[str], bool] = lambda model: True
) -> RunSummary:
    """Return what lies in the run's folder.

    `is_current` tells whether a model's figures belong to the recipe and weights as they are now.
    """
    evaluations = {}
    for path in sorted(run.evaluation.glob("*.json")):
        told = _json(path)
        if "model" in told and path.with_suffix(".jsonl").is_file():
            evaluations[str(told["model"])] = told
    outdated = tuple(model for model in evaluations if not is_current(model))
    for model in outdated:
        del evaluations[model]
    order = {"base": 0, "adapter": 1, "merged": 2}
    models = tuple(sorted(evaluations, key=lambda name: (order.get(name, 3), name)))
    return RunSummary(
        recipe=recipe,
        quality=_json(run.data / "quality.json"),
        training=_json(run.train / "summary.json"),
        models=models,
        outdated=outdated,
        rows=tuple(_rows(evaluations, _changes(run, models))),
        loss_plot=_text(run.train / "loss.svg"),
        exports=tuple(sorted(str(one.name) for one in run.exports.glob("*"))),
        merged=run.figures("merge"),
    )


def figures_text(figures: Mapping[str, Any], language: Language) -> str:
    """Return the figures of one model, one line each, under the name of the model."""
    joint = "：" if language == "zh" else ": "
    asked = Message("records asked").localize(language)
    lines = [f"{figures.get('model', '')} · {asked}{joint}{figures.get('records', 0)}"]
    for figure in FIGURES:
        value = figures.get(figure.name)
        if isinstance(value, int | float):
            lines.append(f"  {figure.label.localize(language)}{joint}{shown(value, figure)}")
    return "\n".join(lines)


def _changes(run: Run, models: Sequence[str]) -> Mapping[str, Any]:
    """Return what the comparison of base and adapter found, nothing if there is none."""
    tuned = next((name for name in ("adapter", "merged") if name in models), "")
    if "base" not in models:
        return {}
    told = _json(run.evaluation / f"compare-base-{tuned}.json")
    differences: Mapping[str, Any] = told.get("differences", {})
    return differences


def _rows(
    evaluations: Mapping[str, Mapping[str, Any]], changes: Mapping[str, Any]
) -> list[FigureRow]:
    rows = []
    for figure in FIGURES:
        values = {
            model: float(told[figure.name])
            for model, told in evaluations.items()
            if isinstance(told.get(figure.name), int | float)
        }
        if values:
            change = changes.get(figure.name, {})
            low, high = change.get("interval", (None, None))
            rows.append(
                FigureRow(
                    figure=figure,
                    values=values,
                    interval=None if low is None else (low, high),
                    verdict=change.get("verdict", ""),
                )
            )
    return rows


def _json(path: Path) -> Mapping[str, Any]:
    try:
        told = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
