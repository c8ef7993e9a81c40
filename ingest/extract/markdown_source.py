"""Markdown that people wrote: its title, the data before it, other notations of headings."""

import re

_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_HEADING = re.compile(r"#{1,6}\s+(\S.*)")


def find_heading(text: str) -> str:
    """Return the title of the first heading of a Markdown text, "" if it has none."""
    fence = ""
    for line in text.split("\n"):
        if mark := _FENCE.match(line):
            # CommonMark, 4.5: closed by one of its own characters and no fewer of them.
            closes = fence and mark[1].startswith(fence)
            fence = "" if closes else fence or mark[1]
        elif not fence and (heading := _HEADING.match(line)):  # in code "# x" is a comment
            return heading[1]
    return ""


_FRONT = re.compile(r"---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_FIELD = re.compile(r"([A-Za-z][\w -]{0,30}):[ \t]*(.*)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
_TAG = re.compile(
    r"(`[^`\n]*`)|</?(?:div|p|h[1-6]|img|br|hr|center|details|summary|picture|source|a|span|font|table"
    r"|thead|tbody|tr|td|th)\b[^<>\n]*>|<!--[^\n]*?-->",
    re.IGNORECASE,
)
"""HTML that sets a README; what may be meant as text ("<b>") and code stay."""
_EMBEDDED = re.compile(
    r"!\[([^\]\n]*)\]\(\s*<?data:[^)]*\)|data:[\w/+.-]+;base64,[A-Za-z0-9+/=\s]{64,}"
)
"""A picture within the text: 80,000 characters of Base64 are no words."""


def split_front_matter(text: str) -> tuple[dict[str, str], str]:
    """Return the fields of YAML front matter, names in lower case, and the text behind it."""
    found = _FRONT.match(text)
    if found is None:
        return {}, text
    fields = {}
    for line in found[1].splitlines():
        if field := _FRONT_FIELD.fullmatch(line.rstrip()):
            fields[field[1].lower()] = field[2].strip().strip("\"'")
    return (fields, text[found.end() :]) if fields else ({}, text)


def normalize_markdown(text: str) -> str:
    """Return Markdown with Setext headings as "#", without embedded pictures and tags of HTML."""
    lines: list[str] = []
    fence = ""
    for line in _EMBEDDED.sub(r"\1", text).split("\n"):
        if mark := _FENCE.match(line):
            closes = fence and mark[1].startswith(fence)
            fence = "" if closes else fence or mark[1]
        elif not fence:
            bare = _TAG.sub(r"\1", line) if "<" in line else line
            rule = _UNDERLINE.fullmatch(bare)
            # CommonMark, 4.3: the line above is a paragraph of one line, no list, no table.
            title = lines[-1].strip() if rule and lines else ""
            above = lines[-2].strip() if len(lines) > 1 else ""
            if rule and title and not above and title[0] not in "#|>-*+`" and len(title) <= 200:
                lines[-1] = ("# " if rule[1][0] == "=" else "## ") + lines[-1].strip()
                continue
            line = bare
        lines.append(line)
    return "\n".join(lines)
