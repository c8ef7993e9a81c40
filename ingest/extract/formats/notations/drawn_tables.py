"""Tables that people draw with characters: the grid and simple tables of reStructuredText."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise, zip_longest

from ingest.extract.formats.table_heads import spread_over
from ingest.extract.formats.table_rows import render_rows

MAX_COLUMNS = 100
MAX_LABEL = 1000  # characters of a cell up to which it stands in each row and column it covers
MAX_REPEATED = 100_000
"""Characters of a table that stand there again in rows, and as many in columns: cells that each go
on over thousands of rows would take all memory."""

_GRID_TOP = re.compile(r"[ \t]*\+-[-+]*\+[ \t]*")
_SIMPLE_RULE = re.compile(r"[ \t]*=+(?: +=+)+[ \t]*")
_SPAN_RULE = re.compile(r"-+(?: +-+)*")
_CORNER = re.compile(r"\+(?=[-=])|(?<=[-=])\+")
_SEGMENT = re.compile(r"\S+")
_FILLER = "\0"
"""Beside a character that is two columns wide, so that places in a line are columns."""

Cell = tuple[str, int]
"""The text of a cell, and over how many columns it stands."""


def replace_drawn_tables(lines: Sequence[str], convert_cell: Callable[[str], str]) -> list[str]:
    """Return lines with each table that is drawn in them as one of Markdown.

    A table that is not drawn to its end stays as it is.
    """
    shown: list[str] = []
    at = 0
    while at < len(lines):
        end, rows = at, None
        if _GRID_TOP.fullmatch(lines[at]):
            end = find_grid_end(lines, at)
            rows = read_drawing(lines[at:end], read_grid)
        elif _SIMPLE_RULE.fullmatch(lines[at]):
            end = find_simple_end(lines, at)
            rows = read_drawing(lines[at:end], read_simple)
        if rows is None:
            # A rule that ends no table may begin the next one.
            end = max(at + 1, end - 1)
            shown += lines[at:end]
        else:
            cells = [[convert_cell(cell) for cell in row] for row in rows]
            shown += ["", render_rows(cells), ""]
        at = end
    return shown


def find_grid_end(lines: Sequence[str], start: int) -> int:
    """Return behind which line a grid ends: the last one of those with bars at both edges."""
    end = start
    while end < len(lines) and lines[end].strip()[:1] in ("+", "|") and lines[end].strip():
        end += 1
    return end


def find_simple_end(lines: Sequence[str], start: int) -> int:
    """Return behind which rule a simple table ends: the third, or one before an empty line."""
    rules = 0
    for number in range(start + 1, len(lines)):
        if _SIMPLE_RULE.fullmatch(lines[number]):
            rules += 1
            behind = lines[number + 1] if number + 1 < len(lines) else ""
            if rules == 2 or not behind.strip():
                return number + 1
    return start


def read_drawing(
    lines: Sequence[str], read: Callable[[list[str]], list[list[Cell]] | None]
) -> list[list[str]] | None:
    """Return the cells of a drawn table, None where its lines do not fit together.

    Ideographs are two columns wide where the lines are aligned as they are seen, and one where a
    program has counted characters.
    """
    indent = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    bare = [line[indent:].rstrip() for line in lines]
    wide = ["".join(c + _FILLER * is_wide(c) for c in line) for line in bare]
    rows = read(wide) or (read(bare) if wide != bare else None)
    if not rows:
        return None
    return spread_rows(rows)


def spread_rows(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Return the texts of rows, that of a cell over several columns in each unless it is long."""
    left = MAX_REPEATED
    spread: list[list[str]] = []
    for row in rows:
        texts: list[str] = []
        for written, columns in row:
            text = " ".join(written.replace(_FILLER, "").split())
            first, *others = spread_over(text, columns)
            is_short = len(text) <= MAX_LABEL
            left -= sum(map(len, others)) if is_short else 0
            texts += [first, *(others if is_short and left >= 0 else [""] * len(others))]
        spread.append(texts)
    return spread


def is_wide(character: str) -> bool:
    """Return whether a character takes two columns of a terminal."""
    return character > "\u10ff" and unicodedata.east_asian_width(character) in "WF"


def read_grid(lines: list[str]) -> list[list[Cell]] | None:
    """Return the rows of a grid, with a cell over several rows in each of them."""
    width = len(lines[0])
    is_whole = len(lines) > 2 and _GRID_TOP.fullmatch(lines[-1]) is not None
    if not is_whole or any(len(line) != width or line[-1] not in "+|" for line in lines):
        return None
    edges = sorted({found.start() for line in lines for found in _CORNER.finditer(line)})
    columns = list(pairwise(edges))
    if len(columns) > MAX_COLUMNS:
        return None
    rows: list[list[tuple[list[str], int]]] = []
    heads = 0
    unended: dict[int, list[str]] = {}  # by their first column: cells that go on below a rule
    band: list[str] = []
    for line in lines[1:]:
        parts = [line[start + 1 : end] for start, end in columns]
        ruled = [bool(part) and set(part) in ({"-"}, {"="}) for part in parts]
        if "+" not in line or not any(ruled):
            band.append(line)
            continue
        if not band:
            continue
        rows.append(row := read_band(band, columns, unended))
        heads = len(rows) if "=" in line and all(ruled) else heads
        band, unended, first = [], {}, 0
        for written, span in row:
            if not ruled[first]:
                written.append(parts[first])
                unended[first] = written
            first += span
    return join_heads(join_lines(rows), heads)


def join_lines(rows: Sequence[Sequence[tuple[list[str], int]]]) -> list[list[Cell]]:
    """Return cells with their lines as one text, repeated in each row unless it is a long one.

    What is repeated without an end is in the first rows only.
    """
    left = MAX_REPEATED
    texts: dict[int, str] = {}  # by the list of lines, which stands in each row of its cell
    joined: list[list[Cell]] = []
    for row in rows:
        cells: list[Cell] = []
        for written, span in row:
            text = texts.get(id(written))
            if text is None:
                text = " ".join(" ".join(written).split())
                texts[id(written)] = text if len(text) <= MAX_LABEL else ""
            else:
                left -= len(text)
                text = text if left >= 0 else ""
            cells.append((text, span))
        joined.append(cells)
    return joined


def read_band(
    band: Sequence[str], columns: Sequence[tuple[int, int]], unended: dict[int, list[str]]
) -> list[tuple[list[str], int]]:
    """Return the cells between two rules: their lines, and over how many columns they stand."""
    row: list[tuple[list[str], int]] = []
    first = 0
    while first < len(columns):
        last = first
        while last + 1 < len(columns) and any(line[columns[last][1]] not in "|+" for line in band):
            last += 1
        written = unended.get(first, [])
        written += [line[columns[first][0] + 1 : columns[last][1]] for line in band]
        row.append((written, last - first + 1))
        first = last + 1
    return row


def read_simple(lines: list[str]) -> list[list[Cell]] | None:
    """Return the rows of a simple table; one whose first cell is empty goes on with the last."""
    drawn = [found.span() for found in _SEGMENT.finditer("".join(lines[:1]))]
    if len(drawn) > MAX_COLUMNS:
        return None
    starts, ends = [start for start, _ in drawn], [end for _, end in drawn]
    rows: list[list[Cell]] = []
    heads = 0
    pending: list[str] = []
    for line in lines[1:]:
        spans = [found.span() for found in _SEGMENT.finditer(line)]
        is_rule = _SIMPLE_RULE.fullmatch(line) is not None
        is_span_rule = _SPAN_RULE.fullmatch(line) is not None and all(
            start in starts and end in ends for start, end in spans
        )
        if not (is_rule or is_span_rule):
            pending.append(line)
            continue
        firsts = starts if is_rule else [start for start, _ in spans]
        # Text that runs from a column into the next one is no table.
        if any(line[start - 1 : start].strip() for line in pending for start in firsts[1:]):
            return None
        counts = [sum(a <= s < b for s in starts) for a, b in pairwise([*firsts, 1 << 30])]
        rows += slice_lines(pending, firsts, counts)
        heads = heads or (len(rows) if is_rule else 0)
        pending = []
    return join_heads(rows, heads) if heads < len(rows) else rows


def slice_lines(lines: Sequence[str], starts: list[int], counts: list[int]) -> list[list[Cell]]:
    """Return the rows of lines whose cells begin at `starts`, over so many columns each."""
    rows: list[list[list[str]]] = []
    for line in filter(str.strip, lines):
        parts = [line[start:end] for start, end in pairwise([*starts, len(line) + starts[-1]])]
        if rows and not parts[0].strip():
            for written, part in zip(rows[-1], parts, strict=True):
                written.append(part)
        else:
            rows.append([[part if part.strip() != "\\" else ""] for part in parts])
    return [
        [(" ".join(written), count) for written, count in zip(row, counts, strict=True)]
        for row in rows
    ]


def join_heads(rows: list[list[Cell]], heads: int) -> list[list[Cell]]:
    """Return rows with those of the head above each other as one."""
    if heads < 2:
        return rows
    joined = [
        " ".join(dict.fromkeys(filter(None, column)))
        for column in zip_longest(*spread_rows(rows[:heads]), fillvalue="")
    ]
    return [[(name, 1) for name in joined], *rows[heads:]]
