"""Whatever a stranger sends gives a document or one honest reason, and in bounded time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.documents import Page
from ingest.errors import ExtractError
from ingest.extract.extractor import extract
from ingest.extract.main_text import MAX_TAGS
from tests.extraction_kit import fixture
from tests.page_samples import page

# ---------------------------------------------------------------- hostile pages


@pytest.mark.parametrize("tag", ["div", "span", "font", "ul><li", "table><tr><td", "blockquote"])
def test_text_below_ten_thousand_open_tags_is_found(tag: str) -> None:
    assert "deep down" in extract(page(f"<{tag}>" * 10_000 + "deep down")).text


def test_page_of_too_many_tags_is_read_plainly_and_whole() -> None:
    document = extract(page("<title>Many</title>" + "<p>A</p>" * MAX_TAGS))
    assert document.text.count("A") == MAX_TAGS
    assert document.title == "Many"


@pytest.mark.parametrize(
    "body",
    [
        b"<p>&#0; &#xD800; &#x110000; &bogus; &#99999999999; text</p>",
        b"<p>te\x00xt \x0b\x1b</p>",
        b"<p title='" + b"x" * 1_000_000 + b"'>text</p>",
        b"<p>" + b"<" * 100_000 + b" text",
        b"<script type='application/ld+json'>" + b"[" * 100_000 + b"</script><p>text",
        b"<base href='http://['><p><a href='http://[::1'>text</a></p>",
        b"<html lang='\xff\xfe'><p>text",
    ],
)
def test_broken_page_gives_what_text_it_has(body: bytes) -> None:
    document = extract(page(body))
    assert "ext" in document.text
    assert document.text.encode()


@given(
    st.binary(),
    st.sampled_from(["text/html", "", "text/plain", "application/xhtml+xml", "image/png"]),
    st.none() | st.sampled_from(["utf-8", "gbk", "utf-16", "iso-2022-jp", "nonsense"]),
)
@settings(deadline=None)
def test_any_bytes_give_a_document_or_a_reason(
    body: bytes, media_type: str, charset: str | None
) -> None:
    check_any(page(body, media_type=media_type, charset=charset))


SCRAPS = st.sampled_from(
    [
        *("<p>", "</p>", "<div>", "</div>", "<table>", "<tr>", "<td>", "</table>", "<ul>", "<li>"),
        *("<pre>", "<code>", "<h1>", "<h2", "<br>", "<svg>", "<title>", "<script>", "</script>"),
        *(
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "&#0;",
            "&amp",
            "&lt;",
            "\x00",
            "无人机",
            "word",
            "。",
            "|",
        ),
        *(
            "'",
            '"',
            "=",
            "<a",
            "<head>",
            "<frameset>",
            "<noscript>",
            "<template>",
            "<math>",
            "<body>",
        ),
        *("</body>", "</html>", "<html lang=x>", "<select>", "<b>", "</i>", "#", "- ", "\n", "```"),
    ]
)


@given(st.lists(SCRAPS, max_size=60))
@settings(deadline=None)
def test_any_tag_soup_gives_a_document_or_a_reason(scraps: list[str]) -> None:
    check_any(page("".join(scraps)))


def check_any(download: Page) -> None:
    try:
        document = extract(download)
    except ExtractError:
        return
    assert document.text.strip()
    assert document.title.strip()
    assert document.text.encode()  # a lone surrogate, which no database takes, would raise here


def test_several_threads_extract_the_same_texts_as_one() -> None:
    names = ["night_flight.html", "tea.html"] * 20
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(fixture, names))
    assert together == [fixture(name) for name in names]
