"""Markdown that people wrote: its title, the data before it, other notations of headings."""

import re
import tomllib
from contextlib import suppress
from typing import Any

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
_TOML_FRONT = re.compile(r"\+\+\+[ \t]*\n(.*?\n)\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_NOTE_TEXT = re.compile(r"\[\^[^\]\s]+\]:[ \t]*")
_NOTE_NAME = re.compile(r"^\[\^([^\]\s]+)\]:", re.MULTILINE)
_NOTE_MARK = re.compile(r"(`[^`\n]*`)|\[\^([^\]\s]+)\]")
_CALLOUT = re.compile(r"^([ \t>]*>[ \t]*)\[!(\w+)\][+-]?[ \t]*")
_WIKI_LINK = re.compile(r"(`[^`\n]*`)|!?\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]+)\]\]")
"""Notes of Pandoc and GitHub, boxes of GitHub and Obsidian, links of wikis; code stays."""
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
    """Return the fields of front matter, names in lower case, and the text behind it.

    It is YAML, or TOML as Hugo has it.
    """
    fields: dict[str, str] = {}
    table: dict[str, Any] = {}
    if found := _FRONT.match(text):
        for line in found[1].splitlines():
            if field := _FRONT_FIELD.fullmatch(line.rstrip()):
                fields[field[1].lower()] = field[2].strip().strip("\"'")
    elif found := _TOML_FRONT.match(text):
        with suppress(tomllib.TOMLDecodeError):
            table = tomllib.loads(found[1])
        for name, value in table.items():
            if not isinstance(value, dict):
                is_list = isinstance(value, list)
                fields[name.lower()] = ", ".join(map(str, value)) if is_list else str(value)
    return (fields, text[found.end() :]) if found and (fields or table) else ({}, text)


def normalize_markdown(text: str) -> str:
    """Return Markdown with Setext headings as "#", without embedded pictures and tags of HTML."""
    lines: list[str] = []
    fence = ""
    notes = frozenset(_NOTE_NAME.findall(text))
    for line in _EMBEDDED.sub(r"\1", text).split("\n"):
        if mark := _FENCE.match(line):
            closes = fence and mark[1].startswith(fence)
            fence = "" if closes else fence or mark[1]
        elif not fence:
            bare = _TAG.sub(r"\1", line) if "<" in line else line
            bare = _without_notation(bare, notes) if "[" in bare else bare
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


def _without_notation(line: str, notes: frozenset[str]) -> str:
    """Return a line without marks of notes, with the kind of a box as a word, with bare links."""

    def unmarked(found: re.Match[str]) -> str:
        # Without a note of its name it is text: "[^0-9]" of a regular expression.
        return "" if found[2] in notes else found[0]

    line = _NOTE_MARK.sub(unmarked, _NOTE_TEXT.sub("", line, count=1) if line[0] == "[" else line)
    line = _CALLOUT.sub(lambda found: f"{found[1]}{found[2].capitalize()}: ", line)
    return _WIKI_LINK.sub(lambda found: found[1] or found[2], line)
