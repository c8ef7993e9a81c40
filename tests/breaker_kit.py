"""A clock that a test turns, and a refusal that opens a breaker."""

from assistant.errors import SearchError, SearchFailure
from ingest.foundation.messages import Message

START = 1_700_000_000.0


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


def longest(_low: float, high: float) -> float:
    """Draw the longest wait there is."""
    return high


# The breaker by itself


def refusal(
    kind: SearchFailure = "rate_limited", *, retry_after_s: float | None = None
) -> SearchError:
    return SearchError(
        Message.bilingual("E says no", "E 拒绝"), kind=kind, retry_after_s=retry_after_s
    )
