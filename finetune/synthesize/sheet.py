"""A sheet of synthesized rows for a person to judge, as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from finetune.data.quality import REVIEW_COLUMNS, escape_cell

SHEET_ROWS = 100
"""Rows of the sheet: half an hour for a person, and three wrong ones are 3 %."""


def render_row_sheet(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return evenly chosen rows as CSV, about `SHEET_ROWS`, with columns for a person's verdict."""
    step = max(1, len(rows) // SHEET_ROWS)
    out = io.StringIO()
    out.write("\ufeff")  # without a byte order mark Excel reads the code page of its Windows
    writer = csv.writer(out)
    names = ("question", "reply", "answer", "kind", "document", "prompt")
    writer.writerow([*names, *REVIEW_COLUMNS])
    for row in rows[::step][:SHEET_ROWS]:
        prompt, reply = row["messages"][-2]["content"], row["messages"][-1]["content"]
        texts = (row["question"], reply, row["answer"], row["kind"], row["document"], prompt)
        writer.writerow([*map(escape_cell, texts), *("" for _ in REVIEW_COLUMNS)])
    return out.getvalue()
