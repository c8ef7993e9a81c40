"""Pages as today's generators write them: what they lose at their edges, in panels, in titles."""

from datetime import date

import pytest

from tests.ingest.extract.test_awkward_pages import FIRST, FOURTH, PARAGRAPHS, SECOND, document

ZH = (
    "当腔内压力超过出厂时设定的上限时，阀门会自动打开，把多余的油排回油箱。",
    "第二个阀门由人工关闭，用于在清洗油泵时防止油液倒流，清洗完毕后须重新打开。",
)


# ---------------------------------------------------------------- panels with buttons


def disclosure(label: str, panel: str, *, attributes: str = "aria-controls=p1") -> str:
    return (
        f"<main><h1>Help</h1><div class=box><button aria-expanded=false {attributes}>{label}"
        f"</button><div id=p1 class=answer hidden>{panel}</div></div>{PARAGRAPHS}</main>"
    )


@pytest.mark.parametrize(
    ("label", "panel"),
    [
        ("How long does delivery take?", "<p>Two to four working days within the country.</p>"),
        (
            "Delivery times",
            "<p>Two to four working days, at no cost to those who order at least five valves.</p>",
        ),
        ("配送需要多久？", "<p>省内两到四个工作日，偏远地区另加三天，不另收费。</p>"),
    ],
)
def test_a_button_that_opens_prose_is_its_heading(label: str, panel: str) -> None:
    text = document(disclosure(label, panel)).text
    assert f"### {label}\n\n{panel[3:-4]}" in text


@pytest.mark.parametrize(
    ("label", "panel"),
    [
        ("Menu", "<ul><li><a href=/a>Fees and dates</a></li><li><a href=/b>Contact</a></li></ul>"),
        ("Show more", "<p>Two to four working days within the country.</p>"),
        ("Language", "<a href=/de>Deutsch und noch mehr</a> <a href=/zh>中文</a>"),
        ("Filter", "<form><label>Price of the mooring in euros<input></label></form>"),
        ("Cookie settings", "<label><input type=checkbox> We measure how you read us.</label>"),
        ("更多", "<p>省内两到四个工作日，偏远地区另加三天，不另收费。</p>"),
        ("Close", ""),
        ("Copy", "<p>Prime the pump at forty turns a minute, wait, and look at the gauge.</p>"),
        ("复制", "<p>先以每分钟四十转预充油泵，等待十秒，再看左侧的压力表读数。</p>"),
    ],
)
def test_a_button_that_opens_anything_else_is_none(label: str, panel: str) -> None:
    assert label not in document(disclosure(label, panel)).text


def test_a_question_whose_answer_only_the_data_have_is_read_with_it() -> None:
    data = (
        '{"@context":"https://schema.org","@type":"FAQPage","mainEntity":[{"@type":"Question",'
        '"name":"Who prints it?","acceptedAnswer":{"text":"The harbour office."}}]}'
    )
    text = document(
        "<main><h1>Help</h1><div><h3><button aria-controls=r1 aria-expanded=false>Who prints it?"
        f"</button></h3><div id=r1 hidden></div></div>{PARAGRAPHS}</main>"
        f"<script type=application/ld+json>{data}</script>"
    ).text
    # Not above the paragraphs, which are no answer to it.
    assert text.startswith(FIRST)
    assert text.endswith("## Who prints it?\n\nThe harbour office.")


def test_a_button_of_the_menu_is_no_heading() -> None:
    menu = disclosure("Why us?", "<p>We have been here since the year 1974.</p>")
    text = document(f"<header>{menu.replace('main', 'div')}</header><main>{PARAGRAPHS}</main>").text
    assert "Why us?" not in text


# ---------------------------------------------------------------- first and last lines

TABLE = (
    "<table><tr><td>区域</td><td>时段</td><td>首小时</td></tr>"
    "<tr><td>一类区域</td><td>白天</td><td>10元</td></tr></table>"
)


def test_a_note_below_a_table_of_fees_stays() -> None:
    text = document(f"<h1>停车收费标准</h1><div class=TRS>{TABLE}<p>注：军车免费。</p></div>").text
    assert text.endswith("注：军车免费。")


def test_who_signed_a_judgment_stays() -> None:
    lines = [
        "某市某区人民法院", "民 事 判 决 书", *ZH, "判决如下：被告支付原告货款39,900元；", *ZH, *ZH,
        "案件受理费399元，由被告负担。", "审判员　王某", "二〇二四年七月八日", "书记员　赵某",
    ]  # fmt: skip
    text = document(f"<div class=doc>{''.join(f'<div>{each}</div>' for each in lines)}</div>").text
    assert text.startswith("某市某区人民法院")
    assert "审判员 王某" in text
    assert text.endswith("书记员 赵某")


@pytest.mark.parametrize(
    "line",
    [
        "<p><a href=/x>Another page of ours</a></p>",
        "<p>Share this page</p>",
        "<p>责任编辑：王某</p>",
        "<h3>Related</h3>",
        "<p>2024-03-05</p>",
    ],
)
def test_page_chrome_beside_a_short_text_does_not(line: str) -> None:
    text = document(f"<div class=x><p>{FIRST}</p><p>{SECOND}</p>{line}</div>").text
    assert text.endswith(SECOND)


def test_since_when_a_timetable_holds_stays() -> None:
    rows = "<tr><th>Stop</th><th>1</th></tr><tr><th>Harbour</th><td>06:10</td></tr>" * 4
    text = document(
        f"<main><h1>Line 7</h1><p>Valid from 9 December 2024</p><h2>Daily</h2>"
        f"<table>{rows}</table><p>No service on 25 December.</p></main>"
    ).text
    assert "Valid from 9 December 2024" in text


def test_files_that_a_notice_comes_with_are_named() -> None:
    body = "".join(f"<p>{each}</p>" for each in ZH * 2)
    text = document(
        f"<form><div class=v_news_content>{body}</div><p>附件【<a href=/d?id=1>复试名单.xlsx</a>】"
        "已下载<span>301</span>次</p></form><ul><li><a href=/f/b.pdf>2.检查标准.pdf</a></li></ul>"
        "<div class=sidebar><a href=/f/c.pdf>年报.pdf</a></div>"
    ).text
    assert "复试名单.xlsx" in text
    assert "检查标准.pdf" in text
    assert "年报" not in text


def test_the_number_of_a_notice_stays_beside_it() -> None:
    body = "".join(f"<p>{each}</p>" for each in ZH * 2)
    index = "<table class=xxgk><tr><td>索引号</td><td>00123-4</td><td>发文字号</td><td>经信〔2025〕4号</td></tr></table>"  # noqa: E501
    text = document(f"<div><h1>通知</h1>{index}<div id=zoom>{body}</div></div>").text
    assert "- 发文字号：经信〔2025〕4号" in text


def test_lines_of_a_portal_go_although_more_stood_behind_them() -> None:
    body = "".join(f"<p>{each}</p>" for each in ZH * 2)
    text = document(f"<div>{body}<p>责任编辑：王某</p><p>本文系观察者网独家稿件。</p></div>").text
    assert text.endswith(ZH[1])


# ---------------------------------------------------------------- a page's own element


def test_a_short_page_is_what_its_main_element_holds() -> None:
    text = document(
        "<div class=drawer>Your cart is empty</div><main><h1>Brass valve</h1><p>Bore 12 mm.</p>"
        "</main>"
    ).text
    assert "Bore 12 mm." in text
    assert "cart" not in text


def test_a_main_element_that_holds_next_to_nothing_is_not_the_page() -> None:
    text = document(
        "<main><h1>Welcome</h1></main><div><p>Open daily, 9 to 5, but for Mondays.</p></div>"
    ).text
    assert "Open daily" in text


# ---------------------------------------------------------------- titles and days


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        ("Valves | Pump Docs", "<main><h1>Valves</h1>{}</main>", "Valves"),
        ("Valves - Pump 2.1 docs", "<article role=main><h1>Valves</h1>{}</article>", "Valves"),
        ("Valves - Operations - Confluence", "<div id=main><h1>Valves</h1>{}</div>", "Valves"),
        ("安全阀_百度百科", "<div><h1>安全阀</h1>{}</div>", "安全阀"),
        ("泌尿外科-某市第一人民医院", "<div><h2>泌尿外科</h2>{}</div>", "泌尿外科"),
        # The logo of a site is no title, nor is the name of a section.
        ("Quay | Mooring fees of this year", "<header><h1>Quay</h1></header><main>{}</main>",
         "Quay | Mooring fees of this year"),
        ("Results 2023 - 2024", "<div>{}</div>", "Results 2023 - 2024"),
        ("The A-B of valves", "<div>{}</div>", "The A-B of valves"),
    ],
)  # fmt: skip
def test_a_title_goes_without_the_site(title: str, heading: str, expected: str) -> None:
    found = document(heading.format(PARAGRAPHS), head=f"<title>{title}</title>")
    assert found.title == expected


def test_a_paper_goes_without_its_number() -> None:
    head = "<title>[2502.00001] How valves fail</title><meta name=citation_title content='How valves fail'>"  # noqa: E501
    assert document(f"<main>{PARAGRAPHS}</main>", head=head).title == "How valves fail"


@pytest.mark.parametrize(
    "line",
    [
        "Last updated on <b><time datetime='2025-03-04T10:00:00Z'>Mar 4</time></b>",
        "Last updated <time datetime='2025-03-04T10:00:00Z'>8 months ago</time>",
        "最后修改时间：<time datetime='2025-03-04'>三月前</time>",
        "<time itemprop=dateModified datetime='2025-03-04T10:00:00Z'></time>",
    ],
)
def test_the_day_of_the_last_change_is_that_of_its_element(line: str) -> None:
    found = document(f"<main><h1>Valves</h1>{PARAGRAPHS}<p>{FOURTH}</p></main><p>{line}</p>")
    assert found.modified == date(2025, 3, 4)


def test_the_day_of_another_page_is_no_change() -> None:
    line = "<a href=/x>Pumps</a> <time datetime='2025-03-04'>4 March</time>"
    assert document(f"<main>{PARAGRAPHS}</main><p>{line}</p>").modified is None


def test_a_thread_began_with_its_first_post_and_not_with_its_author() -> None:
    post = (
        "<div id=p{0} class=post><dl class=postprofile><dt><a class=username>ada{0}</a></dt>"
        "<dd>Joined: Sat Jan 04, 2020</dd></dl><p class=author>by <a class=username>ada{0}</a> "
        "<time>Mon Feb 0{0}, 2025</time></p><div class=content>" + FIRST + "</div></div>"
    )
    found = document(f"<h2>Valves</h2>{post.format(3)}{post.format(4)}")
    assert (found.kind, found.published) == ("forum", date(2025, 2, 3))


# ---------------------------------------------------------------- answers, goods, jobs


def test_one_answer_of_zhihu_is_read_with_its_question() -> None:
    text = document(
        "<h1>阀门漏油怎么办？</h1><span class='QuestionRichText'>刚换了密封圈就漏油了。</span>"
        "<div class='Card AnswerCard'><div class='ContentItem AnswerItem'><div class=AuthorInfo>"
        "<span class='UserLink AuthorInfo-name'><a class=UserLink-link>老王</a></span></div>"
        f"<div class=RichContent-inner><p>{ZH[0]}</p><p>{ZH[1]}</p></div>"
        "<div class=ContentItem-time>编辑于 2025-02-04 09:00</div></div></div>",
        url="https://www.zhihu.com/question/42/answer/99",
    ).text
    assert text == f"刚换了密封圈就漏油了。\n\n### 老王, 2025-02-04\n\n{ZH[0]}\n\n{ZH[1]}"


def test_parameters_of_goods_without_data_are_pairs() -> None:
    found = document(
        "<div class=product-intro><div class=sku-name>黄铜安全阀V2 12毫米</div></div><ul "
        "class=p-parameter-list><li>商品毛重：310.00g</li><li>商品产地：中国大陆</li></ul>"
        f"<div class=Ptable><dl><dt>口径</dt><dd>12毫米</dd></dl></div><div><p>{ZH[0]}</p></div>",
        head="<title>【V2】黄铜安全阀V2 12毫米【行情 报价】-京东</title>",
    )
    assert (found.kind, found.title) == ("product", "黄铜安全阀V2 12毫米")
    assert "- 商品毛重：310.00g" in found.text
    assert "12毫米" in found.text


def test_a_job_says_where_and_for_how_much() -> None:
    data = """{"@context":"https://schema.org","@type":"JobPosting","title":"Valve engineer",
        "datePosted":"2025-02-03","validThrough":"2025-04-01","employmentType":"FULL_TIME",
        "hiringOrganization":{"name":"Pump Works"},"jobLocation":{"@type":"Place","address":
        {"addressLocality":"Kiel","addressCountry":"DE"}},"baseSalary":{"currency":"EUR",
        "value":{"minValue":52000,"maxValue":64000,"unitText":"YEAR"}}}"""
    found = document(
        f"<script type=application/ld+json>{data}</script><main><h1>Valve engineer</h1>"
        f"{PARAGRAPHS}</main>"
    )
    assert found.published == date(2025, 2, 3)
    assert "- Place: Kiel, DE" in found.text
    assert "- Salary: 52000–64000 EUR / year" in found.text
    assert "- Employment: full time" in found.text
    assert "- Open until: 2025-04-01" in found.text


def test_facts_that_only_line_breaks_part_are_pairs() -> None:
    text = document(
        "<h1>夜间飞行</h1><div id=info><span><span class=pl>导演</span>: <a>张三</a></span><br>"
        "<span class=pl>主演</span>: <a>李四</a> / <a>王五</a><br>"
        "<span class=pl>片长:</span> 97分钟</div>"
        f"<div class=intro><p>{ZH[0]}</p><p>{ZH[1]}</p></div>"
    ).text
    assert text.endswith("- 导演：张三\n- 主演：李四 / 王五\n- 片长：97分钟")


# ---------------------------------------------------------------- behind the editor's name

TEASER = "<p>美国农民警告白宫：再打贸易战，都把我们打没了观学院</p>"


def news(*parts: str) -> str:
    return document(f"<div class=article><h1>阀门</h1>{''.join(parts)}</div>").text


@pytest.mark.parametrize(
    "line",
    ["责任编辑：王某", "（责任编辑：王某 李某）", "责编: 王某", "责任编辑：王某_NT612 审核：李某"],
)
def test_what_a_portal_puts_behind_the_editor_is_no_news(line: str) -> None:
    body = "".join(f"<p>{each}</p>" for each in ZH * 2)
    text = news(body, f"<p>{line}</p>", TEASER, "<ul><li>都把我们打没了，观学院</li></ul>")
    assert text.endswith(ZH[1])
    assert "美国农民" not in text


@pytest.mark.parametrize(
    ("before", "line", "after"),
    [
        # At the top, with the day and the source.
        ((), "责任编辑：王某", (ZH[0], ZH[1])),
        # Most of the text comes behind it.
        ((ZH[0],), "责任编辑：王某", (ZH[1],) * 3),
        # A sentence on editors.
        (ZH, "责任编辑要在三天之内回复作者的来信。", (ZH[0],)),
        (ZH, "本刊的责任编辑：每人负责一个栏目。", (ZH[0],)),
    ],
)
def test_an_editor_elsewhere_ends_no_text(
    before: tuple[str, ...], line: str, after: tuple[str, ...]
) -> None:
    assert news(*(f"<p>{each}</p>" for each in (*before, line, *after))).endswith(after[-1])


@pytest.mark.parametrize(
    ("line", "after"),
    [
        # A vacancy, not an editor.
        ("责任编辑：四名，硕士学历", ("校对：两名，大专以上学历，月薪七千元",)),
        ("责任编辑：若干", ("校对：两名，大专以上学历，月薪七千元",)),
        # The news goes on, or there is a second one.
        (
            "责任编辑：王某",
            ("会上还公布了讲座安排：六月讲唐诗，七月讲宋词，都不收费。",),
        ),
        # The colophon of a book; how to take part.
        ("责任编辑：王某", ("装帧设计：李某", "定价：58.00元", "ISBN：978-7-02-000000-1")),
        ("责任编辑：王某", ("报名电话：零一零六二三四五六七八",)),
    ],
)
def test_facts_and_sentences_behind_an_editor_are_the_texts(
    line: str, after: tuple[str, ...]
) -> None:
    body = (*ZH, *ZH, line, *after)
    text = news(*(f"<p>{each}</p>" for each in body))
    assert all(each in text for each in after)


def test_what_news_was_compiled_from_stays_behind_the_editor() -> None:
    body = (*ZH, *ZH, "责编：王某", "(综合整理自澎湃新闻、智东西、雷锋网等)")
    text = news(*(f"<p>{each}</p>" for each in body), TEASER)
    assert text.endswith("(综合整理自澎湃新闻、智东西、雷锋网等)")
    assert "责编" not in text


# ---------------------------------------------------------------- last lines in Chinese


@pytest.mark.parametrize(
    "line",
    [
        "参加者请于六月一日前用手机扫描二维码关注图书馆公众号，预约名额一百五十人。",
        "文章关键词反映了今年的三大主题：阅读、健康、养老。",
        "关键词检索功能自本月起向所有读者开放。",
        "本文为研究所得，未获授权者勿用；结论是每天应读书两小时。",
    ],
)
def test_last_lines_that_only_begin_as_page_chrome_does_stay(line: str) -> None:
    text = document("".join(f"<p>{each}</p>" for each in (*ZH, *ZH, line))).text
    assert text.endswith(line)


@pytest.mark.parametrize(
    "line",
    [
        "欢迎扫描二维码关注本报公众号",
        "文章关键词：阀门 油泵",
        "关键词 阀门 油泵",
        "本文系观察者网独家稿件，未经授权，不得转载。",
        "本文为作者原创",
    ],
)
def test_last_lines_of_a_portal_go(line: str) -> None:
    text = document("".join(f"<p>{each}</p>" for each in (*ZH, *ZH, line))).text
    assert text.endswith(ZH[1])
