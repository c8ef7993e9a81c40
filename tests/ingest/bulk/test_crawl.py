"""Which links of a page are followed."""

from datetime import UTC, datetime

import pytest

from ingest.bulk.crawl import is_trap, page_links
from ingest.documents import Page


def page(body: str, *, directives: tuple[str, ...] = (), media_type: str = "text/html") -> Page:
    return Page(
        url="https://a.test/docs/",
        final_url="https://a.test/docs/",
        media_type=media_type,
        charset="utf-8",
        body=body.encode(),
        fetched_at=datetime.now(UTC),
        fetcher="http",
        robots="",
        directives=directives,
    )


LINK = '<a href="x">x</a>'


def test_links_are_canonical_and_each_comes_once() -> None:
    body = (
        '<a href="b#part">b</a><a href="b">b</a><a href="/c?q=1">c</a><a href="//b.test/">d</a>'
        '<a href="mailto:x@a.test">m</a><a href="javascript:void(0)">j</a><a>none</a>'
        '<a href="photo.JPG">p</a><area href="d"><a href="https://[bad">b</a>'
        '<a href="绿茶">茶</a>'
    )
    assert page_links(page(body), "qiuzheng") == [
        "https://a.test/docs/b",
        "https://a.test/c?q=1",
        "https://b.test/",
        "https://a.test/docs/d",
        "https://a.test/docs/%E7%BB%BF%E8%8C%B6",
    ]


def test_base_of_the_page_counts() -> None:
    assert page_links(page(f'<base href="/v2/">{LINK}'), "qiuzheng") == ["https://a.test/v2/x"]


@pytest.mark.parametrize(
    "found",
    [
        page(f'<meta name="robots" content="index, NoFollow">{LINK}'),
        page(f'<meta name="ROBOTS" content="none">{LINK}'),
        page(f'<meta name="qiuzheng" content="nofollow">{LINK}'),
        page(LINK, directives=("nofollow",)),
        page(LINK, media_type="application/pdf"),
        page('<a rel="external nofollow" href="x">x</a><a rel="ugc" href="y">y</a>'),
        page(""),
    ],
)
def test_links_that_are_not_to_be_followed_are_not(found: Page) -> None:
    assert page_links(found, "qiuzheng") == []


def test_tag_for_another_bot_is_not_for_us() -> None:
    found = page(f'<meta name="googlebot" content="nofollow">{LINK}')
    assert page_links(found, "qiuzheng") == ["https://a.test/docs/x"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("guide/part/one", False),
        ("a/b/a/b/a/b", True),
        ("x/" * 3, True),
        ("/".join(str(n) for n in range(20)), True),
        ("q?" + "s" * 600, True),
    ],
)
def test_addresses_that_lead_in_circles_are_left(path: str, expected: bool) -> None:
    assert is_trap(f"https://a.test/{path}") is expected
