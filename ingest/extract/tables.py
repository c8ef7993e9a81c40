"""Writes tables of data as rows of text cells."""

import itertools
import re

from lxml import etree

from ingest.extract.dom import flatten_text, text_of

MAX_SPAN = 50  # columns or rows that one cell may claim; colspan="9999" is no table for people
MAX_COLUMNS = 200  # of a row; spans would multiply a small page to megabytes of "|"
MAX_LABEL = 100  # characters; a longer cell is a text rather than what rows have in common
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


def _span(cell: etree._Element, attribute: str) -> int:
    span = cell.get(attribute, "1").strip()
    return min(int(span), MAX_SPAN) if re.fullmatch(r"[1-9]\d{0,4}", span) else 1
