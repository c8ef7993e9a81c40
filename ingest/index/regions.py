"""Tables and code of a Markdown text, and what a part of one needs to be read alone."""

import bisect
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

MAX_LEAD_CHARACTERS = 200
"""Characters of a head row or an opening fence that each part of a table or of code repeats: half
of a chunk of the usual size. A longer one would leave no characters for what it is the head of."""

_FENCE = re.compile(r"^[ \t]*(?P<mark>```+|~~~+)(?P<info>[^\n]*)$", re.MULTILINE)
_DELIMITER = re.compile(r"^[ \t]*\|?[ \t:|-]+$", re.MULTILINE)
"""The line below a table's head. Loose, and checked afterwards: exact patterns of it backtrack."""

_CELL = re.compile(r":?-+:?")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownRegion:
    """A table with a head, or fenced code."""

    kind: Literal["table", "code"]
    start: int
    end: int
    """Character range in the text, whole lines, without the last line's end."""
    body: int
    """Where the first row, or the first line of code, begins."""
    lead: str
    """The head with the line below it, or the opening fence; each with its line's end."""
    fence: str
    """What closes code; "" for a table."""


@functools.lru_cache(maxsize=16)
def markdown_regions(text: str) -> tuple[MarkdownRegion, ...]:
    """Return the tables and the fenced code of a text, in order; they do not overlap."""
    code = list(_code_regions(text))
    tables = [
        table
        for table in _table_regions(text)
        # In code, lines of "|" and "-" are drawings.
        if region_at(code, table.start) is None
    ]
    return tuple(sorted([*code, *tables], key=lambda region: region.start))


def excerpt(text: str, start: int, end: int, *, longest_lead: int = MAX_LEAD_CHARACTERS) -> str:
    """Return a part of a Markdown text that can be read alone.

    One that begins within a table has the table's head in front, one that begins or ends within
    fenced code has fences around that code, with its language.
    """
    part = text[start:end]
    regions = markdown_regions(text)
    first, last = region_at(regions, start), region_at(regions, end)
    if first and first.body <= start and len(first.lead) <= longest_lead:
        part = first.lead + part
    # In the last line of code stands the fence that closes it already.
    if last and last.fence and last.body <= end:
        part = f"{part}\n{last.fence}"
    return part


def region_at(regions: Sequence[MarkdownRegion], at: int) -> MarkdownRegion | None:
    """Return the region that a place of the text is in, None if it is in none."""
    place = bisect.bisect_right(regions, at, key=lambda region: region.start) - 1
    region = regions[place] if place >= 0 else None
    return region if region is not None and at < region.end else None


def excerpt_bodies(part: str, length: int) -> tuple[str, ...]:
    """Return what of an excerpt may be the `length` characters that are in the text itself."""
    # In front of them is a head, behind them at most the fence, on a line of its own.
    ends = (part, part.rpartition("\n")[0])
    return tuple(end[-length:] for end in ends if length and len(end) >= length) or (part,)


def _code_regions(text: str) -> Iterator[MarkdownRegion]:
    opened: re.Match[str] | None = None
    for found in _FENCE.finditer(text):
        mark = found["mark"]
        if opened is None:
            # CommonMark 4.5: with back-ticks behind it, it is inline code.
            opened = None if mark[0] == "`" and "`" in found["info"] else found
        elif mark.startswith(opened["mark"]) and not found["info"].strip():
            yield _code_region(text, opened, found.end())
            opened = None
    if opened is not None:
        yield _code_region(text, opened, len(text))


def _code_region(text: str, opened: re.Match[str], end: int) -> MarkdownRegion:
    return MarkdownRegion(
        kind="code",
        start=opened.start(),
        end=end,
        body=min(opened.end() + 1, len(text)),
        lead=f"{opened[0].strip()}\n",
        fence=opened["mark"],
    )


def _table_regions(text: str) -> Iterator[MarkdownRegion]:
    past = 0
    for found in _DELIMITER.finditer(text):
        cells = [cell.strip() for cell in found[0].strip().strip("|").split("|")]
        start = text.rfind("\n", 0, max(0, found.start() - 1)) + 1
        head = text[start : max(start, found.start() - 1)]
        if start < past or "|" not in head or not all(map(_CELL.fullmatch, cells)):
            continue
        end = found.end()
        # GFM: a table ends at the first line that is none of its rows.
        while end < len(text):
            below = text.find("\n", end + 1)
            below = len(text) if below < 0 else below
            if "|" not in text[end + 1 : below]:
                break
            end = below
        body = min(found.end() + 1, len(text))
        if end > body:
            lead = f"{text[start : found.end()].strip()}\n"
            yield MarkdownRegion(kind="table", start=start, end=end, body=body, lead=lead, fence="")
        past = end
