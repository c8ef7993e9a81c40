"""The chat page in a real browser, started as people start it."""

import random
import re
import threading
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from assistant.conversations.store import ConversationStore
from assistant.conversations.turns import ConversationTurn
from assistant.events import AnswerFinished
from assistant.values import Answer
from tests.engines.ollama_server import OllamaServer
from tests.internet.duckduckgo import HOST as SEARCH_HOST
from tests.internet.net import Internet
from tests.journeys.pages import NIGHT, PageServer, Tab, Tabs
from ui import labels
from ui.question_line import LONGEST_QUESTION

pytestmark = pytest.mark.chromium

HOSTILE = (
    "Night flights need lights [1].\n\n![pixel](https://evil.test/pixel.gif) "
    '<img src="https://evil.test/x.png" onerror="alert(1)"> [click](https://evil.test/login) '
    "https://evil.test/bare www.evil.test me@evil.test <https://evil.test/auto> "
    "[ref]: https://evil.test/ref\n\n`code`https://evil.test `![x](https://evil.test/y.gif)` "
    ":material/home: $\\href{https://evil.test}{x}$ \\(\\href{https://evil.test}{x}\\) :red[red]"
)
LONGEST_STAGE_S = 60.0
SUPPORTED = "夜间飞行应当开启灯光系统[1]。"
LONG = SUPPORTED + "".join(
    f"夜间飞行的第{number}个条件是开启灯光系统。" for number in range(1, 100)
)
AS_WRITTEN = [
    "绿茶宜用 75~85 度的水，浸泡 2~3 分钟。",
    "2*3*4=24，而 __init__ 与 H~2~O 照旧。",
    ":smile: :material/home: a -> b <= c -- d (c)",
    "$5 to $10 and <b>x</b> &amp; snake_case |",
]


def test_asking_in_chinese_shows_stages_a_streamed_answer_and_sources_and_stop_stops(
    tab: Tab, net: Internet, ollama: OllamaServer
) -> None:
    # Every stage lasts until it has been seen, whatever the machine does beside.
    searching_seen, reading_seen = threading.Event(), threading.Event()
    net.hold = lambda request: (
        searching_seen if request.host == SEARCH_HOST else reading_seen
    ).wait(LONGEST_STAGE_S)
    ollama.delay_s = 0.1
    ollama.answer = lambda _: ("先看段落。", SUPPORTED * 3)
    tab.ask(NIGHT)
    first = tab.turn(0)
    expect(first.whole).to_contain_text("正在搜索网页")
    stop = tab.page.get_by_role("button", name="停止")
    expect(stop).to_be_visible()  # the answer is on its way, and can be stopped
    searching_seen.set()
    expect(first.whole).to_contain_text("正在阅读网页")
    reading_seen.set()
    expect(first.whole).to_contain_text("来源原文")  # evidence, before the model's first word
    expect(first.answer).to_contain_text("夜间飞行应当开启灯光")
    expect(first.sources).to_contain_text("来源")
    expect(stop).to_be_hidden()
    expect(first.whole).to_contain_text(re.compile(r"阅读了 \d+ 个网页"))
    expect(first.whole).to_contain_text("思考过程")
    expect(tab.page.get_by_text("先看段落")).to_be_hidden()
    expect(first.sources).to_contain_text(re.compile(r"\[1\].+读取于 \d{4}-\d\d-\d\d"))

    # So long that it is not at its end when the key is pressed, whatever the machine does beside.
    ollama.answer = lambda _: ("先看段落。", LONG)
    ollama.delay_s = 0.5
    ollama.hung_up.clear()
    tab.ask("它有重量限制吗?")
    second = tab.turn(1)
    expect(second.answer).to_contain_text("夜间")
    tab.page.keyboard.press("Escape")
    expect(second.whole).to_contain_text("回答未完成，已停止")
    expect(second.whole).to_have_attribute("data-state", "stopped")
    expect(second.whole).not_to_contain_text("正在回答")
    assert ollama.hung_up.wait(30), "the model server is still talking"
    expect(first.sources).to_contain_text("来源")
    ollama.delay_s, ollama.answer = 0.0, lambda _: ("先看段落。", "接着说。")
    second.action("继续回答").click()
    tab.done(2)
    assert "无人机" in str(ollama.asked("/api/chat")[-1])  # it knows what "go on" means


def test_the_empty_page_shows_its_own_words_and_nothing_of_the_code(tab: Tab) -> None:
    expect(tab.page.locator(".st-key-example-2")).to_be_visible()
    lines = tab.page.locator(".stMain").inner_text().splitlines()
    shown = {line.strip() for line in lines} - {"arrow_forward", ""}  # the icon's name
    words = [labels.WELCOME, labels.PROMISE, *labels.EXAMPLES, labels.WEB]
    assert labels.WELCOME.localize("zh") in shown
    assert shown <= {word.localize("zh") for word in words}


def test_nothing_that_a_model_writes_is_loaded_or_linked(tab: Tab, ollama: OllamaServer) -> None:
    ollama.answer = HOSTILE
    tab.ask("What lights does a drone need at night?")
    turn = tab.done(0)
    expect(turn.answer).to_contain_text("red[red]")  # to its end
    assert turn.answer.locator("img, script, iframe, [onerror]").count() == 0
    links = turn.answer.locator("a").evaluate_all("links => links.map(link => link.href)")
    cited = turn.sources.locator("a").evaluate_all("links => links.map(link => link.href)")
    assert cited
    assert set(links) <= set(cited)


def test_what_a_model_writes_is_shown_as_it_was_written(tab: Tab, ollama: OllamaServer) -> None:
    ollama.answer = "\n\n".join(AS_WRITTEN)
    tab.ask(NIGHT)
    shown = tab.done(0).answer.inner_text().replace("（?）", "").replace("  ", " ")
    for text in AS_WRITTEN:
        assert text.replace(" ", "") in shown.replace(" ", "")


def test_random_text_is_shown_as_it_was_written(
    page_server: PageServer, tabs: Tabs, home: Path
) -> None:
    chooser = random.Random(13)
    signs = [*"~*_:$<[", "水", "度", "3", "b", " ", "->", ":smile:", "75~85", "2*3", "__", "。"]
    texts = ["".join(chooser.choices(signs, k=chooser.randint(2, 14))).strip() for _ in range(300)]
    # A line that begins with a sign and a blank is a list, and one of signs alone a rule.
    texts = [f"字{text}字" for text in texts]
    answer = Answer(text="\n\n".join(texts), kind="model")
    turn = ConversationTurn(
        number=0,
        question="q",
        web=False,
        state="done",
        seconds=1.0,
        asked_at=datetime.now(UTC),
        events=(AnswerFinished(answer=answer),),
    )
    with ConversationStore(home / "conversations.sqlite") as store:
        store.put_turn("random-text", turn, title="t")
    tab = tabs.open(f"{page_server.start()}?c=random-text")
    tab.done(0)
    shown = tab.turn(0).answer.locator("p").evaluate_all("all => all.map(each => each.textContent)")
    pairs = list(zip(texts, shown, strict=True))
    # Well-formed markup is drawn and not written: emphasis, and formulas between two "$$".
    emphasis = re.compile(r"\*+[^*]+\*|~~[^~]+~~|\$\$.+\$\$")
    plain = [(text, seen) for text, seen in pairs if not emphasis.search(text)]
    assert len(plain) > 150
    assert [(text, seen) for text, seen in plain if text != seen] == []
    letters = re.compile(r"[^\w]")
    drawn = [(t, s) for t, s in pairs if "$$" not in t]
    assert [(t, s) for t, s in drawn if letters.sub("", t) != letters.sub("", s)] == []


def test_a_number_opens_its_passage_with_the_sentence_marked(
    tab: Tab, ollama: OllamaServer
) -> None:
    ollama.answer = SUPPORTED + "夜间飞行罚款是五十万元人民币[1]。夜间飞行应当开启灯光系统[2]。"
    tab.ask(NIGHT)
    turn = tab.done(0)
    supported, unsupported, moved = (turn.answer.locator(".qz-sentence").nth(n) for n in range(3))
    put_right = "编号已更正：这句话出自所标的段落"
    expect(moved.get_by_label(put_right)).to_be_visible()
    expect(turn.whole.locator(".qz-trust")).to_contain_text(put_right)
    expect(supported).to_have_attribute("data-verdict", "supported")
    expect(unsupported).to_have_attribute("data-verdict", "unsupported")
    expect(unsupported.get_by_label("这句话在来源中找不到依据")).to_be_visible()
    supported.get_by_role("button", name="来源 1").click()
    card = tab.page.get_by_role("dialog")
    expect(card.locator("mark")).to_contain_text("应当开启灯光系统")
    expect(card.locator("mark")).to_be_in_viewport()
    assert "#:~:text=" in str(card.get_by_role("link").get_attribute("href"))
    tab.page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(supported.get_by_role("button", name="来源 1")).to_be_focused()


def test_an_answer_says_how_it_came_about(tab: Tab, ollama: OllamaServer) -> None:
    ollama.answer = "夜间飞行应当开启灯光系统[1]。夜间飞行罚款是五十万元人民币[1]。"
    tab.ask(NIGHT)
    turn = tab.done(0)
    why = turn.whole.get_by_role("region", name="为什么这样回答？")
    turn.action("为什么这样回答？").click()
    expect(why).to_contain_text("夜间飞行罚款是五十万元人民币")
    expect(why.get_by_role("heading", name="段落", exact=True)).to_be_visible()
    expect(why).to_contain_text("https://yehang.example/")
    assert why.locator("a").count() == 0
    turn.action("为什么这样回答？").click()
    expect(why).to_have_count(0)


def test_an_answer_goes_on_through_a_reload_and_in_a_second_tab(
    tab: Tab, tabs: Tabs, ollama: OllamaServer
) -> None:
    ollama.answer, ollama.delay_s = lambda _: ("先看段落。", LONG[:800]), 0.3
    tab.ask(NIGHT)
    expect(tab.turn(0).answer).to_contain_text("第2个条件")
    tab.page.reload()
    expect(tab.turn(0).whole).to_have_attribute("data-state", "running")
    other = tabs.open(tab.page.url)
    expect(other.turn(0).whole).to_have_attribute("data-state", "running")
    ollama.delay_s = 0.05  # only now: a busy machine takes as long for two tabs as for the answer
    tab.page.bring_to_front()
    for each in (tab, other):
        expect(each.done(0).answer).to_contain_text("第30个条件")
    assert len([body for body in ollama.asked("/api/chat") if "第" not in str(body)]) == 1


def test_a_conversation_survives_the_end_of_the_server_and_says_what_was_cut(
    page_server: PageServer, tabs: Tabs, ollama: OllamaServer
) -> None:
    ollama.answer = lambda _: ("先看段落。", SUPPORTED)
    tab = tabs.open(page_server.start())
    tab.ask(NIGHT)
    tab.done(0)
    ollama.answer, ollama.delay_s = lambda _: ("先看段落。", LONG), 0.1
    tab.ask("无人机夜间飞行罚款是多少?")
    expect(tab.turn(1).answer).to_contain_text("第6个条件")
    query = urlsplit(tab.page.url).query
    page_server.kill()
    tab.page.close()
    tab = tabs.open(f"{page_server.start()}?{query}")
    expect(tab.turn(0).answer).to_contain_text("开启灯光系统")
    cut = tab.turn(1)
    expect(cut.whole).to_have_attribute("data-state", "interrupted")
    expect(cut.whole).to_contain_text("回答时程序结束了")
    expect(cut.answer).to_contain_text("第2个条件")
    ollama.delay_s, ollama.answer = 0.0, lambda _: ("先看段落。", SUPPORTED)
    cut.action("重新回答").click()
    tab.done(1)
    expect(tab.turn(1).answer).not_to_contain_text("第2个条件")


def test_where_the_program_has_ended_the_page_says_so_and_goes_on_with_the_next_one(
    page_server: PageServer, tabs: Tabs, ollama: OllamaServer
) -> None:
    ollama.answer = SUPPORTED
    url = page_server.start()
    tab = tabs.open(url)
    tab.ask(NIGHT)
    tab.done(0)
    page_server.kill()
    gone = tab.page.get_by_role("dialog", name="求证未在运行")
    expect(gone).to_contain_text("assistant ui")
    expect(gone).not_to_contain_text("internet")
    page_server.start(port=int(str(urlsplit(url).port)))
    expect(gone).to_be_hidden()
    tab.ask("无人机夜间飞行罚款是多少?")
    tab.done(1)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_question_and_answer_are_in_sight_turn_after_turn(
    tabs: Tabs, url: str, ollama: OllamaServer, width: int, height: int
) -> None:
    tab = tabs.open(url, width=width, height=height)
    ollama.delay_s = 0.02
    for number in range(4):
        ollama.answer = lambda _: ("先看段落。", LONG[:300])
        tab.ask(f"{NIGHT}{'!' * number}")
        turn = tab.turn(number)
        expect(turn.answer.locator(".qz-sentence").first).to_be_in_viewport()
        assert in_sight(tab.page, number), f"while turn {number} grows"
        tab.done(number)
        assert in_sight(tab.page, number), f"turn {number} when done"


def in_sight(page: Page, number: int) -> bool:
    """Whether the first line of an answer is between the header and the input line."""
    return bool(
        page.evaluate(
            """n => {
              const place = (element) => element.getBoundingClientRect();
              const box = place(document.querySelectorAll('.qz-answer')[n]);
              const input = place(document.querySelector('[data-testid="stBottom"]'));
              return box.height > 0 && box.top >= 0 && box.top + 20 <= input.top;
            }""",
            number,
        )
    )


def test_a_question_is_edited_and_asked_again_without_the_web(
    tab: Tab, net: Internet, ollama: OllamaServer
) -> None:
    ollama.answer = SUPPORTED
    tab.ask(NIGHT)
    turn = tab.done(0)
    searched = len(net.log)
    turn.action("不联网重新回答").click()
    expect(turn.whole).to_contain_text("查阅了索引")
    tab.done(0)
    assert len(net.log) == searched
    tab.turn(0).action("修改问题").click()
    line = tab.page.get_by_role("textbox", name="修改问题")
    expect(line).to_have_value(NIGHT)
    line.fill("无人机灯光有什么要求?")
    line.press("Enter")
    expect(tab.turn(0).whole).to_contain_text("无人机灯光有什么要求?")
    tab.done(0)
    expect(tab.page.locator(".qz-turn")).to_have_count(1)


def test_an_answer_is_copied_with_its_sources(tab: Tab, ollama: OllamaServer) -> None:
    ollama.answer = SUPPORTED
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.ask(NIGHT)
    tab.done(0).action("连同来源复制").click()
    expect(tab.turn(0).whole).to_contain_text("已复制")
    copied = tab.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(SUPPORTED)
    assert re.search(r"\n\[1\] .+ https://", copied)


def test_a_failure_offers_a_way_on_and_a_long_question_is_clamped(
    tab: Tab, ollama: OllamaServer
) -> None:
    ollama.fail("reset")
    question = NIGHT + "请说明理由。" * 300
    tab.ask(question)
    turn = tab.turn(0)
    expect(turn.whole).to_have_attribute("data-state", "failed")
    expect(turn.whole.get_by_role("alert")).to_be_visible()
    box = turn.whole.locator(".qz-question-text").bounding_box()
    assert box is not None
    assert box["height"] < 260
    ollama.heal()
    ollama.answer = SUPPORTED
    turn.action("重新回答").click()
    expect(tab.done(0).answer).to_contain_text("开启灯光系统")


def test_the_page_says_its_language_and_tells_screen_readers_what_happens(
    tab: Tab, ollama: OllamaServer
) -> None:
    ollama.answer = SUPPORTED
    tab.ask(NIGHT)
    tab.done(0)
    assert tab.page.evaluate("document.documentElement.lang") == "zh-CN"
    expect(tab.page.locator(".qz-live[aria-live=polite]")).to_have_text("回答完毕")
    # The cursor is where it was: the next question can be typed at once.
    expect(tab.page.get_by_test_id("stChatInputTextArea")).to_be_focused()


def test_a_paste_that_is_too_long_is_refused_with_its_count_and_what_was_typed_stays(
    tab: Tab,
) -> None:
    page = tab.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.settle()
    line = page.get_by_test_id("stChatInputTextArea")
    line.fill("先打几个字")
    page.evaluate("text => navigator.clipboard.writeText(text)", "长文本 " * 12_600)
    line.press("Control+v")
    note = page.locator(".qz-line-note")
    expect(note).to_contain_text("50,405")
    expect(note).to_be_in_viewport()
    expect(line).to_have_value("先打几个字")
    line.press("End")
    page.keyboard.type("。")
    expect(note).to_be_hidden()
    # A line end counts once, however the clipboard writes it.
    line.fill("")
    paste = """(line, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      const given = { bubbles: true, cancelable: true, clipboardData };
      return line.dispatchEvent(new ClipboardEvent("paste", given));
    }"""
    assert line.evaluate(paste, "长\r\n" * (LONGEST_QUESTION * 2 // 5))
    assert not line.evaluate(paste, "长\r\n" * (LONGEST_QUESTION * 3 // 5))
