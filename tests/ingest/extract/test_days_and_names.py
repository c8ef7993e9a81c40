"""Who wrote a page, when, and under which title, in the spellings of more sites."""

import pytest

from ingest.documents import Document
from ingest.extract.extractor import extract
from tests.page_samples import page

ZH_PARAGRAPHS = (
    "<p>城东水厂将于二月第一个周末停产检修，其间由城北水厂向东城片区供水，水压可能略有下降。</p>"
    "<p>检修期间，高层住宅的住户如果遇到水量不足，可以拨打热线报修，公司安排了六辆送水车。</p>"
)


def document(body: str, *, title: str = "Depot", url: str = "https://example.com/a/b") -> Document:
    return extract(
        page(f"<html><head><title>{title}</title></head><body>{body}</body></html>", url=url)
    )


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("<ul class=info><li>發布單位：自來水處</li><li>發布日期：115-01-20</li></ul>", ""),
        ("<time>中華民國一一五年一月二十日</time>", ""),
        ('<p><span class=ago title="2026-01-20T09:30:00+01:00">3 weeks ago</span></p>', ""),
        ("", "http://sw.example.gov.cn/art/2026/1/20/art_1234_56789.html"),
    ],
)
def test_more_ways_to_write_when_a_page_appeared(line: str, url: str) -> None:
    body = f"<div><h1>停產檢修公告</h1>{line}{ZH_PARAGRAPHS}</div>"
    found = document(body, title="停產檢修公告", url=url or "https://example.com/a/b")
    assert str(found.published) == "2026-01-20"


def test_since_when_a_site_is_there_is_not_when_its_page_appeared() -> None:
    foot = "<div class=bottom-info><span class=time>建站时间：2008-04-01</span></div>"
    assert document(f"<h1>停产检修</h1>{ZH_PARAGRAPHS}{foot}").published is None


def test_the_author_of_zhihu_without_microdata_is_named() -> None:
    head = "<h1>水泵怎么选</h1><div><span class='UserLink AuthorInfo-name'>水工老李</span></div>"
    assert (
        document(f"<article>{head}{ZH_PARAGRAPHS}</article>", title="水泵怎么选").author
        == "水工老李"
    )


def test_a_title_goes_without_the_portal_of_an_authority() -> None:
    title = "城东水厂停产检修-要闻-水城市人民政府门户网站"
    assert document(f"<div>{ZH_PARAGRAPHS}</div>", title=title).title == "城东水厂停产检修"
