"""The text is found whole, without page chrome, and keeps the structure that the page gave it."""

from pathlib import Path

import pytest

from ingest.extract.extractor import extract
from tests.page_samples import page

STRUCTURE = Path(__file__).parents[2] / "data" / "structure"
SENTENCE = "The harbour was quiet that morning, and the boats lay still in the grey water. "
SATZ = "清晨的港口十分安静，渔船停在灰色的水面上，一动不动，只有海鸥偶尔叫几声。"


def text(body: str) -> str:
    return extract(page(body)).text


@pytest.mark.parametrize("name", sorted(path.stem for path in STRUCTURE.glob("*.html")))
def test_page_becomes_the_markdown_that_was_written_for_it(name: str) -> None:
    expected = (STRUCTURE / f"{name}.md").read_text(encoding="utf-8")
    assert text((STRUCTURE / f"{name}.html").read_text(encoding="utf-8")) == expected.rstrip("\n")


def test_second_half_of_an_article_cut_in_two_is_kept() -> None:
    halves = [f"<p>{SENTENCE * 6}</p><p>First end.</p>", f"<p>Then noon came. {SENTENCE * 6}</p>"]
    pieces = "".join(f'<div class="body chunk">{half}</div><div>Ad</div>' for half in halves)
    found = text(f"<article><h1>Harbour</h1><div>{pieces}</div></article>")
    assert "First end." in found
    assert "Then noon came." in found


def test_next_article_below_the_first_is_left_out() -> None:
    one = f'<div class="story"><h1>One</h1><p>{SENTENCE * 8}</p></div>'
    two = f'<div class="story"><h1>Two</h1><p>{"Snow fell on the hills all night. " * 20}</p></div>'
    assert "Snow" not in text(f"<main>{one}{two}</main>")


@pytest.mark.parametrize(
    "lost",
    [
        '<blockquote class="twitter-tweet"><p>We sailed at dawn, said the old captain twice, '
        "and nobody believed him until noon.</p></blockquote>",
        "<pre>sail --at dawn</pre>",
        "<table><tr><th>Boat</th><th>Crew</th></tr><tr><td>Anna</td><td>dawn</td></tr></table>",
    ],
)
def test_quotes_code_and_tables_inside_a_text_are_kept(lost: str) -> None:
    found = text(f"<article><p>{SENTENCE * 4}</p>{lost}<p>{SENTENCE * 4}</p></article>")
    assert "dawn" in found


@pytest.mark.parametrize(
    "pointer",
    [
        '<p>Related: <a href="/x">Ten boats that sank</a></p>',
        '<p><a href="/x">Ten boats that sank in a storm</a></p>',
        '<h3>You may also like</h3><p><a href="/x">Ten boats that sank</a></p>',
        '<div class="related-posts"><p>Ten boats that sank last year, and why they did.</p></div>',
        '<p>相关阅读：<a href="/x">Ten boats that sank</a></p>',
        '<div style="display: none">Ten boats that sank last year, and why they did.</div>',
    ],
)
def test_pointers_to_other_pages_are_left_out(pointer: str) -> None:
    found = text(f"<article><p>{SENTENCE * 4}</p>{pointer}<p>{SENTENCE * 4}</p></article>")
    assert "sank" not in found
    assert "like" not in found


@pytest.mark.parametrize(
    "line",
    [
        "Share this story",
        "© 2026 Example",
        "责任编辑：王明",
        "转载请注明出处",
        "Filed under: boats",
    ],
)
def test_lines_of_page_chrome_after_a_text_are_cut_and_inside_it_are_not(line: str) -> None:
    paragraph = f"<p>{SATZ * 4}</p>"
    found = text(f"<article>{paragraph}<p>{line}</p>{paragraph}<p>{line}</p></article>")
    assert found.count(line) == 1


@pytest.mark.parametrize("heading", ["Related work", "Recommended settings", "More on tides"])
def test_heading_that_only_begins_like_a_pointer_is_kept(heading: str) -> None:
    section = f"<h2>{heading}</h2><p>{SENTENCE * 4}</p>"
    assert f"## {heading}" in text(f"<main><h1>Notes</h1><p>{SENTENCE * 4}</p>{section}</main>")


@pytest.mark.parametrize(
    "entries",
    [
        ["Be quiet.", "Tags stay on the boats.", "Comments go into the book."],
        ["请保持安静。", "禁止吸烟。", "禁止携带宠物入内。", "禁止触摸展品。"],
    ],
)
def test_list_at_the_end_keeps_entries_that_begin_like_page_chrome(
    entries: list[str],
) -> None:
    rules = "".join(f"<li>{entry}</li>" for entry in entries)
    found = text(f"<main><h1>Rules</h1><p>{SATZ * 4}</p><ul>{rules}</ul></main>")
    assert [entry for entry in entries if f"- {entry}" not in found] == []


def test_rules_in_paragraphs_at_the_end_are_kept() -> None:
    found = text(f"<main><p>{SATZ * 4}</p><p>禁止吸烟。</p><p>禁止触摸展品。</p></main>")
    assert found.endswith("禁止吸烟。\n\n禁止触摸展品。")


@pytest.mark.parametrize(
    "fact",
    [
        "On March 3, 1918, the treaty was signed in Brest.",
        "By then the war was lost.",
        "时间：2024年5月1日至5日放假调休，共5天。",
    ],
)
def test_sentence_that_begins_a_text_is_kept_though_it_names_a_day(fact: str) -> None:
    assert text(f"<main><p>{fact}</p><p>{SATZ * 4}</p></main>").startswith(fact)


@pytest.mark.parametrize("line", ["By Ada Lovelace", "March 3, 2024, 5:40 p.m.", "来源：新华社"])
def test_line_before_a_text_that_says_who_and_when_is_cut(line: str) -> None:
    assert line not in text(f"<main><p>{line}</p><p>{SATZ * 4}</p><p>{SATZ * 4}</p></main>")


def test_comments_are_no_part_of_an_article() -> None:
    comment = "<p>I was there too, and it was not quiet at all, I can tell you that much.</p>"
    found = text(f'<article><p>{SENTENCE * 6}</p></article><div class="comments">{comment}</div>')
    assert "I was there" not in found


def test_definition_of_a_term_is_marked() -> None:
    body = f"<p>{SENTENCE * 4}</p><dl><dt>Port</dt><dd>The left side of a boat.</dd></dl>"
    assert "Port\n: The left side of a boat." in text(f"<main>{body}<p>{SENTENCE * 4}</p></main>")


@pytest.mark.parametrize(
    "body",
    [
        "<p>A</p>" * 24_000,
        "<p>A</p>" * 200_000,
        "<div>" * 50_000 + SENTENCE * 10,
        "<p>" + SENTENCE * 60_000,
        f"<div {' '.join(f'a{number}=x' for number in range(100_000))}>{SENTENCE * 10}",
        "<div class='" + "relatedPost " * 200_000 + f"'>{SENTENCE * 10}",
        "<title>" + "x - " * 250_000 + f"</title><p>{SENTENCE * 10}",
        "<table>" + "<tr>" + "<td>x" * 200_000 + f"</table><p>{SENTENCE * 10}",
        "<p>" + "<input>x" * 12_000,
        "<div>" + "x<br><br>" * 12_000,
        "<meta name=robots content='unavailable_after:" + " a" * 300_000 + f"'><p>{SENTENCE * 10}",
        "<noscript>" + "enable " * 100_000 + f"</noscript><script></script><p>{SENTENCE * 10}",
        '<a "' * 200_000 + f"<p>{SENTENCE * 10}",
    ],
    ids=lambda body: body[:12],
)
@pytest.mark.timeout(60)
def test_page_made_to_stall_a_reader_is_read_in_time(body: str) -> None:
    assert text(body)


def test_short_list_between_paragraphs_is_kept_whole() -> None:
    points = "<ul><li>Point one.</li><li>Two.</li><li>Point <a href='/x'>three</a>.</li></ul>"
    found = text(f"<body><h2>Quay</h2><p>{SENTENCE * 2}</p>{points}<p>{SENTENCE * 3}</p></body>")
    assert "- Point one.\n- Two.\n- Point three." in found


def test_question_above_its_answers_is_kept() -> None:
    answers = "".join(
        f'<div class="item"><span class="author">{name}</span><p>{SENTENCE * 3}</p></div>'
        for name in ("Ann", "Ben")
    )
    question = '<div class="detail">最近在东北飞，掉电很快，想知道原因。</div>'
    found = text(f"<body><h1>无人机为什么怕冷？</h1>{question}<div>{answers}</div></body>")
    assert found.startswith("最近在东北飞，掉电很快，想知道原因。")


@pytest.mark.parametrize(
    "statement",
    [
        "特别声明：以上内容(如有图片或视频亦包括在内)为自媒体平台“某号”用户上传并发布，本平台仅提供信息存储服务。",
        "Disclaimer: The opinions above are those of their author alone, and this paper takes no "
        "responsibility for what readers do, buy or leave after they have read them to the end.",
    ],
)
def test_long_disclaimer_below_a_short_text_goes(statement: str) -> None:
    news = "<p>5月20日至31日，京沪高速无锡至江阴大桥至广陵枢纽段封闭，"
    news += "请绕行锡澄高速或泰州大桥。</p>"
    found = text(f"<body><h1>封闭</h1><div>{news}</div><div><p>{statement}</p></div></body>")
    assert found.startswith("5月20日")
    assert statement not in found
