"""Makes the files of postings in the background, whenever enough was written for one."""

import logging
import time
from contextlib import suppress

from ingest.errors import StoreError
from ingest.index.store.catalog import Catalog
from ingest.index.store.postings.segment_files import delete_segments, holds_withdrawn
from ingest.index.store.postings.segmented import is_segment_due, make_segment
from ingest.index.store.sqlite_errors import store_errors
from ingest.index.store.upkeep import BackgroundUpkeep

CLEARED_EVERY_S = 60.0
"""Pause between two rounds in which files lose the words of what was deleted: a round takes .2 s of
CPU for each file that has such words, and a run over a site may find hundreds of pages gone."""
CLOSE_S = 2.0
"""Longest wait at the end for such a round."""

log = logging.getLogger(__name__)


class WordsUpkeep:
    """Looks after the files of postings of one index. Any thread may call."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._is_writable = True
        self._clear_at = 0.0  # on the monotonic clock
        self._upkeep = BackgroundUpkeep(self._make, name="words-upkeep")

    def wake_if_due(self) -> None:
        """See to it that a file that is due is made, and return at once."""
        folder = self._catalog.words_folder
        if not self._is_writable or folder is None:
            return
        with self._catalog.reading() as connection:
            is_due = is_segment_due(connection, folder) or (
                time.monotonic() >= self._clear_at and holds_withdrawn(connection, folder)
            )
        if is_due:
            self._clear_at = time.monotonic() + CLEARED_EVERY_S
            self._upkeep.wake()

    def delete_files(self) -> None:
        """Delete all files: they name words of what was removed. They are made again if due."""
        if self._catalog.words_folder is not None:
            delete_segments(self._catalog.words_folder)

    def make_due(self) -> None:
        """Make all files that are due before returning."""
        while self._make():
            pass

    def close(self) -> None:
        """Wait for the file that is being made, no other is begun. May be called twice.

        But files with words of what was deleted lose them, if it can be done in `CLOSE_S`.
        """
        seconds, folder = 0.0, self._catalog.words_folder
        if self._is_writable and folder is not None:
            with suppress(StoreError), self._catalog.reading() as connection:  # closed before
                if holds_withdrawn(connection, folder):
                    seconds = CLOSE_S
                    self._upkeep.wake()
        self._upkeep.close(seconds=seconds)

    def _make(self) -> bool:
        folder, connection = self._catalog.words_folder, self._catalog.reader()
        if folder is None or connection is None:
            return False
        try:
            with store_errors(self._catalog.path):
                return make_segment(connection, folder)
        except FileNotFoundError as error:
            # A removal did not wait for it any longer; whoever wakes this next has it made.
            log.info("no postings are written: %s", error)
            return False
        except (StoreError, OSError) as error:
            # A full disk, or an index on read-only media: FTS5 goes on answering.
            log.info("no postings are written: %s", error)
            self._is_writable = False  # not to be tried at each question
            return False
        finally:
            connection.close()
