"""How training went: what was left out, what was not learnt, what was learnt by heart."""

import math
from collections.abc import Sequence
from statistics import fmean

from finetune.diagnose.checks.evidence import Evidence
from finetune.diagnose.checks.verdicts import Cause, Finding, command, join, no_log
from finetune.recipe import TrainTable
from finetune.train.log import LogEntry
from ingest.foundation.messages import Message

LOST_SHARE = 0.05
"""Share of training samples that may be left out for their length before it is worth a word."""

HARDLY_FELL = 0.9
"""Share of the first training loss from which the last is no success: fine-tuning that took brings
2.8 to 0.8 on the drone data, and 1.4 to 1.1 where the base already knows much."""

STILL_FALLING = 0.1
"""Share by which the loss falls from one quarter of the log to the last, when more steps pay."""

LOW_LOSS = 0.3
"""Nats per token under which nobody needs more training."""

QUARTERS = 4

FEW_STEPS = 100
"""Optimiser steps under which it is their number that is missing, before lr or rank."""

MOST_TIMES = 10
"""So many times the steps are asked for at once, at most."""

LORA_LR = 2e-4
FULL_LR = 2e-5
"""Customary learning rates: QLoRA trains with 2e-4 (Dettmers et al. 2023), whole models a tenth."""

CLEARLY_WORSE = 1.1
"""Times the lowest validation loss from which the last one is a rise, not noise."""

LEAST_RISE = 0.05
"""Nats per token that such a rise has at least."""

DROPOUT = 0.1
PATIENCE = 2


def truncation(evidence: Evidence) -> Finding:
    """Training samples that are left out because they are too long."""
    lengths = evidence.lengths
    if lengths is None:
        return Finding(cause="truncation", state="unseen", told=evidence.unmeasured)
    figures = {
        "samples": lengths.samples,
        "dropped": lengths.dropped,
        "longest": lengths.longest,
        "limit": lengths.limit,
    }
    share = lengths.dropped / max(1, lengths.samples)
    told = Message(
        "{dropped} of {samples} samples ({share:.0%}) are longer than train.max_tokens = "
        "{limit}; the longest has {longest}",
        dropped=lengths.dropped,
        samples=lengths.samples,
        share=share,
        limit=lengths.limit,
        longest=lengths.longest,
    )
    if share <= LOST_SHARE:
        return Finding(cause="truncation", state="sound", told=told, figures=figures)
    if lengths.dropped == lengths.samples:
        told = join(Message("nothing is left to learn: "), told)
    change = command("train", f"train.max_tokens={lengths.longest}")
    return Finding(cause="truncation", state="wrong", told=told, change=change, figures=figures)


def underfit(evidence: Evidence) -> Finding:
    """A training loss that hardly fell, or still falls steeply at the end."""
    losses = [one.loss for one in evidence.log if one.loss is not None]
    if not losses:
        return no_log("underfit", evidence)
    if not math.isfinite(sum(losses)):
        return _no_numbers("underfit")
    if not evidence.finished:
        told = Message("training is not finished")
        return Finding(cause="underfit", state="unseen", told=told)
    first, before, last = _course(losses)
    steps = evidence.log[-1].step
    figures = {"first": round(first, 4), "last": round(last, 4), "steps": steps}
    told = Message(
        "training loss {first:.3g} at first, {last:.3g} at the end; steps: {steps}",
        first=first,
        last=last,
        steps=steps,
    )
    if last > LOW_LOSS and last > HARDLY_FELL * first:
        change = _more_effect(evidence.recipe.train, steps)
    elif last > LOW_LOSS and last < (1 - STILL_FALLING) * before and not _rises(evidence):
        told = join(told, Message(", falling from {before:.3g}", before=before))
        change = command("train", f"train.epochs={2 * evidence.recipe.train.epochs:g}")
    else:
        return Finding(cause="underfit", state="sound", told=told, figures=figures)
    return Finding(cause="underfit", state="wrong", told=told, change=change, figures=figures)


def _course(losses: Sequence[float]) -> tuple[float, float, float]:
    """Return the first loss, and the means of the last quarter but one and of the last."""
    quarter = max(1, len(losses) // QUARTERS)
    before = losses[-2 * quarter : -quarter] or losses[:1]
    return losses[0], fmean(before), fmean(losses[-quarter:])


def _more_effect(table: TrainTable, steps: int) -> Message:
    """Return what makes training take more: steps, then learning rate, then rank."""
    if table.max_steps:
        return command("train", "train.max_steps=0")
    if steps < FEW_STEPS:
        return _more_steps(table, min(MOST_TIMES, -(-FEW_STEPS // steps)))
    customary = FULL_LR if table.method == "full" else LORA_LR
    if table.lr < customary:
        return command("train", f"train.lr={customary:g}")
    if table.method == "full":
        return command("train", f"train.epochs={2 * table.epochs:g}")
    return command("train", f"train.r={2 * table.r}", f"train.alpha={2 * table.alpha}")


def _more_steps(table: TrainTable, times: int) -> Message:
    """Return how to take so many times the steps: smaller ones first, which cost no time."""
    if table.accumulate >= times:
        return command("train", f"train.accumulate={table.accumulate // times}")
    epochs = f"train.epochs={math.ceil(table.epochs * times / table.accumulate)}"
    return command("train", *(("train.accumulate=1",) if table.accumulate > 1 else ()), epochs)


def overfit(evidence: Evidence) -> Finding:
    """A validation loss that rises clearly above its lowest while the training loss falls."""
    seen = _evaluations(evidence)
    if not evidence.log:
        return no_log("overfit", evidence)
    if len(seen) < 2:
        told = Message(
            "validation losses in the log: {seen_count}; it takes two, and data.split.val > 0",
            seen_count=len(seen),
        )
        return Finding(cause="overfit", state="unseen", told=told)
    if not all(math.isfinite(loss) for _, loss in seen):
        return _no_numbers("overfit")
    best, lowest = min(seen, key=lambda pair: pair[1])
    end = seen[-1][1]
    figures = {"lowest": round(lowest, 4), "step": best.step, "last": round(end, 4)}
    told = Message(
        "validation loss {end:.3g} at the end, {lowest:.3g} at its best (step {step})",
        end=end,
        lowest=lowest,
        step=best.step,
    )
    if not (_rises(evidence) and _fell_since(evidence, best.step)):
        return Finding(cause="overfit", state="sound", told=told, figures=figures)
    told = join(told, Message(", while training loss falls"))
    change = _less_by_heart(evidence.recipe.train, best.epoch)
    return Finding(cause="overfit", state="wrong", told=told, change=change, figures=figures)


def _evaluations(evidence: Evidence) -> list[tuple[LogEntry, float]]:
    return [(one, one.eval_loss) for one in evidence.log if one.eval_loss is not None]


def _rises(evidence: Evidence) -> bool:
    """Tell whether the last validation loss is clearly above the lowest."""
    losses = [loss for _, loss in _evaluations(evidence)]
    lowest = min(losses, default=math.inf)
    return bool(losses) and losses[-1] > max(CLEARLY_WORSE * lowest, lowest + LEAST_RISE)


def _fell_since(evidence: Evidence, step: int) -> bool:
    """Tell whether the last training loss is below that of `step`."""
    before = [one.loss for one in evidence.log if one.loss is not None and one.step <= step]
    after = [one.loss for one in evidence.log if one.loss is not None and one.step > step]
    return bool(after) and (not before or after[-1] < before[-1])


def _less_by_heart(table: TrainTable, epochs: float) -> Message:
    """Return the next change; the lowest validation loss was reached after `epochs`."""
    dropout = () if table.dropout >= DROPOUT else (f"train.dropout={DROPOUT:g}",)
    again = command(
        "train", f"train.epochs={max(1, round(epochs))}", f"train.early_stop={PATIENCE}", *dropout
    )
    return join(again, Message("; more and more varied rows help most"))


def _no_numbers(cause: Cause) -> Finding:
    told = Message("the losses in the log are no numbers")
    return Finding(cause=cause, state="unseen", told=told)
