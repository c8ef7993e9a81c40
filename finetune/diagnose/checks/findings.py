"""Results of the checks, and the commands that their fixes name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from finetune.diagnose.checks.evidence import Evidence
from ingest.foundation.messages import NO_MESSAGE, Message, join_messages, plain

CheckName = Literal[
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check.

    `message` says what was found, with its figures; for an unchecked one why it could not run.
    `fix` is the next change to make if something is wrong.
    """

    check: CheckName
    state: Literal["wrong", "sound", "unchecked"]
    message: Message
    fix: Message = NO_MESSAGE
    figures: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON values, texts in both languages."""
        # Names that programs read; they do not follow the names of the fields.
        return {
            "cause": self.check,
            "state": "unseen" if self.state == "unchecked" else self.state,
            "told": plain(self.message),
            "change": plain(self.fix),
            "figures": plain(dict(self.figures)),
        }


def command(name: str, *settings: str) -> Message:
    """Return a command of this program with settings such as "train.lr=2e-4"."""
    options = "".join(f" --set {one}" for one in settings)
    start = f"python -m finetune {name}"
    return Message("{start} RECIPE{options}", start=start, options=options)


def join(*parts: Message) -> Message:
    """Return sentences as one."""
    return join_messages(parts)


def model_unchecked(check: CheckName, evidence: Evidence) -> Finding:
    """Return the finding of a check that needs the model, which could not be probed."""
    return Finding(check=check, state="unchecked", message=evidence.no_probe_reason)


def log_unchecked(check: CheckName, evidence: Evidence) -> Finding:
    """Return the finding of a check that needs a training log, of which there is none."""
    return Finding(check=check, state="unchecked", message=evidence.no_log_reason)
