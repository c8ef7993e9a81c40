"""AsciiDoc as Markdown, without its attributes."""

import re
from collections.abc import Set

from ingest.extract.formats.notations.blocks import fence, outside_code
from ingest.extract.formats.table_rows import render_rows
from ingest.text.table_cells import CELL_END, unescape_cells

_HEADING = re.compile(r"(?m)^(={1,6})[ \t]+(\S.*)$")
_CODE = re.compile(r"(?ms)^(?:\[[^\]\n]*\]\n)?(-{4,}|\.{4,})\n(.*?)^\1[ \t]*$")
_TABLE = re.compile(r"(?ms)^(?:\[[^\]\n]*\]\n)?\|={3,}\n(.*?)^\|={3,}[ \t]*$")
_SPAN = re.compile(r"(?m)(?:^|\s)(?:\d+|\.\d+|\d+\.\d+)[+*][^\s|]*\|")
_SET = re.compile(
    r"(?m)^(?::[\w!-]+:.*|\[[^\]\n]*\]|//(?!/).*|(?:include|toc)::.*|(?:ifdef|ifndef|endif)::.*\[\]"
    r"|={4,}|\*{4,}|_{4,}|\+)$\n?"
)
_CONDITION = re.compile(r"(?m)^(ifdef|ifndef|ifeval|endif)::([^\[\]\s]*)\[(.*)\][ \t]*$\n?")
_ASSIGNMENT = re.compile(r"(?m)^:(!?)([\w-]+)(!?):(?=[ \t]|$)")
_SET_BY_PROGRAM = frozenset(
    {
        *(
            "asciidoctor",
            "asciidoctor-version",
            "backend",
            "backend-html5",
            "backend-html5-doctype",
        ),
        *("basebackend", "basebackend-html", "doctype", "doctype-article", "filetype"),
        *("filetype-html", "outfilesuffix", "safe-mode-name"),
    }
)
"""Attributes that are set wherever a file is shown as a page of its own."""
_ORDERED = re.compile(r"(\.{1,5})[ \t]+(?=\S)")
_ATTRIBUTE = re.compile(r"(?m)^:([\w-]+):[ \t]+(\S.*)$")
# Bounded, and a run without blanks is tried from its start alone: else 150 kB of "a:" or "<<a" take
# minutes, since each place looks through all that follows.
_FOOTNOTE = re.compile(r"footnote:[\w-]{0,100}\[([^\]\n]{0,2000})\]")
_LINK = re.compile(
    r"(?:(?<![^\s\[\]<>])(?:link:|xref:)([^\s\[\]<>][^\s\[\]<>:]*+:[^\s\[\]<>]++)|xref:(\S{1,500}?)"
    r"|(?<![^\s\[\]<>])([^\s\[\]<>][^\s\[\]<>:]*+:[^\s\[\]<>]++))\[([^\]\n]{1,1000})\]"
)
"""An address behind "link:" or "xref:", a file behind "xref:", or an address; and what it says."""
_REFERENCE = re.compile(r"<<[^,>\n]{1,300},[ \t]{0,20}([^>\n]{1,1000})>>")


def read_adoc(text: str) -> str:
    """Return an AsciiDoc file with its tables as rows, without its attributes."""

    def table(found: re.Match[str]) -> str:
        first = found[1].lstrip().partition("\n")[0]
        width = len(CELL_END.findall(first))
        lead, *cells = (unescape_cells(cell).strip() for cell in CELL_END.split(found[1]))
        # A row may take several lines: the first one, which is the head, says how many cells.
        # Where cells are left over, some span others, and the table stays as it is written.
        if not width or lead or len(cells) % width or _SPAN.search(found[1]):
            return found[1]
        rows = [cells[n : n + width] for n in range(0, len(cells), width)]
        return render_rows(rows)

    text = resolve_conditions(text)
    counts: list[int] = []
    meant = dict(_ATTRIBUTE.findall(text))

    def convert(part: str) -> str:
        part = _FOOTNOTE.sub(r" (\1)", part)
        part = re.sub(r"\{([\w-]+)\}", lambda m: meant.get(m[1], m[0]), part)
        part = _SET.sub("", _TABLE.sub(table, part))
        part = _HEADING.sub(lambda m: f"{'#' * len(m[1])} {m[2]}", part)
        part = re.sub(r"(?m)^\.(?=\w)", "", part)  # the title of a block
        part = number_items(part, counts)
        part = re.sub(r"(?m)^(\*{1,5})[ \t]+(?=\S)", lambda m: f"{'  ' * (len(m[1]) - 1)}- ", part)
        part = _LINK.sub(lambda m: f"[{m[4]}]({m[1] or m[2] or m[3]})", part)
        return _REFERENCE.sub(r"\1", part)

    return outside_code(_CODE.sub(lambda found: fence(found[2]), text), convert)


def resolve_conditions(text: str) -> str:
    """Return a text without what is shown only where an attribute is set that is not, or is.

    What compares values (`ifeval`) stays, and so does what is never ended.
    """
    ended = find_ended_conditions(text)
    attributes = set(_SET_BY_PROGRAM)
    pieces, at = [], 0
    shown = [True]  # the text, and what is within each open condition
    for found in _CONDITION.finditer(text):
        part = text[at : found.start()]
        at = found.end()
        if shown[-1]:
            pieces.append(part)
            for was_unset, name, is_unset in _ASSIGNMENT.findall(part):
                (attributes.discard if was_unset or is_unset else attributes.add)(name)
        if found[1] == "endif":
            del shown[max(1, len(shown) - 1) :]
        elif found.start() in ended:
            shown.append(shown[-1] and is_met(found, attributes))
        elif found[3] and found[1] != "ifeval" and shown[-1] and is_met(found, attributes):
            pieces.append(f"{found[3]}\n")
    return "".join([*pieces, text[at:]])


def is_met(condition: re.Match[str], attributes: Set[str]) -> bool:
    """Return whether what stands under a condition is shown; "a,b" is either, "a+b" both."""
    names = re.split("[,+]", condition[2])
    is_set = (all if "+" in condition[2] else any)(name in attributes for name in names)
    return condition[1] == "ifeval" or is_set == (condition[1] == "ifdef")


def find_ended_conditions(text: str) -> set[int]:
    """Return where the conditions begin that have an end of their own."""
    unended: list[int] = []
    ended: set[int] = set()
    for found in _CONDITION.finditer(text):
        if found[1] != "endif":
            # With its text in the brackets, a condition needs no end.
            unended += [found.start()] if not found[3] or found[1] == "ifeval" else []
        elif unended:
            ended.add(unended.pop())
    return ended


def number_items(text: str, counts: list[int]) -> str:
    """Return a text whose items of ordered lists have numbers, each level one indentation in.

    `counts` are those of the list that goes on in the text, and are set to those at its end.
    """
    lines = text.split("\n")
    above = ["", *lines]
    for number, line in enumerate(lines):
        if found := _ORDERED.match(line):
            level = len(found[1])
            counts[:] = [*counts[:level], *[0] * (level - len(counts))]
            counts[-1] += 1
            lines[number] = f"{'   ' * (level - 1)}{counts[-1]}. {line[found.end() :]}"
        elif line.strip() and not above[number].strip() and not line.startswith(("*", "-", "+")):
            counts.clear()  # a paragraph behind an empty line ends the list
    return "\n".join(lines)
