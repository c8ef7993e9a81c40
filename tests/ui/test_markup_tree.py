"""Whatever strangers write: what is shown is what they wrote, and nothing loads or leads astray."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.answered import tags, text_of
from ui.markup.markup_tree import SENTENCE_BASE, SENTENCE_END, markup_tree, split_blocks

SOURCES = {1: "https://a.test/x", 2: "https://b.test/"}
TAGS = set(
    """p strong em s ul ol li h3 h4 h5 blockquote table thead tbody tr th td pre code br hr span
    cite link sentence end""".split()  # noqa: SIM905  a list is longer
)

FIGURES = [
    "绿茶宜用 75~85 度的水，浸泡 2~3 分钟。投茶量 3~5 克",
    "2*3*4=24, 2**3**4, a*b*c",
    "__init__ and snake_case_name and _x_",
    "H~2~O, 1~~2~~3",
    ":smile: :material/home: :red[x] 10:30",
    "a -> b, a <- b, a <= b, a -- b --- c, (c) 1/2 ...",
    "$5 to $10, US$3, x$y$z",
    "<b>x</b> &amp; &lt;script&gt; <https://evil.test>",
    "[a]: https://evil.test [b][a] [^1]",
    "5 * 6 * 7 and * 8 *",
    "https://evil.test/a www.evil.test me@evil.test",
]


@pytest.mark.parametrize("text", FIGURES)
def test_what_is_no_markup_is_shown_as_it_was_written(text: str) -> None:
    assert text_of(markup_tree(text)) == text


SIGNS = st.text(st.sampled_from("~*_:$<>[]()!&|\\`-+#=.0123456789abc 水度年的，。\n"), max_size=60)
UNBROKEN = st.text(st.sampled_from("~_:$<>[]()!&0123456789abc水度年的，。"), max_size=60)


@given(UNBROKEN)
def test_random_text_without_markup_is_shown_whole(text: str) -> None:
    tree = markup_tree(text)
    # "~~x~~" between blanks or ideographs is markup, "$$" opens a formula, "[]()" is a link.
    if not {"a", "s", "h3", "blockquote", "pre", "code", "ol", "m:math"} & set(tags(tree)):
        assert text_of(tree) == text.strip("\n")


@given(SIGNS)
def test_every_letter_and_digit_is_shown_in_its_order(text: str) -> None:
    tree = markup_tree(text)
    if "m:math" in set(tags(tree)) or "ol" in set(tags(tree)) or "table" in set(tags(tree)):
        return  # numbers of a list and bars of a table are drawn, not written
    if "pre" in set(tags(tree)):
        return  # the language behind a fence is none of the text
    shown = [c for c in text_of(tree) if c.isalnum()]
    assert shown == [c for c in text if c.isalnum()]


@given(SIGNS)
def test_only_known_elements_are_made(text: str) -> None:
    assert {tag for tag in tags(markup_tree(text, SOURCES)) if not tag.startswith("m:")} <= TAGS


@pytest.mark.parametrize(
    ("text", "strong"), [("**“重点”**是", "“重点”"), ("这是**重点**内容", "重点"), ("**a** b", "a")]
)
def test_emphasis_needs_no_blanks_between_ideographs(text: str, strong: str) -> None:
    assert ["strong", None, strong] in markup_tree(text)[0][2:]


def test_lists_tables_headings_code_and_quotes_are_kept() -> None:
    text = (
        "## Rules\n\n3. **Light** [1]\n4. `arr[0]`\n\n> said\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n"
        "```python\nx = 1\n```\n"
    )
    tree = markup_tree(text, SOURCES)
    assert [node[0] for node in tree] == ["h3", "ol", "blockquote", "table", "pre"]
    assert tree[1][1] == {"start": 3}
    assert tree[4][1] == {"language": "python"}
    assert text_of([tree[4]]) == "x = 1\n"
    assert ["cite", {"n": 1}] in tree[1][2][2:]
    assert ["code", None, "arr[0]"] in tree[1][3][2:]


@pytest.mark.parametrize("text", ["[1, 2]", "[1，2]", "[1][2]", "[1、2]"])
def test_several_citations_are_several(text: str) -> None:
    assert markup_tree(text, SOURCES) == [["p", None, ["cite", {"n": 1}], ["cite", {"n": 2}]]]


def test_a_number_without_a_source_stays_text() -> None:
    assert markup_tree("so [7]", SOURCES) == [["p", None, "so ", "[7]"]]


def test_links_lead_to_sources_and_others_say_where_they_wanted_to_lead() -> None:
    tree = markup_tree("[this](https://a.test/x) [that](https://evil.test/login)", SOURCES)
    assert ["link", {"n": 1}, "this"] in tree[0][2:]
    assert text_of(tree) == "this that https://evil.test/login"


def test_an_image_is_its_description() -> None:
    tree = markup_tree("![a chart](https://evil.test/pixel.gif)")
    assert text_of(tree) == "!a chart https://evil.test/pixel.gif"
    assert set(tags(tree)) == {"p"}


@pytest.mark.parametrize(
    "text", ["\\(x^2\\)", "\\[x^2\\]", "$$x^2$$", "$$\nx^2\n$$", "\\[\nx^2\n\\]"]
)
def test_formulas_are_drawn(text: str) -> None:
    tree = markup_tree(text)
    assert "m:msup" in set(tags(tree))
    assert "'alt': 'x^2'" in str(tree)


@pytest.mark.parametrize("text", ["\\(\\frac{1\\)", "$$\\href{https://evil.test}{x}$$"])
def test_a_formula_that_cannot_be_read_harms_nobody(text: str) -> None:
    assert "href" not in {str(tag) for tag in tags(markup_tree(text))}


def test_sentences_are_nodes_of_their_own() -> None:
    ends = [f"{SENTENCE_END}{chr(SENTENCE_BASE + n)}" for n in range(2)]
    tree = markup_tree(f"Two **lights** [1].{ends[0]} None.{ends[1]} Rest", SOURCES)
    first, between, second, rest = tree[0][2:]
    assert (first[0], first[1], text_of([first])) == ("sentence", {"s": 0}, "Two lights [1].")
    # The blank between two of them belongs to none: it would be underlined with one.
    assert (between, second[1], text_of([second]), rest) == (" ", {"s": 1}, "None.", " Rest")


@given(SIGNS)
def test_blocks_joined_are_the_text(text: str) -> None:
    assert "".join(split_blocks(text)) == text


@given(SIGNS, SIGNS)
def test_text_that_is_added_changes_the_last_two_blocks_alone(text: str, more: str) -> None:
    before, after = split_blocks(text)[:-2], split_blocks(text + more)
    assert after[: len(before)] == before


def test_a_table_wider_than_anybody_reads_is_text() -> None:
    wide = "|" + "a|" * 200 + "\n|" + "-|" * 200 + "\n" + "||\n" * 50
    assert "table" not in set(tags(markup_tree(wide)))
    assert text_of(markup_tree("\\(" * 4_000)) == "\\(" * 4_000
