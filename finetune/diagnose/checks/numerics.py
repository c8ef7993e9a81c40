"""Checks for NaN and overflow: with either a model replies "!!!!", whatever else is right.

Id 0 of Qwen's vocabulary is "!", and greedy decoding picks id 0 from logits of NaN (Qwen3 issues
670, 761, 826).
"""

import math
from collections.abc import Sequence

from finetune.diagnose.checks.evidence import Evidence, Numerics
from finetune.diagnose.checks.findings import (
    Finding,
    command,
    join,
    log_unchecked,
    model_unchecked,
)
from finetune.train.advice import LR_DIVISOR
from finetune.train.log import LogEntry
from ingest.foundation.messages import Message

MAX_SKIPPED_SHARE = 0.5
"""Share of steps that fp16's gradient scaler may skip; above it is more than calibration."""

WEIGHTS_SHOWN = 3
"""Names of broken weights in a message."""


def check_weights(evidence: Evidence) -> Finding:
    """Check that no weight is NaN or Inf."""
    numerics = evidence.numerics
    if numerics is None:
        return model_unchecked("weights", evidence)
    broken = numerics.broken
    figures = {"weights": numerics.weights, "broken": list(broken)}
    if not broken:
        message = Message("all {weights} weight tensors are finite", weights=numerics.weights)
        return Finding(check="weights", state="sound", message=message, figures=figures)
    message = Message(
        "NaN or infinity in {broken_count} of {weights} weight tensors ({shown}): every "
        'reply is "{bangs}"',
        broken_count=len(broken),
        weights=numerics.weights,
        shown=", ".join(broken[:WEIGHTS_SHOWN]),
        bangs=numerics.first_token * 4,
    )
    table = evidence.recipe.train
    trained = table.method == "full" or any("lora_" in name for name in broken)
    if evidence.model == "merged":
        # Merged names do not say whether the base or the adapter brought the NaN.
        fix = join(Message("see whose they are: "), command("diagnose --model adapter"))
    elif evidence.model == "adapter" and trained:
        again = command("train", f"train.lr={table.lr / LR_DIVISOR:g}", "train.precision=auto")
        fix = join(Message("training broke them; again: "), again)
    else:
        fix = Message("download the base model anew")
    return Finding(check="weights", state="wrong", message=message, fix=fix, figures=figures)


def check_rope(evidence: Evidence) -> Finding:
    """Check that each file names the base of its rotary positions."""
    if not evidence.ropes:
        message = Message("no config.json and no GGUF file here")
        return Finding(check="rope", state="unchecked", message=message)
    figures = {str(one.path): one.theta for one in evidence.ropes}
    # With a base of 0 all angles are Inf, and each logit is NaN.
    broken = [one for one in evidence.ropes if not (one.theta > 0 and math.isfinite(one.theta))]
    if not broken:
        message = Message(
            "rope_theta is {thetas} (files read: {count})",
            thetas=", ".join(f"{theta:g}" for theta in sorted(set(figures.values()))),
            count=len(evidence.ropes),
        )
        return Finding(check="rope", state="sound", message=message, figures=figures)
    message = Message(
        "{path} names no usable rope_theta: a server that reads it answers !!!!",
        path=broken[0].path,
    )
    if broken[0].is_export:
        again = join(command("merge --force"), Message("; "), command("export --force"))
        fix = join(Message("write it anew: "), again)
    else:
        fix = Message("copy config.json from the base model once more")
    return Finding(check="rope", state="wrong", message=message, fix=fix, figures=figures)


def check_overflow(evidence: Evidence) -> Finding:
    """Check that logits are finite in fp32 and in the precision of training."""
    numerics = evidence.numerics
    if numerics is None:
        return model_unchecked("overflow", evidence)
    if numerics.broken:
        return Finding(check="overflow", state="unchecked", message=_WEIGHTS_FIRST)
    # fp16 is tested as well, for serving; unless training uses it, that is another check.
    tested = [one for one in numerics.tested if one in ("fp32", numerics.precision)]
    overflowing = [one for one in tested if one in numerics.overflowing]
    figures = {"tried": tested, "overflowing": overflowing}
    if not overflowing:
        message = Message("logits are finite in {where}", where=", ".join(tested))
        return Finding(check="overflow", state="sound", message=message, figures=figures)
    fix = join(
        Message("on a GPU from Ampere on: "),
        command("train", "train.precision=bf16"),
        Message(", else: "),
        command("train", "train.precision=fp32"),
    )
    if "fp32" in overflowing:
        fix = Message(
            "not even fp32 holds them: fix rope_theta if it is wrong, else take the base anew"
        )
    return Finding(
        check="overflow",
        state="wrong",
        message=_describe_overflow(numerics, overflowing),
        fix=fix,
        figures=figures,
    )


_WEIGHTS_FIRST = Message("not before the weights are fixed")


def _describe_overflow(numerics: Numerics, precisions: Sequence[str]) -> Message:
    return Message(
        'logits are not finite in {where}, though every weight is: replies are "{bangs}"',
        where=", ".join(precisions),
        bangs=numerics.first_token * 4,
    )


def check_serving(evidence: Evidence) -> Finding:
    """Check that logits are finite in fp16, in which many servers compute by default."""
    numerics = evidence.numerics
    if numerics is None:
        return model_unchecked("serving", evidence)
    if "fp16" not in numerics.tested:
        return Finding(check="serving", state="unchecked", message=_WEIGHTS_FIRST)
    if "fp16" not in numerics.overflowing:
        message = Message("logits are finite in fp16")
        return Finding(check="serving", state="sound", message=message)
    message = _describe_overflow(numerics, ["fp16"])
    fix = Message("serve it in bf16: vllm serve DIR --dtype bfloat16")
    return Finding(check="serving", state="wrong", message=message, fix=fix)


def check_divergence(evidence: Evidence) -> Finding:
    """Check that losses and gradients in the log are finite, and that training finished."""
    log = evidence.log
    if not log:
        return log_unchecked("divergence", evidence)
    half = evidence.precision == "fp16"
    broken = [one for one in log if _is_loss_broken(one) or _is_broken(one.grad_norm)]
    # fp16's scaler finds its scale by overflowing, and skips those steps. Gradients may therefore
    # be Inf now and then, though not at the end; losses may not.
    calibrating = (
        half
        and len(broken) <= MAX_SKIPPED_SHARE * len(log)
        and log[-1] not in broken
        and not any(map(_is_loss_broken, broken))
    )
    if broken and not calibrating:
        first = broken[0].step
        message = Message(
            "loss or gradient is no finite number from step {first} on ({bad_count} of "
            "{log_count} log {log_count:?entry|entries})",
            first=first,
            bad_count=len(broken),
            log_count=len(log),
        )
        lower = (f"train.lr={evidence.recipe.train.lr / LR_DIVISOR:g}", "train.clip=1.0")
        fix = command("train", *(("train.precision=bf16",) if half else lower))
        figures = {"step": first, "entries": len(broken)}
        return Finding(check="divergence", state="wrong", message=message, fix=fix, figures=figures)
    if evidence.finished:
        message = Message(
            "log entries: {entries}, all finite; training is finished", entries=len(log)
        )
        return Finding(check="divergence", state="sound", message=message)
    message = Message(
        "training is not finished: the log ends at step {step}, so far finite", step=log[-1].step
    )
    # NaNGuard stops before a broken step is logged; the resumed training repeats its message.
    fix = join(Message("go on, or see why it stops: "), command("train --resume"))
    return Finding(check="divergence", state="wrong", message=message, fix=fix)


def _is_loss_broken(entry: LogEntry) -> bool:
    return _is_broken(entry.loss) or _is_broken(entry.eval_loss)


def _is_broken(value: float | None) -> bool:
    return value is not None and not math.isfinite(value)
