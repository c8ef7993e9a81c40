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
