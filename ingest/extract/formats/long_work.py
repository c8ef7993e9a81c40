"""Work that may take minutes, such as OCR: who allows it, and who is told that it goes on.

The reader process allows it for local files: a person waits for those, and named them. For a page
of the web nothing is allowed, since a question waits for it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_on_progress: ContextVar[Callable[[], None] | None] = ContextVar("on_progress", default=None)


@contextmanager
def allow_long_work(on_progress: Callable[[], None]) -> Iterator[None]:
    """Allow long work inside; `on_progress` is called after each part of it."""
    token = _on_progress.set(on_progress)
    try:
        yield
    finally:
        _on_progress.reset(token)


def may_take_long() -> bool:
    """Return whether long work is allowed here."""
    return _on_progress.get() is not None


def report_progress() -> None:
    """Tell whoever allowed the work that a part of it is done."""
    on_progress = _on_progress.get()
    if on_progress is not None:
        on_progress()
