"""A circuit breaker for one search engine, whose state all processes share.

Closed, it lets requests through. It opens at once when the engine says "slow down", and after
`FAILURES_TO_OPEN` failures in a row; until its wait is over, no process asks. Then one request
probes the engine (half-open): an answer closes the breaker, a failure opens it for longer. See
Nygard, "Release It!", 2007.

Waits double from `FIRST_WAIT_S` to `MAX_WAIT_S` with full jitter, so that many readers do not
come back at once (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015); what
the engine itself asks for with Retry-After takes precedence.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from assistant.errors import SearchError, SearchFailure
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.messages import NO_MESSAGE, Message

FAILURES_TO_OPEN = 2
"""One may be an accident of the network."""
FIRST_WAIT_S = 30.0
MAX_WAIT_S = 3_600.0
MIN_WAIT_S = 5.0
"""Full jitter may draw nearly nothing, too soon after an engine has said "slow down"."""
MAX_DOUBLINGS = 10
"""Far beyond `MAX_WAIT_S`; without a limit the power overflows at 1,024."""
MAX_RETRY_AFTER_S = 86_400.0
"""Longest Retry-After that is believed."""
PROBE_S = 10.0
"""While one process probes, the others wait: about as long as a search may take."""
FORGET_S = 86_400.0
"""A day after its last failure an engine has a clean slate."""

UNCOUNTED: frozenset[SearchFailure] = frozenset({"unreachable", "misconfigured"})
"""Failures of this machine's network or settings, not of the engine. They show at once, so that
asking costs no time, and when they are over that must be noticed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineHealth:
    """What an engine did since it last answered."""

    failures: int = 0
    """In a row."""
    openings: int = 0
    """How often the breaker has opened in a row; 0 while it is closed."""
    retry_at: float = 0.0
    """No process asks before; seconds since the epoch."""
    kind: SearchFailure = "failed"
    message: Message = NO_MESSAGE
    hint: Message = NO_MESSAGE
    """What to do about the last failure."""


_ENGINE_HEALTH = TypeAdapter(EngineHealth)


class CircuitBreaker:
    """Decides whether an engine may be asked, from what it did before.

    Args:
        engine: Its name, under which all processes keep its state.
        cache: Where that state is kept.
        clock: Seconds since the epoch: processes do not share a monotonic clock.
        draw: Returns a random number between two others.
    """

    def __init__(
        self,
        engine: str,
        *,
        cache: ExpiringCache,
        clock: Callable[[], float] = time.time,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._engine = engine
        self._key = f"search.health {engine}"
        self._cache = cache
        self._clock = clock
        self._draw = draw

    def open_error(self) -> SearchError | None:
        """Return why the engine is left alone at the moment, None if it may be asked."""
        health = self._load()
        wait_s = health.retry_at - self._clock()
        if wait_s <= 0:
            return None
        message = Message(
            "{message}, to be asked again in {wait}",
            message=health.message,
            wait=describe_seconds(wait_s),
        )
        return SearchError(message, kind=health.kind, hint=health.hint, retry_after_s=wait_s)

    def on_attempt(self) -> None:
        """Keep other processes away while this one probes an engine whose wait is over."""
        # Between open_error() and here another process may have come to the same point: then both
        # probe. That costs one request, and a lock across processes would cost more.
        health = self._load()
        if health.openings:
            # A probe that never reports back (Ctrl-C) lets the next one through after PROBE_S.
            self._save(replace(health, retry_at=self._clock() + PROBE_S))

    def on_success(self) -> None:
        """Close the breaker."""
        # Engines are well nearly always: no write to disk for what is on it already.
        if self._load() != EngineHealth():
            self._cache.put(self._key, b"", ttl_s=0)

    def on_failure(self, error: SearchError) -> None:
        """Count a failure, and open the breaker when it is due.

        That is after `FAILURES_TO_OPEN` failures, a rate limit, or a failed probe.
        """
        if error.kind in UNCOUNTED:
            return
        before = self._load()
        health = replace(
            before,
            failures=before.failures + 1,
            kind=error.kind,
            message=error.message,
            hint=error.hint,
        )
        was_probe = before.openings > 0
        if error.kind == "rate_limited" or was_probe or health.failures >= FAILURES_TO_OPEN:
            if error.retry_after_s is not None:
                wait_s = min(max(error.retry_after_s, MIN_WAIT_S), MAX_RETRY_AFTER_S)
            else:
                doubled_s = FIRST_WAIT_S * 2.0 ** min(before.openings, MAX_DOUBLINGS)
                wait_s = self._draw(0.0, min(doubled_s, MAX_WAIT_S))
                wait_s = max(wait_s, MIN_WAIT_S)
            health = replace(health, openings=before.openings + 1, retry_at=self._clock() + wait_s)
        self._save(health)

    def _load(self) -> EngineHealth:
        entry = self._cache.get(self._key)
        if not entry:
            return EngineHealth()
        try:
            return _ENGINE_HEALTH.validate_json(entry)
        except ValidationError:  # written by another version
            return EngineHealth()

    def _save(self, health: EngineHealth) -> None:
        wait_s = max(health.retry_at - self._clock(), 0.0)
        self._cache.put(self._key, _ENGINE_HEALTH.dump_json(health), ttl_s=wait_s + FORGET_S)


def describe_seconds(seconds: float) -> Message:
    """Return a duration in the unit that people would use, never rounded to nothing."""
    # Up to 90 of a unit: "60 s" is more exact than "1 min", and "100 s" harder to read.
    if seconds < 90:
        return Message("{whole} s", whole=max(round(seconds), 1))
    minutes = round(seconds / 60)
    if minutes < 90:
        return Message("{minutes} min", minutes=minutes)
    return Message("{minutes} h", minutes=round(minutes / 60))
