"""`assistant read` and the crawl ledger: what we make of a page, and proof of who was asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.internet.demo import sample_pages
from tests.internet.net import Internet
from tests.journeys.conftest import Shell

PAGE = next(page for page in sample_pages() if "xinwen" in page.url)
LAW = "https://law.test/closed/page"
SCRIPT = "https://app.test/"
FIELDS = {
    *("url", "final_url", "status", "fetcher", "title", "author", "published", "language"),
    *("text", "robots", "skipped"),
}


@pytest.fixture
def wide_net(net: Internet) -> Internet:
    net.page(LAW, "<p>closed</p>")
    net.robots("law.test", "User-agent: *\nDisallow: /open\nDisallow: /closed")
    net.page("https://old.test/", status=301, location=PAGE.url)
    net.page("https://gone.test/", "gone", status=410)
    net.page(SCRIPT, "<html><body><div id=app></div><script>draw()</script></body></html>")
    net.page(
        "https://shy.test/",
        f"<html><body><p>{'Please do not index this page. ' * 20}</p></body></html>",
        headers={"X-Robots-Tag": "noindex"},
    )
    return net


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_markdown_comes_on_stdout_and_nothing_is_stored(
    shell: Shell, wide_net: Internet, home: Path
) -> None:
    shown = shell("assistant", "read", PAGE.url)
    assert "实名登记" in shown.stdout
    assert not list(home.rglob("index.sqlite"))


def test_json_tells_one_object_a_line_in_the_order_named(shell: Shell, wide_net: Internet) -> None:
    urls = ["https://old.test/", LAW, "https://gone.test/", PAGE.url]
    shown = shell("assistant", "read", "--json", *urls)
    found = lines(shown.stdout)
    assert [line["url"] for line in found] == urls
    assert all(set(line) >= FIELDS for line in found)
    moved, closed, gone, page = found
    assert (moved["final_url"], moved["status"], moved["skipped"]) == (PAGE.url, 200, None)
    assert (closed["skipped"], closed["status"], closed["text"]) == ("robots", None, None)
    assert closed["robots"] == "robots.txt line 3: Disallow: /closed"
    assert (gone["skipped"], gone["status"]) == ("refused", 410)
    assert page["text"]
    assert (page["language"], page["fetcher"]) == ("zh", "http")
    assert "/closed/page" not in wide_net.hits("law.test")


def test_urls_come_from_standard_input_too(shell: Shell, wide_net: Internet) -> None:
    listed = f"# a list\n{PAGE.url}\nnot a url\n"
    shown = shell("assistant", "read", "-", "--json", stdin=listed)
    assert {line["skipped"] for line in lines(shown.stdout)} == {None, "unsupported"}


def test_page_that_asks_to_be_left_out_says_so(shell: Shell, wide_net: Internet) -> None:
    shown = shell("assistant", "read", "https://shy.test/", "--json", code=1)
    (line,) = lines(shown.stdout)
    assert (line["skipped"], line["robots"]) == ("robots", "X-Robots-Tag: noindex")
    respect = {"ASSISTANT_CRAWL__RESPECT": "[]"}
    assert "do not index" in shell("assistant", "read", "https://shy.test/", **respect).stdout


def test_page_of_scripts_without_a_browser_says_what_is_missing(
    shell: Shell, wide_net: Internet
) -> None:
    shown = shell("assistant", "read", SCRIPT, "--lang", "en", code=1)
    assert shown.stdout == ""
    assert "written by scripts" in shown.stderr
    shown = shell("assistant", "read", SCRIPT, "--fetcher", "browser", "--lang", "en", code=1)
    assert "browser" in shown.stderr


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "data:text/html,hello", "gopher://example.com/", "javascript:1"),
        *("ftp://example.com/", "http://127.0.0.1:11434/", "http://0x7f.1/", "http://[::1]/"),
        *("http://169.254.169.254/latest/meta-data/", "https://user:secret@example.com/"),
        *("http://localhost/", "http://example.com:22/", f"https://example.com/{'a' * 70_000}"),
        "http://exa mple.com/",
    ],
    ids=lambda url: url[:40],
)
def test_address_that_is_none_gets_one_clear_line_and_no_request(
    url: str, shell: Shell, net: Internet
) -> None:
    shown = shell("assistant", "read", url, "--lang", "en", code=1)
    assert len(shown.stderr.strip().splitlines()) == 1
    assert len(shown.stderr) < 600
    assert "secret" not in shown.stderr
    assert net.hits() == []


@pytest.mark.parametrize("host", ["under_score.test", "中文网站.test", "xn--fiq228c.test"])
def test_strange_hosts_are_read_like_any_other(host: str, shell: Shell, net: Internet) -> None:
    ascii_host = host.encode("idna").decode() if not host.isascii() else host
    net.page(f"http://{ascii_host}/", f"<p>{'A page on a host with a strange name. ' * 9}</p>")
    assert "strange name" in shell("assistant", "read", f"http://{host}/").stdout


def test_without_a_url_one_line_says_how(shell: Shell) -> None:
    shown = shell("assistant", "read", "-", "--lang", "en", code=2)
    assert "no URL was given" in shown.stderr


def test_ledger_of_an_answer_proves_each_page(
    shell: Shell, wide_net: Internet, tmp_path: Path
) -> None:
    book = tmp_path / "crawl.jsonl"
    question = "无人机夜间飞行需要什么条件?"
    shell("assistant", "ask", question, "--web", "--quiet", "--ledger", str(book))
    found = lines(book.read_text())
    assert found
    assert question not in book.read_text()
    for line in found:
        assert line["status"] == 200
        assert line["bytes"] > 0
        assert line["robots"]
        assert line["fetcher"] == "http"
    before = len(found)
    shell("ingest", LAW, "https://old.test/", "--ledger", str(book), code=3)
    closed, moved = sorted(lines(book.read_text())[before:], key=lambda line: line["url"])
    assert (closed["skipped"], closed["robots_line"], closed["status"]) == ("robots", 3, 0)
    assert [hop["status"] for hop in moved["hops"]] == [301, 200]


def test_ledger_that_cannot_be_written_is_said_before_any_request(
    shell: Shell, net: Internet
) -> None:
    shown = shell("ingest", PAGE.url, "--ledger", "/no/such/folder/x.jsonl", code=2)
    assert "cannot write the ledger" in shown.stderr
    assert net.hits() == []
