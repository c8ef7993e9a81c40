"""What `assistant doctor` says of one part."""

from dataclasses import dataclass
from typing import Final, Literal

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


PART_NAMES: Final[dict[str, Message]] = {
    "chat model": Message("chat model"),
    "embed model": Message("embedding model"),
    "encoder": Message("encoder"),
    "browser": Message("browser"),
    "search": Message("search"),
    "index": Message("index"),
    "disk": Message("disk"),
    "proxy": Message("proxy"),
    "vectors": Message("vectors"),
    "reranker": Message("reranker"),
    "settings": Message("settings"),
}
"""By the names that `--json` has. What is not here is a name itself: ollama."""


def part_name(part: str) -> Message:
    """Return the name of a part as people read it."""
    return PART_NAMES.get(part, Message.verbatim(part))
