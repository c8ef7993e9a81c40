"""Units of code, and code that converters cut out of a sentence."""

import re
from collections.abc import Sequence

from assistant.answer.evidence.passage_reader import (
    ABBREVIATION,
    DESCRIPTION,
    FENCE,
    HEADING,
    ROW,
    STOPS,
    PassageReader,
)
from assistant.answer.evidence.plain_text import TextLine
from assistant.answer.evidence.prose import add_definition

CODE_LINES = 12
"""Lines of code in one unit; longer code is cut at its empty lines."""

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


def join_cut_out_code(text: str) -> str:
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
        # The line break that the code ended in gives its place to the mark behind it.
        return f"{gap}{' ' * (len(found['fence']) - 1)}`{code}`{' ' * len(found['close'])}"

    return _CUT_OUT_CODE.sub(joined, text)


def read_code_end(reader: PassageReader) -> int:
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


def read_code(reader: PassageReader, at: int) -> int:
    """Read code between fences, or the term that it is, and return the line behind it."""
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
    pieces = split_code_lines(body)
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


def split_code_lines(body: Sequence[TextLine]) -> list[list[TextLine]]:
    """Return code in pieces of at most `CODE_LINES`, cut at empty lines where there are any."""
    pieces: list[list[TextLine]] = [[]]
    for line in body:
        full = len(pieces[-1]) >= CODE_LINES
        if full or (not line.text.strip() and len(pieces[-1]) > CODE_LINES // 2):
            pieces.append([])
        pieces[-1].append(line)
    return [piece for piece in pieces if any(line.text.strip() for line in piece)]
