"""Cells in the row of a Markdown table: a bar of a cell's own has a backslash before it (GFM)."""

import re

CELL_END = re.compile(r"(?<!\\)\|")
"""A bar between cells."""
_OUTER_BARS = re.compile(r"^\||(?<!\\)\|$")


def escape_cell(text: str) -> str:
    """Return the text of a cell as it stands in a row."""
    return text.replace("|", "\\|")


def unescape_cells(text: str) -> str:
    """Return a row, or a part of one, as a person is shown it."""
    return text.replace("\\|", "|")


def split_row(row: str) -> list[str]:
    """Return the text of each cell of a row, with the blanks around it."""
    return [unescape_cells(cell) for cell in CELL_END.split(_OUTER_BARS.sub("", row.strip()))]
