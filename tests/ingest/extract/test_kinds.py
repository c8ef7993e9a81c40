"""Pages that are no HTML, and pages that wait for a browser."""

import sys
from pathlib import Path

import pytest

from ingest.errors import ExtractError
from ingest.extract.extractor import extract
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.extras import install_command
from tests.page_samples import page

SENTENCE = "The harbour was quiet that morning, and the boats lay still in the grey water. "


def reason(body: bytes | str, *, media_type: str = "text/html") -> str:
    with pytest.raises(ExtractError) as caught:
        extract(page(body, media_type=media_type))
    return caught.value.reason


# ---------------------------------------------------------------- documents


def blank_pdf(folder: Path) -> bytes:
    import pypdfium2

    with pypdfium2.PdfDocument.new() as pdf:
        pdf.new_page(200, 200)
        pdf.save(folder / "blank.pdf")
    return (folder / "blank.pdf").read_bytes()


@pytest.mark.parametrize("media_type", ["application/pdf", "text/html", ""])
def test_pdf_is_known_by_its_bytes_and_read(tmp_path: Path, media_type: str) -> None:
    assert reason(blank_pdf(tmp_path), media_type=media_type) == "empty"


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b"%PDF-1.7 broken", "application/pdf"), (b"not a pdf", "application/pdf")],
)
def test_damaged_document_is_reported_under_its_url(body: bytes, media_type: str) -> None:
    with pytest.raises(ExtractError) as caught:
        extract(page(body, media_type=media_type, url="https://example.com/report.pdf"))
    assert caught.value.reason == "unsupported"
    assert caught.value.url == "https://example.com/report.pdf"
    assert "https://example.com/report.pdf" in caught.value.localize("en")
    assert "tmp" not in caught.value.localize("zh")


def test_mail_on_the_web_is_read_under_its_subject() -> None:
    mail = f"From: ada@example.com\nTo: bob@example.com\nSubject: Night tide\n\n{SENTENCE}\n"
    found = extract(page(mail, media_type="message/rfc822", url="https://example.com/m/7.eml"))
    assert found.title == "Night tide"
    assert "grey water" in found.text
    assert found.url == "https://example.com/m/7.eml"


def test_document_without_its_part_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(MissingDependencyError) as caught:
        extract(page(b"%PDF-1.7", media_type="application/pdf"))
    assert caught.value.hint.localize("en") == install_command("files")


# ---------------------------------------------------------------- feeds


RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Harbour news</title>
<item><title>Quiet morning</title><pubDate>Thu, 14 Mar 2024</pubDate>
<description>&lt;p&gt;The boats lay &lt;b&gt;still&lt;/b&gt;.&lt;/p&gt;</description></item>
<item><title>Storm</title><description>Plain words.</description></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour news</title>
<entry><title>Quiet morning</title><published>2024-03-14</published>
<summary>Still.</summary></entry></feed>"""


def test_rss_becomes_a_list_of_entries() -> None:
    found = extract(page(RSS, media_type="application/rss+xml"))
    assert found.title == "Harbour news"
    assert found.text == (
        "# Harbour news\n\n## Quiet morning\n\nThu, 14 Mar 2024\n\nThe boats lay still.\n\n"
        "## Storm\n\nPlain words."
    )


@pytest.mark.parametrize("media_type", ["application/atom+xml", "text/xml", ""])
def test_atom_becomes_a_list_of_entries_whatever_it_is_called(media_type: str) -> None:
    text = extract(page(ATOM, media_type=media_type)).text
    assert text == "# Harbour news\n\n## Quiet morning\n\n2024-03-14\n\nStill."


def test_entry_has_its_address_its_unescaped_title_and_its_paragraphs() -> None:
    rss = """<rss xmlns:content="x"><channel><title>News</title><item>
<title>Quay &amp;#8211; reopened &amp;amp; lit</title><link>https://example.com/quay</link>
<content:encoded><![CDATA[<p>One.</p><p>Two.</p>]]></content:encoded></item></channel></rss>"""
    found = extract(page(rss, media_type="application/rss+xml"))
    assert found.text == (
        "# News\n\n## Quay – reopened & lit\n\nOne.\n\nTwo.\n\nhttps://example.com/quay"
    )
    assert found.kind == "listing"


def test_content_of_an_atom_entry_may_be_elements() -> None:
    atom = """<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><title>Quay</title>
<link rel="self" href="https://example.com/feed/1"/><link href="https://example.com/quay"/>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>The quay is <b>open</b>.</p>
<p>Second line.</p></div></content></entry></feed>"""
    text = extract(page(atom, media_type="application/atom+xml")).text
    assert text.endswith("## Quay\n\nThe quay is open.\n\nSecond line.\n\nhttps://example.com/quay")


def test_feed_that_declares_no_namespace_is_read() -> None:
    rss = """<rss><channel><title>News</title><item><title>Quay</title>
<dc:date>2024-03-14</dc:date><content:encoded>&lt;p&gt;Open.&lt;/p&gt;</content:encoded></item>
</channel></rss>"""
    text = extract(page(rss, media_type="text/xml")).text
    assert text == "# News\n\n## Quay\n\n2024-03-14\n\nOpen."


def test_entities_of_a_feed_are_not_expanded() -> None:
    bomb = '<!DOCTYPE rss [<!ENTITY a "boom"><!ENTITY b "&a;&a;&a;">]>'
    item = "<item><title>&b;x</title></item>"
    feed = f"{bomb}<rss><channel><title>News</title>{item}</channel></rss>"
    assert "boom" not in extract(page(feed, media_type="text/xml")).text


def test_feed_in_the_charset_that_it_declares_comes_out_right() -> None:
    rss = """<?xml version="1.0" encoding="GBK"?><rss><channel><title>港口新闻</title>
<item><title>清晨的港口</title></item></channel></rss>"""
    found = extract(page(rss.encode("gbk"), media_type="application/rss+xml"))
    assert found.text == "# 港口新闻\n\n## 清晨的港口"


@pytest.mark.parametrize("body", ["<rss", "<rss></rss>", "<feed><entry/></feed>"])
def test_feed_without_words_is_empty(body: str) -> None:
    assert reason(body, media_type="application/rss+xml") in ("empty", "unsupported")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ('{"a": 1}', "application/json"),
        ("<svg/>", "text/xml"),
        ("PK\x03\x04zip", "application/zip"),
        ("\x7fELF\x02\x01\x01\x00\x00", "text/plain"),
    ],
)
def test_data_is_no_page_of_text(body: str, media_type: str) -> None:
    assert reason(body, media_type=media_type) == "unsupported"


@pytest.mark.parametrize("media_type", ["application/xml", "text/xml"])
def test_xhtml_that_is_sent_as_xml_is_read(media_type: str) -> None:
    xhtml = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>Hello</p>'
    assert extract(page(xhtml, media_type=media_type)).text == "Hello"


# ---------------------------------------------------------------- waiting for a browser


@pytest.mark.parametrize(
    "body",
    [
        "<title>Just a moment...</title><p>Enable JavaScript and cookies to continue</p>",
        "<p>Checking your browser before you access example.com.</p>",
        "<p>Please verify you are human by completing the action below.</p>",
        "<p>Our systems have detected unusual traffic from your computer network.</p>",
        "<title>安全验证</title><p>请完成安全验证后继续访问</p>",
        "<p>请拖动下方滑块完成验证</p>",
        "<p>您的访问过于频繁，请输入验证码</p>",
    ],
)
def test_challenge_in_place_of_a_page_needs_a_browser(body: str) -> None:
    assert reason(f"<html><body>{body}</body></html>") == "needs_browser"


@pytest.mark.parametrize(
    "notice", ["Please verify you are human.", "请完成安全验证后继续访问。", "Just a moment..."]
)
def test_article_that_quotes_a_challenge_is_read(notice: str) -> None:
    found = extract(page(f"<article><p>{notice}</p><p>{SENTENCE * 8}</p></article>"))
    assert "grey water" in found.text
