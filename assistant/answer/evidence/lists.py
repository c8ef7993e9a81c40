"""Units of lists: short ones as a whole, and each of their items."""

import re
from collections.abc import Sequence

from assistant.answer.evidence.passage_reader import FENCE, ITEM, MAX_UNIT_CHARACTERS, PassageReader
from assistant.answer.evidence.plain_text import TextLine, plain_text

_CODE_IN_ITEM = re.compile(r"\s*(?:```|~~~)\s*\n?\s*([^`~]*?)\s*\n?\s*(?:```|~~~)\s*")


def read_list(reader: PassageReader, at: int) -> int:
    """Read the items of a list, each with its own lines, and the list as a whole if it is short."""
    first = at
    lead, lead_span = reader.lead_text(), reader.lead
    items: list[tuple[int, int]] = []
    while at < len(reader.lines) and ITEM.match(reader.lines[at].text):
        behind = end_of_item(reader.lines, at)
        items.append((at, behind))
        at = behind
        while at + 1 < len(reader.lines) and not reader.lines[at].text.strip():
            if not ITEM.match(reader.lines[at + 1].text):
                break
            at += 1
    place = reader.place
    shown = []
    for item, behind in items:
        reader.place += 1
        shown.append(add_item(reader, item, behind, lead))
    # A short list answers "which …?" as a whole, and one of its items "what is …?".
    whole = "\n".join(f"- {text}" for text in shown if text)
    if lead_span and len(items) > 1 and len(whole) <= MAX_UNIT_CHARACTERS:
        reader.place = place
        reader.add(lead_span[0], reader.lines[items[-1][1] - 1].end, f"{lead}\n{whole}", "list")
        reader.place = place + len(items)
    reader.lead = None
    return max(at, first + 1)


def end_of_item(lines: Sequence[TextLine], at: int) -> int:
    """Return the line behind a list's item: what is indented deeper, and code, belongs to it."""
    depth = lines[at].indent
    mark = FENCE.match(lines[at].text)
    at += 1
    while at < len(lines):
        line = lines[at]
        fence = FENCE.match(line.text)
        if mark:
            mark = None if fence and line.text.strip().startswith(mark[1]) else mark
        elif fence and line.indent > depth:
            mark = fence
        elif not line.text.strip():
            if at + 1 >= len(lines) or lines[at + 1].indent <= depth:
                break
        elif line.indent <= depth or ITEM.match(line.text):
            break
        at += 1
    return at


def add_item(reader: PassageReader, at: int, behind: int, lead: str) -> str:
    """Take up an item, cut into sentences where it is long, and return what is shown of it."""
    lines = reader.lines[at:behind]
    marker = ITEM.match(lines[0].text)
    start, end = lines[0].start + (marker.end() if marker else 0), lines[-1].end
    # Short code that a converter put on lines of its own within the item.
    text = plain_text(_CODE_IN_ITEM.sub(r" `\1` ", reader.text[start:end]))
    if len(text) <= MAX_UNIT_CHARACTERS:
        reader.add(start, end, text, "list", context=lead)
        return text
    for left, right in reader.sentences(start, end):
        reader.add(left, right, reader.plain(left, right), "sentence", context=lead)
    return text
