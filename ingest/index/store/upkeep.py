"""Work on the index that no caller waits for, in a thread of its own."""

import logging
import threading
from collections.abc import Callable

from ingest.errors import StoreError

log = logging.getLogger(__name__)


class BackgroundUpkeep:
    """Calls `step` until nothing is left to do, whenever it is woken.

    Args:
        step: Does one batch and returns whether there is more. Holds no lock when it returns.
        name: Of the thread.
        interrupt: Called when `close` has waited for long enough: lets a long step return soon.
    """

    def __init__(
        self,
        step: Callable[[], bool],
        *,
        name: str = "vector-upkeep",
        interrupt: Callable[[], None] = lambda: None,
    ) -> None:
        self._step = step
        self._name = name
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_wanted = False
        self._is_closed = False

    def wake(self) -> None:
        """See to it that all that is due now is done, and return at once."""
        with self._lock:
            if self._is_closed:
                return
            self._is_wanted = True
            if self._thread is None:
                # No daemon: one that is ended in the middle of a write leaves a torn vector store,
                # which has to be filled again.
                self._thread = threading.Thread(target=self._run, name=self._name)
                self._thread.start()

    def close(self, *, seconds: float) -> None:
        """Wait for what is due, `seconds` at most, and for the batch under way in any case."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(timeout=seconds)
        with self._lock:
            self._is_closed = True
        self._interrupt()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            while self._goes_on():
                try:
                    while not self._is_closed and self._step():
                        pass
                except StoreError as error:
                    log.warning("vectors wait in the journal: %s", error)
        except BaseException:  # whatever ended it: who wakes it next must start another
            with self._lock:
                self._thread = None
            raise

    def _goes_on(self) -> bool:
        """Return whether the thread was woken since it last began; else it ends."""
        with self._lock:
            if self._is_wanted and not self._is_closed:
                self._is_wanted = False
                return True
            # Here and not only at the end: who wakes it a moment later must start another.
            self._thread = None
            return False
