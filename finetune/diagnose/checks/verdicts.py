"""What one look at a run comes to, and the commands that verdicts end with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from finetune.diagnose.checks.evidence import Evidence
from ingest.foundation.messages import NO_MESSAGE, Message, join_messages

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

NAMES: Mapping[Cause, Message] = {
    "weights": Message("weights that are no numbers"),
    "rope": Message("positions (rope_theta)"),
    "overflow": Message("overflow (NaN)"),
    "divergence": Message("training that broke off or blew up"),
    "truncation": Message("samples lost to max_tokens"),
    "template": Message("template mismatch"),
    "underfit": Message("under-fit"),
    "ending": Message("missing end token (EOS)"),
    "thinking": Message("broken thinking format"),
    "overfit": Message("over-fit"),
    "repetition": Message("repetition"),
    "serving": Message("overflow where fp16 serves it"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a look at one possible cause came to.

    `told` says what was found, with its figures: that something is wrong, that it is sound, or why
    it could not be looked at (unseen). What is wrong has a `change`: the next one to make.
    """

    cause: Cause
    state: Literal["wrong", "sound", "unseen"]
    told: Message
    change: Message = NO_MESSAGE
    figures: Mapping[str, Any] = field(default_factory=dict)


def command(name: str, *settings: str) -> Message:
    """Return a command of ours with settings such as "train.lr=2e-4"."""
    told = "".join(f" --set {one}" for one in settings)
    start = f"python -m finetune {name}"
    return Message("{start} RECIPE{told}", start=start, told=told)


def join(*parts: Message) -> Message:
    """Return sentences as one."""
    return join_messages(parts)


def unseen(cause: Cause, evidence: Evidence) -> Finding:
    """Return that the model itself could not be looked at, and why."""
    return Finding(cause=cause, state="unseen", told=evidence.unprobed)


def no_log(cause: Cause, evidence: Evidence) -> Finding:
    """Return that no log of a training says anything of it, and why."""
    return Finding(cause=cause, state="unseen", told=evidence.unlogged)
