"""NaN and overflow: a model that does not compute answers "!!!!", whatever else is right.

Id 0 of Qwen's vocabulary is "!", and greedy decoding picks id 0 from logits that are no numbers
(Qwen3 issues 670, 761, 826).
"""

import math
from collections.abc import Sequence

from finetune.diagnose.checks.evidence import Evidence, Numbers
from finetune.diagnose.checks.verdicts import Verdict, command, join, no_log, unseen
from finetune.train.log import LogEntry
from ingest.foundation.messages import Wording

GENTLER = 5
"""By how much to lower a learning rate that blew up."""

MANY_STEPS = 0.5
"""Share of steps that fp16's gradient scaler may leave out before that is more than calibration."""

SHOWN = 3


def weights(evidence: Evidence) -> Verdict:
    """NaN or infinity in the weights themselves."""
    numbers = evidence.numbers
    if numbers is None:
        return unseen("weights", evidence)
    figures = {"weights": numbers.weights, "broken": list(numbers.broken)}
    if not numbers.broken:
        told = Wording(
            f"all {numbers.weights} weight tensors are finite",
            f"{numbers.weights} 个权重张量全部有限",
        )
        return Verdict(cause="weights", state="sound", told=told, figures=figures)
    shown = ", ".join(numbers.broken[:SHOWN])
    bangs = numbers.first_token * 4
    told = Wording(
        f"NaN or infinity in {len(numbers.broken)} of {numbers.weights} weight tensors ({shown}): "
        f'every reply is "{bangs}"',
        f"{numbers.weights} 个权重张量中有 {len(numbers.broken)} 个含 NaN 或无穷（{shown}）："
        f"任何回答都会是“{bangs}”",
    )
    change = _mended_weights(evidence, numbers.broken)
    return Verdict(cause="weights", state="wrong", told=told, change=change, figures=figures)


def _mended_weights(evidence: Evidence, broken: tuple[str, ...]) -> Wording:
    if evidence.model == "merged":
        ask = command("diagnose --model adapter")
        return join(Wording("see whose they are: ", "先查清来源："), ask)
    table = evidence.recipe.train
    ours = table.method == "full" or any("lora_" in name for name in broken)
    if evidence.model == "adapter" and ours:
        again = command("train", f"train.lr={table.lr / GENTLER:g}", "train.precision=auto")
        return join(Wording("training broke them; again: ", "训练时损坏；请重新训练："), again)
    return Wording("download the base model anew", "请重新下载基座模型")


def rope(evidence: Evidence) -> Verdict:
    """A base of rotary positions that is 0 or missing: the export's fault, and "!!!!" for all."""
    if not evidence.ropes:
        told = Wording("no config.json and no GGUF file here", "没有 config.json 或 GGUF 文件")
        return Verdict(cause="rope", state="unseen", told=told)
    figures = {str(one.path): one.theta for one in evidence.ropes}
    broken = [one for one in evidence.ropes if not (one.theta > 0 and math.isfinite(one.theta))]
    if not broken:
        thetas = ", ".join(f"{theta:g}" for theta in sorted(set(figures.values())))
        count = len(evidence.ropes)
        told = Wording(
            f"rope_theta is {thetas} (files read: {count})",
            f"rope_theta 为 {thetas}（已读 {count} 个文件）",
        )
        return Verdict(cause="rope", state="sound", told=told, figures=figures)
    path, served = broken[0].path, broken[0].served
    told = Wording(
        f"{path} names no usable rope_theta: a server that reads it answers !!!!",
        f"{path} 没有可用的 rope_theta：读取它的服务只会输出 !!!!",
    )
    if not served:
        change = Wording(
            "copy config.json from the base model once more", "请重新拷贝基座模型的 config.json"
        )
    else:
        again = join(command("merge --force"), Wording("; ", "；"), command("export --force"))
        change = join(Wording("write it anew: ", "请重新生成："), again)
    return Verdict(cause="rope", state="wrong", told=told, change=change, figures=figures)


def overflow(evidence: Evidence) -> Verdict:
    """Logits that are no numbers though the weights are: the training's precision ran out."""
    numbers = evidence.numbers
    if numbers is None:
        return unseen("overflow", evidence)
    if numbers.broken:
        return Verdict(cause="overflow", state="unseen", told=_WEIGHTS_FIRST)
    tried = [one for one in numbers.tried if one in ("fp32", numbers.precision)]
    bad = [one for one in tried if one in numbers.overflowing]
    figures = {"tried": tried, "overflowing": bad}
    if not bad:
        where = ", ".join(tried)
        told = Wording(f"logits are finite in {where}", f"logits 在 {where} 下都有限")
        return Verdict(cause="overflow", state="sound", told=told, figures=figures)
    told = _overflowing(numbers, bad)
    change = _mended_overflow(bad)
    return Verdict(cause="overflow", state="wrong", told=told, change=change, figures=figures)


_WEIGHTS_FIRST = Wording("not before the weights are mended", "先修好权重才能看")


def _overflowing(numbers: Numbers, precisions: Sequence[str]) -> Wording:
    bangs, where = numbers.first_token * 4, ", ".join(precisions)
    return Wording(
        f'logits are not finite in {where}, though every weight is: replies are "{bangs}"',
        f"权重都有限，但 logits 在 {where} 下不是有限数：回答会是“{bangs}”",
    )


def _mended_overflow(precisions: Sequence[str]) -> Wording:
    if "fp32" in precisions:
        return Wording(
            "not even fp32 holds them: mend rope_theta if it is wrong, else take the base anew",
            "连 fp32 也溢出：若 rope_theta 有误请先修正，否则请重新下载基座模型",
        )
    return join(
        Wording("on a GPU from Ampere on: ", "Ampere 及以后的显卡："),
        command("train", "train.precision=bf16"),
        Wording(", else: ", "，否则："),
        command("train", "train.precision=fp32"),
    )


def serving(evidence: Evidence) -> Verdict:
    """A model that is trained in a precision that holds it, and would overflow in fp16."""
    numbers = evidence.numbers
    if numbers is None:
        return unseen("serving", evidence)
    if "fp16" not in numbers.tried:
        return Verdict(cause="serving", state="unseen", told=_WEIGHTS_FIRST)
    if "fp16" not in numbers.overflowing:
        told = Wording("logits are finite in fp16", "logits 在 fp16 下有限")
        return Verdict(cause="serving", state="sound", told=told)
    told = _overflowing(numbers, ["fp16"])
    change = Wording(
        "serve it in bf16: vllm serve DIR --dtype bfloat16",
        "请用 bf16 部署：vllm serve 目录 --dtype bfloat16",
    )
    return Verdict(cause="serving", state="wrong", told=told, change=change)


def divergence(evidence: Evidence) -> Verdict:
    """A loss or gradient in the log that is no number, or a training that broke off."""
    log = evidence.log
    if not log:
        return no_log("divergence", evidence)
    half = evidence.precision == "fp16"
    bad = [one for one in log if _broken_loss(one) or _not_finite(one.grad_norm)]
    if not bad or (half and _calibration(log, bad)):
        return _ended(evidence)
    first = bad[0].step
    told = Wording(
        f"loss or gradient is no finite number from step {first} on "
        f"({len(bad)} of {len(log)} log entries)",
        f"从第 {first} 步起损失或梯度不是有限数（日志 {len(log)} 条中有 {len(bad)} 条）",
    )
    gentler = (f"train.lr={evidence.recipe.train.lr / GENTLER:g}", "train.clip=1.0")
    change = command("train", *(("train.precision=bf16",) if half else gentler))
    figures = {"step": first, "entries": len(bad)}
    return Verdict(cause="divergence", state="wrong", told=told, change=change, figures=figures)


def _ended(evidence: Evidence) -> Verdict:
    """Return that training came to its end; one that broke off says why when it goes on."""
    entries, step = len(evidence.log), evidence.log[-1].step
    if evidence.finished:
        told = Wording(
            f"log entries: {entries}, all finite; training is finished",
            f"日志 {entries} 条，全部有限；训练已完成",
        )
        return Verdict(cause="divergence", state="sound", told=told)
    told = Wording(
        f"training is not finished: the log ends at step {step}, so far finite",
        f"训练没有完成：日志止于第 {step} 步，至此都有限",
    )
    resume = Wording("go on, or see why it stops: ", "继续训练，或看它为何停下：")
    change = join(resume, command("train --resume"))
    return Verdict(cause="divergence", state="wrong", told=told, change=change)


def _calibration(log: Sequence[LogEntry], bad: Sequence[LogEntry]) -> bool:
    """Tell whether fp16's scaler only sought its scale: it overflows and leaves such steps out."""
    seldom = len(bad) <= MANY_STEPS * len(log) and bad[-1] is not log[-1]
    return seldom and not any(map(_broken_loss, bad))


def _broken_loss(entry: LogEntry) -> bool:
    return _not_finite(entry.loss) or _not_finite(entry.eval_loss)


def _not_finite(value: float | None) -> bool:
    return value is not None and not math.isfinite(value)
