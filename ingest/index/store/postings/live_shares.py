"""In how many chunks a word is, though the files of postings have rows of chunks that are gone."""

import json
import sqlite3
from collections.abc import Sequence

import numpy as np

from ingest.index.store import counts
from ingest.index.store.postings.segment import PostingsSegment

MAX_LOOKED_UP = 512
"""Rows of one word that are all looked up to learn how many are gone, .4 ms at most."""
SAMPLED = 128
"""Rows that are looked up of a word in more of them: the share is off by .04 (the root of
p (1 - p) / 128), its weight by as much."""
MAX_SHARES = 20_000
"""Words whose shares are kept, 2 MB."""


class LiveShares:
    """Remembers of words which share of their rows is still there, while so many rows are gone."""

    def __init__(self) -> None:
        self._shares: dict[int, float] = {}
        self._state = (0, 0)

    def counts(
        self,
        connection: sqlite3.Connection,
        segments: Sequence[PostingsSegment],
        found: Sequence[tuple[np.ndarray, np.ndarray]],
        keys: np.ndarray,
    ) -> np.ndarray:
        """Return in how many chunks each word is, without those that are gone.

        A page that is stored again and again leaves rows in the files with the same rare words,
        which would weigh less for it. Of frequent words some rows are looked up.
        """
        total: np.ndarray = np.sum([count for _, count in found], axis=0)
        rows = sum(len(segment.changes) for segment in segments)
        gone = rows - counts.count_of(connection, counts.CHUNKS)
        if gone <= 0:
            return total
        if (rows, gone) != self._state or len(self._shares) > MAX_SHARES:
            self._state, self._shares = (rows, gone), {}
        live: np.ndarray = total.copy()
        for n, key in enumerate(keys.tolist()):
            if total[n] and key not in self._shares:
                changes = np.concatenate(
                    [
                        segment.rows_of(int(places[n]))
                        for segment, (places, count) in zip(segments, found, strict=True)
                        if count[n]
                    ]
                )
                # Of many, some spread evenly.
                step = 1 if len(changes) <= MAX_LOOKED_UP else len(changes) // SAMPLED
                some = np.sort(changes)[::step].tolist()
                (there,) = connection.execute(
                    "SELECT COUNT(*) FROM json_each(?) j JOIN chunk_words w ON w.change = j.value",
                    (json.dumps(some),),
                ).fetchone()
                self._shares[key] = float(there) / len(some)
            # A share that is sampled may be too high; no word is in more chunks than there are.
            live[n] = min(rows - gone, round(total[n] * self._shares.get(key, 1.0)))
        return live
