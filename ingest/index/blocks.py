"""The blocks of a Markdown text: paragraphs, lists, tables and code, each with its heading."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.text.words import sentence_spans

MAX_BLOCK = 1000  # characters; a longer paragraph is cut, so that one of its pieces can be chosen

_HEADING = re.compile(r" {0,3}#{1,6}\s+(.*)")
_AFTER_HEADING = " \t\r\f\v\xa0\u3000#"
"""What may follow the title of a heading. Stripped and not matched: a pattern that looks for it
backtracks for minutes over a long "# ####x"."""
_FENCE = re.compile(r" {0,3}(```+|~~~+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph, list, table or piece of code, with the headings directly above it."""

    start: int
    end: int
    """Character range in the text."""
    heading: str
    """The nearest heading at or above, "" if none."""


def markdown_blocks(text: str) -> list[Block]:
    """Return the blocks of a Markdown text, in order. Between them is only white space."""
    return [piece for block in _paragraphs(text) for piece in _pieces(text, block)]


def _paragraphs(text: str) -> Iterator[Block]:
    """Yield blocks as Markdown separates them: by blank lines, headings and fences."""
    start, end, heading, fence = -1, 0, "", ""
    has_body = False
    at = 0
    for line in text.split("\n"):
        mark, title = _FENCE.match(line), _HEADING.match(line)
        # CommonMark, 4.5: a fence is closed by one of its own characters and no fewer of them.
        closes = bool(fence and mark and mark[1].startswith(fence))
        # A heading alone is no block: it goes with what follows it, which answers are found by.
        begins_next = bool(mark or title or not line.strip())
        if not fence and has_body and begins_next:
            yield Block(start=start, end=end, heading=heading)
            start, has_body = -1, False
        if fence or line.strip():
            start = at if start < 0 else start
            end = at + len(line.rstrip()) if line.strip() else end
        if title and not fence:  # in code "# x" is a comment
            heading = title[1].rstrip(_AFTER_HEADING)
        elif fence or line.strip():
            has_body = True
        if closes:
            yield Block(start=start, end=end, heading=heading)
            start, fence, has_body = -1, "", False
        elif mark and not fence:
            fence = mark[1]
        at += len(line) + 1
    if start >= 0:  # also code whose fence is never closed
        yield Block(start=start, end=end, heading=heading)


def _pieces(text: str, block: Block) -> Iterator[Block]:
    """Yield `block`, cut between sentences where it is longer than `MAX_BLOCK`."""
    if block.end - block.start <= MAX_BLOCK:
        yield block
        return
    start = end = block.start
    for left, right in sentence_spans(text[block.start : block.end]):
        sentence_start, sentence_end = block.start + left, block.start + right
        if sentence_end - start > MAX_BLOCK and end > start:
            yield Block(start=start, end=end, heading=block.heading)
            start = sentence_start
        while sentence_end - start > MAX_BLOCK:  # no sentence, but a wall of characters
            if text[start : start + MAX_BLOCK].strip():
                yield Block(start=start, end=start + MAX_BLOCK, heading=block.heading)
            start += MAX_BLOCK
        end = sentence_end
    yield Block(start=start, end=end, heading=block.heading)
