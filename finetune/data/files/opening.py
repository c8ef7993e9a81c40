"""The rows of any data file: what holds them is found from its first lines, not from its name."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from finetune.data.files.charset import open_text
from finetune.data.files.chat_text import chat_rows, is_chat
from finetune.data.files.expansion import expanded_rows
from finetune.data.files.json_rows import WRAPPED, json_lines, json_values, wrapped_values
from finetune.data.files.marked_text import is_marked_text, joined_marks, marked_rows
from finetune.data.files.message_rows import joined_messages
from finetune.data.files.parquet import parquet_rows
from finetune.data.files.tables import table_rows
from finetune.data.files.workbooks import workbook_rows
from finetune.data.rows import RejectedRow
from finetune.errors import DataError
from finetune.records import RawRow
from ingest.foundation.messages import Message

Container = Literal["jsonl", "json", "wrapped", "marked", "chat", "table"]

HEAD = 1 << 16
"""Characters at the beginning of a file that are looked at."""

WORKBOOKS = (".xlsx", ".xlsm")
WORKBOOK_MARK = b"PK\x03\x04"
PARQUET_MARK = b"PAR1"
"""How such files begin."""

_OFFICE = (".doc", ".docx", ".ppt", ".pptx", ".odt", ".rtf", ".pdf")
DOCUMENTS = frozenset((*_OFFICE, ".md", ".markdown", ".rst", ".html", ".htm", ".epub", ".eml"))
"""Suffixes of files that are read, not learnt by heart: they belong in the index."""

_READERS = {
    "jsonl": json_lines,
    "json": json_values,
    "wrapped": wrapped_values,
    "marked": marked_rows,
    "chat": chat_rows,
    "table": table_rows,
}


def raw_rows(path: Path, *, encoding: str, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield each row of a data file, or why it cannot be read; memory stays flat.

    Rows of more than `limit` bytes become a `RejectedRow`. Sources are "name:row": the line in
    JSONL, the element in a JSON array, the row under the header in a table, counted from 1.

    Raises:
        DataError: the file cannot be read at all.
    """
    if path.is_dir() or path.suffix.lower() in DOCUMENTS:
        head = ""
        if not path.is_dir():
            with suppress(DataError), open_text(path, encoding) as file:
                head = file.read(HEAD)
        # A text whose questions and answers are marked is data in any case. What else people read
        # is asked about, and rows are made of it.
        if not (is_marked_text(head) or is_chat(head)):
            raise DataError(
                Message("{path} is a folder, and holds no rows", path=path)
                if path.is_dir()
                else Message("{path} is a document, and holds no rows", path=path),
                hint=Message(
                    "store it and make rows of it: ingest {path} --collection NAME, then finetune "
                    "synthesize NAME",
                    path=path,
                ),
            )
    if path.suffix.lower() in (".yaml", ".yml"):
        raise DataError(
            Message("{path} is YAML, which is not read here", path=path),
            hint=Message("save it as JSONL or as CSV (UTF-8)"),
        )
    mark = b""
    with suppress(OSError), path.open("rb") as opened:  # `open_text` says why it cannot be read
        mark = opened.read(4)
    if mark == PARQUET_MARK:
        yield from _whole_rows(parquet_rows(path, limit), limit)
        return
    if mark == WORKBOOK_MARK and path.suffix.lower() in WORKBOOKS:
        yield from _whole_rows(workbook_rows(path, limit), limit)
        return
    container = detect_container(path, encoding=encoding)
    with open_text(path, encoding) as file:
        yield from _whole_rows(_READERS[container](file, path.name, limit), limit)


def _whole_rows(rows: Iterator[RawRow | RejectedRow], limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield rows of one question each: messages put together, rows of several taken apart."""
    return expanded_rows(joined_messages(joined_marks(rows, limit)))


def detect_container(path: Path, *, encoding: str) -> Container:
    """Return what holds the rows: JSON lines, an array (or objects over many lines), a table.

    "wrapped": an array within an object; "marked": a text with 问： and 答：, or Q: and A:; "chat":
    what two said in turn.

    Raises:
        DataError: the file cannot be read at all.
    """
    with open_text(path, encoding) as file:
        head = file.read(HEAD).lstrip()
    # A table's name is believed, since its first cell may be anything, "[" too. A file that is
    # called .json is not: many of them are JSON lines.
    if path.suffix.lower() in (".csv", ".tsv"):
        return "table"
    if is_marked_text(head):
        return "marked"
    if is_chat(head):
        return "chat"
    if head.startswith("["):
        return "json"
    if WRAPPED.match(head):
        return "wrapped"
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
