"""Markdown as a reader sees it, and lines with their places."""

import re
from dataclasses import dataclass

from ingest.text.cjk import CJK

_CODE_SPAN = re.compile(r"(?P<ticks>`+)(?P<code>[^`\n]+)(?P=ticks)")
_MARKUP = re.compile(
    r"!\[[^\]\n]{0,200}\]\([^)\n]{0,500}\)"  # images
    r"|(?<!\\)(?:\*\*|(?<!\w)__(?=\w)|(?<=\w)__(?!\w))"  # strong
    r"|(?m:^\s*(?:>\s?)+)"
    r"|¶$"
)
_LINK = re.compile(r"\[([^\]\n]{0,300})\]\([^)\n]{0,500}\)")
_BETWEEN_IDEOGRAPHS = re.compile(rf"(?<=[{CJK}，。；：、）」]) ?\n\s*(?=[{CJK}，。；：、（「])")


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a text without its end, and where it is."""

    start: int
    text: str

    @property
    def end(self) -> int:
        """Behind its last character that is no white space."""
        return self.start + len(self.text.rstrip())

    @property
    def indent(self) -> int:
        """White space before its first character, a tab for eight."""
        expanded = self.text.expandtabs()
        return len(expanded) - len(expanded.lstrip())


def split_lines(text: str) -> list[TextLine]:
    r"""Return the lines of a text, parted at "\n" alone."""
    lines = []
    at = 0
    for line in text.split("\n"):
        lines.append(TextLine(at, line))
        at += len(line) + 1
    return lines


def plain_text(text: str) -> str:
    """Return Markdown without links, emphasis and marks of code, on one line."""
    text = _BETWEEN_IDEOGRAPHS.sub("", text)  # plain text that was wrapped
    parts = []
    at = 0
    for span in _CODE_SPAN.finditer(text):
        parts += [_without_markup(text[at : span.start()]), span["code"]]
        at = span.end()
    parts.append(_without_markup(text[at:]))
    return " ".join("".join(parts).split()).removesuffix("¶")


def _without_markup(text: str) -> str:
    return _LINK.sub(r"\1", _MARKUP.sub("", text))
