"""NaN and overflow: a model that does not compute answers "!!!!", whatever else is right.

Id 0 of Qwen's vocabulary is "!", and greedy decoding picks id 0 from logits that are no numbers
(Qwen3 issues 670, 761, 826).
"""

import math
from collections.abc import Sequence

from finetune.diagnose.checks.evidence import Evidence, Numbers
from finetune.diagnose.checks.verdicts import Finding, command, join, no_log, unseen
from finetune.train.log import LogEntry
from ingest.foundation.messages import Message

GENTLER = 5
"""By how much to lower a learning rate that blew up."""

MANY_STEPS = 0.5
"""Share of steps that fp16's gradient scaler may leave out before that is more than calibration."""

SHOWN = 3


def weights(evidence: Evidence) -> Finding:
    """NaN or infinity in the weights themselves."""
    numbers = evidence.numbers
    if numbers is None:
        return unseen("weights", evidence)
    figures = {"weights": numbers.weights, "broken": list(numbers.broken)}
    if not numbers.broken:
        told = Message("all {weights} weight tensors are finite", weights=numbers.weights)
        return Finding(cause="weights", state="sound", told=told, figures=figures)
    shown = ", ".join(numbers.broken[:SHOWN])
    bangs = numbers.first_token * 4
    told = Message(
        "NaN or infinity in {broken_count} of {weights} weight tensors ({shown}): every "
        'reply is "{bangs}"',
        broken_count=len(numbers.broken),
        weights=numbers.weights,
        shown=shown,
        bangs=bangs,
    )
    change = _mended_weights(evidence, numbers.broken)
    return Finding(cause="weights", state="wrong", told=told, change=change, figures=figures)


def _mended_weights(evidence: Evidence, broken: tuple[str, ...]) -> Message:
    if evidence.model == "merged":
        ask = command("diagnose --model adapter")
        return join(Message("see whose they are: "), ask)
    table = evidence.recipe.train
    ours = table.method == "full" or any("lora_" in name for name in broken)
    if evidence.model == "adapter" and ours:
        again = command("train", f"train.lr={table.lr / GENTLER:g}", "train.precision=auto")
        return join(Message("training broke them; again: "), again)
    return Message("download the base model anew")


def rope(evidence: Evidence) -> Finding:
    """A base of rotary positions that is 0 or missing: the export's fault, and "!!!!" for all."""
    if not evidence.ropes:
        told = Message("no config.json and no GGUF file here")
        return Finding(cause="rope", state="unseen", told=told)
    figures = {str(one.path): one.theta for one in evidence.ropes}
    broken = [one for one in evidence.ropes if not (one.theta > 0 and math.isfinite(one.theta))]
    if not broken:
        thetas = ", ".join(f"{theta:g}" for theta in sorted(set(figures.values())))
        count = len(evidence.ropes)
        told = Message("rope_theta is {thetas} (files read: {count})", thetas=thetas, count=count)
        return Finding(cause="rope", state="sound", told=told, figures=figures)
    path, served = broken[0].path, broken[0].served
    told = Message(
        "{path} names no usable rope_theta: a server that reads it answers !!!!", path=path
    )
    if not served:
        change = Message("copy config.json from the base model once more")
    else:
        again = join(command("merge --force"), Message("; "), command("export --force"))
        change = join(Message("write it anew: "), again)
    return Finding(cause="rope", state="wrong", told=told, change=change, figures=figures)


def overflow(evidence: Evidence) -> Finding:
    """Logits that are no numbers though the weights are: the training's precision ran out."""
    numbers = evidence.numbers
    if numbers is None:
        return unseen("overflow", evidence)
    if numbers.broken:
        return Finding(cause="overflow", state="unseen", told=_WEIGHTS_FIRST)
    tried = [one for one in numbers.tried if one in ("fp32", numbers.precision)]
    bad = [one for one in tried if one in numbers.overflowing]
    figures = {"tried": tried, "overflowing": bad}
    if not bad:
        where = ", ".join(tried)
        told = Message("logits are finite in {where}", where=where)
        return Finding(cause="overflow", state="sound", told=told, figures=figures)
    told = _overflowing(numbers, bad)
    change = _mended_overflow(bad)
    return Finding(cause="overflow", state="wrong", told=told, change=change, figures=figures)


_WEIGHTS_FIRST = Message("not before the weights are mended")


def _overflowing(numbers: Numbers, precisions: Sequence[str]) -> Message:
    bangs, where = numbers.first_token * 4, ", ".join(precisions)
    return Message(
        'logits are not finite in {where}, though every weight is: replies are "{bangs}"',
        where=where,
        bangs=bangs,
    )


def _mended_overflow(precisions: Sequence[str]) -> Message:
    if "fp32" in precisions:
        return Message(
            "not even fp32 holds them: mend rope_theta if it is wrong, else take the base anew"
        )
    return join(
        Message("on a GPU from Ampere on: "),
        command("train", "train.precision=bf16"),
        Message(", else: "),
        command("train", "train.precision=fp32"),
    )


def serving(evidence: Evidence) -> Finding:
    """A model that is trained in a precision that holds it, and would overflow in fp16."""
    numbers = evidence.numbers
    if numbers is None:
        return unseen("serving", evidence)
    if "fp16" not in numbers.tried:
        return Finding(cause="serving", state="unseen", told=_WEIGHTS_FIRST)
    if "fp16" not in numbers.overflowing:
        told = Message("logits are finite in fp16")
        return Finding(cause="serving", state="sound", told=told)
    told = _overflowing(numbers, ["fp16"])
    change = Message("serve it in bf16: vllm serve DIR --dtype bfloat16")
    return Finding(cause="serving", state="wrong", told=told, change=change)


def divergence(evidence: Evidence) -> Finding:
    """A loss or gradient in the log that is no number, or a training that broke off."""
    log = evidence.log
    if not log:
        return no_log("divergence", evidence)
    half = evidence.precision == "fp16"
    bad = [one for one in log if _broken_loss(one) or _not_finite(one.grad_norm)]
    if not bad or (half and _calibration(log, bad)):
        return _ended(evidence)
    first = bad[0].step
    told = Message(
        "loss or gradient is no finite number from step {first} on ({bad_count} of "
        "{log_count} log entries)",
        first=first,
        bad_count=len(bad),
        log_count=len(log),
    )
    gentler = (f"train.lr={evidence.recipe.train.lr / GENTLER:g}", "train.clip=1.0")
    change = command("train", *(("train.precision=bf16",) if half else gentler))
    figures = {"step": first, "entries": len(bad)}
    return Finding(cause="divergence", state="wrong", told=told, change=change, figures=figures)


def _ended(evidence: Evidence) -> Finding:
    """Return that training came to its end; one that broke off says why when it goes on."""
    entries, step = len(evidence.log), evidence.log[-1].step
    if evidence.finished:
        told = Message("log entries: {entries}, all finite; training is finished", entries=entries)
        return Finding(cause="divergence", state="sound", told=told)
    told = Message(
        "training is not finished: the log ends at step {step}, so far finite", step=step
    )
    resume = Message("go on, or see why it stops: ")
    change = join(resume, command("train --resume"))
    return Finding(cause="divergence", state="wrong", told=told, change=change)


def _calibration(log: Sequence[LogEntry], bad: Sequence[LogEntry]) -> bool:
    """Tell whether fp16's scaler only sought its scale: it overflows and leaves such steps out."""
    seldom = len(bad) <= MANY_STEPS * len(log) and bad[-1] is not log[-1]
    return seldom and not any(map(_broken_loss, bad))


def _broken_loss(entry: LogEntry) -> bool:
    return _not_finite(entry.loss) or _not_finite(entry.eval_loss)


def _not_finite(value: float | None) -> bool:
    return value is not None and not math.isfinite(value)
