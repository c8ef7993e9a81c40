"""Checkpoints of a training: which are whole, which is the best, and whether it fits to go on."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerState

from finetune.errors import RecipeError
from finetune.recipe import Recipe
from finetune.runs import Run, digest_of, write_whole
from ingest.foundation.messages import Message

STATE_FILE = "trainer_state.json"
"""What transformers writes last: a checkpoint in which it can be read is whole."""

SETTINGS_FILE = "settings.json"
TRAINERS_OWN = (
    STATE_FILE,
    "optimizer.pt",
    "scheduler.pt",
    "scaler.pt",
    "rng_state*.pth",
    "training_args.bin",
    "README.md",
)
"""Files of a checkpoint that only going on needs, and peft's empty model card."""

FREE = frozenset(
    {"epochs", "max_steps", "gradient_checkpointing", "early_stop", "evaluate_every"}
    | {"save_every", "keep", "log_every", "loss_chunk"}
)
"""Settings of training that may differ when it goes on: they change no step that was done."""


class Checkpoints:
    """The folder `checkpoints/` of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def whole(self) -> list[Path]:
        """Return the checkpoints that were written to the end, the earliest first."""
        found = [path for path in self.folder.glob("checkpoint-*") if _state(path)]
        return sorted(found, key=_step)

    def best(self) -> Path:
        """Return the checkpoint of the lowest validation loss, the last if none was evaluated."""
        whole = self.whole()
        state = _state(whole[-1])
        best = self.folder / f"checkpoint-{state.best_global_step if state else None}"
        return best if best in whole else whole[-1]

    def drop_broken(self) -> None:
        """Delete checkpoints that were cut short: nobody can go on from them."""
        whole = self.whole()
        for path in self.folder.glob("checkpoint-*"):
            if path not in whole:
                shutil.rmtree(path)

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Make room for a new training; the checkpoints of the one before move to `….old`."""
        if self.whole():
            old = self.folder.with_name(f"{self.folder.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            self.folder.rename(old)
        shutil.rmtree(self.folder, ignore_errors=True)
        write_whole(self.folder / SETTINGS_FILE, json.dumps(settings, indent=1) + "\n")

    def go_on(self, settings: Mapping[str, Any]) -> tuple[Path, TrainerState]:
        """Return the last whole checkpoint and its state.

        Raises:
            RecipeError: it was trained with other settings, so that its steps would not fit.
        """
        self.drop_broken()
        try:
            before = json.loads((self.folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = {}
        for name, value in settings.items():
            if before.get(name) != value:
                raise _changed(name, before.get(name), value)
        last = self.whole()[-1]
        return last, TrainerState.load_from_json(str(last / STATE_FILE))


def settings_of(recipe: Recipe, run: Run, base: str) -> dict[str, Any]:
    """Return what a checkpoint depends on, by the names of the recipe. `base` is a fingerprint."""
    table = recipe.train.model_dump(mode="json", exclude=set(FREE))
    return {
        "model.base": base,
        "model.format": recipe.model.format,
        "seed": recipe.seed,
        "data": digest_of(run.data / "train.jsonl", run.data / "val.jsonl"),
        **{f"train.{name}": value for name, value in table.items()},
    }


def publish(checkpoint: Path, target: Path) -> None:
    """Copy the weights of a checkpoint to `target`, which is replaced as a whole."""
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    old = target.with_name(f"{target.name}.{os.getpid()}.old")
    try:
        shutil.copytree(checkpoint, part, ignore=shutil.ignore_patterns(*TRAINERS_OWN))
        if target.exists():
            target.rename(old)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def evaluations_since_best(state: TrainerState) -> int:
    """Return how many evaluations came after the one of the lowest loss."""
    losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _state(checkpoint: Path) -> TrainerState | None:
    try:
        state: TrainerState = TrainerState.load_from_json(str(checkpoint / STATE_FILE))
    except (OSError, ValueError, TypeError):
        return None
    return state


def _changed(name: str, before: object, now: object) -> RecipeError:
    if name in ("data", "model.base"):
        what = Message("cannot resume: {name} has changed", name=name)
    else:
        what = Message(
            "cannot resume: {name} was {before}, now it is {now}", name=name, before=before, now=now
        )
    return RecipeError(
        what,
        hint=Message("put it back, or train anew without --resume"),
    )
