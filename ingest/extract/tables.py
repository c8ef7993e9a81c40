"""Writes tables of data as rows of text cells."""

import itertools
import re
from collections.abc import Sequence

from lxml import etree

from ingest.extract.dom import flatten_text, text_of
from ingest.extract.formats.table_heads import first_wide_row, is_over_figures
from ingest.extract.formats.table_rows import is_amount, is_head

_find_bold = etree.XPath("boolean(.//b or .//strong)")

MAX_SPAN = 50  # columns or rows that one cell may claim; colspan="9999" is no table for people
MAX_COLUMNS = 200  # of a row; spans would multiply a small page to megabytes of "|"
MAX_LABEL = 100  # characters; a longer cell is a text rather than what rows have in common
MAX_TITLE_ROWS = 3  # above a head: a title, a period, a unit
MAX_REPEATED = 100_000  # characters of a table that may stand there because of a rowspan


def read_rows(table: etree._Element) -> list[list[str]]:
    """Return the texts of the cells of each row, without empty rows and empty cells at the ends.

    A cell over several rows is repeated in each of them: a row that is read alone, as a chunk or a
    quote, must not have another column's figure in its place. So is a cell over several columns,
    unless it is the only one of its row, as the title of a part of the table is.
    """
    rows = []
    above: dict[int, tuple[int, str]] = {}  # column -> (rows that its cell still covers, text)
    left = MAX_REPEATED
    for row in table.iter("tr"):
        texts: list[str] = []
        below: dict[int, tuple[int, str]] = {}
        cells = row.iterchildren("td", "th")
        filled = (cell for cell in row.iterchildren("td", "th") if text_of(cell).strip())
        is_alone = len(list(itertools.islice(filled, 2))) == 1
        is_empty, last_covered = True, max(above, default=0)
        while len(texts) < MAX_COLUMNS:
            if len(texts) in above:
                count, text = above[len(texts)]
                left -= len(text)
                text = text if left > 0 else ""
                if count > 1:
                    below[len(texts)] = (count - 1, text)
                texts.append(text)
                continue
            cell = next(cells, None)
            if cell is None and last_covered > len(texts):
                texts.append("")  # columns further right are still covered from above
                continue
            if cell is None:
                break
            text = flatten_text(cell)
            is_empty = is_empty and not text
            columns = _span(cell, "colspan")
            repeated = "" if is_alone or len(text) > MAX_LABEL else text
            left -= len(repeated) * (columns - 1)
            spread = [repeated if left > 0 else ""] * (columns - 1)
            covers = _span(cell, "rowspan")
            if covers > 1:
                # A long cell still takes its place, so that those beside it stay in theirs.
                parts = [text if len(text) <= MAX_LABEL else "", *spread]
                below |= {len(texts) + at: (covers - 1, part) for at, part in enumerate(parts)}
            texts += [text, *spread]
        above = below
        if not is_empty:
            while not texts[-1]:
                texts.pop()
            rows.append(texts[:MAX_COLUMNS])
    return rows


def title_length(table: etree._Element, rows: Sequence[list[str]]) -> int:
    """Return how many of its rows are the title of a table, above the one that names its columns.

    Reports that programs write as HTML begin with such cells over all columns. So do boxes of
    facts about one thing, of which no row is a head: one is known by how it is marked, or by words
    over columns of figures.
    """
    count = first_wide_row(rows)
    if not 0 < count <= min(MAX_TITLE_ROWS, len(rows) - 2):
        return 0
    if not all(0 < len(row[0]) <= MAX_LABEL for row in rows[:count]):
        return 0
    are_marked = []
    for row in table.iter("tr"):
        cells = [cell for cell in row.iterchildren("td", "th") if text_of(cell).strip()]
        if len(cells) > 1:
            marks = (cell.tag == "th" or _find_bold(cell) for cell in cells)
            are_marked.append(all(marks))
    if are_marked[:1] == [True]:
        return 0 if all(are_marked) else count
    head = rows[count]
    # Of two columns, words beside figures may be the first fact as well.
    is_full = len([*filter(None, head)]) == max(map(len, rows)) > 2
    is_named = is_full and is_head(head) and not any(map(is_amount, head))
    return count if is_named and is_over_figures(rows[count:]) else 0


def _span(cell: etree._Element, attribute: str) -> int:
    span = cell.get(attribute, "1").strip()
    return min(int(span), MAX_SPAN) if re.fullmatch(r"[1-9]\d{0,4}", span) else 1
