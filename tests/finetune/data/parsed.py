"""Rows of data files as tests read them: parsed, or rejected with a reason."""

from typing import Any

from finetune.data.readers import parse_row
from finetune.data.rows import RejectedRow
from finetune.recipe import DataTable
from finetune.records import RawRow, Record

AUTO = DataTable(files=("a.jsonl",))


def table(**changes: Any) -> DataTable:
    return DataTable(files=("a.jsonl",), **changes)


def record(row: dict[str, Any], data: DataTable = AUTO, *, system: str = "") -> Record:
    read = parse_row(RawRow(source="a.jsonl:1", fields=row), data, system=system)
    assert isinstance(read, Record), read
    return read


def reason(row: dict[str, Any], data: DataTable = AUTO) -> str:
    read = parse_row(RawRow(source="a.jsonl:1", fields=row), data)
    assert isinstance(read, RejectedRow), read
    assert read.reason.localize("zh")
    return read.reason.localize("en")
