"""Rows of Parquet files."""

from collections.abc import Iterator
from pathlib import Path

from finetune.data.files.json_cells import checked_row, json_cell
from finetune.data.rows import RejectedRow
from finetune.errors import DataError
from finetune.records import RawRow
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.extras import install_command
from ingest.foundation.messages import Message

PARQUET_BATCH = 1_000
"""Rows of a Parquet file that are in memory at once."""


def parquet_rows(path: Path, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield the rows of a Parquet file, counted from 1.

    Raises:
        DataError: it is damaged.
        MissingDependencyError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            Message("this file takes {name}", name=error.name),
            hint=Message.verbatim(install_command("tables")),
        ) from error
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=PARQUET_BATCH):
                for fields in batch.to_pylist():
                    number += 1
                    fields = {name: json_cell(value) for name, value in fields.items()}
                    yield checked_row(RawRow(source=f"{path.name}:{number}", fields=fields), limit)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            Message(
                "{path}: {why}", path=path, why=Message("it is no Parquet file that can be read")
            ),
            hint=Message("save it as JSONL or as CSV (UTF-8)"),
        ) from error
