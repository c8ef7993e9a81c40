"""The rows of any data file: what holds them is found from its first lines, not from its name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from finetune.data.files.charset import open_text
from finetune.data.files.json_rows import json_lines, json_values
from finetune.data.files.tables import table_rows
from finetune.data.rows import RejectedRow
from finetune.records import RawRow

Container = Literal["jsonl", "json", "table"]

HEAD = 1 << 16
"""Characters at the beginning of a file that are looked at."""

_READERS = {"jsonl": json_lines, "json": json_values, "table": table_rows}


def raw_rows(path: Path, *, encoding: str, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield each row of a data file, or why it cannot be read; memory stays flat.

    Rows of more than `limit` bytes become a `RejectedRow`. Sources are "name:row": the line in
    JSONL, the element in a JSON array, the row under the header in a table, counted from 1.

    Raises:
        DataError: the file cannot be read at all.
    """
    container = detect_container(path, encoding=encoding)
    with open_text(path, encoding) as file:
        yield from _READERS[container](file, path.name, limit)


def detect_container(path: Path, *, encoding: str) -> Container:
    """Return what holds the rows: JSON lines, a JSON array (or objects over many lines), a table.

    Raises:
        DataError: the file cannot be read at all.
    """
    with open_text(path, encoding) as file:
        head = file.read(HEAD).lstrip()
    # A table's name is believed, since its first cell may be anything, "[" too. A file that is
    # called .json is not: many of them are JSON lines.
    if path.suffix.lower() in (".csv", ".tsv"):
        return "table"
    if head.startswith("["):
        return "json"
    if head.startswith("{"):
        first_line = head.partition("\n")[0]
        try:
            _, end = json.JSONDecoder().raw_decode(head)
        except (ValueError, RecursionError):
            # Broken or longer than the head. As JSON lines it costs one row, as an array many.
            end = 0
        spread = first_line.strip() == "{" or end > len(first_line)
        return "json" if spread else "jsonl"
    return "jsonl" if path.suffix.lower() in (".json", ".jsonl") else "table"
