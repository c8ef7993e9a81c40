"""What `assistant doctor` says of one part."""

from dataclasses import dataclass
from typing import Literal

from ingest.foundation.messages import NO_MESSAGE, Message

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """One part: "fail" when no answer is possible without it, "warn" when answers are poorer."""

    part: str
    state: State
    found: Message
    fix: Message = NO_MESSAGE
    """The command that repairs it, or what to look at; empty when there is nothing to do."""
