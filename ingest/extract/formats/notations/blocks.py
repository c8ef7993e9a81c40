"""Blocks of a notation: code goes into fences, in which nothing is changed."""

import re
from collections.abc import Callable

BLANKS = " \t"
_FENCED = re.compile(r"(?ms)^````\n.*?^````$")


def fence(code: str) -> str:
    """Return code between fences, without the indentation that all of its lines have."""
    lines = code.strip("\n").split("\n")
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "````\n" + "\n".join(line[indent:] for line in lines) + "\n````"


def replace_blocks(
    text: str, begin: re.Pattern[str], end: str, replace: Callable[[re.Match[str], str], str]
) -> str:
    """Return a text with each block of `begin` replaced, by its match and what is in the block.

    `end` ends a block; `{kind}` in it is the first group of `begin`, without which `begin` is the
    whole block. What begins and does not end stays. One pattern for both would look for the end at
    each beginning: 150 kB of beginnings would take minutes.
    """
    pieces, at, position = [], 0, 0
    unended: set[str] = set()
    while found := begin.search(text, position):
        position = found.end()
        inside = ""
        if kind := found[1]:
            pattern = re.compile(end.format(kind=re.escape(kind)))
            ended = None if kind in unended else pattern.search(text, position)
            if ended is None:
                unended.add(kind)
                continue
            inside, position = text[position : ended.start()], ended.end()
        pieces += [text[at : found.start()], replace(found, inside)]
        at = position
    return "".join([*pieces, text[at:]])


def outside_code(text: str, convert: Callable[[str], str]) -> str:
    """Return a text with `convert` applied to what is in no fence."""
    pieces, end = [], 0
    for found in _FENCED.finditer(text):
        pieces += [convert(text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*pieces, convert(text[end:])])
