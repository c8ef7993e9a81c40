"""What is kept of conversations: their list, judgements, and nothing of private ones."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.engines.ollama_server import OllamaServer
from tests.journeys.conftest import Shell
from tests.journeys.pages import NIGHT, Tab, Tabs

pytestmark = pytest.mark.chromium

SUPPORTED = "夜间飞行应当开启灯光系统[1]。"


def test_conversations_are_listed_renamed_deleted_brought_back_and_exported(
    tab: Tab, ollama: OllamaServer, tmp_path: Path
) -> None:
    ollama.answer = SUPPORTED
    tab.ask(NIGHT)
    tab.done(0)
    page = tab.page
    row = page.locator(".qz-row")
    expect(row).to_contain_text("无人机夜间飞行需要什么条件")
    menu = row.get_by_label("更多")
    rename = row.get_by_role("button", name="重命名")
    tab.until_shown(menu.click, rename)
    tab.turn(0).whole.click()
    expect(rename).to_be_hidden()  # who goes on elsewhere has no menu lying about
    tab.until_shown(menu.click, rename)
    rename.click()
    page.get_by_role("textbox", name="重命名").fill("夜航 🌙")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("夜航 🌙")
    tab.until_shown(menu.click, rename)
    with page.expect_download() as download:
        row.get_by_role("link", name="Markdown").click()
    assert "夜航" in download.value.suggested_filename
    download.value.save_as(tmp_path / "saved.md")
    assert "夜间飞行应当开启灯光系统[1]。" in (tmp_path / "saved.md").read_text()
    tab.until_shown(menu.click, rename)
    row.get_by_role("button", name="删除").click()
    expect(row).to_have_count(0)
    expect(page.locator(".qz-turn")).to_have_count(0)
    page.get_by_role("button", name="撤销").click()
    expect(page.locator(".qz-row")).to_contain_text("夜航 🌙")
    expect(tab.turn(0).answer).to_contain_text("开启灯光系统")
    page.keyboard.press("Alt+n")
    expect(page.locator(".qz-turn")).to_have_count(0)
    assert "c" not in parse_qs(urlsplit(page.url).query)
    page.get_by_role("button", name="夜航 🌙", exact=True).click()
    expect(tab.turn(0).answer).to_contain_text("开启灯光系统")


def test_private_conversations_are_nowhere_afterwards(
    shell_with_model: Shell, tab: Tab, ollama: OllamaServer
) -> None:
    ollama.answer = SUPPORTED
    tab.page.get_by_text("无痕对话").click()
    tab.ask(NIGHT)
    turn = tab.done(0)
    expect(tab.page.locator(".qz-row")).to_have_count(0)
    expect(turn.action("复制")).to_be_visible()
    expect(turn.whole.locator(".qz-thumbs")).to_have_count(0)  # it could be kept nowhere
    assert "no answer is kept yet" in shell_with_model("assistant", "history", code=None).stderr


def test_thumbs_and_a_corrected_answer_become_rows_for_training(
    shell_with_model: Shell, tab: Tab, ollama: OllamaServer
) -> None:
    ollama.answer = SUPPORTED
    tab.ask(NIGHT)
    turn = tab.done(0)
    turn.whole.get_by_role("button", name="回答得好").click()
    expect(turn.whole.get_by_role("button", name="回答得好")).to_have_attribute(
        "aria-pressed", "true"
    )
    turn.whole.get_by_role("button", name="回答得不好").click()
    turn.whole.get_by_label("有遗漏").check()
    turn.whole.get_by_label("正确的回答应该是什么？").fill("要开灯，还要登记。")
    turn.whole.get_by_role("button", name="保存").click()
    expect(turn.whole).to_contain_text("已保存在这台电脑上")
    tab.page.reload()
    pressed = tab.done(0).whole.get_by_role("button", name="回答得不好")
    expect(pressed).to_have_attribute("aria-pressed", "true")
    shown = shell_with_model("assistant", "feedback", "--lang", "zh")
    (row,) = [json.loads(line) for line in shown.stdout.splitlines()]
    assert (row["rating"], row["reasons"]) == ("down", ["incomplete"])
    assert row["rejected"] == SUPPORTED
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
    assert NIGHT in row["messages"][1]["content"]  # the prompt that the model was really given
    assert row["messages"][2]["content"] == "要开灯，还要登记。"
    assert "1" in shown.stderr
    shell_with_model("assistant", "forget", "--all")
    assert shell_with_model("assistant", "feedback").stdout == ""


def test_two_tabs_rename_one_conversation_and_one_deletes_it_while_the_other_answers(
    tab: Tab, tabs: Tabs, ollama: OllamaServer
) -> None:
    ollama.answer = SUPPORTED
    tab.ask(NIGHT)
    tab.done(0)
    other = tabs.open(tab.page.url)
    other.done(0)
    for each, name in ((tab, "甲"), (other, "乙")):
        row = each.page.locator(".qz-row")
        rename = row.get_by_role("button", name="重命名")
        each.until_shown(row.locator("summary").click, rename)
        rename.click()
        each.page.get_by_role("textbox", name="重命名").fill(name)
    for each, name in ((tab, "甲"), (other, "乙")):
        each.page.keyboard.press("Enter")
        expect(each.page).to_have_title(f"{name} · 求证")
    ollama.delay_s = 0.3
    ollama.answer = SUPPORTED + "".join(
        f"夜间飞行的第{n}个条件是开启灯光系统。" for n in range(1, 99)
    )
    tab.ask("无人机夜间飞行罚款是多少?")
    expect(tab.turn(1).answer).to_contain_text("开启灯光系统")
    row = other.page.locator(".qz-row")
    delete = row.get_by_role("button", name="删除")
    other.until_shown(row.locator("summary").click, delete)
    delete.click()
    expect(row).to_have_count(0)
    # By itself: who reads there does nothing.
    expect(tab.page.locator(".qz-row")).to_have_count(0)
    # Who was reading it keeps what was written, and whoever brings it back has all of it.
    expect(tab.turn(1).whole).to_have_attribute("data-state", "stopped")
    expect(tab.turn(1).answer).to_contain_text("开启灯光系统")
    other.page.locator(".qz-undo").click()
    expect(row).to_contain_text("乙")
    expect(tab.page.locator(".qz-row")).to_contain_text("乙")
    other.done(0)
    expect(other.turn(1).whole).to_have_attribute("data-state", "stopped")
    expect(other.turn(1).answer).to_contain_text("开启灯光系统")


def test_a_bar_in_a_cell_is_shown_without_what_escapes_it(
    shell_with_model: Shell, ollama: OllamaServer, tab: Tab
) -> None:
    cells = "| 做什么 | 命令 |\n|---|---|\n| 排列长文件名 | ls \\| sort |\n| 数字数 | wc |\n"
    (shell_with_model.folder / "commands.md").write_text(f"# 命令手册\n\n{cells}")
    shell_with_model("ingest", "commands.md")
    ollama.answer = "排列长文件名的命令是 ls | sort[1]。"
    tab.ask("排列长文件名的命令是什么？")
    turn = tab.done(0)
    turn.answer.locator(".qz-cite").first.click()
    card = tab.page.get_by_role("dialog")
    expect(card).to_contain_text("ls | sort")
    expect(card).not_to_contain_text("\\")
