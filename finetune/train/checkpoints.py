"""Checkpoints of a training: which are complete, which is best, and whether one can be resumed."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerState

from finetune.errors import RecipeError
from finetune.recipe import Recipe
from finetune.runs import Run, digest_of, write_atomically
from ingest.foundation.messages import Message

STATE_FILE = "trainer_state.json"
"""What transformers writes last: a checkpoint in which it can be read is complete."""

SETTINGS_FILE = "settings.json"
TRAINER_FILES = (
    STATE_FILE,
    "optimizer.pt",
    "scheduler.pt",
    "scaler.pt",
    "rng_state*.pth",
    "training_args.bin",
    "README.md",
)
"""Files of a checkpoint that only a resume needs, and peft's empty model card."""

CHANGEABLE_SETTINGS = frozenset(
    {"epochs", "max_steps", "gradient_checkpointing", "early_stop", "evaluate_every"}
    | {"save_every", "keep", "log_every", "loss_chunk", "reporters"}
)
"""Training settings that may differ in a resume: they change no step that was taken."""


class Checkpoints:
    """The folder `checkpoints/` of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def complete(self) -> list[Path]:
        """Return the checkpoints that were written to the end, the earliest first."""
        found = [path for path in self.folder.glob("checkpoint-*") if _load_state(path)]
        # By number: as text checkpoint-10 would be before checkpoint-9.
        return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))

    def best(self) -> Path:
        """Return the checkpoint of the best evaluation, the last if none was evaluated."""
        complete = self.complete()
        state = _load_state(complete[-1])
        # By its step, not by `best_model_checkpoint`: that path names the folder of the run as it
        # was when training began, and a run may be moved.
        best = self.folder / f"checkpoint-{state.best_global_step if state else None}"
        return best if best in complete else complete[-1]

    def delete_incomplete(self) -> None:
        """Delete checkpoints that were cut short: no training can resume from them."""
        complete = self.complete()
        for path in self.folder.glob("checkpoint-*"):
            if path not in complete:
                shutil.rmtree(path)

    def start_anew(self, settings: Mapping[str, Any]) -> None:
        """Empty the folder for a new training; earlier checkpoints move to `checkpoints.old`."""
        if self.complete():
            old = self.folder.with_name(f"{self.folder.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            self.folder.rename(old)
        shutil.rmtree(self.folder, ignore_errors=True)
        write_atomically(self.folder / SETTINGS_FILE, json.dumps(settings, indent=1) + "\n")

    def resume(self, settings: Mapping[str, Any]) -> tuple[Path, TrainerState]:
        """Return the last complete checkpoint and its state.

        Raises:
            RecipeError: it was trained with other settings, so that its steps would not fit.
        """
        # The Trainer would later save into a half-written folder and mix the files of two attempts.
        self.delete_incomplete()
        try:
            before = json.loads((self.folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = {}
        for name, value in settings.items():
            if before.get(name) == value:
                continue
            what = Message("cannot resume: {name} has changed", name=name)
            # Those two are digests, which mean nothing to the reader.
            if name not in ("data", "model.base"):
                what = Message(
                    "cannot resume: {name} was {before}, now it is {now}",
                    name=name,
                    before=before.get(name),
                    now=value,
                )
            raise RecipeError(what, hint=Message("put it back, or train anew without --resume"))
        last = self.complete()[-1]
        return last, TrainerState.load_from_json(str(last / STATE_FILE))


def settings_of(recipe: Recipe, run: Run, base_fingerprint: str) -> dict[str, Any]:
    """Return what a checkpoint depends on, under the recipe's names."""
    table = recipe.train.model_dump(mode="json", exclude=set(CHANGEABLE_SETTINGS))
    return {
        "model.base": base_fingerprint,
        "model.format": recipe.model.format,
        "seed": recipe.seed,
        "data": digest_of(run.data / "train.jsonl", run.data / "val.jsonl"),
        **{f"train.{name}": value for name, value in table.items()},
    }


def publish_checkpoint(checkpoint: Path, target: Path) -> None:
    """Copy the weights of a checkpoint to `target`, which is replaced as a whole."""
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    old = target.with_name(f"{target.name}.{os.getpid()}.old")
    try:
        shutil.copytree(checkpoint, part, ignore=shutil.ignore_patterns(*TRAINER_FILES))
        # A folder cannot be renamed onto another one that holds files (POSIX: ENOTEMPTY), hence
        # two renames; whoever reads between them finds no model, never half a model.
        if target.exists():
            target.rename(old)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def evaluations_since_best(state: TrainerState) -> int:
    """Return how many evaluations came after the best: of the highest score, or lowest loss."""
    scores = [entry["eval_score"] for entry in state.log_history if "eval_score" in entry]
    if not scores:
        scores = [-entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0


def _load_state(checkpoint: Path) -> TrainerState | None:
    try:
        state: TrainerState = TrainerState.load_from_json(str(checkpoint / STATE_FILE))
    except (OSError, ValueError, TypeError):
        return None
    return state
