"""Writes snapshots in a thread: no answer waits for one, and none fails by it."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from assistant.errors import SnapshotError
from assistant.snapshots.snapshot import Snapshot
from assistant.snapshots.store import BUSY_S, SnapshotStore
from ingest.foundation.messages import NO_MESSAGE, Message, enumerate_names

CLOSE_S = BUSY_S + 1.0
"""Seconds that the end of a command waits for what is still being written: one wait for another
process, and the writing itself."""

log = logging.getLogger(__name__)


class SnapshotWriter:
    """Keeps the snapshots of one open assistant.

    The file is opened in the background by the first answer, so that what is wrong with it is known
    when that answer ends. An unusable file is reported once and tried again with each answer;
    an answer that could not be written is reported by its id.
    """

    def __init__(
        self,
        open_store: Callable[[], SnapshotStore],
        *,
        report: Callable[[Message], None] = lambda _: None,
    ) -> None:
        """Open nothing yet.

        Args:
            open_store: Opens the file; called in the thread.
            report: Receives what went wrong after the last answer, when the writer is closed.
        """
        self._open_store = open_store
        self._report = report
        # One thread: SQLite lets one write at a time, and snapshots keep their order.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="snapshots")
        self._was_opened = False
        self._store: SnapshotStore | None = None
        """Used by the writing thread only."""
        self._unusable: Message = NO_MESSAGE
        """Why the file could not be opened, until it can."""
        self._reported: Message = NO_MESSAGE
        self._lost: deque[tuple[str, Message]] = deque()
        """Ids that were shown to a reader and are not kept, each with the reason."""

    def open(self) -> None:
        """Begin to open the file, unless it is open."""
        self._was_opened = True
        self._thread.submit(self._usable_store)

    @property
    def is_open(self) -> bool:
        """False from when it is known that the file cannot be used, until it is known to be."""
        return not self._unusable

    def pop_problem(self) -> Message | None:
        """Return what a person should know, once."""
        lost = [self._lost.popleft() for _ in range(len(self._lost))]
        if unusable := self._unusable:
            if unusable == self._reported:
                return None
            self._reported = unusable
            return Message("nothing is kept of the answer: {reason}", reason=unusable)
        self._reported = NO_MESSAGE
        if not lost:
            return None
        return Message(
            "nothing was kept of answer {ids}: {reason}",
            ids=enumerate_names(id_ for id_, _ in lost),
            reason=lost[-1][1],
        )

    def put(self, snapshot: Snapshot) -> None:
        """Have a snapshot written soon. Never raises and never waits."""
        self._was_opened = True
        self._thread.submit(self._put, snapshot)

    async def close(self) -> None:
        """Wait for what is being written, `CLOSE_S` seconds at most, and close the file."""
        if self._was_opened:
            # Behind all that is to be written, in the one thread: when it is done, so are they.
            closed = self._thread.submit(self._close)
            await asyncio.wait([asyncio.wrap_future(closed)], timeout=CLOSE_S)
        # Not waited for: a disk that hangs must not hold up the end of a command.
        self._thread.shutdown(wait=False, cancel_futures=True)
        if problem := self.pop_problem():
            self._report(problem)

    def _usable_store(self) -> SnapshotStore | None:
        """Return the open file, None where it cannot be opened. In the thread."""
        # `assistant forget --all` deletes a damaged file under a page that has it open.
        if self._store is not None and self._store.is_replaced:
            self._close()
        if self._store is None:
            try:
                self._store = self._open_store()
            # All: a snapshot that cannot be kept is no reason for any harm.
            except Exception as error:  # noqa: BLE001
                self._unusable = _describe_problem(error)
                return None
        self._unusable = NO_MESSAGE
        return self._store

    def _put(self, snapshot: Snapshot) -> None:
        """Write one snapshot, in the thread."""
        store = self._usable_store()
        reason = self._unusable
        if store is not None:
            try:
                store.put(snapshot)
            except Exception as error:  # noqa: BLE001  as above
                reason = _describe_problem(error)
            else:
                return
        # Only where a reader has the id.
        if snapshot.answer is not None and snapshot.answer.id:
            self._lost.append((snapshot.id, reason))

    def _close(self) -> None:
        """Close the file, in the thread and behind what was to be written."""
        if self._store is not None:
            self._store.close()
            self._store = None


def _describe_problem(error: Exception) -> Message:
    """Return what a person reads about an error."""
    # By the type alone: SQLite's messages may quote values. And no warning, which Python prints
    # where no log was asked for: people get a message in their own language.
    log.info("no snapshot was kept: %s", type(error).__name__)
    if isinstance(error, SnapshotError):
        return error.full_message
    return Message.verbatim(type(error).__name__)
