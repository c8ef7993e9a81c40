"""How long the slow pages are waited for, when the quick ones hold enough already."""

import math
import time
from collections.abc import Callable

from ingest.events import IngestEvent, PageStored

GOOD_COVERAGE = 0.5
"""Share of the question's telling words that a page must hold to count towards enough."""
NEARLY_ALL = 0.9
"""Share of the pages after which the rest is not worth the whole deadline, whatever they hold."""
SHORTEST_GRACE_S = 1.0
"""A page that answers in a second is not slow, whatever the others did."""
GRACE_FACTOR = 1.0
"""Once there is enough, the slow get this many times what the quick ones took."""


class StragglerCutoff:
    """Says until when to wait, told of each page that arrives.

    One host that hangs must not hold up nine that have answered: the reader would wait for the
    whole deadline. One that is merely slower than the others is still waited for.

    Args:
        until: when to stop at the latest, on `clock`; None: never.
        enough: pages that bear on the question after which the wait is cut short; None: never.
        wanted: pages that were asked for; `NEARLY_ALL` of them cut the wait short, too.
        clock: seconds.
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
        self._is_short = False
        self._ended = False

    @property
    def is_over(self) -> bool:
        """Whether no further page is to be begun."""
        left = self.left()
        return self._ended or (left is not None and left <= 0)

    def left(self) -> float | None:
        """Return the seconds left, 0 if none are, None if there is no end."""
        return None if self._until is None else max(0.0, self._until - self._clock())

    def count(self, event: IngestEvent) -> None:
        """Take note of a page, and cut the wait short, once, when there is enough."""
        self._settled += 1
        self._good += isinstance(event, PageStored) and event.coverage >= GOOD_COVERAGE
        if self._is_short or self._enough is None:
            return
        if self._good >= self._enough or self._settled >= self._few_left > 0:
            self._is_short = True
            now = self._clock()
            end = now + max(SHORTEST_GRACE_S, GRACE_FACTOR * (now - self._started))
            self._until = end if self._until is None else min(self._until, end)

    def end(self) -> None:
        """Begin no further page: the reader has gone on."""
        self._ended = True
