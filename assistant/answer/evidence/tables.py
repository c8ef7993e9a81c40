"""Units of tables: each row under the head of its table."""

import re

from assistant.answer.evidence.passage_reader import ROW, PassageReader
from assistant.answer.evidence.plain_text import plain_text
from assistant.values import EvidenceKind
from ingest.text.table_cells import split_row

TABLE_RULE = re.compile(r"\s*\|?(?:\s*:?-{3,}:?\s*\|)+\s*(?::?-{3,}:?)?\s*$")
"""The line between the head of a table and its rows."""


def read_table(reader: PassageReader, at: int) -> int:
    """Read a table, each row with its head, and return the line behind it."""
    behind = at
    while behind < len(reader.lines) and (
        ROW.match(reader.lines[behind].text) or TABLE_RULE.match(reader.lines[behind].text)
    ):
        behind += 1
    rows = reader.lines[at:behind]
    head: list[str] = []
    if len(rows) > 1 and TABLE_RULE.match(rows[1].text):
        head, rows = _cells(rows[0].text), rows[2:]
    context = reader.lead_text()
    # Each row is looked up by itself: a table of forty would bury the one that answers.
    for row in rows:
        if TABLE_RULE.match(row.text):
            continue
        cells = _cells(row.text)
        reader.place += 1
        # Without its head a row is a riddle: "249 g · 31 minutes". On a line of its own, as in the
        # table: "First infusion: 2 minutes" in one would be checked for a first.
        above = [head] if len(head) == len(cells) and any(head) else []
        text = "\n".join(" · ".join(filter(None, line)) for line in (*above, cells))
        # The one cell of a row that is none: a box drawn as a table.
        kind: EvidenceKind = "row" if len(cells) > 1 else "sentence"
        reader.add(row.start, row.end, text, kind, context=context, subject=cells[0])
    reader.lead = None
    return behind


def _cells(row: str) -> list[str]:
    return list(map(plain_text, split_row(row)))
