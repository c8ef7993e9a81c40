"""Writes snapshots in a thread: no answer waits for one, and none fails by it."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from assistant.errors import SnapshotError
from assistant.snapshots.snapshot import Snapshot
from assistant.snapshots.store import BUSY_S, SnapshotStore
from ingest.foundation.messages import NO_MESSAGE, Message

CLOSE_S = BUSY_S + 1.0
"""Seconds that the end of a command waits for what is still being written: one wait for another
process, and the writing itself."""

log = logging.getLogger(__name__)


class SnapshotWriter:
    """Keeps the snapshots of one open assistant.

    The file is opened in the background by the first answer, so that what is wrong with it is known
    when that answer ends. What goes wrong is told once.
    """

    def __init__(
        self,
        open_store: Callable[[], SnapshotStore],
        *,
        tell: Callable[[Message], None] = lambda _: None,
    ) -> None:
        """Open nothing yet.

        Args:
            open_store: Opens the file; called in the thread.
            tell: Receives what went wrong after the last answer, when the writer is closed.
        """
        self._open_store = open_store
        self._tell = tell
        # One thread: SQLite lets one write at a time, and snapshots keep their order.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="snapshots")
        self._store: Future[SnapshotStore] | None = None
        self._written: list[Future[None]] = []
        self._problem: Message = NO_MESSAGE
        self._was_told = False

    def open(self) -> None:
        """Begin to open the file, unless that was done before."""
        if self._store is None:
            self._store = self._thread.submit(self._open_store)

    @property
    def is_open(self) -> bool:
        """False once it is known that the file cannot be used."""
        store = self._store
        return store is None or not store.done() or store.exception() is None

    def take_problem(self) -> Message | None:
        """Return what a person should know, the first time that there is something."""
        if self._was_told:
            return None
        if not self.is_open and self._store is not None:
            self._note(self._store.exception())
        self._was_told = bool(self._problem)
        return self._problem or None

    def put(self, snapshot: Snapshot) -> None:
        """Have a snapshot written soon. Never raises and never waits."""
        self.open()
        # Those that are done are let go: a page asks for weeks.
        self._written = [written for written in self._written if not written.done()]
        self._written.append(self._thread.submit(self._put, snapshot))

    async def close(self) -> None:
        """Wait for what is being written, `CLOSE_S` seconds at most, and close the file."""
        if self._store is not None:
            # Behind all that is to be written, in the one thread: when it is done, so are they.
            closed = self._thread.submit(self._close)
            await asyncio.wait([asyncio.wrap_future(closed)], timeout=CLOSE_S)
        # Not waited for: a disk that hangs must not hold up the end of a command.
        self._thread.shutdown(wait=False, cancel_futures=True)
        if problem := self.take_problem():
            self._tell(problem)

    def _put(self, snapshot: Snapshot) -> None:
        """Write one snapshot, in the thread."""
        if self._store is None or self._store.exception() is not None:
            return  # told already
        try:
            self._store.result().put(snapshot)
        # All: a snapshot that cannot be kept is no reason for any harm.
        except Exception as error:  # noqa: BLE001
            self._note(error)

    def _close(self) -> None:
        """Close the file, in the thread and behind what was to be written."""
        if self._store is not None and self._store.exception() is None:
            self._store.result().close()

    def _note(self, error: BaseException | None) -> None:
        """Keep what is to be told of an error."""
        # By the type alone: SQLite's messages may quote values.
        log.warning("no snapshot was kept: %s", type(error).__name__)
        reason = (
            error.full_message
            if isinstance(error, SnapshotError)
            else Message.verbatim(type(error).__name__)
        )
        self._problem = Message("nothing is kept of the answer: {reason}", reason=reason)
