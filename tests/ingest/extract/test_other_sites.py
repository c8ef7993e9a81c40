"""Pages as other sites write them: what a reader sees there, and in which order.

Each was written, with the right value, before the code was run on it.
"""

import pytest

from ingest.documents import Document
from ingest.extract.extractor import extract
from tests.page_samples import page

FIRST = "The tram depot at Linden Street will close for repairs on the first weekend of February."
SECOND = "Engineers found in September that two of the nine roof beams had rusted through."
THIRD = "Line four will run every fifteen minutes instead of every ten until the work is done."
ZH_FIRST = "城东水厂将于二月第一个周末停产检修，其间由城北水厂向东城片区供水，水压可能略有下降。"
ZH_SECOND = "检修期间，高层住宅的住户如果遇到水量不足，可以拨打热线报修，公司安排了六辆送水车。"
PARAGRAPHS = f"<p>{FIRST}</p><p>{SECOND}</p>"
ZH_PARAGRAPHS = f"<p>{ZH_FIRST}</p><p>{ZH_SECOND}</p>"


def document(body: str, *, title: str = "Depot", url: str = "https://example.com/a/b") -> Document:
    return extract(
        page(f"<html><head><title>{title}</title></head><body>{body}</body></html>", url=url)
    )


# ---------------------------------------------------------------- very short texts


def test_news_in_brief_comes_without_the_lists_beside_it() -> None:
    others = "".join(f'<li><a href="/m{n}">Headline number {n} of the city</a></li>' for n in "123")
    text = document(
        "<main><div class=col-8><h1>Line four runs again</h1><p>9 February 2026, 07:12</p>"
        "<p>Line four has been running again since 6:40 this morning after a power cut.</p></div>"
        f"<div class=col-4><h3>Most read</h3><ol>{others}</ol></div></main>"
    ).text
    assert "since 6:40 this morning" in text
    assert "Most read" not in text
    assert "Headline number" not in text


def test_a_short_notice_comes_without_the_foot_that_no_class_names() -> None:
    text = document(
        "<div><h1>绘本读书会招募</h1><p>活动时间：3月7日（周六）下午2:00—3:30</p>"
        "<p>招募人数：20组家庭</p></div><div class=ft><p>青河网版权所有</p>"
        "<p>浙ICP备22222222号</p></div>",
        title="读书会",
    ).text
    assert "3月7日（周六）下午2:00" in text
    assert "20组家庭" in text
    assert "ICP" not in text


def test_a_notice_that_is_a_picture_is_its_alternative_text() -> None:
    alt = "区图书馆老馆3月1日起闭馆，还书请到体育中心一层。"
    assert alt in document(f'<div><h1>闭馆通知</h1><p><img src=n.jpg alt="{alt}"></p></div>').text


def test_pictures_beside_sentences_are_not_written_out() -> None:
    body = f'<main><h1>Depot</h1><p>{FIRST}</p><img src=a.jpg alt="{SECOND}"></main>'
    assert SECOND not in document(body).text


def test_what_others_bought_is_none_of_a_short_page_of_goods() -> None:
    text = document(
        "<div class=product><h1>Bow saw</h1><div class=price>18.90 EUR</div><p>Cuts branches up to "
        "15 cm.</p></div><div class=also-bought><h3>Customers also bought</h3>"
        '<div class=card><a href="/g">Garden gloves, leather</a><span>9.50 EUR</span></div></div>'
    ).text
    assert "18.90 EUR" in text
    assert "Garden gloves" not in text


@pytest.mark.parametrize(
    "statement",
    [
        "平台声明：该文观点仅代表作者本人，搜狐号系信息发布平台，搜狐仅提供信息存储空间服务。",
        "本文由百家号作者上传并发布，百家号仅提供信息发布平台。文章仅代表作者个人观点。",
    ],
)
def test_what_a_platform_says_below_two_lines_goes(statement: str) -> None:
    news = "<h1>停产检修</h1><p>2月7日、8日停产检修，请提前储水。</p>"
    body = f"<div>{news}</div><div>{statement}</div>"
    text = document(body, title="停产检修").text
    assert "请提前储水" in text
    assert "平台" not in text


# ---------------------------------------------------------------- what belongs to a text


def test_a_lead_in_the_header_of_a_short_article_is_its_first_sentence() -> None:
    lead = "The county adviser wants the roof closed before the first snow."
    header = f"<header><h1>Depot closes</h1><p class=standfirst>{lead}</p></header>"
    assert document(f"<article>{header}{PARAGRAPHS}</article>").text.startswith(lead)


def test_the_question_of_a_reader_stands_before_the_answers() -> None:
    text = document(
        "<div class=ask><h1>水压不足怎么办？</h1><div><span>住十八楼，早上几乎不出水。</span></div>"
        "</div>"
        f"<div class=best><div>{ZH_FIRST}</div></div><div class=more><div>{ZH_SECOND}</div></div>",
        title="水压不足怎么办？",
    ).text
    assert text.index("十八楼") < text.index(ZH_FIRST)


def test_a_list_of_links_that_a_line_announces_is_content() -> None:
    text = document(
        f"<main><h1>Plans</h1><p>{FIRST}</p><p>Start from one of these templates:</p><ul>"
        "<li><a href=/p>Python</a></li><li><a href=/n>.NET</a></li></ul>"
        f"<p>{SECOND}</p><p>{THIRD}</p></main>"
    ).text
    assert text.index("templates:") < text.index("- Python") < text.index("- .NET")


@pytest.mark.parametrize(
    ("label", "target"), [("Verwandte Artikel:", "/x"), ("In this article:", "#x")]
)
def test_links_to_other_texts_and_to_sections_are_not(label: str, target: str) -> None:
    links = f"<ul><li><a href={target}>Bridge gets forty lamps</a></li></ul>"
    body = f"<main><h1>Plans</h1><p>{FIRST}</p><p>{label}</p>{links}<p>{SECOND}</p></main>"
    assert "forty lamps" not in document(body).text


def test_a_short_quote_amid_a_text_is_kept() -> None:
    text = document(
        f"<article><h1>水泵怎么选</h1><p>{ZH_FIRST}</p><ol><li>看扬程</li><li>看流量</li></ol>"
        f"<blockquote>小区一般选立式泵。</blockquote><p>{ZH_SECOND}</p></article>",
        title="水泵怎么选",
    ).text
    assert "小区一般选立式泵" in text


def test_titles_stay_above_the_teasers_that_they_head() -> None:
    posts = "".join(
        f'<div class=post><h2><a href="/p{n}">{title}</a></h2><p>{title}: {FIRST}</p></div>'
        for n, title in enumerate(("Pruning", "Juice", "Fungus", "Grafting"))
    )
    text = document(f"<div id=content>{posts}</div>", title="Twigs").text
    assert all(f"## {title}" in text for title in ("Juice", "Fungus", "Grafting"))


def test_a_section_in_bold_before_the_first_long_paragraph_is_kept() -> None:
    text = document(
        "<h1>老馆闭馆</h1><div id=js_content><section><p><strong>一、</strong><strong>闭馆时间"
        "</strong></p></section><section><p>3月1日至9月30日。</p></section><section><p><strong>"
        f"二、还书办法</strong></p><p>{ZH_SECOND}</p></section></div>",
        title="老馆闭馆",
    ).text
    assert text.index("一、闭馆时间") < text.index("3月1日至9月30日") < text.index("二、还书办法")


def test_comments_below_their_heading_are_no_text_nor_is_the_app_above_them() -> None:
    text = document(
        f"<div class=article><h1>停产检修</h1>{ZH_PARAGRAPHS}<p>{THIRD}</p>"
        "<p>点击下载“水城”客户端，查看更多新闻</p></div><div class=x><h3>热门评论</h3>"
        "<p>网友乙：希望送水车周末也来，孩子们周末最需要热水了，谢谢各位师傅的安排。</p></div>",
        title="停产检修",
    ).text
    assert ZH_SECOND in text
    assert "网友乙" not in text
    assert "客户端" not in text


def test_a_line_that_begins_with_share_on_as_a_word_stays() -> None:
    last = "<p>Share one map among four pupils.</p>"
    body = f"<main><h1>Maps</h1>{PARAGRAPHS}<p>{THIRD}</p>{last}</main>"
    assert "Share one map" in document(body).text


def test_consent_that_is_as_long_as_the_text_is_no_text() -> None:
    box = (
        "<div class=cookie-tips><p>本网站使用Cookie以改善您的浏览体验并统计访问情况，"
        "继续浏览即表示您同意我们的隐私政策和Cookie使用说明。</p><a>同意</a></div>"
    )
    text = document(f"{box}<div><h1>停产检修</h1>{ZH_PARAGRAPHS}</div>", title="停产检修").text
    assert ZH_FIRST in text
    assert "Cookie" not in text


def test_the_next_post_of_a_blog_does_not_come_back_below_a_short_one() -> None:
    text = document(
        f'<div id=main><div class="post hentry"><h1>Depot closes</h1><div>{PARAGRAPHS}'
        f'<p>{THIRD}</p></div></div><div class="post hentry"><h2><a href=/l>New lamps</a></h2><div>'
        "<p>Forty lamps were put up along the bridge in one night, each with a battery.</p></div>"
        "</div></div>",
        title="Depot closes – Roof and Rail",
    ).text
    assert "Forty lamps" not in text


# ---------------------------------------------------------------- panels and tables


def test_titles_without_a_question_mark_head_the_panels_that_they_open() -> None:
    pairs = [
        ("怎么还书", ZH_SECOND),
        ("去哪里借书", ZH_FIRST),
        ("接驳车要钱吗", "免费，每小时一班。"),
    ]
    items = "".join(
        f"<div class=faq-item><div class=faq-title><i>+</i>{title}</div>"
        f'<div class=faq-content style="display:none">{answer}</div></div>'
        for title, answer in pairs
    )
    text = document(f"<div><h1>常见问题</h1>{items}</div>", title="常见问题").text
    places = [text.index(part) for pair in pairs for part in pair]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (
            "<figure><table><tr><td>Tram</td><td>40</td></tr><tr><td>Bus</td><td>25</td></tr>"
            "</table><figcaption>Table 2: fees per night in euros</figcaption></figure>",
            "Table 2: fees per night in euros",
        ),
        (
            "<table><tr><th>Tram</th><th>Heated</th></tr><tr><td>K2</td>"
            '<td><img src=n.png alt="no"></td></tr></table>',
            "| K2 | no |",
        ),
        (
            '<div style="display:table"><div style="display:table-row">'
            '<div style="display:table-cell">Class</div><div style="display: table-cell">Fee</div>'
            '</div><div style="display:table-row"><div style="display:table-cell">Tram</div>'
            '<div style="display:table-cell">40</div></div></div>',
            "| Tram | 40 |",
        ),
    ],
)
def test_a_table_says_all_that_a_reader_sees_of_it(table: str, row: str) -> None:
    assert row in document(f"<main><h1>Fees</h1>{PARAGRAPHS}{table}<p>{THIRD}</p></main>").text


def test_names_of_pictures_are_no_marks_in_cells() -> None:
    table = (
        "<table><tr><th>Tram</th><th>Picture</th></tr><tr><td>K2</td>"
        "<td><img src=n.png alt=IMG_0009_a></td></tr></table>"
    )
    assert "IMG_0009" not in document(f"<main><h1>Fees</h1>{PARAGRAPHS}{table}</main>").text


def test_a_table_of_one_column_that_frames_the_page_is_no_data() -> None:
    text = document(
        "<table><tr><td><a href=/>首页</a> &gt;&gt; <a href=/gg>公告</a></td></tr><tr><td>"
        "发布时间：2026-02-11　阅读次数：　【字体：大 中 小】</td></tr><tr><td><div>"
        f"{ZH_PARAGRAPHS}</div></td></tr><tr><td>【<a href=#>打印</a>】【<a href=#>关闭</a>】</td>"
        "</tr></table>",
        title="停产检修",
    ).text
    assert f"{ZH_FIRST}\n\n{ZH_SECOND}" in text
    assert "字体" not in text
    assert "打印" not in text


def test_facts_of_an_encyclopedia_that_wraps_each_pair_are_read() -> None:
    pair = "<div class=itemWrapper><dt class=itemName>{}</dt><dd class=itemValue>{}</dd></div>"
    facts = pair.format("成立时间", "1956年5月1日") + pair.format("馆藏数量", "62万册")
    text = document(
        f"<h1>青河区图书馆</h1><div>{ZH_PARAGRAPHS}</div>"
        f"<div class=basicInfo_m><dl>{facts}</dl></div>",
        title="青河区图书馆_百度百科",
    ).text
    assert "馆藏数量: 62万册" in text or "馆藏数量：62万册" in text


# ---------------------------------------------------------------- code and signs


def test_a_listing_in_a_box_with_a_toolbar_is_read_without_it() -> None:
    listing = (
        "<div class=code-toolbar><pre class=language-bash><code class=language-bash>pump init\n"
        "pump run</code></pre><div class=toolbar><div><span>Bash</span></div><div>"
        "<button>复制代码</button></div></div></div>"
    )
    text = document(
        f"<div><h1>配置水泵</h1><p>{ZH_FIRST}</p>{listing}<p>{ZH_SECOND}</p></div>"
    ).text
    assert "```bash\npump init\npump run\n```" in text
    assert "复制代码" not in text


def test_numbers_behind_a_listing_go_and_a_list_of_figures_stays() -> None:
    numbers = "<ul class=pre-numbering><li>1</li><li>2</li></ul>"
    body = f"<div><h1>读数</h1><p>{ZH_FIRST}</p><pre>a = 1\nb = 2</pre>{{}}<p>{ZH_SECOND}</p></div>"
    assert "- 1" not in document(body.format(numbers)).text
    assert "- 1" in document(body.format(numbers.replace("pre-numbering", "steps"))).text


def test_an_option_in_a_paragraph_of_its_own_is_no_listing() -> None:
    text = document(
        f"<main><h1>Flags</h1><p>{FIRST}</p><ul><li><p><code>-v</code></p>"
        f"<p>Says which carriage is moved.</p></li></ul><p>{SECOND}</p></main>"
    ).text
    assert "- `-v`" in text
    assert "```" not in text


def test_a_picture_of_an_emoji_is_the_emoji() -> None:
    body = (
        f'<main><h1>Saws</h1>{PARAGRAPHS}<p>Weight: <img class=emoji alt="👎"> too much.</p></main>'
    )
    assert "Weight: 👎 too much." in document(body).text


def test_an_answer_whose_class_speaks_of_copyright_is_no_foot() -> None:
    answer = "值得。楼板虽然老，但加固就好，拆了重建要花三倍的钱。"
    text = document(
        "<div><h1>老图书馆值得保留吗？</h1></div>"
        "<div><span class='RichText CopyrightRichText-richText'>"
        f"<p>{answer}</p></span></div>",
        title="老图书馆值得保留吗？",
    ).text
    assert answer in text
