"""The first pass over the data: read, clean, find what was there before, and count all of it."""

import itertools
import json
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from finetune.data.cleaning import Cleaner
from finetune.data.columns import EXAMPLES, Columns, Mask
from finetune.data.dedupe import NearRows, SeenRows, content_digest, content_text
from finetune.data.readers import read_records
from finetune.data.rows import RejectedRow
from finetune.data.spool import Spool
from finetune.progress import ProgressStage
from finetune.recipe import DataTable, Recipe
from finetune.records import Record, from_json, to_json
from ingest.foundation.messages import Message

TOLD_EVERY = 2_000
"""Rows between two steps of the progress bar."""

REASONS = 500
"""Different reasons that are told apart: one that quotes its row must not fill the memory."""

OTHER = Message("other reasons")


class Reasons:
    """Why rows were left out: how often, and the first rows of each reason."""

    def __init__(self) -> None:
        self.counts: dict[Message, int] = {}
        self.examples: dict[Message, list[str]] = {}

    def add(self, row: RejectedRow) -> None:
        """Count a row."""
        known = row.reason in self.counts or len(self.counts) < REASONS
        reason = row.reason if known else OTHER
        self.counts[reason] = self.counts.get(reason, 0) + 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            examples.append(row.source)

    def most_frequent(self, limit: int | None = None) -> list[Message]:
        """Return the reasons, the most frequent first."""
        return sorted(self.counts, key=lambda reason: -self.counts[reason])[:limit]


class Intake:
    """Rows that came in, and where each of them went: spool, quarantine or duplicates.

    `rows` = `len(columns)` + `exact` + `quarantined`, and of the rows in `columns` those in
    `dropped` are nearly others. `quarantine` and `duplicates` are open files of JSON lines.
    """

    def __init__(
        self,
        data: DataTable,
        *,
        seed: int,
        spool: Spool,
        quarantine: IO[bytes],
        duplicates: IO[bytes],
    ) -> None:
        self._data = data
        self._spool = spool
        self._quarantine = quarantine
        self._duplicates = duplicates
        self._seen = SeenRows()
        self.cleaner = Cleaner(data.clean)
        self.columns = Columns(split=data.split, seed=seed)
        self.reasons = Reasons()
        self.rows = 0
        self.quarantined = 0
        self.exact = 0
        self.dropped: Mask = np.zeros(0, dtype=np.bool_)

    def read(self, recipe: Recipe, stage: ProgressStage, *, near: NearRows | None) -> None:
        """Read all files; what is nearly another row is only found once all are read."""
        rows: Iterator[Record | RejectedRow] = itertools.chain.from_iterable(
            read_records(path, self._data, system=recipe.model.system) for path in recipe.data_files
        )
        for row in itertools.islice(rows, self._data.limit or None):
            self._take(row, near)
            if self.rows % TOLD_EVERY == 0:
                stage.advance(TOLD_EVERY)
        stage.advance(self.rows % TOLD_EVERY)
        self.dropped = np.zeros(len(self.columns), dtype=np.bool_)

    def drop_near(self, near: NearRows) -> None:
        """Drop the rows that are nearly an earlier one."""
        for found in near.alike(lambda row: content_text(self.record(row))):
            self.dropped[found.row] = True
            source = self.columns.source(found.row)
            self._duplicate(source, found.of, kind="near", similarity=found.similarity)

    def record(self, number: int) -> Record:
        """Return a row that was kept, from the spool."""
        return from_json(json.loads(self._spool.line(number)))

    def _take(self, row: Record | RejectedRow, near: NearRows | None) -> None:
        self.rows += 1
        cleaned = self.cleaner.clean(row) if isinstance(row, Record) else row
        if isinstance(cleaned, RejectedRow):
            self.quarantined += 1
            self.reasons.add(cleaned)
            reason = cleaned.reason.in_each_language()
            _write(
                self._quarantine,
                {"source": cleaned.source, "reason": reason, "raw": cleaned.raw},
            )
            return
        digest = content_digest(cleaned)
        if self._data.dedupe != "off":
            first = self._seen.first(digest, len(self.columns))
            if first is not None:
                self.exact += 1
                self._duplicate(cleaned.source, first, kind="exact", similarity=1.0)
                return
        self.columns.add(cleaned, digest)
        self._spool.add(line_of(cleaned))
        if near is not None:
            near.add(content_text(cleaned), kind=self.columns.labels[-1])

    def _duplicate(self, source: str, of: int, *, kind: str, similarity: float) -> None:
        row = {"source": source, "of": self.columns.source(of), "kind": kind}
        _write(self._duplicates, {**row, "similarity": similarity})


def line_of(record: Record) -> bytes:
    """Return a record as one line of a prepared file, without its newline."""
    return json.dumps(to_json(record), ensure_ascii=False).encode()


def _write(file: IO[bytes], row: dict[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=False).encode(errors="replace") + b"\n")
