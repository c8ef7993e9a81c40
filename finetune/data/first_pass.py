"""The first pass over the data: read, clean, find duplicates, and count all of it."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from finetune.data.cleaning import Cleaner
from finetune.data.columns import EXAMPLES, Mask, RowColumns
from finetune.data.dedupe import SeenRows, SimilarRows, content_digest, similarity_text
from finetune.data.personal import PersonalKind, personal_kinds
from finetune.data.readers import read_records
from finetune.data.rows import ReadingNotes, RejectedRow
from finetune.data.temporary_lines import TemporaryLines
from finetune.progress import ProgressStage
from finetune.recipe import DataTable, Recipe
from finetune.records import Record, from_json, to_json
from ingest.foundation.messages import Message

ADVANCE_EVERY = 2_000
"""Rows between two steps of the progress bar, so that drawing it takes hardly any time."""

MAX_REASONS = 500
"""Reasons that are counted apart: one that quotes its row differs each time and would fill the
memory."""

OTHER = Message("other reasons")

_ENCODER = json.JSONEncoder(ensure_ascii=False)
"""Made once: `json.dumps` makes one each time."""


class RejectionReasons:
    """Why rows were rejected: how often, and the first rows of each reason."""

    def __init__(self) -> None:
        self.counts: dict[Message, int] = {}
        self.examples: dict[Message, list[str]] = {}

    def add(self, row: RejectedRow) -> None:
        """Count a row."""
        known = row.reason in self.counts or len(self.counts) < MAX_REASONS
        reason = row.reason if known else OTHER
        self.counts[reason] = self.counts.get(reason, 0) + 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            examples.append(row.source)

    def most_frequent(self, limit: int | None = None) -> list[Message]:
        """Return the reasons, the most frequent first; `limit` None: all of them."""
        return sorted(self.counts, key=lambda reason: -self.counts[reason])[:limit]


class FirstPass:
    """All rows of the data files, and where each of them went.

    A row is quarantined, an exact duplicate, or kept: then its text is a line of `lines` and its
    numbers are in `columns`, under the same number. `rows` = `len(columns)` + `exact` +
    `quarantined`, and of the kept rows those in `dropped` turned out to be nearly others.
    `quarantine` and `duplicates` are open files of JSON lines.
    """

    def __init__(
        self,
        *,
        data: DataTable,
        seed: int,
        lines: TemporaryLines,
        quarantine: IO[bytes],
        duplicates: IO[bytes],
    ) -> None:
        self._data = data
        self._lines = lines
        self._quarantine = quarantine
        self._duplicates = duplicates
        self._seen = SeenRows()
        self.cleaner = Cleaner(data.clean)
        self.columns = RowColumns(split=data.split, seed=seed)
        self.reasons = RejectionReasons()
        self.notes = ReadingNotes()
        self.personal: Counter[PersonalKind] = Counter()
        """Kept rows with personal data in them, by its kind."""
        self.rows = 0
        self.quarantined = 0
        self.expected = 0  # of those, sound ones with nothing to learn
        self.exact = 0
        self.dropped: Mask = np.zeros(0, dtype=np.bool_)

    def read(self, recipe: Recipe, stage: ProgressStage, *, similar: SimilarRows | None) -> None:
        """Read all files; kept rows are added to `similar`, which finds pairs once all are read."""
        for row, name in itertools.islice(self._rows(recipe), self._data.limit or None):
            self._add(row, similar, train_only=name in self._data.train_only)
            if self.rows % ADVANCE_EVERY == 0:
                stage.advance(ADVANCE_EVERY)
        stage.advance(self.rows % ADVANCE_EVERY)
        self.dropped = np.zeros(len(self.columns), dtype=np.bool_)

    def _rows(self, recipe: Recipe) -> Iterator[tuple[Record | RejectedRow, str]]:
        """Yield the rows of all files, each with the file's name as the recipe has it."""
        for path, name in zip(recipe.data_files, self._data.files, strict=True):
            rows = read_records(path, self._data, system=recipe.model.system, notes=self.notes)
            for row in rows:
                yield row, name

    def drop_similar(self, similar: SimilarRows) -> None:
        """Drop the rows that are nearly an earlier one."""
        for pair in similar.find_pairs(lambda row: similarity_text(self.record(row))):
            self.dropped[pair.row] = True
            source = self.columns.source(pair.row)
            self._write_duplicate(source, pair.of, kind="near", similarity=pair.similarity)

    def record(self, number: int) -> Record:
        """Return a kept row by its number, from the disk."""
        return from_json(json.loads(self._lines.line(number)))

    def _add(
        self, row: Record | RejectedRow, similar: SimilarRows | None, *, train_only: bool
    ) -> None:
        self.rows += 1
        # Cleaned before duplicates are looked for: often two copies differ by left-overs alone.
        cleaned = self.cleaner.clean(row) if isinstance(row, Record) else row
        if isinstance(cleaned, RejectedRow):
            self.quarantined += 1
            self.expected += cleaned.is_expected
            self.reasons.add(cleaned)
            reason = cleaned.reason.in_each_language()
            entry = {"source": cleaned.source, "reason": reason, "raw": cleaned.raw}
            _write_json_line(self._quarantine, entry)
            return
        digest = content_digest(cleaned)
        if self._data.dedupe != "off":
            first = self._seen.find_or_add(digest, len(self.columns))
            if first is not None:
                self.exact += 1
                self._write_duplicate(cleaned.source, first, kind="exact", similarity=1.0)
                return
        for kind in sorted(personal_kinds(cleaned)):  # the same order in each run
            self.personal[kind] += 1
        self.columns.add(cleaned, digest, train_only=train_only)
        self._lines.add(encode_line(cleaned))
        if similar is not None:
            # Never across labels: nearly the same words may be labelled otherwise on purpose.
            similar.add(similarity_text(cleaned), kind=self.columns.labels[-1])

    def _write_duplicate(self, source: str, of: int, *, kind: str, similarity: float) -> None:
        entry = {"source": source, "of": self.columns.source(of), "kind": kind}
        _write_json_line(self._duplicates, {**entry, "similarity": similarity})


def encode_line(record: Record) -> bytes:
    """Return a record as one line of a prepared file, without its newline."""
    return _ENCODER.encode(to_json(record)).encode()


def _write_json_line(file: IO[bytes], entry: dict[str, Any]) -> None:
    # "replace": a source is a file's name, which may hold bytes that are no UTF-8.
    file.write(_ENCODER.encode(entry).encode(errors="replace") + b"\n")
