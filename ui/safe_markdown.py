"""Untrusted text as Markdown that can do no harm.

Titles, notices and answers hold text that strangers wrote: page titles, and what a model made of
pages. Streamlit shows Markdown without HTML, but Markdown alone can load an image from anywhere
(and so let its server know that somebody is reading), point a link anywhere, and turn "$5 to $10"
into a formula. So nothing of that kind is let through: an answer keeps its paragraphs, lists,
tables, emphasis and code, links lead to cited sources only, and all else is shown as it was typed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ingest.web.urls import host_of

TITLE_CHARACTERS = 90
"""Longer titles are cut: they are lists of keywords."""

# Streamlit's parser links bare addresses, even escaped ones (mdast-util-gfm-autolink-literal looks
# at finished text), but never in code: that is why addresses are set as code.
_ADDRESS = (
    r"(?:https?://|www\.)[!-_a-{}~]*"  # ASCII without backtick and bar; 。 and ） end an address
    r"|[-.\w+]+@[-\w]+(?:\.[-\w]+)+"
)
_LITERAL = re.compile(rf"(?P<address>{_ADDRESS})|(?P<mark>[!-/:-@\[-`{{-~])", re.IGNORECASE)
# One pass over a line; where it comes to a construct that loads, links or styles, the group says
# which. The last takes single characters: HTML, link definitions, formulas, Streamlit's :red[…] and
# :material/icon:, and fences in the middle of a line.
_PROSE = re.compile(
    r"(?<!`)`(?P<code>[^`|\n]+)`(?!`)"
    r"|!\[(?P<alt>[^\[\]\n]*)\](?:\([^()\n]*\)|\[[^\[\]\n]*\])"
    r"|\[(?P<label>[^\[\]\n]*)\]\(\s*<?(?P<target>[^\s()<>]*)>?[^()\n]*\)"
    r"|\[(?P<numbers>\d{1,3}(?:\s*[,，、]\s*\d{1,3})*)\]"
    rf"|(?P<address>{_ADDRESS})"
    r"|(?P<mark>[\\`<\[\]$&!]|~{3,}|:(?=[A-Za-z:]))",
    re.IGNORECASE,
)
_FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<info>[^`\n]*)")
_PUNCTUATION = ".,;:!?'\")]}"
# Would end a link's target in Markdown, or its line.
_UNSAFE_IN_URL = {c: f"%{ord(c):02X}" for c in ' "<>\\^`{|}\t\r\n'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A page that an answer may link to."""

    url: str
    title: str


def escape_markdown(text: str) -> str:
    """Return Markdown that shows `text` as it is, on one line."""
    line = " ".join(text.split())
    return _join_spans(_escape_pieces(line))


def display_host(url: str) -> str:
    """Return the host of `url` as people name it, without "www."; `url` itself if it has none."""
    return host_of(url).removeprefix("www.") or url


def shorten_title(title: str) -> str:
    """Return `title` on one line of at most `TITLE_CHARACTERS`."""
    line = " ".join(title.split())
    return line if len(line) <= TITLE_CHARACTERS else f"{line[: TITLE_CHARACTERS - 1]}…"


def render_link(label: str, source: Source) -> str:
    """Return a Markdown link whose label is shown as it is; only http(s) is linked."""
    # The index also holds local files; and javascript: in a link would run in our page.
    if not source.url.startswith(("https://", "http://")):
        return escape_markdown(label)
    target = "".join(_UNSAFE_IN_URL.get(c, c) for c in source.url)
    hint = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", shorten_title(source.title))
    return f'[{escape_markdown(label)}](<{target}> "{hint}")'


def render_answer(text: str, sources: Mapping[int, Source]) -> str:
    """Return the Markdown of an answer: `[n]` linked to source n, nothing else loaded or linked."""
    lines: list[str] = []
    fenced: list[str] | None = None
    marks = ""
    for line in text.splitlines():
        fence = _FENCE.fullmatch(line)
        if fenced is None and fence is None:
            lines.append(_join_spans(_render_pieces(line, sources)))
        elif fenced is None and fence is not None:
            fenced, marks = [], fence["marks"]
        elif fence and fence["marks"].startswith(marks) and not fence["info"].strip():
            lines += _fence_code(fenced or [])
            fenced = None
        else:
            fenced = [*(fenced or []), line]
    # A fence that is still open, as in an answer that is being written, is closed for now.
    return "\n".join(lines if fenced is None else [*lines, *_fence_code(fenced)])


def _fence_code(lines: list[str]) -> list[str]:
    """Return a block of code in a fence at the margin."""
    # Longer than any inside: no parser can take a line of the code for its end.
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *lines, fence]


def _escape_pieces(line: str) -> Iterator[str]:
    end = 0
    for match in _LITERAL.finditer(line):
        yield line[end : match.start()]
        yield from _render_address(match[0]) if match["address"] else (f"\\{match[0]}",)
        end = match.end()
    yield line[end:]


def _render_pieces(line: str, sources: Mapping[int, Source]) -> Iterator[str]:
    by_url = {source.url: source for source in sources.values()}
    end = 0
    for match in _PROSE.finditer(line):
        yield line[end : match.start()]
        end = match.end()
        if match["code"] is not None:
            yield f"`{match['code']}`"
        elif match["alt"] is not None:
            yield escape_markdown(match["alt"])
        elif match["label"] is not None:
            # A link that the model wrote: it stays one only if it leads to a source.
            label, target = match["label"], match["target"]
            if target in by_url:
                yield render_link(label or target, by_url[target])
                continue
            if label and label != target:
                yield f"{escape_markdown(label)} "
            yield from _escape_pieces(target)
        elif match["numbers"]:
            for number in re.findall(r"\d+", match["numbers"]):
                source = sources.get(int(number))
                label = f"[{number}]"
                yield render_link(label, source) if source else escape_markdown(label)
        elif match["address"]:
            yield from _render_address(match["address"], by_url)
        else:
            yield "".join(f"\\{mark}" for mark in match["mark"])
    yield line[end:]


def _render_address(text: str, by_url: Mapping[str, Source] | None = None) -> Iterator[str]:
    """Yield an address as code, which is never linked, or as a link if it is a source's."""
    address = text.rstrip(_PUNCTUATION)  # the full stop behind an address ends the sentence
    if by_url and address in by_url:
        yield render_link(display_host(address), by_url[address])
    elif address:
        yield f"`{address}`"
    yield "".join(f"\\{c}" for c in text[len(address) :])


def _join_spans(pieces: Iterator[str]) -> str:
    """Join the pieces; two code spans that touch would be read as one."""
    line = ""
    for piece in pieces:
        line += f" {piece}" if piece.startswith("`") and line.endswith("`") else piece
    return line
