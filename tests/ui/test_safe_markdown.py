"""Text of strangers in Streamlit's elements is shown as it is, and loads and links nothing."""

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ui.markup.safe_markdown import escape_markdown

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
AUTOLINK = re.compile(
    r"https?://[-.\w]|www\.[-.\w]|[-.\w+]+@[-\w]+(?:\.[-\w]+)+", re.IGNORECASE | re.ASCII
)
"""What mdast-util-gfm-autolink-literal links in finished text."""

CORNERS = [
    "[1]",
    "!",
    "https://a.test/x",
    "[9]",
    "[1, 2]",
    "![x](http://evil.test/i.png)",
    "[x](http://evil.test)",
    "[x][y]",
    "[y]: http://evil.test",
    "<http://evil.test>",
    "https://evil.test/a",
    "www.evil.test",
    "me@evil.test",
    "<img src=x>",
    "&#58;//",
    "https&#58;//evil.test",
    "`",
    "``",
    "```",
    "~~~",
    "`a`",
    "``a``",
    "|",
    "| a | b |\n|---|---|\n",
    "\n",
    "\n\n",
    "    ",
    "> ",
    "- ",
    "1. ",
    "$x$",
    "\\",
    ":red[x]",
    ":::note",
    "[^1]",
    "[^1]: note",
    "**b**",
    "词",
    " ",
]
MESS = st.lists(st.sampled_from(CORNERS) | st.text(max_size=3), max_size=14).map("".join)


def tokens(markdown: str) -> list[Token]:
    flat = []
    for token in PARSER.parse(markdown):
        flat += [token, *(token.children or [])]
    return flat


def shown(markdown: str) -> str:
    """Return the text that a reader sees of one paragraph."""
    return "".join(t.content for t in tokens(markdown) if t.type in {"text", "code_inline"})


def bare_addresses(markdown: str) -> list[str]:
    """Return the addresses that a browser would link although nobody asked for it."""
    found, inside_link, text = [], False, ""
    for token in [*tokens(markdown), Token("end", "", 0)]:
        if token.type == "text" and not inside_link:
            text += token.content
            continue
        found += AUTOLINK.findall(text)
        text = ""
        inside_link = (inside_link or token.type == "link_open") and token.type != "link_close"
    return found


@given(MESS)
def test_a_literal_is_one_paragraph_of_plain_text(text: str) -> None:
    markdown = escape_markdown(text)
    kinds = {token.type for token in tokens(markdown)}
    allowed = {"paragraph_open", "paragraph_close", "inline", "text", "code_inline"}
    assert kinds <= allowed | {"text_special"}
    assert bare_addresses(markdown) == []


@given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="@`|"), max_size=40))
def test_a_literal_shows_every_character(text: str) -> None:
    assert shown(escape_markdown(text)) == text
