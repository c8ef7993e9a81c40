"""Letting go of the kept answers that quote certain pages."""

import math
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from assistant.errors import SnapshotError
from assistant.snapshots.store import SnapshotStore


def remove_quoting_snapshots(path: Path, urls: Collection[str]) -> int:
    """Delete the kept answers with a passage of one of `urls`; return how many.

    Raises:
        SnapshotError: the file cannot be read or written.
    """
    if not path.exists():
        return 0
    # Nothing is let go for its age at the opening: what is deleted is counted.
    with SnapshotStore(path, keep=sys.maxsize, days=math.inf) as store:
        quoting = []
        for line in store.lines(limit=sys.maxsize):
            # One that cannot be read quotes nobody knows what, and is named by `explain`.
            with suppress(SnapshotError):
                if any(passage.url in urls for passage in store.get(line.id).passages):
                    quoting.append(line.id)
        return store.remove(quoting) if quoting else 0
