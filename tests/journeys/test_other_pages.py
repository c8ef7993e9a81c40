"""Library, settings, health and kind words in a real browser, and what the first page offers."""

import re
import time
import tomllib
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Position, expect

from tests.engines.ollama_server import OllamaServer
from tests.file_samples import pdf
from tests.internet.net import Internet
from tests.journeys.conftest import Shell
from tests.journeys.pages import EVENTUALLY_MS, NIGHT, PageServer, Tab, Tabs

pytestmark = pytest.mark.chromium

SUPPORTED = "夜间飞行应当开启灯光系统[1]。"
DARK = "rgb(23, 22, 20)"
DROP = """name => {
  const carried = new DataTransfer();
  carried.items.add(new File(["# 值班表\\n\\n备用钥匙放在三号柜的第二层抽屉里。"], name));
  carried.dropEffect = "copy";
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const given = { bubbles: true, cancelable: true, dataTransfer: carried };
    document.querySelector('[data-testid="stMain"]').dispatchEvent(new DragEvent(kind, given));
  }
  return carried.dropEffect;
}"""
"""Drops a file on the page beside all places for files; returns what the pointer says."""
LIBRARY_INPUT = '[data-testid="stFileUploader"] input[type="file"]'
"""Where files are taken in the library, which comes after the words above it."""


def test_a_model_is_pulled_and_chosen_and_settings_are_saved(
    tab: Tab, ollama: OllamaServer, home: Path
) -> None:
    ollama.models = ["deepseek-r1:1.5b", "qwen3:0.6b"]
    page = tab.page
    tab.go_to("设置")
    expect(page.get_by_role("button", name="增大").first).to_be_visible()  # Streamlit's own, too
    expect(page.get_by_role("button", name="Increment")).to_have_count(0)
    page.get_by_label("要下载的模型名称").fill("tiny:1b")
    page.get_by_role("button", name="下载").click()
    expect(page.get_by_text("tiny:1b 已就绪")).to_be_visible()
    expect(page.get_by_text("先思考再回答 · 上下文最长 131,072 个词元")).to_be_visible()
    tab.choose("回答问题的模型", "qwen3:0.6b")
    page.get_by_role("button", name="改用这个模型").click()
    expect(page.get_by_text("已保存到")).to_be_visible()
    tab.choose("没有来源的句子", "不显示")
    app = page.get_by_test_id("stApp")
    expect(app).to_have_css("background-color", "rgb(255, 255, 255)")
    tab.choose("浅色或深色", "深色")
    page.get_by_role("button", name="保存设置").click()
    expect(page.get_by_test_id("stSpinner")).to_have_count(0)
    expect(app).to_have_css("background-color", DARK)
    expect(page.get_by_text("已保存到")).to_be_visible()
    wanted = {
        "model": {"name": "qwen3:0.6b"},
        "answer": {"unsupported": "drop"},
        "page": {"theme": "dark"},
    }
    end = time.monotonic() + EVENTUALLY_MS / 1000
    while tomllib.loads((home / "assistant.toml").read_text()) != wanted:
        assert time.monotonic() < end, (home / "assistant.toml").read_text()
        time.sleep(0.1)
    page.get_by_role("link", name="对话页").click()
    ollama.answer = lambda _: ("先看段落。", SUPPORTED + "夜间飞行罚款是五十万元人民币。")
    tab.ask(NIGHT)
    expect(tab.done(0).answer).not_to_contain_text("五十万")
    assert ollama.asked("/api/chat")[-1]["model"] == "qwen3:0.6b"
    page.reload()
    expect(app).to_have_css("background-color", DARK)


def test_the_health_page_says_what_is_missing_and_a_conversation_is_found_again(
    tab: Tab, ollama: OllamaServer
) -> None:
    ollama.answer = SUPPORTED
    tab.ask(NIGHT)
    tab.done(0)
    page = tab.page
    tab.go_to("体检")
    page.get_by_role("button", name="立即检查").click()
    expect(page.get_by_text("对话模型")).to_be_visible()
    expect(page.get_by_text("deepseek-r1:1.5b")).to_be_visible()
    page.get_by_role("button", name="无人机夜间飞行需要什么条件", exact=True).click()
    expect(tab.turn(0).answer).to_contain_text("开启灯光系统")
    assert "c=" in page.url


def test_without_a_model_the_first_page_says_what_that_means(shell: Shell, tabs: Tabs) -> None:
    server = PageServer(shell)
    try:
        tab = tabs.open(server.start())
        expect(tab.page.get_by_text("没有找到模型服务")).to_be_visible()
        tab.page.get_by_role("button", name="无人机夜间飞行需要").click()
        turn = tab.done(0)
        expect(turn.whole).to_contain_text("原文摘录")
        suggested = turn.whole.locator(".qz-next button").first
        question = suggested.inner_text()
        suggested.click()
        expect(tab.turn(1).whole).to_contain_text(question)
        tab.done(1)
    finally:
        server.stop()


def test_the_first_page_pulls_the_model_that_is_missing(
    page_server: PageServer, tabs: Tabs, ollama: OllamaServer
) -> None:
    ollama.models = []
    tab = tabs.open(page_server.start(), width=390, height=844)
    page = tab.page
    expect(page.get_by_text("deepseek-r1:1.5b 尚未下载")).to_be_visible()
    pull = page.get_by_role("button", name="下载 deepseek-r1:1.5b")
    tab.until_shown(pull.click, page.get_by_text("deepseek-r1:1.5b 已就绪"))
    expect(page.get_by_text("尚未下载")).to_be_hidden()
    ollama.answer = SUPPORTED
    page.get_by_role("button", name="无人机夜间飞行需要").click()
    expect(tab.done(0).answer).to_contain_text("开启灯光系统")
    # On a phone, the drawer is gone when a page is chosen in it.
    health = page.get_by_role("link", name="体检")
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(health).to_be_in_viewport()
    tab.go_to("体检")
    expect(health).not_to_be_in_viewport()


def test_a_file_is_added_asked_about_and_removed(
    tab: Tab, ollama: OllamaServer, tmp_path: Path
) -> None:
    paper = tmp_path / "值班 表.md"
    paper.write_text("# 值班表\n\n机房的备用钥匙放在三号柜的第二层抽屉里，取用要登记。\n")
    page = tab.page
    tab.go_to("资料库")
    expect(page.get_by_text("这里还是空的")).to_be_visible()
    addresses = page.get_by_label("网址，每行一个")
    tab.until_shown(page.get_by_text("添加网页和文件").click, addresses)
    page.locator("input[type=file]").set_input_files(paper)
    # From here on the form waits for the upload's end by itself.
    expect(page.get_by_role("region", name="文件")).to_contain_text(paper.name)
    addresses.fill("https://yehang.example/nothing")
    page.get_by_role("button", name="开始读取").click()
    expect(page.get_by_text("收录 1，未变 0，未能读取 1")).to_be_visible()
    expect(page.get_by_text("yehang.example ·")).to_be_visible()
    page.get_by_role("link", name="对话页").click()
    page.get_by_text("搜索网页", exact=True).click()
    ollama.answer = lambda _: ("先看段落。", "备用钥匙放在三号柜的第二层抽屉里[1]。")
    tab.ask("机房的备用钥匙放在哪里?")
    turn = tab.done(0)
    expect(turn.answer).to_contain_text("三号柜")
    expect(turn.sources).to_contain_text("值班 表.md")  # as people read it
    tab.go_to("资料库")
    expect(page.get_by_text("1 个文档")).to_be_visible()
    table = page.get_by_test_id("stDataFrame").locator("canvas").first
    first_row: Position = {"x": 15, "y": 50}
    # By force: its scroller lies above it.
    choose_row = partial(table.click, position=first_row, force=True)
    tab.until_shown(choose_row, page.get_by_text("取用要登记").first)
    expect(page.get_by_text(re.compile("1 个片段，其中 . 个有向量 · 修改于"))).to_be_visible()
    remove = page.get_by_role("button", name="移除", exact=True)
    undo = page.get_by_role("button", name="撤销", exact=True)
    tab.until_shown(remove.click, undo)
    expect(page.get_by_text("这里还是空的")).to_be_visible()
    undo.click()
    expect(undo).to_be_hidden()
    expect(page.get_by_text("1 个文档")).to_be_visible()
    tab.until_shown(choose_row, remove)
    tab.until_shown(remove.click, undo)
    expect(page.get_by_text("这里还是空的")).to_be_visible()
    page.get_by_role("link", name="对话页").click()
    tab.turn(0).action("重新回答").click()
    expect(tab.turn(0).answer).not_to_contain_text("三号柜")


def test_a_file_that_is_dropped_beside_its_place_in_the_library_is_added(tab: Tab) -> None:
    page = tab.page
    tab.go_to("资料库")
    expect(page.get_by_text("这里还是空的")).to_be_visible()
    expect(page.locator(LIBRARY_INPUT)).to_be_attached()
    page.evaluate(DROP, "值班表.md")
    expect(page.get_by_role("region", name="文件")).to_contain_text("值班表.md")
    expect(page.get_by_label("网址，每行一个")).to_be_visible()
    page.get_by_role("button", name="开始读取").click()
    expect(page.get_by_text("收录 1，未变 0，未能读取 0")).to_be_visible()
    tab.go_to("体检")
    expect(page.get_by_role("button", name="立即检查")).to_be_visible()
    assert page.evaluate(DROP, "值班表.md") == "none"


@pytest.mark.parametrize("name", ["对话页", "资料库"])
def test_of_a_dropped_folder_its_files_are_taken(
    tabs: Tabs, url: str, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "值班"
    for path in (folder / "表.md", folder / "2026" / "五月.md", folder / ".hidden" / "x.md"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# 值班表\n\n备用钥匙放在三号柜的第二层抽屉里。\n", "utf-8")
    tab = tabs.open(url)
    page = tab.page
    if name == "资料库":
        tab.go_to(name)
        expect(page.get_by_text("这里还是空的")).to_be_visible()
        expect(page.locator(LIBRARY_INPUT)).to_be_attached()
        place = page.get_by_role("region", name="文件")
    else:
        expect(page.locator(".st-key-example-2")).to_be_visible()
        tab.settle()
        place = page.get_by_test_id("stChatInput")
        # The line comes after the examples; where nothing takes files, none can be dropped.
        expect(place.locator("input[type=file]")).to_be_attached()
    expect(page.locator("nav.qz-list")).to_be_attached()  # what takes the files has come
    # As the browser does it for the mouse: a script cannot make a folder.
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        given = {"type": kind, "x": 700, "y": 500, "data": data}
        devtools.send("Input.dispatchDragEvent", given)
    expect(place).to_contain_text("五月.md")
    expect(place).to_contain_text("表.md")
    expect(place).not_to_contain_text("x.md")
    expect(place.get_by_test_id("stFileChipIconSpinner")).to_have_count(0)
    expect(place).not_to_contain_text("Error")


def test_a_file_is_dropped_into_the_line_and_asked_about(
    tab: Tab, net: Internet, ollama: OllamaServer, tmp_path: Path
) -> None:
    paper = tmp_path / "值班表 (新).md"
    paper.write_text("# 值班表\n\n机房的备用钥匙放在三号柜的第二层抽屉里，取用要登记。\n")
    manual = tmp_path / "Manual.pdf"
    manual.write_bytes(pdf("The spare key of the server room is in drawer seven.", "Sign for it."))
    broken = tmp_path / "坏的.docx"
    broken.write_bytes(b"PK\x03\x04 no document")
    page = tab.page
    ollama.answer = lambda _: ("先看段落。", "备用钥匙放在三号柜的第二层抽屉里[1]。")
    tab.attach(paper)
    tab.ask("机房的备用钥匙放在哪里?")
    turn = tab.done(0)
    expect(turn.answer).to_contain_text("三号柜")
    expect(turn.whole.get_by_role("group", name="所用资料")).to_contain_text("值班表 新.md")
    assert net.log == []  # it was asked about the file, and not of the web
    page.reload()
    expect(tab.done(0).whole.get_by_role("group", name="所用资料")).to_be_visible()
    # Another one of the same name is another file, and what cannot be read says why.
    broken.rename(paper)
    tab.attach(paper)
    tab.ask("里面写了什么?")
    failed = tab.turn(1)
    expect(failed.whole).to_have_attribute("data-state", "failed")
    expect(failed.whole.get_by_role("alert")).to_contain_text("值班表 (新)-2.md")
    expect(failed.whole.get_by_role("alert")).not_to_contain_text("/library/")
    # The next question is not about a collection that never came to be.
    tab.ask("机房的备用钥匙放在哪里?")
    expect(tab.done(2).answer).to_contain_text("三号柜")
    # What is too large is said before a byte of it is sent, in the page's language.
    large = tmp_path / "大.txt"
    with large.open("wb") as file:
        file.truncate(101 * 1024 * 1024)
    line = page.get_by_test_id("stChatInput")
    line.locator("input[type=file]").set_input_files(large)
    expect(line).to_contain_text("文件最大 100 MB")
    page.reload()
    ollama.answer = lambda _: ("Look first.", "The spare key is in drawer seven [1].")
    tab.attach(manual)
    tab.ask("Where is the spare key of the server room?")
    expect(tab.done(3).answer.locator("[data-verdict=supported]")).to_be_visible()
    expect(tab.turn(3).sources).to_contain_text("Manual.pdf")


def test_a_message_that_may_hurt_is_held_and_a_kind_one_passes(
    tab: Tab, ollama: OllamaServer
) -> None:
    ollama.answer = "no JSON"
    page = tab.page
    tab.go_to("好好说话")
    line = page.get_by_label("消息", exact=True).first
    send = page.get_by_role("button", name="发送", exact=True).first
    line.fill("收到，我今晚发给你。")
    send.click()
    said = page.locator(".st-key-nvc-said-1")
    expect(said).to_contain_text("我今晚发给你")
    tab.settle()
    line.fill("你怎么又迟到了，一点都不尊重人！")
    send.click()
    suggestion = page.get_by_label("可以这样说")
    expect(suggestion).to_have_value(re.compile("＿＿＿.*你愿意"))
    expect(said).not_to_contain_text("迟到")
    tab.settle()
    suggestion.fill("我等了二十分钟，有点着急。下次先说一声好吗？")
    page.get_by_role("button", name="改发这一句").click()
    expect(said).to_contain_text("下次先说一声好吗")
    expect(said).not_to_contain_text("不尊重人")
    tab.settle()
    line.fill("都怪你！")
    send.click()
    page.get_by_role("button", name="不发了").click()
    expect(line).to_be_visible()
    expect(said).not_to_contain_text("都怪你")
