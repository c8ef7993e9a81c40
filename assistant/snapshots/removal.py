"""Letting go of what kept answers hold of certain pages."""

import math
import sys
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.errors import SnapshotError
from assistant.snapshots.snapshot import Snapshot
from assistant.snapshots.store import SnapshotStore


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRemoval:
    """What became of the kept answers that held text of certain pages."""

    deleted: int = 0
    """Answers that were made of them."""
    shortened: int = 0
    """Answers for which they had only been found: these stay, without that text."""


def remove_quoting_snapshots(path: Path, urls: Collection[str]) -> SnapshotRemoval:
    """Delete the kept answers made of `urls`, and their text from those that only found them.

    Raises:
        SnapshotError: the file cannot be read or written.
    """
    if not path.exists():
        return SnapshotRemoval()
    # Nothing is let go for its age at the opening: what is deleted is counted.
    with SnapshotStore(path, keep=sys.maxsize, days=math.inf) as store:
        quoting, shortened = [], []
        for line in store.lines(limit=sys.maxsize):
            # What one that cannot be read quotes is unknown, and `explain` names it.
            with suppress(SnapshotError):
                snapshot = store.get(line.id)
                numbers = {each.number for each in snapshot.passages if each.url in urls}
                # The numbers of the passages that the answer's own words come from.
                cited = snapshot.answer.citations if snapshot.answer else ()
                supporting = (each.verdict.passage for each in snapshot.sentences)
                used_passages = {*(each.number for each in cited), *filter(None, supporting)}
                if numbers & used_passages or (numbers and snapshot.rejected):
                    quoting.append(line.id)
                elif numbers:
                    shortened.append(_without_passages(snapshot, numbers, urls))
        if shortened:
            store.rewrite(shortened)
        deleted = store.remove(quoting) if quoting else 0
    return SnapshotRemoval(deleted=deleted, shortened=len(shortened))


def _without_passages(snapshot: Snapshot, numbers: set[int], urls: Collection[str]) -> Snapshot:
    """Return a snapshot without the text of some passages, under the numbers that the rest had."""
    evidence, search = snapshot.evidence, snapshot.search
    return replace(
        snapshot,
        passages=tuple(each for each in snapshot.passages if each.number not in numbers),
        compared=tuple(each for each in snapshot.compared if each.passage not in numbers),
        evidence=replace(
            evidence,
            blocks=tuple(each for each in evidence.blocks if each.passage not in numbers),
        ),
        pages=tuple(each for each in snapshot.pages if each.url not in urls),
        search=search
        and replace(search, hits=tuple(each for each in search.hits if each.url not in urls)),
        prompt=(),  # it quotes all passages; a replay builds its own
    )
