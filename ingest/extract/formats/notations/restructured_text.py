"""reStructuredText as Markdown, without what only instructs a program how to set it."""

import csv
import re
from collections.abc import Mapping, Sequence

from ingest.extract.formats.notations.blocks import BLANKS, fence, outside_code
from ingest.extract.formats.notations.drawn_tables import replace_drawn_tables
from ingest.extract.formats.table_rows import render_rows

_OVERLINED = re.compile(r"(?m)^([=\-~^\"'`#*+.:_])\1{2,}[ \t]*\n[ \t]*(\S.*)\n\1{3,}[ \t]*$")
_ANY_HEADING = re.compile(r"(?m)\0(.)\0([^\0]*)\0|^(\S.*)\n([=\-~^\"'`#*+.:_])\4{2,}[ \t]*$")
"""Overlined ones as they are marked first, and underlined ones."""
_CODE = re.compile(
    r"(?m)^\.\. (?:code-block|code|sourcecode)::.*\n"
    r"(?:[ \t]+:(?!caption)\w[^\n]*\n)*((?:[ \t]*\n|[ \t]+\S.*\n?)*)"
)
_ADMONITION = re.compile(
    r"(?m)^([ \t]*)\.\. (note|warning|tip|important|caution|danger|hint|attention|error|seealso)::"
    r"[ \t]*"
)
_DIRECTIVE = re.compile(
    r"(?m)^[ \t]*\.\. (?:_(?:`[^`\n]*`|[^\n:]*):[ \t]*$"
    r"|(?:contents|toctree|include|index|raw|role|highlight)::[^\n]*)\n?"
    r"(?:[ \t]+:(?!caption|alt)\w[^\n]*\n)*"
)
_TABLE = re.compile(
    r"(?m)^([ \t]*)\.\. (list|csv)-table::[ \t]*(.*)\n"
    r"((?:\1[ \t]+:\w[^\n]*\n)*)((?:[ \t]*\n|\1[ \t]+\S.*\n?)*)"
)
_TABLE_TITLE = re.compile(r"(?m)^([ \t]*)\.\. table::[ \t]*(.*)\n(?:\1[ \t]+:\w[^\n]*\n)*")
_EXPLICIT = re.compile(r"[ \t]*\.\.(?:[ \t]+(.*))?")
_NO_COMMENT = re.compile(r"_|\[[^\]]+\]|\|[^|]+\||[^\W_](?:[:+.-]?\w)*[ \t]?::")
"""How a line behind two dots goes on that is a target, a note, a substitution or a directive."""
_HEADER = re.compile(r"(?m)^[ \t]*:header:[ \t]*(.+)$")
_SUBSTITUTION = re.compile(r"(?m)^\.\. \|([^|\n]+)\| (\w+)::[ \t]*(.*)\n?(?:[ \t]+:.*\n)*")
_NOTE = re.compile(r"(?m)^\.\. \[([^\]\n]+)\][ \t]+")
_NOTE_MARK = re.compile(r"(?:(?<![ \t])[ \t]+)?\[(?:#\w*|\*|\d+)\]_")
_FIELD = re.compile(r"(?m)^:([A-Z][\w -]{0,30}):[ \t]+(?=\S)")
_ROLE = re.compile(r":[\w:-]{1,60}:`([^`<\n]+)(<[^>\n]{0,1000}>)?`")
_LINK = re.compile(r"`([^`<\n]+)<([^>\n]{1,1000})>`__?")
_LITERAL = re.compile(r"``([^`\n]+)``")


def read_rst(text: str) -> str:
    """Return a reStructuredText file; the level of a heading is the order of its underlines."""
    marks: list[str] = []

    def heading(title: str, mark: str) -> str:
        if mark not in marks:
            marks.append(mark)
        return f"{'#' * min(6, marks.index(mark) + 1)} {title.strip()}"

    def with_names(part: str) -> str:
        return _replace_names(part, meant)

    def convert(part: str) -> str:
        part = _TABLE_TITLE.sub(r"\1\2\n", part)
        part = "\n".join(replace_drawn_tables(part.split("\n"), with_names))
        part = with_names(part)
        # An overlined heading is of another level than one with that underline alone.
        part = _OVERLINED.sub(lambda m: f"\0{m[1]}\0{m[2].strip()}\0", part)
        part = _ANY_HEADING.sub(
            lambda m: heading(m[2], m[1] * 2) if m[1] else heading(m[3], m[4]), part
        )
        part = _NOTE_MARK.sub("", _NOTE.sub("", _TABLE.sub(_rst_table, part)))
        part = _FIELD.sub(r"\1: ", part)
        part = _ADMONITION.sub(lambda m: f"{m[1]}{m[2].capitalize()}: ", part)
        part = _DIRECTIVE.sub("", part)
        part = _ROLE.sub(lambda m: m[1].rstrip(BLANKS) if m[2] else m[1], part)
        part = _LINK.sub(lambda m: f"[{m[1].rstrip(BLANKS) or ' '}]({m[2]})", part)
        return _LITERAL.sub(r"`\1`", part)

    meant = {name: value for name, _, value in _SUBSTITUTION.findall(text)}
    text = _SUBSTITUTION.sub("", text).rstrip() + "\n"
    fenced = _CODE.sub(lambda found: fence(found[1]) + "\n", text)
    fenced = outside_code(fenced, separate_blocks)
    return re.sub(r"\n{3,}", "\n\n", outside_code(fenced, convert))


def separate_blocks(text: str) -> str:
    """Return a text without its comments, and with what two colons announce as code."""
    shown: list[str] = []
    lines = text.split("\n")
    at, may_begin = 0, True  # whether a comment may: behind an empty line or another block
    while at < len(lines):
        line = lines[at]
        found = _EXPLICIT.fullmatch(line) if may_begin else None
        behind = lines[at + 1] if at + 1 < len(lines) else ""
        at += 1
        may_begin = found is not None or not line.strip()
        if found and not _NO_COMMENT.match(found[1] or ""):
            # Two dots alone before an empty line end a block, and comment on nothing.
            at = end_of_block(lines, at, line) if found[1] or behind.strip() else at
            shown.append("")
        elif (
            line.rstrip().endswith("::")
            and not behind.strip()
            and not _EXPLICIT.fullmatch(line)
            and any(map(str.strip, lines[at : (end := end_of_block(lines, at, line))]))
        ):
            announced = line.rstrip().removesuffix("::")
            code = fence("\n".join(lines[at:end]).rstrip())
            shown += [f"{announced}:" if announced.strip() else "", "", code, ""]
            at, may_begin = end, True
        else:
            shown.append(line)
    return "\n".join(shown)


def end_of_block(lines: Sequence[str], start: int, first: str) -> int:
    """Return where the lines end that are empty or further in than the first one of a block."""
    indent = len(first) - len(first.lstrip())
    end = start
    while end < len(lines):
        line = lines[end]
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        end += 1
    return end


def _replace_names(text: str, meant: Mapping[str, str]) -> str:
    """Return a text with `|name|` as what it means, also where an underscore makes it a link."""
    first, *parts = text.split("|")
    shown = [first]
    is_name = False  # whether the part before was one, and its bars are gone
    for number, part in enumerate(parts, start=1):
        if is_name:
            part = part[1:] if part.startswith("_") else part
            shown.append(part[1:] if part.startswith("_") else part)
            is_name = False
        elif number < len(parts) and part in meant:
            shown.append(meant[part])
            is_name = True
        else:
            shown.append(f"|{part}")
    return "".join(shown)


def _rst_table(found: re.Match[str]) -> str:
    """Return the table of a directive, whose rows are items of a list or separated by commas."""
    title, options = found[3].strip(), found[4]
    if found[2] == "csv":
        lines = [line.strip() for line in found[5].splitlines() if line.strip()]
        head = _HEADER.findall(options)
        try:
            rows = list(csv.reader([*head, *lines], skipinitialspace=True))
        except csv.Error:  # a quote that never closes, and more behind it than a cell may hold
            return found[0]
    else:
        rows = [
            [" ".join(cell.split()) for cell in re.split(r"(?m)^[ \t]*-(?:[ \t]+|$)", row)[1:]]
            for row in re.split(r"(?m)^[ \t]*\*[ \t]+(?=-)", found[5])[1:]
        ]
    return f"{title}\n\n{render_rows(rows)}\n\n" if rows else found[0]
