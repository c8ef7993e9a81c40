"""Text of strangers in Streamlit's own elements, which take Markdown: shown as it was typed."""

import re
from collections.abc import Iterator

# Streamlit's parser links bare addresses, even escaped ones (mdast-util-gfm-autolink-literal looks
# at finished text), but never in code: that is why addresses are set as code.
_ADDRESS = (
    r"(?:https?://|www\.)[!-_a-{}~]*"  # ASCII without backtick and bar; 。 and ） end an address
    r"|[-.\w+]+@[-\w]+(?:\.[-\w]+)+"
)
_LITERAL = re.compile(rf"(?P<address>{_ADDRESS})|(?P<mark>[!-/:-@\[-`{{-~])", re.IGNORECASE)
_PUNCTUATION = ".,;:!?'\")]}"


def escape_markdown(text: str) -> str:
    """Return Markdown that shows `text` as it is, on one line."""
    line = " ".join(text.split())
    return _join_spans(_escape_pieces(line))


def _escape_pieces(line: str) -> Iterator[str]:
    end = 0
    for match in _LITERAL.finditer(line):
        yield line[end : match.start()]
        yield from _render_address(match[0]) if match["address"] else (f"\\{match[0]}",)
        end = match.end()
    yield line[end:]


def _render_address(text: str) -> Iterator[str]:
    """Yield an address as code, which is never linked."""
    address = text.rstrip(_PUNCTUATION)  # the full stop behind an address ends the sentence
    if address:
        yield f"`{address}`"
    yield "".join(f"\\{c}" for c in text[len(address) :])


def _join_spans(pieces: Iterator[str]) -> str:
    """Join the pieces; two code spans that touch would be read as one."""
    line = ""
    for piece in pieces:
        line += f" {piece}" if piece.startswith("`") and line.endswith("`") else piece
    return line
