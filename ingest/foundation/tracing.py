"""Named spans around the slow steps, logged at DEBUG.

Spans carry ids and counts, never questions or page text.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


@contextmanager
def span(name: str, **facts: str | int | float) -> Iterator[None]:
    """Log how long the block took, at DEBUG, with `facts` beside it."""
    started = time.perf_counter()
    try:
        yield
    finally:
        logger.debug("%s %.3f s %s", name, time.perf_counter() - started, facts)
