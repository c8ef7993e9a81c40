"""Cells of Markdown rows come back as they were, whatever bars they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.table_cells import escape_cell, split_row, unescape_cells


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("| a | ls \\| sort |", [" a ", " ls | sort "]),
        ("a|b", ["a", "b"]),
        ("|a|b\\||", ["a", "b|"]),
        ("| \\| | |", [" | ", " "]),
        ("|", [""]),
    ],
)
def test_a_row_is_parted_at_its_own_bars(row: str, cells: list[str]) -> None:
    assert split_row(row) == cells


@given(st.lists(st.text("ab|+ /", min_size=1), min_size=2, max_size=4))
def test_cells_that_are_written_are_read_again(cells: list[str]) -> None:
    row = f"| {' | '.join(map(escape_cell, cells))} |"
    assert [cell[1:-1] for cell in split_row(row)] == cells
    assert unescape_cells(escape_cell(cells[0])) == cells[0]
