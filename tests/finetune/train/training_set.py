"""A prepared run of a few records, and a recipe that learns them in a second or two."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from finetune.progress import SilentProgress
from finetune.recipe import Recipe, parse_recipe
from finetune.records import Record, Turn, to_json
from finetune.runs import Run
from ingest.foundation.messages import Message

QUICK_SETTINGS: dict[str, Any] = {
    "r": 16,
    "alpha": 32,
    "lr": 5e-3,
    "epochs": 2,
    "batch": 4,
    "accumulate": 2,
    "max_tokens": 256,
    "log_every": 1,
    "loss_chunk": 32,
    "gradient_checkpointing": False,
}


DRONES = 7


def learnable_record(number: int) -> Record:
    """Return a record; there are seven different answers."""
    drone = number % DRONES
    turn = Turn(
        user=f"How high may drone {drone} fly, pilot {number}?",
        think=f"Drone {drone} has its own limit.",
        answer=f"At most {100 + drone} metres.",
    )
    return Record(id=str(number), turns=(turn,))


def unlearnable_record(number: int) -> Record:
    """Return a record whose loss rises while the learnable ones are learnt by heart."""
    turn = Turn(
        user=f"飞手{number}：无人机能飞多高？", think="限高是多少？", answer="先查空域，再定高度。"
    )
    return Record(id=str(number), turns=(turn,))


def prepared(
    folder: Path,
    *,
    train: int = 24,
    val: int = 6,
    val_record: Callable[[int], Record] = learnable_record,
) -> Run:
    """Return a run with both splits; those of the validation split are made by `val_record`."""
    run = Run(folder)
    run.data.mkdir(parents=True)
    splits = {
        "train": map(learnable_record, range(train)),
        "val": map(val_record, range(train, train + val)),
    }
    for split, records in splits.items():
        lines = (json.dumps(to_json(record)) + "\n" for record in records)
        (run.data / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return run


def recipe(base: Path | str, *, folder: Path = Path(), seed: int = 42, **train: Any) -> Recipe:
    """Return a quick recipe with settings of `train` changed."""
    tables = {
        "name": "drones",
        "seed": seed,
        "model": {"base": str(base)},
        "data": {"files": ["drones.jsonl"]},
        "train": QUICK_SETTINGS | train,
    }
    return parse_recipe(tables, source="drones.toml", folder=folder)


class InterruptingProgress(SilentProgress):
    """Progress that ends the training after so many steps: by Ctrl-C, or as `kill -9` does."""

    def __init__(self, steps: int, *, kill: bool = False) -> None:
        super().__init__()
        self._steps_left = steps
        self._kill = kill
        self._training = False

    def stage(self, name: Message, *, total: int | None = None) -> "InterruptingProgress":
        self._training = name.localize("en") == "training"
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._training = False

    def advance(self, units: int = 1, *, detail: str = "") -> None:
        if not self._training or not detail:
            return
        self._steps_left -= units
        if self._steps_left > 0:
            return
        if self._kill:
            os.kill(os.getpid(), signal.SIGKILL)
        raise KeyboardInterrupt
