"""Short lines that hold the answer, boxes of facts, lists of questions, and pages that are none."""

from datetime import date

import pytest

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.extractor import extract
from tests.page_samples import page

LEAD = "东港水库今年汛期的蓄水位将提前两周下调，因为上游三座小水库同时进行除险加固，需要腾出库容。"
SECOND = "沿岸十四个村的灌溉用水改由二号渠供给，每村每周两次，每次六小时，时间表张贴在村委会门口。"
MENU = '<div class="nav"><a href="/">首页</a><a href="/news">新闻</a><a href="/gn">国内</a></div>'


def document(
    body: str, *, title: str = "东港水库", url: str = "https://example.com/a/b"
) -> Document:
    head = f"<title>{title}</title>"
    return extract(page(f"<html><head>{head}</head><body>{MENU}{body}</body></html>", url=url))


def reason(body: str, *, title: str = "东港水库") -> str:
    with pytest.raises(ExtractError) as caught:
        document(body, title=title)
    return caught.value.reason


def test_a_short_line_between_two_of_the_text_is_one_of_it() -> None:
    notice = document(
        f"<div class=article><h1>招聘公告</h1><p>{LEAD}</p><table border=1><tr><th>岗位</th>"
        "<th>人数</th></tr><tr><td>巡查员</td><td>3</td></tr></table>"
        "<p>报名截止：2026年6月1日17:00</p><p>联系人：孙女士，电话 0513-8800 1122</p></div>"
    )
    assert "报名截止：2026年6月1日17:00" in notice.text
    minutes = document(
        "<main><h1>Minutes of 4 May</h1><p>Present: A. Stone, B. Hill, C. Rook</p>"
        "<p>Absent: D. Vale</p><ol><li>Budget approved, 7 votes to 2.</li>"
        "<li>Gate to be painted green.</li></ol><p>Signed: A. Stone</p></main>"
    )
    assert "Absent: D. Vale" in minutes.text


def test_a_cell_over_two_columns_stands_in_both_but_the_title_of_a_part_once() -> None:
    text = document(
        "<h1>票价</h1><table><tr><th>票种</th><th>成人</th><th>儿童</th></tr>"
        "<tr><td colspan=3>甲区</td></tr><tr><td>日票</td><td colspan=2>3.60</td></tr></table>"
    ).text
    assert "| 日票 | 3.60 | 3.60 |" in text
    assert "甲区 | 甲区" not in text


def test_every_question_of_a_list_keeps_its_place_above_its_answer() -> None:
    pairs = [
        ("When do buses run?", "Every twelve minutes on weekends."),
        ("What does it cost?", "Nothing is added to your ticket."),
        ("Who pays?", "The city and the federal fund."),
    ]
    panels = "".join(f"<details><summary>{q}</summary><div>{a}</div></details>" for q, a in pairs)
    text = document(f"<main><h1>FAQ</h1>{panels}</main>").text
    places = [text.index(part) for pair in pairs for part in pair]
    assert places == sorted(places)


def test_short_answers_that_a_click_opens_are_read() -> None:
    answers = ("每年五月中旬，为期两周。", "不会，自来水取自二号井。")
    questions = ("什么时候放水？", "会影响自来水吗？")
    items = "".join(
        f'<div class="item"><div class=q>问：{question}</div>'
        f'<div class=a style="display:none">答：{answer}</div></div>'
        for question, answer in zip(questions, answers, strict=True)
    )
    menu = '<div>需要帮助？</div><div style="display:none"><a href="/x">联系客服中心</a></div>'
    text = document(f"<div class=faq><h1>常见问题</h1>{items}</div>{menu}").text
    assert all(answer in text for answer in answers)
    assert "联系客服中心" not in text


def test_a_box_of_facts_comes_with_the_text() -> None:
    facts = {"中文名": "东港水库", "总库容": "4200万立方米", "建成时间": "1974年10月"}
    box = "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in facts.items())
    text = document(
        f"<h1>东港水库</h1><div class=para>{LEAD}</div><div class=basic-info><dl>{box}</dl></div>"
        f'<h2>用途</h2><div class="para">{SECOND}</div>'
    ).text
    assert "总库容：4200万立方米" in text
    assert "建成时间：1974年10月" in text


def test_the_index_of_a_notice_is_read_and_says_when_it_appeared() -> None:
    notice = document(
        '<table class="xxgk"><tr><td>索 引 号：</td><td>DG-2026-0031</td><td>发布机构：</td>'
        "<td>市水务局</td></tr><tr><td>成文日期：</td><td>2024年5月10日</td><td>发布日期：</td>"
        "<td>2024年5月12日</td></tr></table>"
        f"<div class=TRS_Editor><p>{LEAD}</p><p>{SECOND}</p></div>"
    )
    assert "DG-2026-0031" in notice.text
    assert notice.published == date(2024, 5, 12)


def test_a_list_of_pages_has_no_day_of_its_own() -> None:
    entries = "".join(
        f'<li><span>2026-0{number}-10</span> <a href="/n{number}">第{number}号水库放水通知全文</a>'
        for number in range(1, 9)
    )
    listing = document(f"<main><h1>通知公告</h1><ul class=list>{entries}</ul></main>")
    assert listing.kind == "listing"
    assert "2026-01-10" in listing.text
    assert listing.published is None


def test_the_question_stands_before_the_accepted_answer() -> None:
    text = document(
        '<div id=question class=question><div class="s-prose js-post-body"><p>How do I list all '
        'the switches of a tram?</p></div><div class="user-details"><a>ada</a></div></div>'
        '<div class="answer"><div class="s-prose js-post-body"><p>Loop until None.</p></div>'
        '<div class="user-details"><a>bob</a></div></div><div class="answer accepted-answer">'
        '<div class="s-prose js-post-body"><p>Since 2.0 pass all.</p></div>'
        '<div class="user-details"><a>carol</a></div></div>',
        title="How do I list switches?",
    ).text
    assert text.index("How do I list all") < text.index("Since 2.0") < text.index("Loop until")


def test_the_bar_above_a_listing_is_none_of_it() -> None:
    bar = "<div class=bar><span>python</span><div class=copyBtn>复制代码</div></div>"
    code = '<pre><code class="language-python">print(1)\nprint(2)</code></pre>'
    text = document(
        f"<article><h1>列目录</h1><p>{LEAD}</p>{bar}{code}<p>{SECOND}</p></article>"
    ).text
    assert "复制代码" not in text
    assert f"{LEAD}\n\n```python\nprint(1)\nprint(2)\n```\n\n{SECOND}" in text


def test_data_of_a_script_with_a_name_of_the_sites_own_are_read() -> None:
    content = "".join(f"<p>{each}</p>".replace("/", "\\/") for each in (LEAD, SECOND, LEAD, SECOND))
    state = f'{{"docData":{{"title":"东港水库","list":[{{"data":"{content}"}}]}}}}'
    body = f"<div id=root></div><script>var allData = {state};</script>"
    found = extract(page(f"<html><head><title>东港水库</title></head><body>{body}</body></html>"))
    assert LEAD in found.text


@pytest.mark.parametrize(
    ("title", "body", "right"),
    [
        (
            "登录",
            '<form><input name=u><input type=password><a href="/f">忘记密码</a></form>',
            "paywall",
        ),
        ("页面不存在", "<div><p>抱歉，您访问的页面不存在或已被删除。</p></div>", "empty"),
        ("404", "<h1>Page not found</h1><p>Try the search.</p>", "empty"),
        ("404 Not Found", "<p>The requested URL was not found on this server.</p>", "empty"),
        ("Shop", "<h1>Sorry, this page doesn't exist.</h1><p>Go home.</p>", "empty"),
        ("提示", "<p>该文章已被删除</p><p>返回首页</p>", "empty"),
        ("Enter", "<form><p>You must be 18 or older to enter.</p></form>", "needs_browser"),
    ],
)
def test_what_stands_in_place_of_a_page_is_named(title: str, body: str, right: str) -> None:
    assert reason(body, title=title) == right


@pytest.mark.parametrize(
    "text",
    [
        "All staff meet on Friday at three o'clock in room 404 of the main building; bring notes.",
        "The Peugeot 404 was built from 1960 to 1975, first in Sochaux and later in Kenya.",
        "404 hectares of forest burnt down near the village before rain put the fire out.",
        "本周五下午三点在行政楼404室召开全体员工会议，请各部门负责人提前十分钟到场并带上报表。",
        "若商品已下架，请联系客服恢复；视频已删除后无法找回，请事先备份。",
    ],
)
def test_short_page_that_mentions_what_is_missing_is_a_page(text: str) -> None:
    assert text[:20] in extract(page(f"<title>Notice</title><p>{text}</p>")).text


def test_names_of_reporters_lose_what_papers_put_around_them() -> None:
    found = document(
        "<article><h1>水庫洩洪</h1><p class=author>記者 林大同／東港報導</p>"
        f"<p>{LEAD}</p></article>"
    )
    assert found.author == "林大同"
