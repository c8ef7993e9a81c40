"""Which format a row is in, told by its fields; and what a file looks like at first sight."""

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from finetune.data.files.charset import codec_of
from finetune.data.files.opening import Container, container_of, raw_rows
from finetune.data.formats.registry import FORMATS
from finetune.data.rows import Fields, RejectedRow
from finetune.recipe import DataTable, ReaderName
from ingest.foundation.messages import Message

SAMPLE_ROWS = 100
"""Rows from which a file's format is told; each row is looked at again when it is read."""

_CONTAINERS: Mapping[Container, Message] = {
    "jsonl": Message("JSON lines"),
    "json": Message("a JSON array"),
    "table": Message("a table (CSV)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedFormat:
    """What the first rows of a file show. `formats` counts rows by format, `bad` those of none."""

    name: str
    container: Container
    encoding: str
    formats: Mapping[ReaderName, int]
    bad: int

    @property
    def told(self) -> Message:
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


def sniff(fields: Fields) -> ReaderName | None:
    """Return the format that a row is in, None if it is in none that we know."""
    return next((name for name, one in FORMATS.items() if one.fits(fields)), None)


def look(path: Path, data: DataTable) -> DetectedFormat:
    """Return what the first rows of a file show.

    Raises:
        DataError: the file cannot be read at all.
    """
    rows = raw_rows(path, encoding=data.encoding, limit=data.max_row_bytes)
    formats: Counter[ReaderName] = Counter()
    bad = 0
    for row in itertools.islice(rows, SAMPLE_ROWS):
        if isinstance(row, RejectedRow) or not (name := chosen(Fields(row.fields, data), data)):
            bad += 1
        else:
            formats[name] += 1
    return DetectedFormat(
        name=path.name,
        container=container_of(path, encoding=data.encoding),
        encoding=codec_of(path) if data.encoding == "auto" else data.encoding,
        formats=formats,
        bad=bad,
    )


def chosen(fields: Fields, data: DataTable) -> ReaderName | None:
    """Return the format that the recipe names, or that the row is in."""
    return sniff(fields) if data.reader == "auto" else data.reader
