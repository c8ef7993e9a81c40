"""AsciiDoc as Markdown, without its attributes."""

import re

from ingest.extract.formats.notations.blocks import fence, outside_code
from ingest.extract.formats.table_rows import render_rows
from ingest.text.table_cells import CELL_END, unescape_cells

_HEADING = re.compile(r"(?m)^(={1,6})[ \t]+(\S.*)$")
_CODE = re.compile(r"(?ms)^(?:\[[^\]\n]*\]\n)?(-{4,}|\.{4,})\n(.*?)^\1[ \t]*$")
_TABLE = re.compile(r"(?ms)^(?:\[[^\]\n]*\]\n)?\|={3,}\n(.*?)^\|={3,}[ \t]*$")
_SPAN = re.compile(r"(?m)(?:^|\s)(?:\d+|\.\d+|\d+\.\d+)[+*][^\s|]*\|")
_SET = re.compile(
    r"(?m)^(?::[\w!-]+:.*|\[[^\]\n]*\]|//(?!/).*|(?:include|toc)::.*|(?:ifdef|ifndef|endif)::.*\[\]"
    r"|={4,}|\*{4,}|_{4,})$\n?"
)
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

    meant = dict(_ATTRIBUTE.findall(text))

    def convert(part: str) -> str:
        part = _FOOTNOTE.sub(r" (\1)", part)
        part = re.sub(r"\{([\w-]+)\}", lambda m: meant.get(m[1], m[0]), part)
        part = _SET.sub("", _TABLE.sub(table, part))
        part = _HEADING.sub(lambda m: f"{'#' * len(m[1])} {m[2]}", part)
        part = re.sub(r"(?m)^\.(?=\w)", "", part)  # the title of a block
        part = re.sub(r"(?m)^\*{1,5}[ \t]+", "- ", part)
        part = _LINK.sub(lambda m: f"[{m[4]}]({m[1] or m[2] or m[3]})", part)
        return _REFERENCE.sub(r"\1", part)

    return outside_code(_CODE.sub(lambda found: fence(found[2]), text), convert)
