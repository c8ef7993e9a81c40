"""Lines around a table of an export: an account and a period above it, a count of rows below."""

import itertools
import re
from collections.abc import Sequence, Set

from ingest.extract.formats.table_rows import is_amount, is_head

MAX_PAIR = 2  # cells of a line that says something of the whole table: a key and its value
MAX_PREAMBLE = 25  # lines above a head; exports of payments have up to 20
JUDGED_ROWS = 200  # of a table, which show whether it is wider than the lines above it

Row = tuple[int, list[str]]
"""The number of a row in its sheet, from 0, and its cells."""

_LINE_BELOW = re.compile(
    r"[\W_]+$|.{0,40}[:：]\s*\S|.{60}|[*※注]|共\s*\d|.*[.。!！]$|\(?\d[\d,.]*\s(?:rows?|records?)\b"
    r"|(?:total|notes?|printed|generated|exported|end of|source)\b",
    re.IGNORECASE,
)
"""A line that no record begins with: a rule, "导出时间: …", "共2笔记录", "* without fees"."""
_COLON_WITHIN = re.compile(r"(?<!\d)[:：](?!//)|[:：](?![\d/])")
"""No times and addresses of pages: 10:00, https://a.example."""


def render_pairs(rows: Sequence[Sequence[str]]) -> str:
    """Return a line for each row, "- key: value" for one of two cells.

    But cells that are pairs themselves stand side by side: "- Name: Ann | Age: 3".
    """
    lines = []
    for row in rows:
        key, *values = filter(None, (" ".join(cell.split()) for cell in row))
        name = key.rstrip(" :：")
        separator = " | " if _COLON_WITHIN.search(name) else ": "
        lines.append(f"- {name}{separator}{' | '.join(values)}" if values else key)
    return "\n".join(lines)


def are_pairs(rows: Sequence[Sequence[str]], *, width: int) -> bool:
    """Return whether rows above a table of `width` columns are lines about it.

    They are few, clearly shorter, and say each thing once.
    """
    if len(rows) > MAX_PREAMBLE or width <= MAX_PAIR:
        return False
    columns = [[*filter(None, column)] for column in itertools.zip_longest(*rows, fillvalue="")]
    is_short = len(columns) <= max(MAX_PAIR, width // 2)
    return is_short and all(len(each) == len({*each}) for each in columns)


def preamble_length(rows: Sequence[Row], spans: Set[int]) -> int:
    """Return how many rows of keys and values stand above a head, 0 if the first is the head.

    The head and most rows below it fill more than half of the columns, and those above it do not.
    A table whose third column has no name has such rows, too: without an empty row above the head,
    there must be two of them above words, and figures below.
    """
    counts = [sum(map(bool, cells)) for _, cells in rows[: MAX_PREAMBLE + JUDGED_ROWS]]
    width = max(sorted(counts)[-2:-1], default=0)  # of a head and a record at least
    most = max(MAX_PAIR, width // 2)
    head = next((n for n, count in enumerate(counts[:MAX_PREAMBLE]) if count > most), 0)
    below = counts[head + 1 :]
    if sum(count > most for count in below) * 2 <= len(below) or not is_head(rows[head][1]):
        return 0
    if (
        any(number in spans for number, _ in rows[:head])
        or max(counts[:head], default=0) < MAX_PAIR
    ):
        return 0
    is_parted = rows[head][0] - rows[head - 1][0] > 1
    has_figures = any(is_amount(cell) for cell in rows[head + 1][1] if cell)
    return head if is_parted or (head > 1 and has_figures) else 0


def footer_length(rows: Sequence[Row]) -> int:
    """Return how many rows at the end of a table, whose head is the first, are lines below it.

    A record of which only the name is known has one cell as well, but those behind it are there,
    if empty, and it reads like no remark.
    """
    width = max((len(cells) for _, cells in rows), default=0)
    end = len(rows)
    while end > 1 and width > MAX_PAIR:
        number, cells = rows[end - 1]
        is_line = not any(cells[1:]) and (len(cells) == 1 or _LINE_BELOW.match(cells[0].strip()))
        # "Closing balance;1.463,35" behind an empty row: a value in the column of the second name.
        is_pair = len(cells) == MAX_PAIR < width - 1 and number - rows[end - 2][0] > 1
        if not cells[0] or not (is_line or is_pair):
            break
        end -= 1
    return len(rows) - end
