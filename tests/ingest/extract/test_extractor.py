"""A download becomes the text that a reader came for, or one honest reason why not."""

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ingest.errors import ExtractError, FetchError
from ingest.extract.extractor import extract, read_file
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.extras import install_command
from tests.extraction_kit import PAGES, fixture
from tests.page_samples import NOW, URL, page


def reason(body: bytes | str, **kind: str) -> str:
    with pytest.raises(ExtractError) as caught:
        extract(page(body, **kind))
    assert caught.value.url == URL
    assert caught.value.hint.localize("en")
    assert caught.value.hint.localize("zh")
    return caught.value.reason


# ---------------------------------------------------------------- the text of a page


def test_chinese_article_keeps_its_structure_and_loses_page_chrome() -> None:
    document = fixture("night_flight.html")
    assert document.text.startswith("夜间飞行比白天更依赖准备。")  # the headline is the title
    assert "\n\n## 灯光要求\n\n" in document.text
    assert "\n- 防撞灯每分钟闪烁四十到一百次\n- 机身标志灯不能代替防撞灯\n" in document.text
    assert (
        "| 项目 | 价格 |\n|---|---|\n| 夜航培训 | 800 元 |\n| 灯光检查 | 120 元 |" in document.text
    )
    assert "    floor = 40\n\n    return brightness >= floor\n```" in document.text
    assert "首页" not in document.text
    assert "版权所有" not in document.text
    assert "dataLayer" not in document.text


def test_title_language_and_date_are_read() -> None:
    chinese, english = fixture("night_flight.html"), fixture("tea.html")
    assert (chinese.title, chinese.language) == ("无人机夜间飞行须知", "zh")
    assert (english.title, english.language) == ("How hot should water for green tea be?", "en")
    assert (chinese.published, english.published) == (date(2025, 3, 14), date(2024, 11, 2))
    assert (chinese.url, chinese.fetched_at) == (URL, NOW)


def test_numbered_steps_keep_their_numbers() -> None:
    assert "1. Boil the water.\n2. Pour it into a cup" in fixture("tea.html").text


def test_emphasis_and_links_do_not_split_words() -> None:
    source = (
        "<p>夜间<b>飞</b>行要<a href='/x'>申请</a>。The <i>3</i>rd is un<em>break</em>able.</p>"
    )
    assert extract(page(source)).text == "夜间飞行要申请。The 3rd is unbreakable."


@pytest.mark.parametrize(
    "ruby",
    [
        "<ruby>北京<rp>（</rp><rt>Běijīng</rt><rp>）</rp></ruby>",
        "<ruby>北<rt>běi</rt>京<rt>jīng</rt></ruby>",
        "<ruby>北京<rt>běi jīng</ruby>",
        "<ruby><rb>北京</rb><rtc><rt>běi jīng</rt></rtc></ruby>",
        "北\u00ad京",
        "北&shy;京",
        "北\u200b京",
        "北&#8203;\u2060&#xFEFF;京",
        "北&ZeroWidthSpace;京",
        "北<wbr>京",
        "北<wbr/>京",
    ],
)
@pytest.mark.parametrize("times", [1, 8])  # a scrap of a page, and one that has a main text
def test_readings_and_places_to_break_do_not_split_words(ruby: str, times: int) -> None:
    sentence = f"<p>在{ruby}的人很多，春天花开得比别处早一些，游人常常站满湖边的小路。</p>"
    source = f"<html><body><article>{sentence * times}</article></body></html>"
    assert extract(page(source)).text.startswith("在北京的人很多")


def test_page_redirected_elsewhere_is_known_by_its_final_address() -> None:
    moved = replace(page("<p>Here now."), final_url="https://example.org/")
    assert extract(moved).url == "https://example.org/"


@pytest.mark.parametrize("day", ["1066-10-14", "2099-01-01"])
def test_date_that_cannot_be_true_is_left_out(day: str) -> None:
    source = (PAGES / "tea.html").read_text().replace("2024-11-02", day)
    assert extract(page(source)).published is None


def test_title_falls_back_to_heading_then_title_element_then_address() -> None:
    assert extract(page("<h1>The heading</h1><p>Text.")).title == "The heading"
    assert extract(page("<title> The \n title </title><p>Text.")).title == "The title"
    assert extract(page("<p>Text.")).title == URL


@pytest.mark.parametrize(
    ("source", "language"),
    [
        ("<html lang=fr><p>Le thé vert veut une eau à 75 degrés.", "fr"),
        ("<html lang=en><p>无人机夜间飞行需要什么条件", "zh"),
        ("<html lang=zh-CN><p>A template in Chinese around an English text.", "en"),
        ("<p>緑茶のお湯は七十五度がよいです", "ja"),
        ("<p>녹차는 칠십오 도의 물이 좋다", "ko"),
        ("<p>Зелёный чай любит воду", ""),
    ],
)
def test_language_is_declared_or_seen_and_templates_are_not_believed(
    source: str, language: str
) -> None:
    assert extract(page(source)).language == language


@pytest.mark.parametrize(
    "source",
    [
        "<table>" + "<tr><td>Grade {0}</td><td>price {0} yuan</td></tr>" * 30 + "</table>",
        "<ul>" + "<li><a href='/a'>Grade {0}</a>: price {0} yuan</li>" * 30 + "</ul>",
        "<div>" + "<div><span>Grade {0}</span><br>price {0} yuan</div>" * 30 + "</div>",
        "<form>" + "<p>Grade {0}: price {0} yuan" * 30 + "</form>",
    ],
)
def test_page_that_is_no_article_still_gives_its_text(source: str) -> None:
    text = extract(page(f"<html><body>{source}</body></html>".replace("{0}", "seven"))).text
    assert text.count("price seven yuan") >= 1
    assert "Grade seven" in text


# ---------------------------------------------------------------- charsets


def test_gbk_page_under_a_utf_8_header_comes_out_right() -> None:
    source = (PAGES / "night_flight.html").read_text(encoding="utf-8").replace("utf-8", "gb2312")
    document = extract(page(source.encode("gbk"), charset="utf-8"))
    assert document.text == fixture("night_flight.html").text


def test_gbk_page_that_declares_nothing_comes_out_right() -> None:
    source = (PAGES / "night_flight.html").read_text(encoding="utf-8")
    bare = source.replace('<meta charset="utf-8">', "")
    assert extract(page(bare.encode("gbk"))).title == "无人机夜间飞行须知"


# ---------------------------------------------------------------- pages without text


@pytest.mark.parametrize(
    "body", ["", " \n ", "<html></html>", "<p> &nbsp; </p>", "<img src=a.png>", "<!--x"]
)
def test_page_without_text_is_empty(body: str) -> None:
    assert reason(body) == "empty"


@pytest.mark.parametrize(
    "body",
    [
        '<div id="root"></div><script src="app.js"></script>',
        '<header>Shop</header><div id="app"><p>…</p></div><script src="app.js"></script>',
        '<div id="x"></div><noscript>You need to enable JavaScript.</noscript><script></script>',
        "<p>Please turn on JavaScript to continue.</p><script>go()</script>",
        "<p>请启用 JavaScript 后继续浏览</p><script>go()</script>",
        "<p>加载中…</p><script>go()</script>",
        "<script>document.write('text')</script>",
    ],
)
def test_page_that_only_scripts_can_fill_needs_a_browser(body: str) -> None:
    assert reason(f"<html><body>{body}</body></html>") == "needs_browser"


@pytest.mark.parametrize(
    "body",
    [
        "<h2>环境异常</h2><p>当前环境异常，完成验证后即可继续访问。</p><a>去验证</a><script></script>",
        "<title>安全中心</title><p>网络不给力，请稍后重试</p><script src=v.js></script>",
        "<form>我们的系统检测到您网络中存在异常访问请求</form>",
        "<p>该内容已被发布者删除</p><script></script>",
        "<p>页面正在跳转，请稍候</p><script></script>",
        "<p>Please enable JS and disable any ad blocker</p><script></script>",
        "<p>Redirecting to /docs/latest …</p><script></script>",
        "<p>I am not a robot</p><button>Continue</button>",
        "<p>We noticed suspicious activity from your network.</p><form></form>",
        "<a href=/zh>中文</a> <a href=/pt>Português</a><script>window.location.href='/zh'</script>",
        "<script>location.replace('/next')</script>One moment",
    ],
)
def test_page_that_stands_in_place_of_another_is_no_page(body: str) -> None:
    assert reason(f"<html><body>{body}</body></html>") == "needs_browser"


@pytest.mark.parametrize(
    "text",
    [
        "港务办公室周一至周五上午九点到下午五点开放。",
        "The flight was redirected to Oslo after a storm closed the airport for two hours.",
        "如何获取验证码：打开手机短信，把六位数字填入表格。",
        "The robots of the harbour move 400 boxes an hour.",
    ],
)
def test_short_notice_with_a_script_and_a_form_is_a_page(text: str) -> None:
    body = f"<h1>Harbour</h1><p>{text}</p><form></form><script>if (a.location == b) c()</script>"
    assert text in extract(page(f"<html><body>{body}</body></html>")).text


def test_short_page_with_a_script_is_still_a_page() -> None:
    source = "<p>The office is closed on Monday.</p><script src='count.js'></script>"
    assert extract(page(source)).text == "The office is closed on Monday."


def test_long_article_about_javascript_needs_no_browser() -> None:
    words = "To use the map you must enable JavaScript in the settings of your browser. " * 10
    assert (
        "enable JavaScript" in extract(page(f"<article><p>{words}</article><script></script>")).text
    )


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b'{"a": 1}', "application/json"),
        (b"%PDF-1.7 ...", "application/pdf"),
        (b"%PDF-1.7 ...", "text/html"),
        (b"\x89PNG\r\n", ""),
        (b"\x00\x01\x02binary", "application/octet-stream"),
        (b"a { color: red }", "text/css"),
    ],
)
def test_other_kinds_are_unsupported(body: bytes, media_type: str) -> None:
    assert reason(body, media_type=media_type) == "unsupported"


@pytest.mark.parametrize(
    "media_type",
    [
        "application/pdf",
        "application/json",
        "application/vnd.wap.xhtml+xml",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ],
)
def test_a_page_in_place_of_a_document_is_read_as_a_page(media_type: str) -> None:
    body = b"<!DOCTYPE html><title>Moved</title><p>The report is now in the archive.</p>"
    assert extract(page(body, media_type=media_type)).text == "The report is now in the archive."


def test_kind_is_sniffed_where_the_server_says_nothing() -> None:
    assert extract(page("<!doctype html><p>Hello</p>", media_type="")).text == "Hello"
    assert extract(page("Hello < world", media_type="")).text == "Hello < world"


# ---------------------------------------------------------------- plain text and Markdown


def test_plain_text_and_markdown_pass_through() -> None:
    source = "Intro line\r\n\r\n# The heading #\r\n\r\n    code  \r\n<b>not html</b>"
    document = extract(page(source, media_type="text/markdown"))
    assert document.text == "Intro line\n\n# The heading #\n\n    code\n<b>not html</b>"
    assert document.title == "The heading"
    assert extract(page("第一行\n第二行", media_type="text/plain")).title == "第一行"


def test_readings_leave_markdown_but_not_its_code() -> None:
    source = "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>を shel<wbr>ter `<ruby>x<rt>y</rt>`"
    assert extract(page(source, media_type="text/markdown")).text == (
        "漢を shelter `<ruby>x<rt>y</rt>`"
    )


def test_empty_text_is_empty() -> None:
    assert reason(" \n\t", media_type="text/plain") == "empty"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tides.py", '"""Tides."""\nimport os\n'),
        ("tides.csv", "name,hour\nnorth,6\nsouth,9\n"),
        ("tides.md", "```sh\ntides --north\n```\n"),
        ("潮汐.md", "![a map](map.png)\n\nThe north has two tides.\n"),
    ],
)
def test_a_file_that_begins_with_markup_is_called_by_its_name(
    tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    assert read_file(tmp_path / name).title == name


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("tides.zip", "ingest FOLDER"),
        ("tides.PNG", "is empty: copy or download it again"),
        ("empty.md", "empty"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do_with_it(
    tmp_path: Path, name: str, advice: str
) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ExtractError) as raised:
        read_file(tmp_path / name)
    assert advice in raised.value.localize("en")
    assert str(tmp_path / name) in raised.value.message.localize("en")


# ---------------------------------------------------------------- files


def test_text_and_html_files_are_read_by_their_names(tmp_path: Path) -> None:
    note = tmp_path / "笔记 1.md"
    note.write_text("# 夜航\n\n带上灯。", encoding="gbk")
    document = read_file(note)
    assert (document.title, document.text) == ("夜航", "# 夜航\n\n带上灯。")
    assert document.url == note.resolve().as_uri()
    assert read_file(PAGES / "tea.html").title == "How hot should water for green tea be?"


def test_file_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(FetchError) as caught:
        read_file(tmp_path / "gone.txt")
    assert caught.value.reason == "unreachable"
    assert "gone.txt" in caught.value.localize("zh")


@pytest.mark.parametrize("name", ["song.xyz", "data.bin", "noext"])
def test_file_of_another_kind_is_unsupported(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x89\x00\x01")
    with pytest.raises(ExtractError) as caught:
        read_file(tmp_path / name)
    assert caught.value.reason == "unsupported"
    assert ".docx" in caught.value.hint.localize("en")


@pytest.mark.parametrize("name", ["junk.md", "binary.txt"])
def test_file_that_is_not_what_its_name_says_is_not_to_be_saved_as_that(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"\x89\x00\x01")
    with pytest.raises(ExtractError) as caught:
        read_file(tmp_path / name)
    assert caught.value.reason == "unsupported"
    assert "holds something else" in caught.value.localize("en")
    assert "内容却不是" in caught.value.localize("zh")


@pytest.mark.parametrize(
    ("name", "part"),
    [("a.pdf", "pypdfium2"), ("a.xlsx", "openpyxl")],
)
def test_part_that_is_not_installed_names_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, part: str
) -> None:
    (tmp_path / name).write_bytes(b"x")
    monkeypatch.setitem(sys.modules, part, None)
    with pytest.raises(MissingDependencyError) as caught:
        read_file(tmp_path / name)
    assert caught.value.hint.localize("zh") == install_command("files")
