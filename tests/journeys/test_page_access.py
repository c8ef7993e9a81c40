"""Everybody can use the page: axe-core finds nothing serious on it, in light and dark."""

import os
from importlib.resources import files
from typing import Any, Literal

import pytest
from playwright.sync_api import expect

from tests.engines.ollama_server import OllamaServer
from tests.journeys.pages import NIGHT, Tab, Tabs

pytestmark = pytest.mark.chromium

ANSWER = (
    "夜间飞行应当开启灯光系统[1]。夜间飞行罚款是五十万元人民币[1]。\n\n"
    "| 项目 | 值 |\n|---|--:|\n| 高度 | 120 |\n\n```python\nx = 2 * 3  # c\n```\n\n\\(x^2\\)"
)

RUN_AXE = """axe.run(document, {
  resultTypes: ['violations'], rules: { 'target-size': { enabled: true } },
}).then(found => found.violations)"""
"""Also what axe-core looks at on request alone: whether a thumb meets what it aims at."""
SIZES = {"laptop": (1200, 860), "phone": (390, 844)}
NAME_OF_FOCUS = """(() => {
  const focused = document.activeElement;
  return focused.getAttribute('aria-label') || focused.textContent;
})()"""


def faults(tab: Tab) -> list[str]:
    """Return what axe-core finds serious or critical on the page as it is."""
    tab.page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    found: list[dict[str, Any]] = tab.page.evaluate(RUN_AXE)
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


LOOKS = [("light", "laptop"), ("dark", "phone")]
if os.environ.get("QIUZHENG_EVERY_VARIANT"):
    LOOKS += [("dark", "laptop"), ("light", "phone")]


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
def test_no_page_shuts_anybody_out(
    tabs: Tabs, url: str, ollama: OllamaServer, scheme: Literal["light", "dark"], size: str
) -> None:
    width, height = SIZES[size]
    tab = tabs.open(url, width=width, height=height)
    page = tab.page
    page.emulate_media(color_scheme=scheme)
    page.reload()
    expect(page.locator(".st-key-example-2")).to_be_visible()
    assert faults(tab) == [], "empty"
    ollama.answer, ollama.delay_s = lambda _: ("先看段落。", ANSWER), 0.3
    tab.ask(NIGHT)
    expect(page.get_by_role("button", name="停止")).to_be_visible()
    assert faults(tab) == [], "answering"
    ollama.delay_s = 0.0
    turn = tab.done(0)
    assert faults(tab) == [], "answered"
    turn.answer.get_by_role("button", name="来源 1").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults(tab) == [], "card"
    page.keyboard.press("Escape")
    turn.whole.get_by_role("button", name="回答得不好").click()
    turn.whole.locator("summary").first.click()
    assert faults(tab) == [], "form and steps"
    ollama.fail("reset")
    tab.ask("无人机夜间飞行罚款是多少?")
    expect(tab.turn(1).whole).to_have_attribute("data-state", "failed")
    assert faults(tab) == [], "failed"
    for name in ("设置", "体检", "资料库", "好好说话"):
        if size == "phone":
            tab.settle()
            page.get_by_test_id("stExpandSidebarButton").click()
            expect(page.get_by_role("link", name=name)).to_be_in_viewport()
            assert faults(tab) == [], f"drawer before {name}"
        tab.go_to(name)
        assert faults(tab) == [], name
        act_on_page(tab, name)
        assert faults(tab) == [], f"{name}, used"


def act_on_page(tab: Tab, name: str) -> None:
    """Show what a page has only when it is used."""
    page = tab.page
    match name:
        case "体检":
            page.get_by_role("button", name="立即检查").click()
            expect(page.get_by_text("deepseek-r1:1.5b")).to_be_visible()
        case "资料库":
            addresses = page.get_by_label("网址，每行一个")
            tab.until_shown(page.get_by_text("添加网页和文件").click, addresses)
        case "好好说话":
            page.get_by_label("消息", exact=True).first.fill("你怎么又迟到了，一点都不尊重人！")
            page.get_by_role("button", name="发送", exact=True).first.click()
            expect(page.get_by_label("可以这样说")).to_be_visible()
            tab.settle()


def test_the_keyboard_alone_reaches_everything(tab: Tab, ollama: OllamaServer) -> None:
    ollama.answer = "夜间飞行应当开启灯光系统[1]。"
    page = tab.page
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_focused()
    tab.ask(NIGHT)
    turn = tab.done(0)
    turn.whole.locator("summary").first.focus()
    reached = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(NAME_OF_FOCUS))
    assert {"来源 1", "复制", "重新回答", "修改问题", "回答得好", "回答得不好"} <= reached
    turn.answer.get_by_role("button", name="来源 1").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
