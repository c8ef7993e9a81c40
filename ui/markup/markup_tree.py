"""An answer's Markdown as a tree that the page builds its elements from.

Titles, notices and answers hold text that strangers wrote: page titles, and what a model made of
pages. The page makes elements of these nodes alone, by name, and puts text in as text: nothing in
an answer can load, link to a place that is no source, or run. What is no well-formed markup is
shown as it was written: "75~85 度", "2*3*4=24", "__init__", ":smile:".

A node is a string or a list `[tag, attributes or None, *children]`.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

from ui.markup.formulas import formula_node
from ui.markup.highlighting import highlight_code

Node = str | list[Any]

SENTENCE_END = "\ue0ff"
"""Stands where a checked sentence ends while text becomes a tree; followed by `SENTENCE_BASE` plus
its index. Unicode gives neither a meaning."""
SENTENCE_BASE = 0xE100
MAX_SENTENCES = 0xF8FF - SENTENCE_BASE
_PRIVATE = re.compile("[\ue0ff-\uf8ff]")

MAX_CELLS = 60
"""Bars of one line: a row of 500 costs seconds, as each row below is filled up to it."""
MAX_FORMULA_LINES = 60

_HEADINGS = {"h1": "h3", "h2": "h3", "h3": "h4", "h4": "h4", "h5": "h5", "h6": "h5"}
"""The page's own headings are above those of an answer."""
_ESCAPED = frozenset("*_~`|#[]$!<>")
"""Signs that a backslash takes their meaning from."""
_NUMBERS = re.compile(r"\[(\d{1,3}(?:\s*[,，、]\s*\d{1,3})*)\]")
_SPECIAL = re.compile(
    # Bounded: a sign that nothing closes would be looked for to the end, each time.
    r"\\\[(?P<display>.{1,500}?)\\\]|\$\$(?P<dollars>.{1,500}?)\$\$"
    r"|\\\((?P<inline>.{1,500}?)\\\)",
    re.DOTALL,
)


@cache
def _parser(*, tables: bool) -> MarkdownIt:
    """Return a parser of the markup that an answer may have: no HTML, images or definitions."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["strikethrough", *(["table"] if tables else [])])
    # Setext headings eat a line of "=", four blanks are no code, `[1]: …` is a list of sources.
    parser.disable(["lheading", "code", "reference", "html_block", "html_inline", "autolink"])
    parser.disable(["entity", "image"])
    parser.inline.ruler.at("emphasis", _scan_emphasis)
    parser.inline.ruler.at("strikethrough", _scan_strikethrough)
    parser.inline.ruler.at("escape", _scan_escape)
    parser.inline.ruler.before("escape", "formula", _scan_formula)
    parser.block.ruler.before("fence", "formula_block", _scan_formula_block, {"alt": ["paragraph"]})
    return parser


def _parser_for(text: str) -> MarkdownIt:
    """Return the parser; without tables where rows would have more cells than anybody reads."""
    widest = max((line.count("|") for line in text.splitlines()), default=0)
    return _parser(tables=widest <= MAX_CELLS)


def _is_word(character: str) -> bool:
    """Whether a mark beside it is no markup: between letters and digits of ASCII it is a sign."""
    return character.isascii() and character.isalnum()


def _push_marks(state: StateInline, marker: str, length: int, *, count: int) -> None:
    """Take `length` marks as delimiters of `count` each, as `emphasis` of markdown-it does."""
    start, end = state.pos, state.pos + length
    before = state.src[start - 1] if start else " "
    after = state.src[end] if end < state.posMax else " "
    # CommonMark asks for a blank or a punctuation beside them, which Chinese has not: **“重点”**是.
    # It takes 2*3*4 for markup, too, which is none.
    can_open = not after.isspace() and not _is_word(before)
    can_close = not before.isspace() and not _is_word(after)
    for _ in range(length // count):
        token = state.push("text", "", 0)
        token.content = marker * count
        state.delimiters.append(
            Delimiter(
                marker=ord(marker),
                length=length,
                token=len(state.tokens) - 1,
                end=-1,
                open=can_open,
                close=can_close,
            )
        )
    state.pos = end


def _run_length(state: StateInline) -> int:
    marker, end = state.src[state.pos], state.pos
    while end < state.posMax and state.src[end] == marker:
        end += 1
    return end - state.pos


def _scan_emphasis(state: StateInline, silent: bool) -> bool:
    if silent or state.src[state.pos] != "*":
        return False
    _push_marks(state, "*", _run_length(state), count=1)
    return True


def _scan_strikethrough(state: StateInline, silent: bool) -> bool:
    # One tilde is a range in Chinese, and three are nothing.
    if silent or state.src[state.pos] != "~" or (length := _run_length(state)) != 2:
        return False
    _push_marks(state, "~", length, count=2)
    return True


def _scan_escape(state: StateInline, silent: bool) -> bool:
    # CommonMark drops it before any sign; "\\(" and a path of Windows are to be seen as written.
    if state.src[state.pos] != "\\" or state.src[state.pos + 1 : state.pos + 2] not in _ESCAPED:
        return False
    if not silent:
        state.pending += state.src[state.pos + 1]
    state.pos += 2
    return True


def _scan_formula(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "\\$":
        return False
    found = _SPECIAL.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content = next(text for text in found.groups() if text is not None)
        token.meta = {"display": found["inline"] is None, "source": found[0]}
    state.pos = found.end()
    return True


def _scan_formula_block(state: Any, first: int, last: int, silent: bool) -> bool:
    r"""Take `$$ … $$` and `\[ … \]` over several lines for one formula."""
    begin = state.bMarks[first] + state.tShift[first]
    line = state.src[begin : state.eMarks[first]].strip()
    closing = {"$$": "$$", "\\[": "\\]"}.get(line)
    if closing is None:
        return False
    for number in range(first + 1, min(last, first + MAX_FORMULA_LINES)):
        inside = state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]
        if inside.strip() == closing:
            if not silent:
                token = state.push("formula", "", 0)
                token.content = state.getLines(first + 1, number, 0, False)
                token.meta = {
                    "display": True,
                    "source": state.getLines(first, number + 1, 0, False),
                }
                token.map = [first, number + 1]
                state.line = number + 1
            return True
    return False


def markup_tree(text: str, sources: Mapping[int, str] | None = None) -> list[Node]:
    """Return the nodes of an answer, or of a piece of it that begins at a block's start.

    Args:
        text: Markdown, with `SENTENCE_END` behind sentences that were checked.
        sources: URL of each number; `[n]` of another one is text.
    """
    return _TreeBuilder(sources or {}).build(_parser_for(text).parse(text))


def split_blocks(text: str) -> list[str]:
    """Return `text` cut before each block at its top level; joined again they are `text`.

    Text that is added at the end changes the last two alone: "#" behind a line is a heading, and
    "#5" goes on with it.
    """
    lines = text.splitlines(keepends=True)
    starts = sorted(
        {
            token.map[0]
            for token in _parser_for(text).parse(text)
            if token.level == 0 and token.map and token.nesting >= 0
        }
    )
    bounds = [0, *[start for start in starts if start], len(lines)]
    return ["".join(lines[a:b]) for a, b in itertools.pairwise(bounds)]


def strip_private(text: str) -> str:
    """Return text of a page or a model without characters that mean something to us."""
    return _PRIVATE.sub("\ufffd", text)


class _TreeBuilder:
    """Makes nodes of markdown-it's flat list of tokens."""

    def __init__(self, sources: Mapping[int, str]) -> None:
        self._sources = sources
        self._numbers = {url: number for number, url in sources.items()}

    def build(self, tokens: Sequence[Token]) -> list[Node]:
        """Return the nodes of tokens that open and close each other."""
        stack: list[list[Any]] = [["", None]]
        for token in tokens:
            if token.nesting == 1:
                stack.append(self._opening(token))
            elif token.nesting == -1:
                node = stack.pop()
                if node[0] == "unlinked":
                    target = node[1]["target"]
                    node = ["", None, *node[2:], *([] if node[2:] == [target] else [f" {target}"])]
                # Paragraphs of a tight list are none.
                stack[-1] += node[2:] if node[0] == "" else [node]
            else:
                stack[-1] += self._leaf(token)
        while len(stack) > 1:
            node = stack.pop()
            stack[-1].append(node)
        return stack[0][2:]

    def _opening(self, token: Token) -> list[Any]:
        tag = "" if token.hidden else _HEADINGS.get(token.tag, token.tag)
        attributes: dict[str, Any] = {}
        match token.type:
            case "ordered_list_open" if token.attrGet("start") not in (None, 1):
                attributes["start"] = token.attrGet("start")
            case "link_open":
                return self._link(str(token.attrGet("href") or ""))
            case "th_open" | "td_open" if style := str(token.attrGet("style") or ""):
                attributes["align"] = style.removeprefix("text-align:")
            case _:
                pass
        return [tag, attributes or None]

    def _link(self, target: str) -> list[Any]:
        """Return what becomes of a link: it stays one only if it leads to a source."""
        number = self._numbers.get(target)
        if number is None:  # as text, and where it wanted to lead as well
            return ["unlinked", {"target": target}]
        return ["link", {"n": number}]

    def _leaf(self, token: Token) -> list[Node]:
        match token.type:
            case "inline":
                return group_sentences(self.build(token.children or []))
            case "text":
                return list(self._text(token.content))
            case "code_inline":
                return [["code", None, token.content]]
            case "fence" | "code_block":
                language = re.sub(r"[^\w+#-].*", "", token.info.strip())
                code = ["pre", {"language": language}]
                return [[*code, *highlight_code(token.content, language)]]
            case "softbreak" | "hardbreak":
                return [["br", None]]
            case "hr":
                return [["hr", None]]
            case "formula":
                return [formula_node(token.content, **token.meta)]
            case _:
                return [token.content] if token.content else []

    def _text(self, text: str) -> Iterator[Node]:
        end = 0
        for found in re.finditer(rf"{_NUMBERS.pattern}|{SENTENCE_END}(.)", text):
            if found.start() > end:
                yield text[end : found.start()]
            end = found.end()
            if found[2]:
                yield ["end", {"s": ord(found[2]) - SENTENCE_BASE}]
                continue
            for number in re.findall(r"\d+", found[1]):
                known = int(number) in self._sources
                yield ["cite", {"n": int(number)}] if known else f"[{number}]"
        if end < len(text):
            yield text[end:]


def group_sentences(nodes: list[Node]) -> list[Node]:
    """Put the nodes of each sentence into one node, `["sentence", {"s": i}, …]`.

    An end that is within emphasis stays where it is, and marks no more than its place.
    """
    grouped: list[Node] = []
    open_ones: list[Node] = []
    for node in nodes:
        if isinstance(node, list) and node[0] == "end":
            first = open_ones[0] if open_ones else ""
            if isinstance(first, str) and (sentence := first.lstrip()) != first:
                # The blank between two sentences belongs to none: it would be underlined.
                grouped.append(first[: len(first) - len(sentence)])
                open_ones[0] = sentence
            grouped.append(["sentence", node[1], *open_ones])
            open_ones = []
        else:
            open_ones.append(node)
    return grouped + open_ones
