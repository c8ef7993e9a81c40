"""Makes the files of postings in the background, whenever enough was written for one."""

import logging

from ingest.errors import StoreError
from ingest.index.store.catalog import Catalog
from ingest.index.store.postings.segmented import delete_segments, make_segment
from ingest.index.store.sqlite_errors import store_errors
from ingest.index.store.upkeep import BackgroundUpkeep

log = logging.getLogger(__name__)


class WordsUpkeep:
    """Looks after the files of postings of one index. Any thread may call."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._is_writable = True
        self._upkeep = BackgroundUpkeep(self._make, name="words-upkeep")

    def wake_if_due(self) -> None:
        """See to it that a file that is due is made, and return at once."""
        if self._is_writable and self._catalog.is_segment_due():
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
        """Wait for the file that is being made, no other is begun. May be called twice."""
        self._upkeep.close(seconds=0.0)

    def _make(self) -> bool:
        folder, connection = self._catalog.words_folder, self._catalog.reader()
        if folder is None or connection is None:
            return False
        try:
            with store_errors(self._catalog.path):
                return make_segment(connection, folder)
        except (StoreError, OSError) as error:
            # A full disk, or an index on read-only media: FTS5 goes on answering.
            log.info("no postings are written: %s", error)
            self._is_writable = False  # not to be tried at each question
            return False
        finally:
            connection.close()
