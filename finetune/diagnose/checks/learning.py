"""Checks of the training: samples left out, under-fitting and over-fitting."""

import math
from statistics import fmean

from finetune.diagnose.checks.evidence import Evidence
from finetune.diagnose.checks.findings import CheckName, Finding, command, join, log_unchecked
from finetune.recipe import TrainTable
from finetune.train.log import LogEntry
from ingest.foundation.messages import Message

MAX_DROPPED_SHARE = 0.05
"""Share of training samples that may be left out for their length."""

MIN_LOSS_RATIO = 0.9
"""Last over first training loss above which nothing was learnt: successful fine-tuning brings 2.8
to 0.8 on the drone data, and 1.4 to 1.1 where the base already knows much."""

STILL_FALLING = 0.1
"""Share by which the loss falls from one quarter of the log to the last, when more steps pay."""

LOW_LOSS = 0.3
"""Nats per token below which no more training is needed."""

QUARTERS = 4

FEW_STEPS = 100
"""Optimiser steps below which it is their number that is missing, before lr or rank."""

MAX_STEPS_FACTOR = 10
"""By how much one fix multiplies the steps at most."""

LORA_LR = 2e-4
FULL_LR = 2e-5
"""Customary learning rates: QLoRA uses 2e-4 (Dettmers et al. 2023), full training a tenth."""

RISE_RATIO = 1.1
"""Last over lowest validation loss above which it rises; below is noise."""

MIN_RISE = 0.05
"""Nats per token of such a rise at least."""

DROPOUT = 0.1
EARLY_STOP = 2
"""Settings against over-fitting that the fix names."""


def check_truncation(evidence: Evidence) -> Finding:
    """Check how many training samples are left out because they are too long."""
    lengths = evidence.lengths
    if lengths is None:
        message = evidence.no_lengths_reason
        return Finding(check="truncation", state="unchecked", message=message)
    figures = {
        "samples": lengths.samples,
        "dropped": lengths.dropped,
        "longest": lengths.longest,
        "limit": lengths.limit,
    }
    share = lengths.dropped / max(1, lengths.samples)
    message = Message(
        "{dropped} of {samples} {samples:?sample|samples} ({share:.0%}) "
        "{dropped:?is|are} longer than train.max_tokens = {limit}; the longest has "
        "{longest}",
        dropped=lengths.dropped,
        samples=lengths.samples,
        share=share,
        limit=lengths.limit,
        longest=lengths.longest,
    )
    if share <= MAX_DROPPED_SHARE:
        return Finding(check="truncation", state="sound", message=message, figures=figures)
    if lengths.dropped == lengths.samples:
        message = join(Message("nothing is left to learn: "), message)
    fix = command("train", f"train.max_tokens={lengths.longest}")
    return Finding(check="truncation", state="wrong", message=message, fix=fix, figures=figures)


def check_underfit(evidence: Evidence) -> Finding:
    """Check that the training loss fell, and no longer falls steeply at the end."""
    losses = [one.loss for one in evidence.log if one.loss is not None]
    if not losses:
        return log_unchecked("underfit", evidence)
    if not math.isfinite(sum(losses)):
        return _losses_unchecked("underfit")
    if not evidence.finished:
        message = Message("training is not finished")
        return Finding(check="underfit", state="unchecked", message=message)
    if evidence.recipe.train.objective != "sft":
        message = Message("losses of pairs have no level to reach: look at the pairs won")
        return Finding(check="underfit", state="unchecked", message=message)
    # Means of quarters: single steps vary too much with their batches.
    quarter = max(1, len(losses) // QUARTERS)
    first, last = losses[0], fmean(losses[-quarter:])
    before = fmean(losses[-2 * quarter : -quarter] or losses[:1])
    steps = evidence.log[-1].step
    figures = {"first": round(first, 4), "last": round(last, 4), "steps": steps}
    message = Message(
        "training loss {first:.3g} at first, {last:.3g} at the end; steps: {steps}",
        first=first,
        last=last,
        steps=steps,
    )
    if last > LOW_LOSS and last > MIN_LOSS_RATIO * first:
        fix = underfit_fix(evidence.recipe.train, steps)
    elif last > LOW_LOSS and last < (1 - STILL_FALLING) * before and not _rises(evidence):
        # A rising validation loss says that more epochs would do harm, however the loss falls.
        message = join(message, Message(", falling from {before:.3g}", before=before))
        fix = command("train", f"train.epochs={2 * evidence.recipe.train.epochs:g}")
    else:
        return Finding(check="underfit", state="sound", message=message, figures=figures)
    return Finding(check="underfit", state="wrong", message=message, fix=fix, figures=figures)


def underfit_fix(table: TrainTable, steps: int) -> Message:
    """Return the next setting for a stronger training: steps, then learning rate, then rank."""
    if table.max_steps:
        return command("train", "train.max_steps=0")
    if steps < FEW_STEPS:
        times = min(MAX_STEPS_FACTOR, -(-FEW_STEPS // steps))
        # Smaller steps first: they cost no time, epochs do.
        if table.accumulate >= times:
            return command("train", f"train.accumulate={table.accumulate // times}")
        epochs = f"train.epochs={math.ceil(table.epochs * times / table.accumulate)}"
        return command("train", *(("train.accumulate=1",) if table.accumulate > 1 else ()), epochs)
    customary = FULL_LR if table.method == "full" else LORA_LR
    if table.lr < customary:
        return command("train", f"train.lr={customary:g}")
    if table.method == "full":
        return command("train", f"train.epochs={2 * table.epochs:g}")
    # alpha with r: LoRA scales by alpha / r, and the same scale keeps the learning rate valid.
    return command("train", f"train.r={2 * table.r}", f"train.alpha={2 * table.alpha}")


def check_overfit(evidence: Evidence) -> Finding:
    """Check that the validation loss does not rise while the training loss falls."""
    evaluations = _evaluations(evidence)
    if not evidence.log:
        return log_unchecked("overfit", evidence)
    if len(evaluations) < 2:
        message = Message(
            "validation losses in the log: {seen_count}; it takes two, and data.split.val > 0",
            seen_count=len(evaluations),
        )
        return Finding(check="overfit", state="unchecked", message=message)
    if not all(math.isfinite(loss) for _, loss in evaluations):
        return _losses_unchecked("overfit")
    best, lowest = min(evaluations, key=lambda pair: pair[1])
    end = evaluations[-1][1]
    figures = {"lowest": round(lowest, 4), "step": best.step, "last": round(end, 4)}
    message = Message(
        "validation loss {end:.3g} at the end, {lowest:.3g} at its best (step {step})",
        end=end,
        lowest=lowest,
        step=best.step,
    )
    # Both losses rising is divergence, which is another check.
    before = [one.loss for one in evidence.log if one.loss is not None and one.step <= best.step]
    after = [one.loss for one in evidence.log if one.loss is not None and one.step > best.step]
    fell = bool(after) and (not before or after[-1] < before[-1])
    if not (fell and _rises(evidence)):
        return Finding(check="overfit", state="sound", message=message, figures=figures)
    message = join(message, Message(", while training loss falls"))
    table = evidence.recipe.train
    dropout = () if table.dropout >= DROPOUT else (f"train.dropout={DROPOUT:g}",)
    # As many epochs as it took to the lowest validation loss.
    epochs = f"train.epochs={max(1, round(best.epoch))}"
    again = command("train", epochs, f"train.early_stop={EARLY_STOP}", *dropout)
    fix = join(again, Message("; more and more varied rows help most"))
    return Finding(check="overfit", state="wrong", message=message, fix=fix, figures=figures)


def _evaluations(evidence: Evidence) -> list[tuple[LogEntry, float]]:
    return [(one, one.eval_loss) for one in evidence.log if one.eval_loss is not None]


def _rises(evidence: Evidence) -> bool:
    """Return whether the last validation loss is clearly above the lowest."""
    losses = [loss for _, loss in _evaluations(evidence)]
    lowest = min(losses, default=math.inf)
    return bool(losses) and losses[-1] > max(RISE_RATIO * lowest, lowest + MIN_RISE)


def _losses_unchecked(check: CheckName) -> Finding:
    message = Message("the losses in the log are no numbers")
    return Finding(check=check, state="unchecked", message=message)
