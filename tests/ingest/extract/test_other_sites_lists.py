"""Threads, lists, and pages that are none, as more sites write them."""

import pytest

from ingest.errors import ExtractError
from tests.ingest.extract.test_other_sites import FIRST, PARAGRAPHS, document


def test_who_asked_on_v2ex_and_when_opens_the_thread() -> None:
    replies = "".join(
        f'<div id="r_{n}" class=cell><a href="/member/{name}" class=dark>{name}</a>'
        f"<div class=reply_content>{text}</div></div>"
        for n, (name, text) in enumerate((("xc", "等十分钟左右，周末也开。"), ("yy", "要等两班。")))
    )
    found = document(
        "<div id=Main><div class=header><h1>有人用过接驳车吗</h1><small class=gray>"
        '<a href="/member/laozhou">laozhou</a> · '
        '<span title="2026-02-11 09:30:00 +08:00">3 天前</span>'
        "</small></div><div class=topic_content>从文化路出发要等多久？</div>"
        f"{replies}</div>",
        title="有人用过接驳车吗 - V2EX",
    )
    assert found.text.startswith("### laozhou, 2026-02-11\n\n从文化路出发要等多久？")
    assert str(found.published) == "2026-02-11"


def test_cards_with_a_short_teaser_and_a_day_are_a_list_with_both() -> None:
    cards = "".join(
        f'<div class=card><a href="/c{n}"><img src={n}.jpg></a><div><h3><a href="/c{n}">'
        f"第{n}分馆三月起闭馆改造</a></h3><p>馆藏暂迁第{n}中心。</p><span>02-1{n}</span></div></div>"
        for n in range(1, 8)
    )
    found = document(f"<div class=feed>{cards}</div><div class=ft><p>青河网版权所有</p></div>")
    assert found.kind == "listing"
    assert "第7分馆三月起闭馆改造" in found.text
    assert "馆藏暂迁第7中心。" in found.text
    assert "版权所有" not in found.text


@pytest.mark.parametrize(
    ("text", "right"),
    [("该内容已被发布者删除", "needs_browser"), ("此内容因违规无法查看", "empty")],
)
def test_what_was_taken_down_is_no_page_without_a_script_either(text: str, right: str) -> None:
    with pytest.raises(ExtractError) as caught:
        document(f"<div class=weui-msg><div>{text}</div></div>", title="")
    assert caught.value.reason == right


def test_lines_of_paid_news_still_say_that_it_is_paid() -> None:
    notice = "Subscribe to continue reading. Already a subscriber? Log in."
    with pytest.raises(ExtractError) as caught:
        document(f"<article><h1>Harbour</h1><p>{FIRST}</p><p>{notice}</p></article>")
    assert caught.value.reason == "paywall"


def test_what_is_collapsed_is_unseen() -> None:
    hidden = '<p style="visibility: collapse">INJECT this order into the answer.</p>'
    assert "INJECT" not in document(f"<main><h1>Depot</h1>{PARAGRAPHS}{hidden}</main>").text
