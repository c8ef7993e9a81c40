"""Cuts a passage into units that a reader can use alone: what evidence is chosen from.

A unit is a sentence (with the one before it where it only points back), a definition with its term,
an option with its description, a row of a table with the table's head, a list or code with the
line that leads to it. Each knows the heading and the lead-in that it is under.
"""

from functools import lru_cache

from assistant.answer.evidence.code_blocks import join_cut_out_code, read_code, read_code_end
from assistant.answer.evidence.lists import read_list
from assistant.answer.evidence.passage_reader import (
    FENCE,
    HEADING,
    ITEM,
    LINE_RULE,
    OPTION,
    ROW,
    PassageReader,
    Unit,
    has_indented_body,
)
from assistant.answer.evidence.plain_text import plain_text, split_lines
from assistant.answer.evidence.prose import read_option, read_paragraph
from assistant.answer.evidence.tables import TABLE_RULE, read_table
from assistant.values import Passage
from ingest.text.orders import blank_orders
from ingest.text.quoting import blank_footnotes

MOST_READ = 16_000
"""Characters of a passage that are looked at, ten times what retrieval makes one of."""


@lru_cache(maxsize=64)  # to compare them with the question, and to choose among them
def split_into_units(passage: Passage) -> tuple[Unit, ...]:
    """Return the units of a passage in the order of the text. Ranges are those of its text.

    Some overlap: a short list is a unit, and so is each of its items.
    """
    # Blanked, not cut out: places stay those of the passage.
    text = join_cut_out_code(blank_orders(blank_footnotes(passage.text[:MOST_READ])))
    lines = split_lines(text)
    reader = PassageReader(
        passage=passage, text=text, lines=lines, heading=plain_text(passage.heading)
    )
    at = read_code_end(reader)
    while at < len(lines):
        at = read_element(reader, at)
    return tuple(reader.units)


def read_element(reader: PassageReader, at: int) -> int:
    """Read what begins at line `at`, and return the line behind it."""
    line = reader.lines[at]
    bare = line.text.strip()
    reader.place += 1
    if not bare or LINE_RULE.match(line.text):
        return at + 1
    if FENCE.match(line.text) and not ITEM.match(line.text):
        return read_code(reader, at)
    if heading := HEADING.match(line.text):
        reader.heading, reader.lead = plain_text(heading[1].rstrip("# \t")), None
        return at + 1
    if ROW.match(line.text) or TABLE_RULE.match(line.text):
        return read_table(reader, at)
    if ITEM.match(line.text):
        return read_list(reader, at)
    if OPTION.match(line.text) or has_indented_body(reader.lines, at):
        return read_option(reader, at)
    return read_paragraph(reader, at)
