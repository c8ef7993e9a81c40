"""Everything that a run wrote to its folder, read back for its report and its card."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.compare.comparison import read_scored_replies
from finetune.compare.differences import format_figure
from finetune.errors import EvaluationError
from finetune.evaluate.metrics.catalogue import FIGURES, Figure
from finetune.evaluate.metrics.scored import ScoredReply
from finetune.recipe import Recipe
from finetune.runs import Run
from ingest.foundation.messages import COLON, Language, Message

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
"""Figures on a card; a report shows all."""

EXPORTS = ("gguf", "ollama", "vllm", "hf")
EXAMPLES = 3
"""Replies shown from either end."""

EXAMPLES_BY = "answer_rouge-l"
"""The score that every task has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One figure of all models, and its change from base to tuned."""

    figure: Figure
    values: Mapping[str, float]
    interval: tuple[float, float] | None = None
    """95 % interval of the change, in the figure's unit."""
    verdict: str = ""
    """`better` or `worse` if the change is significant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunExport:
    """One form of the model that was handed over, and how it is used."""

    target: str
    place: str
    """A file, a folder, or the model's name in Ollama."""
    bytes: int
    """Size of the file, 0 where there are several."""
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """All that a run has written; what has not been run yet is empty."""

    recipe: Recipe
    quality: Mapping[str, Any]
    training: Mapping[str, Any]
    models: tuple[str, ...]
    outdated: tuple[str, ...]
    """Models left out, as their figures are older than the recipe, the data or the weights."""
    rows: tuple[FigureRow, ...]
    loss_plot: str
    exports: tuple[RunExport, ...]
    examples: tuple[ScoredReply, ...]
    """Replies of the last of `models`, the nearest to their references and the farthest."""
    gate: Mapping[str, Any]
    """Whether the tuned model was found better through the assistant; empty: that was not asked."""
    merged: Mapping[str, Any]


def read_run_summary(
    recipe: Recipe, run: Run, *, is_current: Callable[[str], bool] = lambda model: True
) -> RunSummary:
    """Return what the run's folder holds.

    `is_current` says whether a model's figures belong to the current recipe and weights.
    """
    evaluations = {}
    for path in sorted(run.evaluation.glob("*.json")):
        figures = _read_json_or_empty(path)
        # Comparisons lie in the same folder: they have no model of their own and no replies.
        if "model" in figures and path.with_suffix(".jsonl").is_file():
            evaluations[str(figures["model"])] = figures
    outdated = tuple(model for model in evaluations if not is_current(model))
    for model in outdated:
        del evaluations[model]
    order = {"base": 0, "adapter": 1, "merged": 2}
    models = tuple(sorted(evaluations, key=lambda name: (order.get(name, 3), name)))
    # The change is that of the adapter, or of the merged model where only that was evaluated.
    changes: Mapping[str, Any] = {}
    if "base" in models:
        tuned = next((name for name in ("adapter", "merged") if name in models), "")
        comparison = _read_json_or_empty(run.evaluation / f"compare-base-{tuned}.json")
        changes = comparison.get("differences", {})
    return RunSummary(
        recipe=recipe,
        quality=_read_json_or_empty(run.data / "quality.json"),
        training=_read_json_or_empty(run.train / "summary.json"),
        models=models,
        outdated=outdated,
        rows=tuple(figure_rows(evaluations, changes)),
        loss_plot=_read_text_or_empty(run.train / "loss.svg"),
        exports=tuple(_exports(run)),
        examples=tuple(_examples(run, models[-1])) if models else (),
        gate=run.figures("gate"),
        merged=run.figures("merge"),
    )


def render_figures(figures: Mapping[str, Any], language: Language) -> str:
    """Return the figures of one model for a terminal, one line each, under the model's name."""
    joint = COLON.localize(language)
    records = Message("records asked").localize(language)
    lines = [f"{figures.get('model', '')} · {records}{joint}{figures.get('records', 0)}"]
    for figure in FIGURES:
        value = figures.get(figure.name)
        if isinstance(value, int | float):
            lines.append(
                f"  {figure.label.localize(language)}{joint}{format_figure(value, figure)}"
            )
    return "\n".join(lines)


def figure_rows(
    evaluations: Mapping[str, Mapping[str, Any]], changes: Mapping[str, Any]
) -> list[FigureRow]:
    """Return the rows of the table of figures: a figure, its value for each model, its change."""
    rows = []
    for figure in FIGURES:
        values = {
            model: float(figures[figure.name])
            for model, figures in evaluations.items()
            if isinstance(figures.get(figure.name), int | float)
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


def _exports(run: Run) -> Iterator[RunExport]:
    """Yield what was exported, as the steps noted it."""
    for target in EXPORTS:
        if figures := run.figures(f"export-{target}"):
            place = figures.get("model") or figures.get("file") or figures.get("folder") or ""
            # Ollama's is a name; the size is that of the one file whose size is known.
            file = Path(str(figures.get("file", "")))
            yield RunExport(
                target=target,
                place=str(place),
                bytes=file.stat().st_size if file.is_file() else 0,
                command=str(figures.get("command", "")),
            )


def _examples(run: Run, model: str) -> Iterator[ScoredReply]:
    """Yield the replies that are nearest to their references, and those that are farthest."""
    try:
        replies = list(read_scored_replies(run, model).values())
    except EvaluationError:
        return  # replies of an older version: the figures are there anyway
    ranked = sorted(replies, key=lambda one: -one.scores.get(EXAMPLES_BY, 0.0))
    yield from ranked[:EXAMPLES]
    yield from ranked[max(EXAMPLES, len(ranked) - EXAMPLES) :]


def _read_json_or_empty(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(_read_text_or_empty(path) or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _read_text_or_empty(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
