"""Which format a row is in, found from its fields; and what the first rows of a file show."""

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from finetune.data.files.charset import codec_of
from finetune.data.files.opening import Container, detect_container, raw_rows
from finetune.data.formats.registry import FORMATS
from finetune.data.rows import RejectedRow, RowFields
from finetune.recipe import DataTable, ReaderName
from ingest.foundation.messages import Message

SAMPLE_ROWS = 100
"""Rows from which a file's format is found; each row is looked at again when it is read."""

_CONTAINERS: Mapping[Container, Message] = {
    "jsonl": Message("JSON lines"),
    "json": Message("a JSON array"),
    "table": Message("a table (CSV)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedFormat:
    """What the first rows of a file show: rows by format, and the number of rejected ones."""

    name: str
    container: Container
    encoding: str
    formats: Mapping[ReaderName, int]
    rejected: int

    @property
    def summary(self) -> Message:
        """One line for a person: "drone.csv: a table (CSV), gb18030, alpaca"."""
        named = sorted(self.formats, key=lambda one: -self.formats[one])
        formats = (
            Message.verbatim(" + ".join(named)) if named else Message("no format that we know")
        )
        kind = _CONTAINERS[self.container]
        return Message(
            "{name}: {kind}, {encoding}, {formats}",
            name=self.name,
            kind=kind,
            encoding=self.encoding,
            formats=formats,
        )


def detect_format(fields: RowFields) -> ReaderName | None:
    """Return the first format that the row's fields match, None if it is in none that we know."""
    return next((name for name, one in FORMATS.items() if one.matches(fields)), None)


def detect_file_format(path: Path, data: DataTable) -> DetectedFormat:
    """Return what the first rows of a file show.

    Raises:
        DataError: the file cannot be read at all.
    """
    formats: Counter[ReaderName] = Counter()
    rejected = 0
    rows = raw_rows(path, encoding=data.encoding, limit=data.max_row_bytes)
    for row in itertools.islice(rows, SAMPLE_ROWS):
        fields = None if isinstance(row, RejectedRow) else RowFields(row.fields, data)
        name = choose_format(fields, data) if fields else None
        if name is None:
            rejected += 1
        else:
            formats[name] += 1
    return DetectedFormat(
        name=path.name,
        container=detect_container(path, encoding=data.encoding),
        encoding=codec_of(path) if data.encoding == "auto" else data.encoding,
        formats=formats,
        rejected=rejected,
    )


def choose_format(fields: RowFields, data: DataTable) -> ReaderName | None:
    """Return the format that the recipe names, else the one that the row is in."""
    return detect_format(fields) if data.reader == "auto" else data.reader
