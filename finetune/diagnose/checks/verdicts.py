"""What one look at a run comes to, and the commands that verdicts end with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from finetune.diagnose.checks.evidence import Evidence
from ingest.foundation.messages import SILENCE, Wording

Cause = Literal[
    "weights",
    "rope",
    "overflow",
    "divergence",
    "truncation",
    "template",
    "underfit",
    "ending",
    "thinking",
    "overfit",
    "repetition",
    "serving",
]
"""What can be wrong, in the order in which it is to be mended: each can cause what follows it."""

NAMES: Mapping[Cause, Wording] = {
    "weights": Wording("weights that are no numbers", "权重不是数"),
    "rope": Wording("positions (rope_theta)", "位置编码（rope_theta）"),
    "overflow": Wording("overflow (NaN)", "数值溢出（NaN）"),
    "divergence": Wording("training that broke off or blew up", "训练中断或发散"),
    "truncation": Wording("samples lost to max_tokens", "样本超长被丢弃"),
    "template": Wording("template mismatch", "模板不匹配"),
    "underfit": Wording("under-fit", "欠拟合"),
    "ending": Wording("missing end token (EOS)", "缺少结束标记（EOS）"),
    "thinking": Wording("broken thinking format", "思考格式损坏"),
    "overfit": Wording("over-fit", "过拟合"),
    "repetition": Wording("repetition", "重复输出"),
    "serving": Wording("overflow where fp16 serves it", "用 fp16 部署时溢出"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a look at one possible cause came to.

    `told` says what was found, with its figures: that something is wrong, that it is sound, or why
    it could not be looked at (unseen). What is wrong has a `change`: the next one to make.
    """

    cause: Cause
    state: Literal["wrong", "sound", "unseen"]
    told: Wording
    change: Wording = SILENCE
    figures: Mapping[str, Any] = field(default_factory=dict)


def command(name: str, *settings: str) -> Wording:
    """Return a command of ours with settings such as "train.lr=2e-4"."""
    told = "".join(f" --set {one}" for one in settings)
    start = f"python -m finetune {name}"
    return Wording(f"{start} RECIPE{told}", f"{start} 配方{told}")


def join(*parts: Wording) -> Wording:
    """Return sentences as one."""
    return Wording("".join(part.en for part in parts), "".join(part.zh for part in parts))


def unseen(cause: Cause, evidence: Evidence) -> Verdict:
    """Return that the model itself could not be looked at, and why."""
    return Verdict(cause=cause, state="unseen", told=evidence.unprobed)


def no_log(cause: Cause, evidence: Evidence) -> Verdict:
    """Return that no log of a training says anything of it, and why."""
    return Verdict(cause=cause, state="unseen", told=evidence.unlogged)
