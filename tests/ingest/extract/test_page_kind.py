"""The kind of a page is told by what it declares and how its text is made up."""

import json

import pytest

from ingest.errors import ExtractError
from ingest.extract.extractor import extract
from tests.page_samples import page

SENTENCE = "The harbour was quiet that morning, and the boats lay still in the grey water. "
PARAGRAPH = f"<p>{SENTENCE * 3}</p>"
CONSENT = (
    "<p>We and our 812 partners store and access information on your device, such as cookies, and"
    " process personal data.</p><p>You consent to this by choosing Accept all; you may change your"
    " privacy settings or withdraw your consent at any time.</p>"
)


def kind(body: str, head: str = "", *, url: str = "https://example.com/a/b") -> str:
    source = f"<html><head><title>Quiet</title>{head}</head><body>{body}</body></html>"
    return extract(page(source, url=url)).kind


def linked_data(**fields: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(fields)}</script>'


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"@type": "NewsArticle"}, "article"),
        ({"@type": "Recipe", "name": "Cake"}, "recipe"),
        ({"@type": "https://schema.org/QAPage"}, "qa"),
        ({"@type": "DiscussionForumPosting"}, "forum"),
        ({"@type": "Product", "name": "Lamp"}, "product"),
        ({"@type": "Event", "name": "Regatta"}, "event"),
        ({"@graph": [{"@type": "WebSite"}, {"@type": ["Recipe", "NewsArticle"]}]}, "recipe"),
        ({"@type": "Article", "about": {"@type": "Product"}}, "article"),
    ],
)
def test_kind_is_what_the_structured_data_of_the_page_say(fields: object, expected: str) -> None:
    assert kind(f"<article>{PARAGRAPH * 3}</article>", linked_data(**fields)) == expected


def test_review_that_names_its_product_is_an_article() -> None:
    head = linked_data(**{"@type": "Product"}) + linked_data(**{"@type": "NewsArticle"})
    assert kind(f"<article>{PARAGRAPH * 3}</article>", head) == "article"


def test_list_of_linked_titles_is_a_listing_whatever_it_declares() -> None:
    entries = "".join(
        f'<li><a href="/{n}">Notice number {n} about the harbour</a> 2024-03-0{n}</li>'
        for n in range(1, 9)
    )
    assert (
        kind(f"<main><ul>{entries}</ul></main>", linked_data(**{"@type": "WebPage"})) == "listing"
    )


def test_linked_headings_with_teasers_are_a_listing() -> None:
    cards = "".join(
        f'<article><h2><a href="/{n}">Story number {n} of the day</a></h2>'
        f"<p>{SENTENCE}{SENTENCE}</p></article>"
        for n in range(8)
    )
    assert kind(f"<main>{cards}</main>") == "listing"


def test_article_with_links_at_its_end_stays_an_article() -> None:
    more = "".join(f'<li><a href="/{n}">Another story, number {n}</a></li>' for n in range(9))
    assert kind(f"<article>{PARAGRAPH * 4}</article><ul>{more}</ul>") == "article"


def test_short_news_are_brief() -> None:
    assert kind(f"<article><h1>Harbour reopens</h1><p>{SENTENCE * 2}</p></article>") == "brief"


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ('<meta name="generator" content="Docutils 0.20, Sphinx 7.2">', "https://example.com/a"),
        ("", "https://example.com/docs/install.html"),
    ],
)
def test_documentation_is_known_by_its_generator_or_its_address_and_code(
    head: str, url: str
) -> None:
    body = f"<main><h1>Install</h1>{PARAGRAPH}<pre>{'pip install harbour' * 9}</pre></main>"
    assert kind(body, head, url=url) == "documentation"


def test_posts_of_a_thread_are_a_forum() -> None:
    posts = "".join(
        f'<div id="post_{n}"><div class="authi"><a>user{n}</a></div>'
        f'<td class="t_f" id="postmessage_{n}">{SENTENCE * 2}</td></div>'
        for n in range(4)
    )
    assert kind(f'<div id="postlist">{posts}</div>') == "forum"


def test_table_of_data_is_a_table() -> None:
    rows = "".join(f"<tr><td>Quay {n}</td><td>{n} m</td><td>open</td></tr>" for n in range(40))
    assert kind(
        f"<main><table><tr><th>Quay</th><th>Depth</th><th>State</th></tr>{rows}</table>"
    ) == ("table")


# ---------------------------------------------------------------- walls


def reason(body: str, head: str = "") -> str:
    with pytest.raises(ExtractError) as caught:
        kind(body, head)
    assert caught.value.hint
    return caught.value.reason


def test_page_that_asks_only_for_consent_is_named_so() -> None:
    assert reason(f"<main><h1>Before you continue</h1>{CONSENT}</main>") == "consent_wall"


def test_consent_beside_an_article_is_no_wall() -> None:
    assert kind(f"<div class=modal>{CONSENT}</div><article>{PARAGRAPH * 4}</article>") == "article"


def test_article_that_a_longer_request_for_consent_outweighs_is_read() -> None:
    body = f'<div class="modal cookie-consent">{CONSENT * 4}</div><aside>{PARAGRAPH * 3}</aside>'
    found = extract(page(f"<html><body>{body}</body></html>"))
    assert "grey water" in found.text
    assert "812 partners" not in found.text


def test_policy_about_cookies_is_its_text() -> None:
    source = f"<head><title>Cookie policy</title></head><body><main>{CONSENT}</main></body>"
    assert "812 partners" in extract(page(source)).text


@pytest.mark.parametrize(
    "notice",
    [
        "Subscribe to continue reading. Already a subscriber? Log in.",
        "Diesen Artikel weiterlesen mit einem Abo. Bereits Abonnent?",
        "Il vous reste 80 % de cet article à lire. La suite est réservée aux abonnés.",
        "本文为付费内容，开通会员后可阅读全文。",
        "登录后即可查看更多内容",
    ],
)
def test_lead_of_one_sentence_before_a_paywall_is_no_text(notice: str) -> None:
    body = f"<article><h1>Harbour</h1><p>{SENTENCE}</p><p>{notice}</p></article>"
    assert reason(body) == "paywall"


def test_longer_lead_is_kept_without_the_notice_and_named() -> None:
    notice = "To continue reading, take out a subscription or start a free trial."
    lead = f"<p>{SENTENCE * 4}</p><p>{SENTENCE * 4}</p>"
    body = f"<article><h1>Harbour</h1>{lead}<p>{notice}</p></article>"
    found = extract(page(f"<html><body>{body}</body></html>"))
    assert found.kind == "paywall"
    assert "free trial" not in found.text
    assert "grey water" in found.text


def test_short_text_that_declares_itself_paid_is_what_stands_before_the_paywall() -> None:
    head = linked_data(**{"@type": "NewsArticle", "isAccessibleForFree": "False"})
    assert kind(f"<article><h1>Harbour</h1><p>{SENTENCE * 6}</p></article>", head) == "paywall"


def test_whole_text_that_declares_itself_paid_is_an_article() -> None:
    head = linked_data(**{"@type": "NewsArticle", "isAccessibleForFree": False})
    assert kind(f"<article><h1>Harbour</h1>{PARAGRAPH * 9}</article>", head) == "article"


def test_article_about_paywalls_is_an_article() -> None:
    about = "<p>Readers who subscribe to read more than the headlines are few, " + SENTENCE * 5
    assert kind(f"<article><h1>Paywalls</h1>{about}</p>{PARAGRAPH * 3}</article>") == "article"
