"""Metadata that a page declares is believed where it can be true."""

from datetime import date

import pytest

from ingest.documents import Document
from ingest.extract.extractor import extract
from tests.page_samples import page

TEXT = "<p>The harbour was quiet that morning, and the boats lay still in the grey water.</p>"


def document(head: str = "", body: str = TEXT, *, url: str = "https://example.com/a/b") -> Document:
    return extract(page(f"<html><head>{head}</head><body>{body}</body></html>", url=url))


def linked_data(source: str) -> str:
    return f'<script type="application/ld+json">{source}</script>'


# ---------------------------------------------------------------- title


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("<title>A quiet morning | Harbour News</title>", ""),
        ('<meta property="og:title" content="A quiet morning"><title>x</title>', ""),
        (linked_data('{"@type":"NewsArticle","headline":"A quiet morning"}'), ""),
        ("<title>A quiet morning - Harbour</title>", "<h1>Harbour</h1><h1>A quiet morning</h1>"),
        ("<title>Another wording</title>", "<h1>A quiet morning</h1>"),
    ],
)
def test_title_is_the_headline_without_the_name_of_the_site(head: str, body: str) -> None:
    assert document(head, body + TEXT).title == "A quiet morning"


def test_chinese_title_loses_the_name_of_the_site() -> None:
    assert document("<title>古桥修缮完工恢复通行_示例日报</title>").title == "古桥修缮完工恢复通行"


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        # The heading is the title without the site, whatever stands between them.
        ("<title>古桥修缮完工-示例传媒</title>", "<h2>古桥修缮完工</h2>", "古桥修缮完工"),
        (
            "<title>古桥修缮完工 某市附属医院</title>",
            '<p class="title">古桥修缮完工</p>',
            "古桥修缮完工",
        ),
        # A logo as the only heading.
        (
            "<title>古桥修缮完工恢复通行 - 某省人民政府门户网站</title>",
            "<h1>某省人民政府网站</h1>",
            "古桥修缮完工恢复通行",
        ),
        # The site before the title, and its name as the only heading.
        (
            '<title>Harbour Lyrics: A quiet morning</title><meta property="og:title"'
            ' content="A quiet morning">',
            "<h1>Harbour Lyrics</h1>",
            "A quiet morning",
        ),
        # Several headings, one of which is the title.
        (
            "<title>A quiet morning</title>",
            "<h1>Sign now!</h1><h1>A quiet morning</h1>",
            "A quiet morning",
        ),
        # Two places agree on another title than the heading of a box.
        (
            '<title>A quiet morning</title><meta property="og:title" content="A quiet morning">',
            "<h1>Latest articles here</h1>",
            "A quiet morning",
        ),
        ("<title>Tuning max_connections // Harbour</title>", "", "Tuning max_connections"),
        (
            "<title>Results of the harbour 2023 - 2024</title>",
            "",
            "Results of the harbour 2023 - 2024",
        ),
    ],
)
def test_title_is_what_the_places_of_a_page_share(head: str, body: str, title: str) -> None:
    assert document(head, body + TEXT).title == title


# ---------------------------------------------------------------- days


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (linked_data('{"@type":"Article","datePublished":"2024-03-14T23:30:00+08:00"}'), ""),
        (linked_data('{"@graph":[{"@type":["BlogPosting"],"datePublished":"2024-03-14"}]}'), ""),
        ('<meta property="article:published_time" content="2024-03-14T08:00:00Z">', ""),
        ('<meta name="pubdate" content="Thu, 14 Mar 2024 08:00:00 GMT">', ""),
        ("", '<article><time datetime="2024-03-14">last week</time></article>'),
        ("", '<span class="pub-time">2024年3月14日 08:30</span>'),
        ("", '<div class="info">发布时间：2024-03-14 08:30:00</div>'),
        ("", '<p class="date">March 14, 2024</p>'),
        ("", '<p class="date">14 March 2024</p>'),
    ],
)
def test_day_of_publication_is_found(head: str, body: str) -> None:
    assert document(head, body + TEXT).published == date(2024, 3, 14)


@pytest.mark.parametrize(
    "line",
    [
        "石佳/中国青年报 2024-03-14 09:10",
        "2024年03月14日 来源：新华网",
        "Thursday, 14 March 2024",
        "14. März 2024",
        "jeudi 14 mars 2024, par Ada",
        "14 de marzo de 2024",
        "14 marca 2024",
        "Bern, 14.03.2024 - Rede im Hafen",
    ],
)
@pytest.mark.parametrize("is_before", [True, False])
def test_day_beside_the_headline_is_that_of_the_page(line: str, *, is_before: bool) -> None:
    body = f"<h1>A quiet morning</h1><div>{line}</div>{TEXT}"
    if is_before:
        body = f"<div>{line}</div><h1>A quiet morning</h1>{TEXT}"
    assert document("<title>A quiet morning</title>", body).published == date(2024, 3, 14)


@pytest.mark.parametrize(
    "body",
    [
        # In the text, in a teaser's link, in a list of other pages, of an event.
        f"<h1>A quiet morning</h1>{TEXT}{TEXT}<p>It was opened on 14 March 2024 by the mayor.</p>",
        '<h1>A quiet morning</h1><p class="lead">Text</p><ul><li><a href="/b"><span class="date">'
        "2024-03-14</span> Another</a></li></ul>",
        '<p><span class="date">2024-03-14</span></p><p><span class="date">2024-03-15</span></p>',
        "<h1>A quiet morning</h1><p>Release: 14.03.2024</p>",
        '<h1>A quiet morning</h1><div class="comments"><p>Posted on 14 March 2024</p></div>',
        "<footer>Veröffentlicht am 14.03.2024</footer>",
    ],
)
def test_day_of_something_else_is_not_that_of_the_page(body: str) -> None:
    assert document("<title>A quiet morning</title>", body + TEXT).published is None


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("en-GB", date(2024, 4, 3)),
        ("de", date(2024, 4, 3)),
        ("es-AR", date(2024, 4, 3)),
        ("en-US", date(2024, 3, 4)),
        ("en", None),
        ("", None),
    ],
)
def test_language_of_the_page_says_which_number_is_the_month(
    language: str, day: date | None
) -> None:
    source = (
        f'<html lang="{language}"><body><span class="date">03/04/2024</span>{TEXT}</body></html>'
    )
    assert extract(page(source)).published == day


@pytest.mark.parametrize(
    ("body", "day"),
    [
        ("<p>发布时间：18-03-08</p>", date(2018, 3, 8)),
        ("<table><tr><td>发布日期</td><td>2024-03-14</td></tr></table>", date(2024, 3, 14)),
        ("<p>时间：2024-03-14 作者：林晓 阅读：12</p>", date(2024, 3, 14)),
        ("<p>时间：2024-03-14 9:00至17:00</p>", None),
        ('<script>var ct = "1710400000";</script>', date(2024, 3, 14)),
        ('<script>var d = {"publishDate": "2024-03-14T05:51:23Z"}</script>', date(2024, 3, 14)),
    ],
)
def test_chinese_labels_and_data_of_scripts_name_the_day(body: str, day: date | None) -> None:
    assert document("", f"{TEXT}{TEXT}{TEXT}{body}{TEXT}").published == day


def test_day_of_change_is_read_from_its_label() -> None:
    body = "<p>发布时间：2024-03-14 更新时间：2024-04-01</p>"
    assert document("", body + TEXT).modified == date(2024, 4, 1)


def test_day_in_the_address_is_the_last_resort() -> None:
    assert document(url="https://example.com/2024/03/14/harbour").published == date(2024, 3, 14)
    meta = '<meta name="date" content="2024-03-13">'
    later = document(meta, url="https://example.com/2024/03/14/harbour")
    assert later.published == date(2024, 3, 13)


@pytest.mark.parametrize("day", ["2024-02-31", "1066-10-14", "2099-01-01", "03/04/2024", "soon"])
def test_day_that_cannot_be_true_is_left_out(day: str) -> None:
    assert document(f'<meta name="date" content="{day}">').published is None


def test_change_is_a_day_of_its_own_and_never_before_publication() -> None:
    meta = '<meta property="article:{}_time" content="{}">'
    published = meta.format("published", "2024-03-14")
    assert document(published + meta.format("modified", "2024-04-01")).modified == date(2024, 4, 1)
    assert document(published + meta.format("modified", "2023-04-01")).modified is None


# ---------------------------------------------------------------- author


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (linked_data('{"@type":"Article","author":{"@type":"Person","name":"Ada Brook"}}'), ""),
        (linked_data('{"@type":"Article","author":[{"name":"Ada Brook"}]}'), ""),
        ('<meta name="author" content="By Ada Brook">', ""),
        ("", '<a rel="author" href="/ada">Ada Brook</a>'),
        ("", '<span itemprop="author"><b itemprop="name">Ada Brook</b></span>'),
    ],
)
def test_author_is_found(head: str, body: str) -> None:
    assert document(head, body + TEXT).author == "Ada Brook"


@pytest.mark.parametrize(
    "line",
    [
        "By Ada Brook",
        "Von Ada Brook",
        "Ein Artikel von Ada Brook | 27.01.2022 - 12:45",
        "Veröffentlicht am 6. Juli 2015 von Ada Brook",
        "Par Ada Brook",
        "作者：Ada Brook",
    ],
)
def test_byline_beside_the_headline_names_the_author(line: str) -> None:
    body = f"<h1>A quiet morning</h1><p>{line}</p>{TEXT}"
    assert document("<title>A quiet morning</title>", body).author.startswith("Ada")


@pytest.mark.parametrize(
    "line",
    [
        "By Tuesday the quay was open again",
        "Rede von Bundesminister Brook",
        "By clicking you agree",
    ],
)
def test_sentence_is_no_byline(line: str) -> None:
    body = f"<h1>A quiet morning</h1><p>{line}</p>{TEXT}"
    assert document("<title>A quiet morning</title>", body).author == ""


def test_person_comes_before_the_site_that_declares_itself_the_author() -> None:
    head = (
        '<title>A quiet morning | Harbour News</title><meta name="author" content="Harbour News">'
    )
    body = f"<h1>A quiet morning</h1><p>By Ada Brook</p>{TEXT}"
    assert document(head, body).author == "Ada Brook"
    assert document(head, TEXT).author == "Harbour News"


def test_author_that_is_only_referred_to_is_looked_up() -> None:
    head = linked_data(
        '{"@graph":[{"@type":"Article","author":{"@id":"#ada"}},'
        '{"@type":"Person","@id":"#ada","name":"Ada Brook"}]}'
    )
    assert document(head).author == "Ada Brook"


def test_several_authors_are_named_in_order_and_once() -> None:
    authors = '[{"name":"Ada Brook"},{"name":"林晓"},{"name":"Ada Brook"}]'
    head = linked_data(f'{{"@type":"Article","author":{authors}}}')
    assert document(head).author == "Ada Brook, 林晓"


@pytest.mark.parametrize("name", ["https://example.com/ada", "admin", "ada@example.com", "x" * 90])
def test_what_is_no_name_is_no_author(name: str) -> None:
    assert document(f'<meta name="author" content="{name}">').author == ""


# ---------------------------------------------------------------- JSON-LD


@pytest.mark.parametrize(
    "source",
    [
        '{"@type":"Article","author":"Ada Brook",}',
        '<!--\n{"@type":"Article","author":"Ada Brook"}\n-->',
        '//<![CDATA[\n{"@type":"Article","author":"Ada Brook"}\n//]]>',
        '{"@type":"Article","author":"Ada Brook"};',
        '{"@type":"Article","note":"two\nlines","author":"Ada Brook"}',
        "{&quot;@type&quot;:&quot;Article&quot;,&quot;author&quot;:&quot;Ada Brook&quot;}",
        '[{"@type":"WebSite"},{"@type":"https://schema.org/TechArticle","author":"Ada Brook"}]',
        '{"@type":"WebPage","mainEntity":{"@type":"Article","author":"Ada Brook"}}',
    ],
)
def test_json_ld_is_read_as_people_write_it(source: str) -> None:
    assert document(linked_data(source)).author == "Ada Brook"


@pytest.mark.parametrize("source", ["", "{", "[" * 100_000, "null", "3", '"x"', '{"@type":3}'])
def test_broken_json_ld_costs_nothing_and_the_next_block_counts(source: str) -> None:
    head = linked_data(source) + linked_data('{"@type":"Article","author":"Ada Brook"}')
    assert document(head).author == "Ada Brook"


@pytest.mark.parametrize("markup", ["{}", "&lt;p&gt;{}&lt;/p&gt;"])
def test_article_that_only_json_ld_carries_needs_no_browser(markup: str) -> None:
    body = "The harbour was quiet that morning. " * 20
    source = f'{{"@type":"Article","articleBody":"{markup.format(body)}"}}'
    found = document(linked_data(source), '<div id="root"></div><script src="app.js"></script>')
    assert found.text == body.strip()


# ---------------------------------------------------------------- address and wishes


@pytest.mark.parametrize(
    ("href", "canonical"),
    [
        ("/a/b?id=1", "https://example.com/a/b?id=1"),
        ("https://WWW.example.com/a/b?utm_source=x#top", "https://www.example.com/a/b"),
        ("//m.example.com/a", "https://m.example.com/a"),
        ("https://example.org/a/b", ""),
        ("https://example.com.evil.net/a", ""),
        ("https://example.com/", ""),
        ("javascript:alert(1)", ""),
        ("http://[", ""),
        ("", "https://example.com/a/b"),
    ],
)
def test_canonical_address_is_absolute_and_on_the_same_site(href: str, canonical: str) -> None:
    assert document(f'<link rel="canonical" href="{href}">').canonical == canonical


def test_two_users_of_one_hosting_domain_are_two_sites() -> None:
    found = document(
        '<link rel=canonical href="https://ada.github.io/a">', url="https://bob.github.io/a"
    )
    assert found.canonical == ""


@pytest.mark.parametrize(
    ("meta", "directives"),
    [
        ('<meta name="robots" content="NoIndex, nosnippet">', ("noindex", "nosnippet")),
        (
            '<meta name="ROBOTS" content="index,follow"><meta name="qiuzheng" content="noai">',
            ("noai",),
        ),
        ('<meta name="otherbot" content="noindex">', ()),
        ('<meta name="robots" content="unavailable_after: 2025-12-31">', ("noindex",)),
        (
            '<meta name="robots" content="unavailable_after: 31 Dec 2025 15:00:00 PST, noai">',
            ("noindex", "noai"),
        ),
        ('<meta name="robots" content="unavailable_after: 2027-01-01">', ()),
    ],
)
def test_robots_directives_of_the_page_are_returned(meta: str, directives: tuple[str, ...]) -> None:
    assert [d for d in document(meta).directives if d not in ("index", "follow")] == [*directives]
