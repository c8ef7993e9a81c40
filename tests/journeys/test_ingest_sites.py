"""`ingest` of whole sites: sitemaps, feeds, and links that are followed."""

import gzip
import json

import pytest

from tests.internet.net import Internet
from tests.journeys.conftest import Shell

SITE = "https://site.test"


def article(title: str, *links: str) -> str:
    anchors = "".join(f'<a href="{link}">{link}</a> ' for link in links)
    text = f"<p>The chapter on {title} tells how herons nest by the lake of {title}.</p>" * 3
    return f"<html><title>{title}</title><body><article><h1>{title}</h1>{text}</article>{anchors}"


@pytest.fixture
def site(net: Internet) -> Internet:
    net.robots("site.test", "User-agent: *\nDisallow: /private/\n")
    return net


def stored(shown_stdout: str) -> set[str]:
    events = [json.loads(line) for line in shown_stdout.splitlines()]
    return {event["url"].removeprefix(SITE) for event in events if event["type"] == "page_stored"}


def test_sitemap_index_leads_to_all_pages(shell: Shell, site: Internet) -> None:
    for name in ("a", "b", "c"):
        site.page(f"{SITE}/{name}", article(name))
    one = f"<urlset><url><loc>{SITE}/a</loc></url><url><loc>{SITE}/b</loc></url></urlset>"
    two = f"<urlset><url><loc>{SITE}/c</loc></url><url><loc>https://x.test/</loc></url></urlset>"
    site.page(f"{SITE}/one.xml", one, content_type="application/xml")
    site.page(
        f"{SITE}/two.xml.gz",
        gzip.compress(two.encode()),
        content_type="application/x-gzip",
    )
    names = ("one.xml", "two.xml.gz", "sitemap.xml")
    index = "".join(f"<sitemap><loc>{SITE}/{name}</loc></sitemap>" for name in names)
    site.page(
        f"{SITE}/sitemap.xml",
        f"<sitemapindex>{index}</sitemapindex>",
        content_type="text/xml",
    )
    shown = shell("ingest", f"{SITE}/sitemap.xml", "--json")
    assert stored(shown.stdout) == {"/a", "/b", "/c"}
    assert f"{SITE}/two.xml.gz: 1 address, left out 1" in shown.stderr
    only = shell("ingest", f"{SITE}/sitemap.xml", "--json", "--include", "/b")
    assert stored(only.stdout) == {"/b"}


def test_feed_is_the_pages_of_its_entries(shell: Shell, site: Internet) -> None:
    site.page(f"{SITE}/new", article("new"))
    feed = f"<rss><channel><item><link>{SITE}/new</link></item></channel></rss>"
    site.page(f"{SITE}/feed", feed, content_type="application/rss+xml")
    assert stored(shell("ingest", f"{SITE}/feed", "--json").stdout) == {"/new"}


def test_sitemap_that_is_not_there_is_one_line(shell: Shell, site: Internet) -> None:
    shown = shell("ingest", f"{SITE}/sitemap.xml", code=1)
    assert "404" in shown.stderr


def test_crawl_stays_in_the_site_and_within_its_depth(shell: Shell, site: Internet) -> None:
    site.robots("other.test", "")
    site.page(f"{SITE}/", article("start", "/a", "/private/x", "https://other.test/", "/out"))
    site.page(f"{SITE}/a", article("a", "/b", "/"))
    site.page(f"{SITE}/b", article("b", "/c"))
    site.page(f"{SITE}/c", article("c"))
    site.page(f"{SITE}/out", "", status=302, location="https://other.test/")
    site.page("https://other.test/", article("other"))
    shown = shell("ingest", f"{SITE}/", "--crawl", "2", "--json", code=3)
    assert stored(shown.stdout) == {"/", "/a", "/b"}
    assert "/private/x" not in "".join(site.hits("site.test"))
    assert "leads out of https://site.test" in shown.stderr
    # Pages that have not changed still lead on.
    deeper = shell("ingest", f"{SITE}/", "--crawl", "3", "--json", code=3)
    assert stored(deeper.stdout) == {"/", "/a", "/b", "/c"}
    assert "unchanged 3" in deeper.stderr


def test_crawl_of_a_site_without_end_ends(shell: Shell, site: Internet) -> None:
    for day in range(60):
        site.page(f"{SITE}/cal?day={day}", article(f"day {day}", f"/cal?day={day + 1}"))
    days = [f"/cal?day={day}" for day in range(60)]
    site.page(f"{SITE}/", article("start", *days, "loop/"))
    deep = ""
    for _ in range(4):
        deep += "loop/"
        site.page(f"{SITE}/{deep}", article(deep, "loop/"))
    shown = shell("ingest", f"{SITE}/", "--crawl", "20", "--json", "--jobs", "4")
    found = stored(shown.stdout)
    assert sum(url.startswith("/cal") for url in found) == 50
    assert {url for url in found if "loop" in url} == {"/loop/", "/loop/loop/"}
