"""Kinds of pages that public bug reports say are read wrong: code, formulas, tabs, data, lists."""

import json

import pytest

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.extractor import extract
from tests.page_samples import page

FIRST = (
    "The harbour office keeps a register of every mooring and prints it each spring for skippers."
)
SECOND = "A mooring that was not used for two winters is offered again, the oldest request first."
THIRD = "Skippers who share a buoy pay half of the fee each, which the office collects each May."
FOURTH = (
    "In a storm warning the inner basin is closed to everyone but the pilot boat and both tugs, "
    "until the harbour master takes the black ball down from the mast on the eastern breakwater."
)
PARAGRAPHS = f"<p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p>"


def document(
    body: str, *, head: str = "<title>Moorings</title>", url: str = "https://example.com/a/b"
) -> Document:
    return extract(page(f"<html><head>{head}</head><body>{body}</body></html>", url=url))


def article(inner: str) -> str:
    source = f"<article><h1>Moorings</h1>{PARAGRAPHS}{inner}<p>{FOURTH}</p></article>"
    return document(source).text


# ---------------------------------------------------------------- code


@pytest.mark.parametrize(
    "listing",
    [
        # WeChat: a <code> for each line, and a gutter of empty entries.
        '<section><ul class="code-snippet__line-index"><li></li><li></li></ul><pre data-lang="py">'
        "<code><span>import</span> quay</code><code>quay.open(7)</code></pre></section>",
        # cnblogs: a coloured number in front of each line, one of the program's own behind it.
        # CSDN: an entry a line, with boxes in it.
        "<pre class=language-py><ol><li><div class=hljs-ln-numbers><div></div></div><div><div>"
        "import quay</div></div></li><li><div><div>quay.open(7)</div></div></li></ol></pre>",
        "<pre data-language='py'><span>1</span> <i>import</i> quay\n"
        "<span>2</span> quay.open(<span>7</span>)</pre>",
    ],
)
def test_lines_of_code_are_lines_without_numbers(listing: str) -> None:
    assert "\n\n```py\nimport quay\nquay.open(7)\n```\n\n" in article(listing)


def test_numbers_that_are_the_programs_stay() -> None:
    rows = "<pre><span>1</span> low\n<span>3</span> high</pre><pre>1 red\n2 blue</pre>"
    text = article(rows)
    assert "1 low\n3 high" in text
    assert "1 red\n2 blue" in text


def test_entry_without_text_leaves_no_bullet_to_what_follows() -> None:
    menu = "<ul><li><a href='/a'></a></li><li><img src='x'></li></ul>"
    assert document(f"<main>{menu}{PARAGRAPHS}</main>").text.startswith(FIRST)


# ---------------------------------------------------------------- formulas and tabs


@pytest.mark.parametrize(
    "formula",
    [
        '<span class="mwe-math-element"><span style="display: none;"><math alttext='
        '"{\\displaystyle c={\\sqrt {gh}}}"><mi>c</mi></math></span>'
        '<img class="mwe-math-fallback-image-inline" alt="{\\displaystyle c}"></span>',
        '<img class="mwe-math-fallback-image-inline" alt="{\\displaystyle c={\\sqrt {gh}}}">',
        '<img class="latex" src="l.png" alt="c={\\sqrt {gh}}">',
        "<mjx-container><mjx-math>c</mjx-math><mjx-assistive-mml><math alttext='c={\\sqrt {gh}}'>"
        "<mi>c</mi></math></mjx-assistive-mml></mjx-container>",
    ],
)
def test_formula_that_is_hidden_behind_its_picture_is_kept(formula: str) -> None:
    text = article(f"<p>The waves run at {formula} where the water is shallow.</p>")
    assert "run at $c={\\sqrt {gh}}$ where" in text


def test_panel_of_a_tab_is_read_though_it_is_short() -> None:
    tabs = (
        "<div role=tab>Linux</div><div role=tab>Windows</div>"
        "<div role=tabpanel><p>Run apt install mooring there.</p></div>"
        "<div role=tabpanel hidden><p>Run winget install mooring there.</p></div>"
    )
    assert "winget install mooring" in document(f"<main>{PARAGRAPHS}{tabs}</main>").text


def test_hidden_panel_of_links_or_of_consent_stays_hidden() -> None:
    hidden = (
        "<div role=tabpanel hidden><a href='/x'>Another page of this site</a></div>"
        "<div class=consent><div role=tabpanel hidden>We store cookies for ever.</div></div>"
    )
    text = document(f"<main>{PARAGRAPHS}{hidden}</main>").text
    assert "Another page" not in text
    assert "cookies" not in text


# ---------------------------------------------------------------- where the text begins and ends


def test_sentence_before_the_first_piece_of_a_text_is_its_beginning() -> None:
    body = (
        "<main><article><header><h1>Hafen</h1><div>Der Hafen wird umgebaut, sagt die Behörde "
        "am Dienstag.</div></header><section class=wide><div class=inner><div class=RichText>"
        f"<p>{FIRST[:78]}.</p><p>{SECOND}</p></div></div><div data-component=Ad>Anzeige</div>"
        f"<div class=RichText><p>{THIRD}</p></div><div class=RichText><p>{FIRST}</p></div>"
        "</section></article></main>"
    )
    text = document(body, head="<title>Hafen</title>").text
    assert text.startswith(
        f"Der Hafen wird umgebaut, sagt die Behörde am Dienstag.\n\n{FIRST[:78]}"
    )


def posts(titles: list[str]) -> str:
    return "".join(
        f'<article class="post"><h2><a href="/{title[-1]}">{title}</a></h2>'
        f"<p>{title}: {FIRST}</p><p>{title}: {SECOND}</p><p>{title}: {THIRD}</p></article>"
        for title in titles
    )


def test_newest_posts_below_the_one_that_was_asked_for_are_other_pages() -> None:
    body = posts(["Story 0", "Story 1", "Story 2"])
    text = document(body, head="<title>Story 0 - Quay</title>").text
    assert f"Story 0: {THIRD}" in text
    assert "Story 1: " not in text
    assert "Story 2: " not in text


def test_front_page_with_whole_posts_keeps_all_of_them() -> None:
    body = posts(["Story 0", "Story 1", "Story 2"])
    text = document(f"<h1>Quay news</h1>{body}", head="<title>Quay news</title>").text
    assert all(f"Story {number}: {FIRST}" in text for number in range(3))


def test_linked_titles_of_sections_begin_no_other_page() -> None:
    guide = "".join(
        f'<div class="item"><h2><a href="https://shop.example/{n}">Buoy {n}</a></h2>'
        f"<p>Buoy {n}: {FIRST}</p><p>{SECOND}</p></div>"
        for n in range(3)
    )
    text = document(f"<main>{guide}</main>", head="<title>Buoy 0 and other gifts</title>").text
    assert all(f"Buoy {number}: " in text for number in range(3))


@pytest.mark.parametrize("around", ["<article>{}</article>", "<div>{}</div>", "{}"])
@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize(
    "entries",
    [
        "<ul><li>Sloops</li><li>Yawls</li></ul>",
        "<ol><li>Sloops</li><li>Yawls</li></ol>",
        "<dl><dt>Sloops</dt><dd>one mast</dd><dt>Yawls</dt><dd>two</dd></dl>",
    ],
)
def test_short_list_without_links_stays_in_the_text(around: str, place: int, entries: str) -> None:
    parts = [f"<p>{each}</p>" for each in (FIRST, SECOND, THIRD, FOURTH)]
    parts.insert(place, entries)
    text = document(around.format("<h1>Moorings</h1>" + "".join(parts))).text
    assert "Sloops" in text
    assert "Yawls" in text


def test_signs_of_a_template_are_no_text() -> None:
    signs = "<p>‹ › ×</p><div>•</div><p>___</p><pre>+--+\n|  |</pre>"
    text = article(signs)
    assert "›" not in text
    assert "•" not in text
    assert "\n\n___\n\n" in text
    assert "+--+\n|  |" in text


def test_foot_that_is_longer_than_news_in_brief_is_no_text() -> None:
    brief = "已购船票可全额退款，请于三日内办理。"
    foot = "许可证：4212号 互联网新闻信息服务许可证 网络视听许可证 广播电视节目制作经营许可证"
    body = f"<div><h1>船票可退</h1><p>{brief}</p></div><div class=foot><p>{foot}</p></div>"
    assert document(body, head="<title>船票可退</title>").text.endswith(brief)


def test_number_of_a_note_makes_no_other_year() -> None:
    text = article(
        "<p>The pier stands since 1911<sup><a href='#n1'>1</a></sup>, says the book.</p>"
    )
    assert "since 1911, says" in text


def test_row_of_stars_is_read() -> None:
    assert "was 4 of 5 stars ." in article(
        "<p>Her mark was <img alt='4 of 5 stars' src=s.png>.</p>"
    )


# ---------------------------------------------------------------- titles


def test_keywords_behind_a_title_are_no_part_of_it() -> None:
    head = "<title>泊位|船长|滞纳金_网易订阅</title>"
    assert document(f"<h1>泊位</h1>{PARAGRAPHS}", head=head).title == "泊位"


def test_logo_before_a_section_and_a_title_is_none() -> None:
    head = "<title>Quay | Harbour | Mooring fees of this year</title>"
    assert document(f"<h1>Quay</h1>{PARAGRAPHS}", head=head).title != "Quay"


# ---------------------------------------------------------------- data of scripts


def faq(*answers: str) -> str:
    questions = [
        {"@type": "Question", "name": f"Question {n}?", "acceptedAnswer": {"text": each}}
        for n, each in enumerate(answers)
    ]
    data = {"@context": "https://schema.org", "@type": "FAQPage", "mainEntity": questions}
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def test_questions_that_a_page_declares_are_its_text_where_scripts_would_show_them() -> None:
    body = f"<div id=root></div>{faq('<p>In May, at the window.</p>', FIRST)}<script>1</script>"
    found = document(body)
    assert found.text == f"## Question 0?\n\nIn May, at the window.\n\n## Question 1?\n\n{FIRST}"
    assert found.title == "Moorings"


def test_answers_that_a_page_shows_are_not_said_twice() -> None:
    text = document(f"<main>{PARAGRAPHS}{faq(SECOND, 'Only the data say this.')}</main>").text
    assert text.count(SECOND) == 1
    assert text.endswith("## Question 1?\n\nOnly the data say this.")


def test_questions_that_a_short_page_declares_stand_below_its_own_words() -> None:
    own = "The harbour office is closed on Mondays and opens at nine on all other days."
    text = document(f"<main><p>{own}</p></main>{faq('In May, at the window.')}").text
    assert text == f"{own}\n\n## Question 0?\n\nIn May, at the window."


def test_text_of_a_wechat_post_of_pictures_is_read() -> None:
    script = (
        '<script>window.cgiDataNew={nick_name:"港务",content_noencode:JsDecode('
        "'第一步，领取\\x22登记册\\x22；\\x0a第二步，等待\\u5341五天。'),create_time:\"2025\"}</script>"
    )
    body = f"<div id=js_article><p id=js_image_desc></p></div>{script}"
    found = document(body, head='<meta property="og:title" content="泊位">')
    assert found.text == '第一步，领取"登记册"；\n第二步，等待十五天。'


def test_state_that_a_function_hands_over_is_read() -> None:
    markup = (PARAGRAPHS + f"<p>{FOURTH}</p>").replace("/", "\\u002F").replace("<", "\\u003C")
    body = (
        "<div id=__nuxt></div><script>window.__NUXT__=(function(a,b){return {layout:a,data:[{post:"
        f'{{id:b,title:"Moorings",body:"{markup}"}}}}],error:null}}}}("default",7));</script>'
    )
    assert document(body).text == f"{FIRST}\n\n{SECOND}\n\n{THIRD}\n\n{FOURTH}"


def test_broken_strings_in_scripts_leave_the_page_to_the_browser() -> None:
    script = "window.__NUXT__=(function(){return {body:'\\u{ffffff}\\"
    body = f"<div id=__nuxt></div><script>{script}</script>"
    with pytest.raises(ExtractError) as caught:
        document(body)
    assert caught.value.reason == "needs_browser"


# ---------------------------------------------------------------- JSON, lists of addresses


@pytest.mark.parametrize("media_type", ["application/json", "application/hal+json", "text/json"])
def test_json_that_holds_prose_is_read(media_type: str) -> None:
    body = json.dumps({"title": "Moorings", "body": FIRST})
    assert f"body: {FIRST}" in extract(page(body, media_type=media_type)).text


@pytest.mark.parametrize(
    "value", [{"a": 1}, {"token": "x" * 400}, ["https://example.com/a"] * 40, {"k": "v"}]
)
def test_json_for_scripts_is_no_page(value: object) -> None:
    with pytest.raises(ExtractError) as caught:
        extract(page(json.dumps(value), media_type="application/json"))
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("media_type", ["application/feed+json", "application/json"])
def test_json_feed_lists_its_entries(media_type: str) -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Harbour",
        "items": [
            {
                "title": "Fees",
                "url": "https://example.com/fees",
                "date_published": "2024-05-01T10:00:00Z",
                "content_html": f"<p>{FIRST}</p>",
            },
            {"content_text": SECOND, "tags": None},
            "no entry",
        ],
    }
    found = extract(page(json.dumps(feed), media_type=media_type))
    assert found.kind == "listing"
    assert found.text == (
        f"# Harbour\n\n## Fees\n\n2024-05-01\n\n{FIRST}\n\nhttps://example.com/fees\n\n{SECOND}"
    )


def test_sitemap_lists_its_addresses() -> None:
    body = (
        '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url>'
        "<loc>https://example.com/quay</loc><lastmod>2024-05-01</lastmod></url></urlset>"
    )
    found = extract(page(body, media_type="application/xml"))
    assert found.text == "2024-05-01\n\nhttps://example.com/quay"


def test_entities_of_html_in_a_feed_are_read() -> None:
    body = (
        '<?xml version="1.0"?><rss version="2.0"><channel><title>H&auml;fen</title><item>'
        "<title>Kev&auml;t &amp; kes&auml;</title></item></channel></rss>"
    )
    assert (
        extract(page(body, media_type="application/rss+xml")).text == "# Häfen\n\n## Kevät & kesä"
    )


def test_page_that_is_sent_as_plain_text_is_read_as_a_page() -> None:
    body = f"<!DOCTYPE html><html><title>Moorings</title><body>{PARAGRAPHS}"
    found = extract(page(body, media_type="text/plain"))
    assert found.title == "Moorings"
    assert found.text == f"{FIRST}\n\n{SECOND}\n\n{THIRD}"
    assert "<p>" in extract(page(f"Write <p> thus: <p>{FIRST}", media_type="text/plain")).text


# ---------------------------------------------------------------- tables that are no text


def test_rows_of_a_table_that_is_no_text_do_not_come_back_with_the_layout_around_it() -> None:
    calendar = (
        "<table><tr><td><table><tr><td><a href=/p>&lt;&lt;</a></td><td><a href=/m>October</a></td>"
        "<td><a href=/n>&gt;&gt;</a></td></tr></table></td></tr></table>"
    )
    source = f"<article><h1>Moorings</h1>{PARAGRAPHS}<p>{FOURTH}</p></article>{calendar}"
    text = document(f"<div>{source}</div>").text
    assert FOURTH in text
    assert "October" not in text
