"""When to stop waiting for slow pages, because the fast ones suffice."""

import math
import time
from collections.abc import Callable

from ingest.events import IngestEvent, PageStored

GOOD_COVERAGE = 0.5
"""Share of the question's content words that a page must hold to count as relevant."""
NEARLY_ALL = 0.9
"""Share of the pages after which the rest is not waited for until the deadline, relevant or not."""
MIN_GRACE_S = 1.0
"""Least time that slow pages get: a second is not slow, however fast the others are."""
GRACE_FACTOR = 1.0
"""Time that slow pages get once there is enough, as a multiple of what the fast ones took."""


class StragglerCutoff:
    """Shortens the wait for pages once enough relevant ones have arrived.

    One host that hangs must not hold up nine that have answered: the reader would wait for the
    whole deadline. One that is merely slower than the others is still waited for.

    Args:
        until: When to stop at the latest, on `clock`; None: never.
        enough: Relevant pages after which the wait is shortened; None: it never is.
        wanted: Pages requested in all; `NEARLY_ALL` of them shorten the wait, too.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        *,
        until: float | None,
        enough: int | None,
        wanted: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._until = until
        self._enough = enough
        self._clock = clock
        self._started = clock()
        self._few_left = math.ceil(NEARLY_ALL * wanted)
        self._good = 0
        self._settled = 0
        self._is_shortened = False
        self._ended = False

    @property
    def is_over(self) -> bool:
        """Whether no further page is to be started."""
        left = self.left()
        return self._ended or (left is not None and left <= 0)

    def left(self) -> float | None:
        """Return the seconds left, 0 if none are, None if there is no deadline."""
        return None if self._until is None else max(0.0, self._until - self._clock())

    def count(self, event: IngestEvent) -> None:
        """Count a page that has arrived or failed, and shorten the wait when there is enough."""
        self._settled += 1
        self._good += isinstance(event, PageStored) and event.coverage >= GOOD_COVERAGE
        if self._is_shortened or self._enough is None:
            return
        if self._good >= self._enough or self._settled >= self._few_left > 0:
            # Once: with each page that follows, the same rule would move the end further away.
            self._is_shortened = True
            # Measured by the pages themselves: on a slow line everything takes longer.
            now = self._clock()
            end = now + max(MIN_GRACE_S, GRACE_FACTOR * (now - self._started))
            self._until = end if self._until is None else min(self._until, end)

    def end(self) -> None:
        """Start no further page: the answer has been begun."""
        self._ended = True
