"""Rows of cells as text in which each row is understood alone."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain

from ingest.text.table_cells import escape_cell

MAX_TABLE_CHARACTERS = 350
"""Characters up to which a table stays one: it fits into a chunk, its head row beside its rows. Of
a longer one most chunks would hold figures without the names of their columns."""

COLUMNS_PER_REPEATED_NAME = 6

_FIGURE = re.compile(r"[\s\d.,:%+\-/$€£¥￥₩₹₽₺฿₫₴₪()]*")
_AMOUNT = re.compile(
    rf"(?:[A-Z]{{3}}|[^\W\d_]{{1,3}}\.?[\s$/])?(?=\D{{0,9}}\d){_FIGURE.pattern}(?:[^\W\d_]{{1,5}}[²³/]?\.?)?"
)


def render_rows(rows: Sequence[Sequence[str]]) -> str:
    """Return a short table as Markdown, and each row of a long one with the head of each cell."""
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    if not cells:
        return ""
    width = max(map(len, cells))
    if width == 1:
        return "\n".join(row[0] for row in cells)
    head, *body = cells
    # Rows are filled up for a short table alone: beside one of 50,000 cells, those of 50,000 short
    # rows would take all memory.
    if 2 * width * len(cells) <= MAX_TABLE_CHARACTERS:
        whole = [[*row, *[""] * (width - len(row))] for row in cells]
        table = "\n".join(
            f"|{'|'.join(row)}|" if row[0] == "---" else f"| {' | '.join(map(escape_cell, row))} |"
            for row in (whole[0], ["---"] * width, *whole[1:])
        )
        if len(table) <= MAX_TABLE_CHARACTERS:
            return table
    if not is_head(head):
        return "\n".join(" | ".join(filter(None, row)) for row in (head, *body))
    return "\n".join(f"- {_labelled(head, row)}" for row in body)


def render_inner_table(rows: Iterable[Iterable[tuple[str, int]]]) -> str:
    """Return a table within the cell of another as a line, without bars and rules.

    A row of two cells is a name and its value; of more, each cell has its head before it.
    """
    cells = [[" ".join(text.split()) for text, _ in row] for row in rows]
    cells = [row for row in cells if any(row)]
    if max(map(len, cells), default=0) <= 2:
        return "; ".join(": ".join(filter(None, row)) for row in cells)
    head, *body = cells
    if body and is_head(head):
        return "; ".join(_labelled(head, row, separator=", ") for row in body)
    return "; ".join(", ".join(filter(None, row)) for row in cells)


def is_figure(cell: str) -> bool:
    """Return whether a cell holds a figure, a day or an amount, and no word."""
    return _FIGURE.fullmatch(cell) is not None


def is_amount(cell: str) -> bool:
    """Return whether a cell holds a figure, maybe with a currency or a unit: "75 kg", "CHF 20".

    Among those below a head only: "10 km" and "1月" name columns, too.
    """
    return is_figure(cell) or _AMOUNT.fullmatch(cell) is not None


def is_head(row: Sequence[str]) -> bool:
    """Return whether the cells of a first row name columns: different words, no figures.

    Of many one may be there twice, as the currency of the amount and that of the balance.
    """
    named = [cell for cell in row if cell]
    distinct = len(named) - len({*named}) <= len(named) // COLUMNS_PER_REPEATED_NAME
    return len(named) >= 2 and distinct and not any(map(_FIGURE.fullmatch, named))


def _labelled(head: Sequence[str], row: Sequence[str], *, separator: str = "; ") -> str:
    pairs = chain(zip(head, row, strict=False), (("", cell) for cell in row[len(head) :]))
    return separator.join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)
