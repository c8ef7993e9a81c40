"""The log of a training, one line of JSON per entry, and the summary at its end.

Imports no torch, so that reports load fast.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune.errors import TrainingError
from finetune.runs import write_atomically
from ingest.foundation.messages import Message

LOG_FILE = "log.jsonl"
SUMMARY_FILE = "summary.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """State of the training after `step`.

    Losses are nats per target token: `loss` is the mean over the steps since the entry before, None
    in the entry of an evaluation; `eval_loss` the mean over the validation split. `tokens`, those
    of prompts included, and `seconds` count from the first step on, also across resumes.
    `peak_memory` is in bytes. With pairs losses are nats per pair, and `accuracy` is the share of
    validation pairs in which the chosen reply is ahead. `eval_score` is the figure of
    `train.best_by`, where that is not the loss.
    """

    step: int
    epoch: float
    tokens: int
    seconds: float
    peak_memory: int
    loss: float | None = None
    eval_loss: float | None = None
    accuracy: float | None = None
    eval_score: float | None = None
    lr: float | None = None
    grad_norm: float | None = None
    tokens_per_second: float | None = None


class TrainLog:
    """`log.jsonl`, and its entries in memory. Without a folder they are in memory alone."""

    def __init__(self, folder: Path | None, *, until: int = 0, writes: bool = True) -> None:
        """Keep the entries up to step `until`, that of the resume, and drop those after it."""
        self.entries: list[LogEntry] = []
        if folder and until:
            # Later entries belong to steps after the checkpoint, which will be taken again.
            self.entries = [entry for entry in read_log(folder) if entry.step <= until]
        # Every process holds the entries, since all of them return a summary; one writes.
        self._path = folder / LOG_FILE if folder and writes else None
        if self._path is not None:
            write_atomically(self._path, "".join(_render_entry(entry) for entry in self.entries))

    def add(self, entry: LogEntry) -> None:
        """Append an entry."""
        self.entries.append(entry)
        if self._path is not None:
            # Opened and closed each time: a killed training has lost no entry in a buffer.
            with self._path.open("a", encoding="utf-8") as file:
                file.write(_render_entry(entry))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSummary:
    """Figures of a training.

    Losses are nats per target token; those of evaluations are None without a validation split.
    `seconds` is the time of training and evaluating, without loading; `estimated_seconds`, after a
    dry run, that of the whole training. `peak_memory` is in bytes. `dropped` and `shortened` count
    samples longer than `train.max_tokens`, `unpaired` records without a rejected reply where pairs
    are trained on; `val_accuracy` is that of the published checkpoint on pairs, `best_score` its
    figure of `train.best_by`, where that is not the loss.
    """

    steps: int
    epochs: float
    first_loss: float
    train_loss: float
    eval_loss: float | None
    best_eval_loss: float | None
    best_step: int
    tokens: int
    seconds: float
    tokens_per_second: float
    peak_memory: int
    device: str
    precision: str
    parameters: int
    trainable_parameters: int
    samples: int
    val_samples: int
    dropped: int
    shortened: int
    unpaired: int | None = None
    objective: str = "sft"
    val_accuracy: float | None = None
    best_score: float | None = None
    stopped_early: bool = False
    resumed_from: int = 0
    total_steps: int = 0
    estimated_seconds: float | None = None

    def figures(self) -> dict[str, Any]:
        """Return the figures as JSON values, by their names here."""
        return asdict(self)


def read_log(folder: Path) -> Iterator[LogEntry]:
    """Yield the entries of a training; a last line that was cut short is left out.

    Raises:
        TrainingError: there is no log.
    """
    try:
        lines = (folder / LOG_FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise _nothing_trained(folder / LOG_FILE) from None
    for line in lines:
        try:
            yield LogEntry(**json.loads(line))
        except (ValueError, TypeError):
            return  # nothing is written after a line that was cut short


def write_summary(folder: Path, summary: TrainSummary) -> None:
    """Write `summary.json`."""
    text = json.dumps(summary.figures(), ensure_ascii=False, indent=1)
    write_atomically(folder / SUMMARY_FILE, text + "\n")


def read_summary(folder: Path) -> TrainSummary:
    """Return the summary of a finished training.

    Raises:
        TrainingError: training has not been finished here.
    """
    try:
        text = (folder / SUMMARY_FILE).read_text(encoding="utf-8")
        return TrainSummary(**json.loads(text))
    except (OSError, ValueError, TypeError):
        raise _nothing_trained(folder / SUMMARY_FILE) from None


def best_evaluation(entries: Sequence[LogEntry]) -> LogEntry | None:
    """Return the evaluation of the published checkpoint; None if there was none.

    That is the one of the highest score, if there are scores, else of the lowest loss; the first
    of equals.
    """
    scored = [entry for entry in entries if entry.eval_score is not None]
    if scored:
        return max(scored, key=lambda entry: entry.eval_score or 0.0)
    evaluations = [entry for entry in entries if entry.eval_loss is not None]
    return min(evaluations, key=lambda entry: entry.eval_loss or 0.0, default=None)


def _render_entry(entry: LogEntry) -> str:
    values = {name: value for name, value in asdict(entry).items() if value is not None}
    return json.dumps(values) + "\n"


def _nothing_trained(path: Path) -> TrainingError:
    return TrainingError(
        Message("there is no usable {path}", path=path),
        hint=Message("train first: python -m finetune train RECIPE"),
    )
