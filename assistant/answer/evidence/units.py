"""Cuts a passage into units that a reader can use alone: what evidence is chosen from.

A unit is a sentence (with the one before it where it only points back), a definition with its term,
an option with its description, a row of a table with the table's head, a list or code with the
line that leads to it. Each knows the heading and the lead-in that it stands under.
"""

import re
from collections.abc import Sequence

from assistant.answer.evidence.passage_reader import (
    ABBREVIATION,
    DESCRIPTION,
    FENCE,
    HEADING,
    ITEM,
    LINE_RULE,
    LONGEST_UNIT,
    OPTION,
    ROW,
    STOPS,
    PassageReader,
    Unit,
    has_indented_body,
)
from assistant.answer.evidence.plain_text import TextLine, plain_text, split_lines
from assistant.answer.evidence.prose import add_definition, read_option, read_paragraph
from assistant.values import EvidenceKind, Passage
from ingest.text.orders import blank_orders
from ingest.text.quoting import blank_footnotes

MOST_READ = 16_000
"""Characters of a passage that are looked at, ten times what retrieval makes one of."""
CODE_LINES = 12
"""Lines of code in one unit; longer code is cut at its empty lines."""

_RULE = re.compile(r"\s*\|?(?:\s*:?-{3,}:?\s*\|)+\s*(?::?-{3,}:?)?\s*$")
_GOES_ON = re.compile(
    r"\s*(?:\([1-8]\)|[a-z,;，。、；）)]|部分|[是和或与会将有被的包]|可[以能]|文件|命令|选项|函数|程序|配置"
    r"|工具|用于|提供|显示|允许)"
)
"""How a sentence goes on behind its first word."""
_OPEN_ENDS = "，,、“‘\"'「『（(/"
_CLOSING_QUOTES = ("”", "’", '"', "'", "」", "』", "(", "（")
_CUT_OUT_CODE = re.compile(
    r"(?P<gap>\n*)(?P<fence>^ {0,3}```\w{0,20}\n)"
    r"(?P<code>(?:(?! {0,3}```)[^\n]{0,80}\S[^\n]{0,80}\n){1,3})(?P<close> {0,3}``` *\n+)",
    re.MULTILINE,
)
"""Code of up to three lines: longer code was not cut out of a sentence."""


def split_into_units(passage: Passage) -> list[Unit]:
    """Return the units of a passage in the order of the text. Ranges are those of its text.

    Some overlap: a short list is a unit, and so is each of its items.
    """
    # Blanked, not cut out: places stay those of the passage.
    text = _inline_code(blank_orders(blank_footnotes(passage.text[:MOST_READ])))
    lines = split_lines(text)
    reader = PassageReader(
        passage=passage, text=text, lines=lines, heading=plain_text(passage.heading)
    )
    at = _begin_inside_code(reader)
    while at < len(lines):
        at = _read_element(reader, at)
    return reader.units


def _inline_code(text: str) -> str:
    """Return the text with short code joined to the sentence that converters cut it out of.

    As many characters as before: the lines around it become spaces, its fences marks of code.
    """

    def joined(found: re.Match[str]) -> str:
        above = text[: found.start("fence")].rstrip()
        line = above[above.rfind("\n") + 1 :]
        is_prose = bool(line) and not (HEADING.match(line) or ROW.match(line) or FENCE.match(line))
        cut = is_prose and (
            line[-1].isalnum() or line[-1] in _OPEN_ENDS or ABBREVIATION.search(line)
        )
        goes_on = _GOES_ON.match(text, found.end()) is not None
        if cut:
            is_inline = goes_on or text[found.end() : found.end() + 1] in _CLOSING_QUOTES
        else:
            begins = not is_prose or line[-1] in STOPS
            is_inline = begins and goes_on and found["code"].count("\n") == 1
        if not is_inline:
            return found[0]
        gap = " " * len(found["gap"]) if cut else found["gap"]
        code = found["code"].replace("\n", " ")[:-1]
        # The line break that the code ended in makes room for the mark behind it.
        return f"{gap}{' ' * (len(found['fence']) - 1)}`{code}`{' ' * len(found['close'])}"

    return _CUT_OUT_CODE.sub(joined, text)


def _begin_inside_code(reader: PassageReader) -> int:
    """Read the end of code that began before the passage, and return the line behind it."""
    fences = [n for n, line in enumerate(reader.lines) if FENCE.match(line.text)]
    # An opening fence has an empty line above it, a closing one has code.
    first = fences[0] if fences else 0
    above = reader.lines[first - 1].text.strip() if first else ""
    if not above or reader.lines[first].text.strip().strip("`~") != "":
        return 0
    # Their number does not tell alone: the passage may end inside of other code.
    parted = first + 1 == len(reader.lines) or not reader.lines[first + 1].text.strip()
    if len(fences) % 2 == 0 and (not parted or above.endswith((":", "："))):
        return 0
    _add_code(reader, 0, first, end=reader.lines[first].end)
    return first + 1


def _read_element(reader: PassageReader, at: int) -> int:
    """Read what begins at line `at`, and return the line behind it."""
    line = reader.lines[at]
    bare = line.text.strip()
    reader.place += 1
    if not bare or LINE_RULE.match(line.text):
        return at + 1
    if FENCE.match(line.text) and not ITEM.match(line.text):
        return _read_code(reader, at)
    if heading := HEADING.match(line.text):
        reader.heading, reader.lead = plain_text(heading[1].rstrip("# \t")), None
        return at + 1
    if ROW.match(line.text) or _RULE.match(line.text):
        return _read_table(reader, at)
    if ITEM.match(line.text):
        return _read_list(reader, at)
    if OPTION.match(line.text) or has_indented_body(reader.lines, at):
        return read_option(reader, at)
    return read_paragraph(reader, at)


def _read_code(reader: PassageReader, at: int) -> int:
    fence = FENCE.match(reader.lines[at].text)
    mark = fence[1] if fence else "```"
    close = at + 1
    while close < len(reader.lines) and not reader.lines[close].text.strip().startswith(mark):
        close += 1
    last = min(close, len(reader.lines) - 1)
    below = close + 1
    while below < len(reader.lines) and not reader.lines[below].text.strip():
        below += 1
    if close == at + 2 and below < len(reader.lines):
        # Converters put a term that is all code like this.
        term = reader.lines[at + 1].text.strip()
        if DESCRIPTION.match(reader.lines[below].text):
            return add_definition(reader, at + 1, below, term=term)
    _add_code(reader, at + 1, close, start=reader.lines[at].start, end=reader.lines[last].end)
    return close + 1


def _add_code(
    reader: PassageReader, first: int, behind: int, *, end: int, start: int | None = None
) -> None:
    """Take up the lines of code from `first` to before `behind`, with what leads to them."""
    body = reader.lines[first:behind]
    if not any(line.text.strip() for line in body):
        return
    lead = reader.lead_text()
    reader.drop_lead()
    # "Run:" with each piece: the second half of a script says no more alone than the first.
    pieces = _code_pieces(body)
    for number, piece in enumerate(pieces):
        left = piece[0].start
        right = piece[-1].end
        if number == 0:
            left = reader.lead[0] if reader.lead else (start if start is not None else left)
        if number == len(pieces) - 1:
            right = end
        code = "\n".join(line.text.rstrip() for line in piece).strip("\n")
        shown = f"{lead}\n```\n{code}\n```" if lead else f"```\n{code}\n```"
        reader.add(left, right, shown, "code")
    reader.lead = None


def _code_pieces(body: Sequence[TextLine]) -> list[list[TextLine]]:
    pieces: list[list[TextLine]] = [[]]
    for line in body:
        full = len(pieces[-1]) >= CODE_LINES
        if full or (not line.text.strip() and len(pieces[-1]) > CODE_LINES // 2):
            pieces.append([])
        pieces[-1].append(line)
    return [piece for piece in pieces if any(line.text.strip() for line in piece)]


def _read_table(reader: PassageReader, at: int) -> int:
    behind = at
    while behind < len(reader.lines) and (
        ROW.match(reader.lines[behind].text) or _RULE.match(reader.lines[behind].text)
    ):
        behind += 1
    rows = reader.lines[at:behind]
    head: list[str] = []
    if len(rows) > 1 and _RULE.match(rows[1].text):
        head, rows = _cells(rows[0].text), rows[2:]
    context = reader.lead_text()
    # Each row is looked up by itself: a table of forty would bury the one that answers.
    for row in rows:
        if _RULE.match(row.text):
            continue
        cells = _cells(row.text)
        reader.place += 1
        # Without its head a row is a riddle: "249 g · 31 minutes". On a line of its own, as in the
        # table: "First infusion: 2 minutes" in one would be checked for a first.
        above = [head] if len(head) == len(cells) and any(head) else []
        text = "\n".join(" · ".join(filter(None, line)) for line in (*above, cells))
        # The one cell of a row that is none: a box drawn as a table.
        kind: EvidenceKind = "row" if len(cells) > 1 else "sentence"
        reader.add(row.start, row.end, text, kind, context=context, subject=cells[0])
    reader.lead = None
    return behind


def _cells(row: str) -> list[str]:
    return [plain_text(cell) for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def _read_list(reader: PassageReader, at: int) -> int:
    """Read the items of a list, each with its own lines, and the list as a whole if it is short."""
    first = at
    lead, lead_span = reader.lead_text(), reader.lead
    items: list[tuple[int, int]] = []
    while at < len(reader.lines) and ITEM.match(reader.lines[at].text):
        behind = _behind_item(reader.lines, at)
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
        shown.append(_add_item(reader, item, behind, lead))
    # A short list answers "which …?" as a whole, and one of its items "what is …?".
    whole = "\n".join(f"- {text}" for text in shown if text)
    if lead_span and len(items) > 1 and len(whole) <= LONGEST_UNIT:
        reader.place = place
        reader.add(lead_span[0], reader.lines[items[-1][1] - 1].end, f"{lead}\n{whole}", "list")
        reader.place = place + len(items)
    reader.lead = None
    return max(at, first + 1)


def _behind_item(lines: Sequence[TextLine], at: int) -> int:
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


def _add_item(reader: PassageReader, at: int, behind: int, lead: str) -> str:
    """Take up an item, cut into sentences where it is long, and return what is shown of it."""
    lines = reader.lines[at:behind]
    marker = ITEM.match(lines[0].text)
    start, end = lines[0].start + (marker.end() if marker else 0), lines[-1].end
    text = plain_text(_join_inline_code(reader.text[start:end]))
    if len(text) <= LONGEST_UNIT:
        reader.add(start, end, text, "list", context=lead)
        return text
    for left, right in reader.sentences(start, end):
        reader.add(left, right, reader.plain(left, right), "sentence", context=lead)
    return text


def _join_inline_code(text: str) -> str:
    """Return an item's text with short code that a converter put on lines of its own within it."""
    return re.sub(r"\s*(?:```|~~~)\s*\n?\s*([^`~]*?)\s*\n?\s*(?:```|~~~)\s*", r" `\1` ", text)
