"""Whatever strangers write, the page loads nothing, and links to nothing but sources."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ui.safe_markdown import (
    TITLE_CHARACTERS,
    Source,
    escape_markdown,
    render_answer,
    render_link,
    shorten_title,
)

CITED = Source(url="https://a.test/x", title="About A")
OTHER = Source(url="https://b.test/%E6%97%A0?q=1&r=2", title='He said "hi" `x` | <b> \\')
SOURCES = {1: CITED, 2: OTHER}

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


def hrefs(markdown: str) -> set[str]:
    return {str(token.attrs["href"]) for token in tokens(markdown) if token.type == "link_open"}


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
def test_an_answer_loads_nothing_and_links_to_sources_only(text: str) -> None:
    markdown = render_answer(text, SOURCES)
    kinds = {token.type for token in tokens(markdown)}
    assert not kinds & {"image", "html_inline", "html_block"}
    assert hrefs(markdown) <= {CITED.url, OTHER.url}
    assert bare_addresses(markdown) == []


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


@given(MESS, st.text(max_size=20))
def test_a_link_leads_where_it_should_whatever_its_label(label: str, title: str) -> None:
    assert hrefs(render_link(f"x{label}", Source(url=CITED.url, title=title))) == {CITED.url}


@given(st.lists(st.text(max_size=12), max_size=6))
def test_text_in_a_fence_stays_code(lines: list[str]) -> None:
    inside = "\n".join(line for line in lines if "`" not in line and "~" not in line)
    markdown = render_answer(f"```\n{inside}\n```\nafter [1]", SOURCES)
    assert next(token.type for token in PARSER.parse(markdown)) == "fence"
    assert hrefs(markdown) == {CITED.url}


def test_citations_lead_to_the_page_and_name_it() -> None:
    assert render_answer("Lights on [1].", SOURCES) == (
        'Lights on [\\[1\\]](<https://a.test/x> "About A").'
    )


@pytest.mark.parametrize("text", ["[1, 2]", "[1，2]", "[1][2]", "[1、2]"])
def test_several_citations_are_several_links(text: str) -> None:
    assert hrefs(render_answer(text, SOURCES)) == {CITED.url, OTHER.url}


def test_a_number_without_a_source_stays_text() -> None:
    markdown = render_answer("so [7]", SOURCES)
    assert hrefs(markdown) == set()
    assert shown(markdown) == "so [7]"


def test_an_image_becomes_its_description() -> None:
    markdown = render_answer("See ![a chart](https://evil.test/pixel.gif?u=1).", SOURCES)
    assert shown(markdown) == "See a chart."


@pytest.mark.parametrize("text", ["![1]", "!https://a.test/x", "![see](https://a.test/x)"])
def test_an_exclamation_mark_makes_no_image_of_a_source(text: str) -> None:
    assert "image" not in {token.type for token in tokens(render_answer(text, SOURCES))}


def test_a_link_to_a_page_that_is_no_source_shows_where_it_leads() -> None:
    markdown = render_answer("Read [this page](https://evil.test/login).", SOURCES)
    assert hrefs(markdown) == set()
    assert shown(markdown) == "Read this page https://evil.test/login."


def test_a_link_to_a_source_stays_a_link() -> None:
    assert hrefs(render_answer("Read [this](https://a.test/x) or https://a.test/x.", SOURCES)) == {
        CITED.url
    }


def test_money_is_no_formula() -> None:
    assert "\\$5 to \\$10" in render_answer("It costs $5 to $10.", SOURCES)


def test_lists_tables_emphasis_and_code_are_kept() -> None:
    text = "## Rules\n\n1. **Light** [1]\n2. `arr[0]`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    kinds = {token.type for token in tokens(render_answer(text, SOURCES))}
    kept = {"heading_open", "ordered_list_open", "strong_open", "code_inline", "table_open"}
    assert kept <= kinds


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"])
def test_only_web_pages_are_linked(url: str) -> None:
    assert hrefs(render_link("here", Source(url=url, title=""))) == set()


def test_a_long_title_is_cut() -> None:
    title = shorten_title("无人机 " * 100)
    assert len(title) == TITLE_CHARACTERS
    assert title.endswith("…")
