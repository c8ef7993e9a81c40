"""A small search over learning rate and rank: short trainings, compared by their validation loss.

Each trial is a training of its own under `runs/NAME/search`, a share as long as the whole one, with
its learning-rate schedule shortened to match. What a trial leaves is its figures and its log; a
search that was cut short goes on where it stopped.
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from finetune.errors import RecipeError, TrainingError, UnsuitableSettingsError
from finetune.model.base_model import find_base_model
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.runs import Run, digest_of
from finetune.train.adapters import fingerprint
from finetune.train.checkpoints import settings_of
from finetune.train.trainer import train
from ingest.foundation.messages import Language, Message

STEP = "search"
"""Name under which a trial's run records that it is done."""

RATES = (0.3, 1.0, 3.0)
RANKS = (1.0, 2.0)
"""Factors on the recipe's own learning rate and rank where none are named: half an order of
magnitude is what a first guess is usually off by, and a lower rank rarely helps."""

SHARE = 1 / 3
"""Length of a trial: shorter ones rank high learning rates too well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One setting and what came of it. `loss` is the lowest validation loss, None if it failed."""

    lr: float
    r: int
    alpha: int
    loss: float | None = None
    seconds: float = 0.0
    reason: str = ""

    @property
    def changes(self) -> tuple[str, ...]:
        """The settings as `--set` takes them."""
        return (f"train.lr={self.lr:g}", f"train.r={self.r}", f"train.alpha={self.alpha}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchReport:
    """All trials, the best first, those that failed last."""

    trials: tuple[Trial, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the trials and the best settings as JSON values."""
        best = self.trials[0]
        return {"trials": [asdict(one) for one in self.trials], "set": list(best.changes)}

    def to_text(self, language: Language) -> str:
        """Return a table and the next command."""
        heads = ("lr", "r", "alpha", Message("validation loss").localize(language))
        lines = ["{:>10} {:>5} {:>6}  {}".format(*heads)]
        for one in self.trials:
            loss = f"{one.loss:.4f}" if one.loss is not None else one.reason
            lines.append(f"{one.lr:>10g} {one.r:>5} {one.alpha:>6}  {loss}")
        changes = " ".join(f"--set {change}" for change in self.trials[0].changes)
        following = Message("next: finetune train RECIPE {changes}", changes=changes)
        return "\n".join([*lines, following.localize(language)])


def search_settings(
    recipe: Recipe,
    run: Run,
    *,
    rates: Sequence[float] = (),
    ranks: Sequence[int] = (),
    share: float = SHARE,
    progress: Progress,
) -> SearchReport:
    """Train once for each learning rate and rank, a `share` of the recipe's length, and compare.

    Without `rates` or `ranks` they are a few around the recipe's own. alpha / r stays as it is.

    Raises:
        RecipeError: there are no validation rows, or no rank to search where all weights learn.
        TrainingError: every trial failed; or the disk is full.
    """
    if next(run.records("val"), None) is None:
        raise RecipeError(
            Message("search compares validation losses, and there are no validation rows"),
            hint=Message("set data.split.val, and prepare again"),
        )
    table = recipe.train
    rates = rates or tuple(round(table.lr * factor, 12) for factor in RATES)
    ranks = ranks or tuple(round(table.r * factor) for factor in RANKS)
    if table.method == "full":
        ranks = (table.r,)  # which no weight depends on
    trials = []
    with progress.stage(Message("trying settings"), total=len(rates) * len(ranks)) as stage:
        for lr in rates:
            for r in ranks:
                alpha = max(1, round(table.alpha * r / table.r))
                trial = _run_trial(
                    recipe, run, Trial(lr=lr, r=r, alpha=alpha), share=share, progress=progress
                )
                trials.append(trial)
                result_text = trial.reason if trial.loss is None else f"{trial.loss:.4f}"
                stage.advance(detail=f"lr {lr:g} · r {r} · {result_text}")
    trials.sort(key=lambda one: (one.loss is None, one.loss))
    if trials[0].loss is None:
        raise TrainingError(
            Message("every trial failed: {reason}", reason=trials[0].reason),
            hint=Message("run: python -m finetune diagnose RECIPE"),
        )
    return SearchReport(trials=tuple(trials))


def _run_trial(
    recipe: Recipe, run: Run, trial: Trial, *, share: float, progress: Progress
) -> Trial:
    """Return the trial with its loss: of its training now, or of one that was finished before."""
    length = {"epochs": recipe.train.epochs * share}
    if recipe.train.max_steps:
        length = {"max_steps": max(1, round(recipe.train.max_steps * share))}
    changes = {"lr": trial.lr, "r": trial.r, "alpha": trial.alpha, **length}
    tried = recipe.model_copy(update={"train": recipe.train.model_copy(update=changes)})
    depends = settings_of(tried, run, fingerprint(find_base_model(recipe)))
    digest = digest_of(depends, length)
    # By all that it depends on: a checkpoint in the folder is always one of this very trial.
    trial_run = Run(run.folder / STEP / f"lr-{trial.lr:g}-r-{trial.r}-{digest[:8]}")
    if trial_run.is_finished(STEP, digest):
        return Trial(**trial_run.figures(STEP)["trial"])
    with trial_run.step(STEP, digest) as figures:
        trial_run.data.mkdir(parents=True, exist_ok=True)
        for split in ("train", "val"):
            shutil.copyfile(run.data / f"{split}.jsonl", trial_run.data / f"{split}.jsonl")
        resume = (trial_run.train / "checkpoints").is_dir()
        try:
            summary = train(tried, trial_run, progress=progress, resume=resume)
            changed: dict[str, Any] = {"loss": summary.best_eval_loss, "seconds": summary.seconds}
        except UnsuitableSettingsError as error:
            # A rate that diverges or a rank that does not fit is a result, not the search's end.
            changed = {"reason": error.message.localize(recipe.language)}
        done_trial = Trial(**{**asdict(trial), **changed})
        figures["trial"] = asdict(done_trial)
    # Weights of trials are not used; a dozen of them would fill the disk.
    for folder in (trial_run.adapter, trial_run.train / "checkpoints", trial_run.data):
        shutil.rmtree(folder, ignore_errors=True)
    return done_trial
