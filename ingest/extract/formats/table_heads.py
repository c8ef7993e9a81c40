"""Which rows of a table are its head: lines above it, and head rows above each other."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence, Set

from ingest.extract.formats.table_rows import is_amount, is_figure, is_head, render_rows
from ingest.extract.formats.tables.table_margins import (
    Row,
    are_pairs,
    footer_length,
    preamble_length,
    render_pairs,
)

MIN_ROWS_UNDER_TITLE = 3  # the line, the head, and a row that tells the one from the other
MAX_HEAD_ROWS = 3  # head rows above each other: year, quarter, plan and actual
DAY_OR_YEAR = re.compile(r"(?:19|20)\d\d(?!\d|[.,]\d)|\d{1,2}:\d\d")
_YEAR = re.compile(r"(?:19|20)\d\d")
_NOT_IN_HEAD = re.compile(r"[\w.+-]+@[\w-]+\.|://|\d{5}|\d[\d -]{4,}\d")
"""A mail or web address, a telephone number or another long number: a record, not a head."""


def render_tables(rows: Iterable[Row], spans: Set[int] = frozenset()) -> str:
    """Return the tables of a sheet, each with its head, and as lines what stands between them."""
    tables = list(split_tables(list(rows)))
    used = [len(_used_columns(cells for _, cells in table)) for table in reversed(tables)]
    widths = [*itertools.accumulate(used, max, initial=0)]  # the widest table of the last ones
    widths.reverse()
    blocks: list[str] = []
    # Keys and values above a table may look like one: the first of them names no columns.
    is_preamble = not spans
    for place, table in enumerate(tables):
        cells = without_edges([row for _, row in table])
        pairs = [row for row in cells if sum(map(bool, row)) > 1]
        is_preamble = is_preamble and are_pairs(cells, width=widths[place + 1])
        if len(pairs) >= MIN_ROWS_UNDER_TITLE and not cells[0][0].endswith((":", "：")):
            is_preamble = is_preamble and not is_over_figures(pairs)
        blocks.append(render_pairs(cells) if is_preamble else render_table(table, spans))
    return "\n\n".join(filter(None, blocks))


def render_table(rows: Iterable[Row], spans: Set[int] = frozenset()) -> str:
    """Return rows as a table, between the lines that people write above its head and below it."""
    kept = [(number, row) for number, row in rows if any(row)]
    cells = without_edges([row for _, row in kept])
    kept = [(number, row) for (number, _), row in zip(kept, cells, strict=True)]
    lines = []
    if above := preamble_length(kept, spans):
        lines = [render_pairs(cells[:above])]
    elif cells:
        above = first_wide_row(cells) % len(cells)
        above += kept[above][0] not in spans and _is_title_line(cells[above:])
        lines = [" | ".join(filter(None, row)) for row in cells[:above]]
    below = footer_length(kept[above:])
    kept = kept[above : len(kept) - below]
    footer, cells = cells[len(cells) - below :], cells[above : len(cells) - below]
    for number, _ in kept[: MAX_HEAD_ROWS - 1]:
        if number not in spans or len(cells) < 2:
            break
        if len(cells) < 3 or not _is_lower_head(cells[0], cells[1]):
            # One name over the cells of each record: it is said once, or no cell has a name.
            cells[0] = [name if name not in cells[0][:n] else "" for n, name in enumerate(cells[0])]
            break
        # One head row of two: "Q1" over "plan" and "actual" is "Q1 plan", "Q1 actual".
        pairs = itertools.zip_longest(cells[0], cells[1], fillvalue="")
        joined_heads = [
            f"{upper} {lower}".strip() if upper != lower else upper for upper, lower in pairs
        ]
        cells = [joined_heads, *cells[2:]]
    table = render_rows(without_edges(cells))
    return "\n\n".join(filter(None, [*lines, table, render_pairs(footer)]))


def split_tables(rows: list[Row]) -> Iterator[list[Row]]:
    """Yield the tables of a sheet: an empty row parts two, where a head row is below it."""
    table: list[Row] = []
    used: Set[int] = frozenset()
    first: list[str] = []
    for is_empty, run in itertools.groupby(rows, key=lambda row: not any(row[1])):
        if is_empty:
            continue
        block = list(run)
        cells = [row for _, row in block]
        if table and _begins_table(cells, used_above=used, first_above=first):
            yield table
            table, used, first = [], frozenset(), []
        # Kept, and not found anew of all rows above: there may be an empty row behind each.
        used |= _used_columns(cells)
        if sum(map(bool, first)) < 2:
            first = cells[min(first_wide_row(cells), len(cells) - 1)]
        table += block
    if table:
        yield table


def _begins_table(rows: list[list[str]], *, used_above: Set[int], first_above: list[str]) -> bool:
    """Return whether rows behind an empty one have a head of their own: words over figures.

    Behind a row that only parts groups of one table, rows look like those before it: a record of
    words alone, "Leeds | to follow | Ann", is no head where the same columns are in use above.
    """
    wide = first_wide_row(rows)
    if len(rows) < wide + 2 or not is_head(rows[wide]):
        return False
    if _used_columns(rows) == used_above and not {*filter(None, first_above)} & {*rows[wide]}:
        return False
    return is_over_figures(rows[wide:])


def is_over_figures(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names a column in which most rows have a figure."""
    head, *body = rows
    columns = [[row[n] for row in body if n < len(row) and row[n]] for n in range(len(head))]
    return any(
        name and values and sum(map(is_amount, values)) * 2 > len(values)
        for name, values in zip(head, columns, strict=True)
    )


def _used_columns(rows: Iterable[list[str]]) -> Set[int]:
    return {place for row in rows for place, cell in enumerate(row) if cell}


def spread_over(text: str, columns: int) -> list[str]:
    """Return the cells of one over several columns: its text in each of them.

    But an amount that is said twice is twice as much: it stays in the first.
    """
    is_amount = is_figure(text) and not DAY_OR_YEAR.match(text)
    return [text, *["" if is_amount else text] * (columns - 1)]


def render_spanned(rows: Sequence[Sequence[tuple[str, int]]]) -> str:
    """Return a table whose cells are a text and the number of columns that it stands over."""
    cells, spans = [], set()
    for number, row in enumerate(rows):
        # The title of a part of the table, alone in its row, stays one cell.
        is_alone = sum(bool(text) for text, _ in row) == 1
        if not is_alone and any(columns > 1 and text for text, columns in row):
            spans.add(number)
        spread = (
            [text, *[""] * (columns - 1)] if is_alone else spread_over(text, columns)
            for text, columns in row
        )
        cells.append([cell for part in spread for cell in part])
    return render_table(enumerate(cells), spans)


def _is_title_line(rows: Sequence[list[str]]) -> bool:
    """Return whether the first row is a line above the head: "Plan 2026 | | Unit: kg".

    It names fewer than half of the columns, the row below it nearly all, in words over figures.
    """
    if len(rows) < MIN_ROWS_UNDER_TITLE:
        return False
    width = max(map(len, rows))
    named, below = (sum(map(bool, row)) for row in rows[:2])
    if named * 2 > width or below < max(named + 1, width - 1) or not is_head(rows[1]):
        return False
    first = [cell for cell in rows[2] if cell]
    return any(map(is_amount, first)) and len(first) > named


def _is_lower_head(upper: list[str], lower: list[str]) -> bool:
    """Return whether the row below a head with merged cells says what is in their columns.

    It has different words below each, and none of its own below the others, where a record has.
    """
    groups = itertools.groupby(
        itertools.zip_longest(upper, lower, fillvalue=""), key=lambda pair: pair[0]
    )
    for name, pairs in groups:
        below = [cell for _, cell in pairs]
        if len(below) == 1 or not name:
            if name and below[0] not in ("", name):
                return False
        elif len({*below}) == 1 or any(map(_is_of_record, below)):
            return False
    return True


def _is_of_record(cell: str) -> bool:
    is_amount = is_figure(cell) and not _YEAR.fullmatch(cell)
    return is_amount or _NOT_IN_HEAD.search(cell) is not None


def first_wide_row(rows: Sequence[list[str]]) -> int:
    """Return the place of the first row with more than one cell, how many there are if none has."""
    return next((n for n, row in enumerate(rows) if sum(map(bool, row)) > 1), len(rows))


def without_edges(rows: Iterable[list[str]]) -> list[list[str]]:
    """Return rows without the columns that are empty in all of them."""
    kept = [row for row in rows if any(row)]
    used = [any(column) for column in itertools.zip_longest(*kept, fillvalue="")]
    return [list(itertools.compress(row, used)) for row in kept]
