"""A circuit breaker for one search engine, remembered across processes.

Closed, the engine is asked. It opens at once when the engine says "slow down", and after
`FAILURES_TO_OPEN` failures in a row; then nobody asks until its time is over. After that one asks
(half-open): an answer closes it, a failure opens it for longer. See Nygard, "Release It!", 2007.

Times double from `FIRST_WAIT_S` to `LONGEST_WAIT_S` with full jitter, so that many readers do not
come back at once (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015); what
the engine itself asks for with Retry-After goes before.
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
LONGEST_WAIT_S = 3_600.0
SHORTEST_WAIT_S = 5.0
"""Full jitter may draw nearly nothing; who was told to slow down does not come back that soon."""
LONGEST_RETRY_AFTER_S = 86_400.0
"""Of a Retry-After that we believe."""
PROBE_S = 10.0
"""While one asks again, the others keep away: about as long as a search may take."""
FORGET_S = 86_400.0
"""After a day without a word an engine begins anew."""

UNCOUNTED: frozenset[SearchFailure] = frozenset({"unreachable", "misconfigured"})
"""Failures that say nothing about the engine but about this machine's network or settings. They
show at once, so that asking costs no time, and must be noticed to be over at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What an engine did since it last answered."""

    failures: int = 0
    """In a row."""
    openings: int = 0
    retry_at: float = 0.0
    """Nobody asks before; seconds since the epoch."""
    kind: SearchFailure = "failed"
    message: Message = NO_MESSAGE
    hint: Message = NO_MESSAGE
    """Of the last failure."""


_HEALTH = TypeAdapter(Health)


class CircuitBreaker:
    """Says whether an engine may be asked, from what it did before.

    Two processes that look at the same moment may both ask: that costs one request.

    Args:
        engine: Its name, under which all processes remember it.
        cache: The memory that they share.
        clock: Seconds since the epoch.
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

    def is_open(self) -> SearchError | None:
        """Return why the engine is left alone just now, None if it may be asked."""
        health = self._load()
        rest_s = health.retry_at - self._clock()
        if rest_s <= 0:
            return None
        message = Message(
            "{message}, to be asked again in {wait}",
            message=health.message,
            wait=describe_seconds(rest_s),
        )
        return SearchError(message, kind=health.kind, hint=health.hint, retry_after_s=rest_s)

    def on_attempt(self) -> None:
        """Keep the others away while an engine is asked for the first time after its rest."""
        health = self._load()
        if health.openings:
            self._keep(replace(health, retry_at=self._clock() + PROBE_S))

    def on_success(self) -> None:
        """Close the breaker."""
        if self._load() != Health():
            self._cache.put(self._key, b"", ttl_s=0)

    def on_failure(self, error: SearchError) -> None:
        """Count a failure, and open the breaker if it is one too many."""
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
            wait_s = self._wait_s(error, before.openings)
            health = replace(health, openings=before.openings + 1, retry_at=self._clock() + wait_s)
        self._keep(health)

    def _wait_s(self, error: SearchError, openings: int) -> float:
        if error.retry_after_s is not None:
            return min(max(error.retry_after_s, SHORTEST_WAIT_S), LONGEST_RETRY_AFTER_S)
        ceiling = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(openings, 10))
        return max(SHORTEST_WAIT_S, self._draw(0.0, ceiling))

    def _load(self) -> Health:
        kept = self._cache.get(self._key)
        if not kept:
            return Health()
        try:
            return _HEALTH.validate_json(kept)
        except ValidationError:  # written by another version
            return Health()

    def _keep(self, health: Health) -> None:
        rest_s = max(health.retry_at - self._clock(), 0.0)
        self._cache.put(self._key, _HEALTH.dump_json(health), ttl_s=rest_s + FORGET_S)


def describe_seconds(seconds: float) -> Message:
    """Return a duration as people say it, never rounded to nothing."""
    if seconds < 90:
        whole = max(round(seconds), 1)
        return Message("{whole} s", whole=whole)
    minutes = round(seconds / 60)
    if minutes < 90:
        return Message("{minutes} min", minutes=minutes)
    return Message("{minutes} h", minutes=round(minutes / 60))
