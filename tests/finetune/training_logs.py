"""Logs of trainings that nobody ran."""

from collections.abc import Sequence

from finetune.train.log import LogEntry


def entry(step: int) -> dict[str, int | float]:
    return {"step": step, "epoch": step, "tokens": 1, "seconds": 1.0, "peak_memory": 1}


def logged(
    losses: Sequence[float], evaluations: Sequence[float] = (), norms: Sequence[float] = ()
) -> tuple[LogEntry, ...]:
    """Return a log with a loss, a gradient and an evaluation for each step."""
    entries = []
    for number, loss in enumerate(losses):
        norm = norms[number] if norms else 1.0
        entries.append(LogEntry(**entry(number + 1), loss=loss, grad_norm=norm))
        if evaluations:
            entries.append(LogEntry(**entry(number + 1), eval_loss=evaluations[number]))
    return tuple(entries)
