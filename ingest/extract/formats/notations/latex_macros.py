r"""The macros that a LaTeX file defines for itself, in place where it uses them.

`\newcommand`, `\def` and their like, with as many arguments in braces as they say, and a first
one in brackets that may be left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_PASSES = 6
"""Macros within macros; what two make of each other stays as it is written after so many."""
MAX_GROWTH = 200_000
"""Characters that all macros together may add, beside as many as the text has: a bomb of a few
lines would make gigabytes."""

_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_DEFINITION = re.compile(
    r"\\(?:(?:new|renew|provide)command|DeclareRobustCommand)\*?\s{0,20}"
    r"(?:\{\s{0,20}\\([A-Za-z]+)\s{0,20}\}|\\([A-Za-z]+))\s{0,20}(?:\[([0-9])\])?"
    r"(\[[^\]\n]{0,1000}\])?\s{0,20}(?=\{)"
    r"|(?:\\(?:long|global)\s{0,20})?\\[gex]?def\s{0,20}\\([A-Za-z]+)((?:#[1-9])*)\s{0,20}(?=\{)"
)
_CALL = re.compile(r"\\\\|\\([A-Za-z]+)(?:\{\})?")
"""A call of a macro, or the end of a line, behind which a word is none."""
_OPTION = re.compile(r"\[((?:[^\[\]{}\n]|\{[^{}\n]{0,1000}+\}){0,1000}+)\]")
_PARAMETER = re.compile("#([1-9])")
_SET_BY_READER = frozenset(
    {
        *("begin", "end", "item", "title", "author", "date", "section", "subsection", "chapter"),
        *("part", "paragraph", "footnote", "thanks", "caption", "label", "ref", "cite", "bibitem"),
        *("href", "url", "and"),
    }
)
"""Commands of which the reader knows what they mean better than a redefinition says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """What a macro stands for."""

    body: str
    """With `#1` where the first argument goes."""
    arguments: int
    default: str | None = None
    """The first argument where a call has none in brackets; `None` where that goes in braces."""


def expand_macros(text: str) -> str:
    """Return a text with its own macros expanded, and without their definitions."""
    text, macros = split_definitions(text)
    left = len(text) + MAX_GROWTH
    for _ in range(MAX_PASSES if macros else 0):
        pieces, at = [], 0
        ends = match_braces(text)
        position = 0
        while found := _CALL.search(text, position):
            position = found.end()
            macro = macros.get(found[1])
            if macro is None:
                continue
            options, spans, end = find_arguments(text, found, macro, ends)
            longest = max([*map(len, options), *(stop - start for start, stop in spans)], default=0)
            size = len(macro.body) + macro.body.count("#") * longest
            if len(options) + len(spans) < macro.arguments or size > left:
                continue
            arguments = [*options, *(text[slice(*span)] for span in spans)]
            shown = fill_parameters(macro.body, arguments)
            left -= max(0, len(shown) - (end - found.start()))
            pieces += [text[at : found.start()], shown]
            at = position = end
        if not pieces:
            break
        text = "".join([*pieces, text[at:]])
    return text


def find_arguments(
    text: str, call: re.Match[str], macro: Macro, ends: Mapping[int, int]
) -> tuple[list[str], list[tuple[int, int]], int]:
    """Return the argument of a call that may be left out, where the others are, and its end.

    Args:
        text: What the call is in.
        call: The name, and a pair of empty braces behind it.
        macro: What is called.
        ends: Where each opening brace is closed.
    """
    options, end = [], call.end(1)
    if macro.default is not None:
        written = _OPTION.match(text, end)
        options = [written[1] if written else macro.default]
        end = written.end() if written else end
    in_braces = macro.arguments - len(options)
    if not in_braces and end == call.end(1):
        # Braces behind a macro that takes no arguments in braces only end its name.
        end = call.end()
    spans: list[tuple[int, int]] = []
    while len(spans) < in_braces and end in ends:
        spans.append((end + 1, ends[end]))
        end = ends[end] + 1
    return options, spans, end


def fill_parameters(body: str, arguments: list[str]) -> str:
    """Return the body of a macro with its arguments where they go."""
    by_number = {str(number): written for number, written in enumerate(arguments, start=1)}
    return _PARAMETER.sub(lambda m: by_number.get(m[1], m[0]), body)


def split_definitions(text: str) -> tuple[str, dict[str, Macro]]:
    """Return a text without the definitions of macros, and what they define by name."""
    ends = match_braces(text)
    macros: dict[str, Macro] = {}
    pieces, at, position = [], 0, 0
    while found := _DEFINITION.search(text, position):
        position = found.end()
        if position not in ends:
            continue
        name = found[1] or found[2] or found[5]
        body = text[position + 1 : ends[position]]
        default = found[4][1:-1] if found[4] else None
        count = int(found[3] or 0) or (found[6] or "").count("#")
        # The calls of a macro that calls itself stay as they are.
        is_own = name in _CALL.findall(f"{body} {default or ''}")
        if name not in _SET_BY_READER and not is_own and (count or default is None):
            macros[name] = Macro(body=body, arguments=count, default=default)
        pieces.append(text[at : found.start()])
        at = position = ends[position] + 1
    return "".join([*pieces, text[at:]]), macros


def match_braces(text: str) -> dict[int, int]:
    """Return where each opening brace of a text is closed; escaped ones are no braces."""
    opened: list[int] = []
    ends: dict[int, int] = {}
    for found in _BRACE.finditer(text):
        if found[0] == "{":
            opened.append(found.start())
        elif found[0] == "}" and opened:
            ends[opened.pop()] = found.start()
    return ends
