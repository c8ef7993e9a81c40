"""Untrusted words made into Markdown that can do no harm.

Titles, notices and answers hold text that strangers wrote: page titles, and what a model made of
pages. Streamlit shows Markdown without HTML, but Markdown alone can load an image from anywhere
(which tells its server that somebody is reading), point a link anywhere, and turn "$5 to $10" into
a formula. So nothing of that kind is let through: an answer keeps its paragraphs, lists, tables,
emphasis and code, links lead to cited sources only, and everything else is shown as it was typed.

Streamlit's parser also links bare addresses, even escaped ones (mdast-util-gfm-autolink-literal
looks at finished text), but never in code: that is why addresses are set as code.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ingest.web.urls import host_of

TITLE_CHARACTERS = 90
"""Longer titles are cut: they are lists of keywords."""

_ADDRESS = (
    r"(?:https?://|www\.)[!-_a-{}~]*"  # ASCII without backtick and bar; 。 and ） end an address
    r"|[-.\w+]+@[-\w]+(?:\.[-\w]+)+"
)
_LITERAL = re.compile(rf"(?P<address>{_ADDRESS})|(?P<mark>[!-/:-@\[-`{{-~])", re.IGNORECASE)
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
_UNSAFE_IN_URL = {c: f"%{ord(c):02X}" for c in ' "<>\\^`{|}\t\r\n'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A page that an answer may link to."""

    url: str
    title: str


def literal(text: str) -> str:
    """Return Markdown that shows `text` as it is, in one line."""
    line = " ".join(text.split())
    return _joined(_literal_pieces(line))


def site_of(url: str) -> str:
    """Return the host of `url` as people name it, without "www."; `url` itself if it has none."""
    return host_of(url).removeprefix("www.") or url


def shortened(title: str) -> str:
    """Return `title` in one line of at most `TITLE_CHARACTERS`."""
    line = " ".join(title.split())
    return line if len(line) <= TITLE_CHARACTERS else f"{line[: TITLE_CHARACTERS - 1]}…"


def link(label: str, source: Source) -> str:
    """Return a Markdown link whose label is shown as it is; only http(s) is linked."""
    if not source.url.startswith(("https://", "http://")):
        return literal(label)
    target = "".join(_UNSAFE_IN_URL.get(c, c) for c in source.url)
    hint = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", shortened(source.title))
    return f'[{literal(label)}](<{target}> "{hint}")'


def answer(text: str, sources: Mapping[int, Source]) -> str:
    """Return the Markdown of an answer: `[n]` linked to source n, nothing else loaded or linked."""
    lines: list[str] = []
    fenced: list[str] | None = None
    marks = ""
    for line in text.splitlines():
        fence = _FENCE.fullmatch(line)
        if fenced is None and fence is None:
            lines.append(_joined(_prose_pieces(line, sources)))
        elif fenced is None and fence is not None:
            fenced, marks = [], fence["marks"]
        elif fence and fence["marks"].startswith(marks) and not fence["info"].strip():
            lines += _code_block(fenced or [])
            fenced = None
        else:
            fenced = [*(fenced or []), line]
    return "\n".join(lines if fenced is None else [*lines, *_code_block(fenced)])


def _code_block(lines: list[str]) -> list[str]:
    """Return a block in a fence at the margin, longer than any inside: no parser can misread it."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *lines, fence]


def _literal_pieces(line: str) -> Iterator[str]:
    end = 0
    for match in _LITERAL.finditer(line):
        yield line[end : match.start()]
        yield from _address(match[0]) if match["address"] else (f"\\{match[0]}",)
        end = match.end()
    yield line[end:]


def _prose_pieces(line: str, sources: Mapping[int, Source]) -> Iterator[str]:
    by_url = {source.url: source for source in sources.values()}
    end = 0
    for match in _PROSE.finditer(line):
        yield line[end : match.start()]
        end = match.end()
        if match["code"] is not None:
            yield f"`{match['code']}`"
        elif match["alt"] is not None:
            yield literal(match["alt"])
        elif match["label"] is not None:
            yield from _foreign_link(match["label"], match["target"], by_url)
        elif match["numbers"]:
            yield from _citations(match["numbers"], sources)
        elif match["address"]:
            yield from _address(match["address"], by_url)
        else:
            yield "".join(f"\\{mark}" for mark in match["mark"])
    yield line[end:]


def _citations(numbers: str, sources: Mapping[int, Source]) -> Iterator[str]:
    for number in re.findall(r"\d+", numbers):
        source = sources.get(int(number))
        yield link(f"[{number}]", source) if source else literal(f"[{number}]")


def _foreign_link(label: str, target: str, by_url: Mapping[str, Source]) -> Iterator[str]:
    """Keep a link that the model wrote if it leads to a source; else show where it would lead."""
    if target in by_url:
        yield link(label or target, by_url[target])
        return
    if label and label != target:
        yield literal(label)
        yield " "
    yield from _literal_pieces(target)


def _address(text: str, by_url: Mapping[str, Source] | None = None) -> Iterator[str]:
    """Set an address as code, which is never linked, or link it if it is a source's."""
    address = text.rstrip(_PUNCTUATION)
    if by_url and address in by_url:
        yield link(site_of(address), by_url[address])
    elif address:
        yield f"`{address}`"
    yield "".join(f"\\{c}" for c in text[len(address) :])


def _joined(pieces: Iterator[str]) -> str:
    """Join the pieces; two code spans that touch would be read as one."""
    line = ""
    for piece in pieces:
        line += f" {piece}" if piece.startswith("`") and line.endswith("`") else piece
    return line
