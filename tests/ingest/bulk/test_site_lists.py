"""Sitemaps and feeds, as sites really write them."""

import gzip
from itertools import pairwise

import pytest

from ingest.bulk.site_lists import MAX_BYTES, may_be_site_list, parse_site_list

MAP = "https://www.tea.test/sitemap.xml"
URLSET = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc> https://www.tea.test/green </loc><lastmod>2026-01-01</lastmod></url>
<url><loc>https://tea.test/绿茶</loc></url>
<url><loc>/black</loc></url>
<url><loc>https://shop.tea.test/x</loc></url>
<url><loc>https://other.test/x</loc></url>
<url><loc>javascript:alert(1)</loc></url>
<url><loc>https://www.tea.test/green</loc></url>
</urlset>"""


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode(), mtime=0)])
def test_sitemap_names_the_pages_of_its_own_site_alone(pack: object) -> None:
    assert callable(pack)
    found = parse_site_list(pack(URLSET), url=MAP)
    assert found is not None
    assert found.kind == "sitemap"
    assert found.urls == (
        "https://www.tea.test/green",
        "https://tea.test/%E7%BB%BF%E8%8C%B6",
        "https://www.tea.test/black",
        "https://shop.tea.test/x",
    )
    assert found.left_out == 2


def test_index_names_further_sitemaps() -> None:
    body = b"""<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
    <sitemap><loc>https://www.tea.test/a.xml.gz</loc></sitemap></sitemapindex>"""
    found = parse_site_list(body, url=MAP)
    assert found is not None
    assert (found.kind, found.urls) == ("sitemap_index", ("https://www.tea.test/a.xml.gz",))


@pytest.mark.parametrize(
    ("body", "links"),
    [
        (
            "<rss><channel><link>https://n.test/</link>"
            "<item><link>https://n.test/1</link></item>"
            '<item><guid isPermaLink="true">https://n.test/2</guid></item>'
            '<item><guid isPermaLink="false">id-3</guid><title>no link</title></item>'
            "</channel></rss>",
            ("https://n.test/1", "https://n.test/2"),
        ),
        (
            '<feed xmlns="http://www.w3.org/2005/Atom"><link href="https://n.test/"/>'
            '<entry><link rel="self" href="https://n.test/e.atom"/>'
            '<link rel="alternate" href="/e"/></entry>'
            '<entry><link href="https://m.test/f"/></entry></feed>',
            ("https://n.test/e", "https://m.test/f"),
        ),
        (
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
            'xmlns="http://purl.org/rss/1.0/"><item><link>https://n.test/9</link></item></rdf:RDF>',
            ("https://n.test/9",),
        ),
    ],
)
def test_feed_names_the_page_of_each_entry(body: str, links: tuple[str, ...]) -> None:
    found = parse_site_list(body.encode(), url="https://n.test/feed")
    assert found is not None
    assert (found.kind, found.urls) == ("feed", links)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Tea</body></html>",
        b"\x1f\x8bnot gzip",
        b"plain text",
        gzip.compress(b"x" * 1_000, mtime=0),
        b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(f'<!ENTITY {b} "{f"&{a};" * 10}">'.encode() for a, b in pairwise("abcdefghij"))
        + b"]><r>&j;</r>",
    ],
)
def test_what_is_neither_is_told_and_costs_nothing(body: bytes) -> None:
    assert parse_site_list(body, url=MAP) is None


def test_gzip_bomb_unfolds_to_the_limit_and_no_further() -> None:
    entry = b"<url><loc>https://www.tea.test/a</loc></url>"
    body = gzip.compress(b"<urlset>" + entry + b" " * (MAX_BYTES + 9) + entry + b"</urlset>")
    found = parse_site_list(body, url=MAP)
    assert found is None or found.urls == ("https://www.tea.test/a",)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.test/sitemap.xml", True),
        ("https://a.test/sitemap_index.xml.gz", True),
        ("https://a.test/blog/feed/", True),
        ("https://a.test/index.rss?x=1", True),
        ("https://a.test/", False),
        ("https://a.test/feed-your-cat", False),
        ("https://a.test/guide.html", False),
    ],
)
def test_only_addresses_that_look_like_lists_are_read_as_such(url: str, expected: bool) -> None:
    assert may_be_site_list(url) is expected
