"""What people do on the page, in Chinese and English, on a laptop and on a phone.

Each runs in one of the four by default, other tests have the others in part; all run in all with

    QIUZHENG_EVERY_VARIANT=1 python -m pytest tests/journeys/test_page_variants.py
"""

import os
import re
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Position, expect

from assistant.cli.health import part_name
from ingest.foundation.messages import Language, Message
from tests.engines.ollama_server import OllamaServer
from tests.file_samples import pdf
from tests.journeys.conftest import Shell
from tests.journeys.pages import NIGHT, PageServer, Tab, Tabs
from ui import labels
from ui.labels import CONVERSATION_LABELS as TURN
from ui.labels import LIST_LABELS as ROW

pytestmark = pytest.mark.chromium

EVERY = bool(os.environ.get("QIUZHENG_EVERY_VARIANT"))
DRAG = """([kinds, name, bytes]) => {
  const file = new File([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], name);
  const carried = new DataTransfer();
  carried.items.add(file);
  const place = document.querySelector('[data-testid="stMain"] .qz-conversation');
  for (const kind of kinds) {
    const given = { bubbles: true, cancelable: true, dataTransfer: carried };
    place.dispatchEvent(new DragEvent(kind, given));
  }
}"""
"""Moves a file over the page, as a mouse does, beside the line where questions are typed."""


@dataclass(frozen=True, kw_only=True)
class Sayings:
    """What is asked and answered in one language."""

    locale: str
    question: str
    supported: str
    marked: str
    """What its passage has marked."""
    unsupported: str
    line: str
    """One sentence of a long answer, with {n}: the same again and again would be cut off."""
    more: str
    """What is asked next."""
    kind: str
    harsh: str


SAYINGS: dict[Language, Sayings] = {
    "zh": Sayings(
        locale="zh-CN",
        question=NIGHT,
        supported="夜间飞行应当开启灯光系统[1]。",
        marked="应当开启灯光系统",
        unsupported="夜间飞行罚款是五十万元人民币[1]。",
        line="夜间飞行的第{n}个条件是开启灯光系统。",
        more="无人机夜间飞行罚款是多少?",
        kind="收到，我今晚发给你。",
        harsh="你怎么又迟到了，一点都不尊重人！",
    ),
    "en": Sayings(
        locale="en-GB",
        question="How hot should the water for green tea be?",
        supported="Use water at 80 °C [1]. ",
        marked="80",
        unsupported="It is sold for 900 euros [1]. ",
        line="Step {n} is to use water at 80 °C. ",
        more="How long should it be steeped?",
        kind="Got it, I will send it tonight.",
        harsh="You never listen, you are so selfish!",
    ),
}
SIZES = {"laptop": (1280, 800), "phone": (390, 844)}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A reader: language and size."""

    language: Language
    size: str

    @property
    def say(self) -> Sayings:
        return SAYINGS[self.language]

    def word(self, message: Message) -> str:
        """Return a text of the page in this language."""
        return message.localize(self.language)

    def long_answer(self, sentences: int) -> str:
        """Return an answer that is kept: its first sentence stands in the pages."""
        lines = (self.say.line.format(n=n) for n in range(1, sentences + 1))
        return self.say.supported + "".join(lines)

    def open(self, tabs: Tabs, url: str) -> Tab:
        width, height = SIZES[self.size]
        return tabs.open(url, locale=self.say.locale, width=width, height=height)

    def button(self, where: Any, message: Message) -> Locator:
        found: Locator = where.get_by_role("button", name=self.word(message), exact=True)
        return found

    def open_drawer(self, tab: Tab) -> None:
        """Show the side bar, which is a drawer on a phone."""
        health = tab.page.get_by_role("link", name=self.word(labels.HEALTH), exact=True)
        if self.size == "phone":
            tab.settle()
            tab.page.get_by_test_id("stExpandSidebarButton").click()
        expect(health).to_be_in_viewport()

    def go_to(self, tab: Tab, page: Message) -> None:
        self.open_drawer(tab)
        if page is labels.CHAT:
            tab.page.get_by_role("link", name=self.word(page), exact=True).click()
            tab.settle()
        else:
            tab.go_to(self.word(page))


def variants(usual: str) -> Any:
    """Run a test as this reader, such as "en-phone"; on request as each of the four."""
    names = [f"{language}-{size}" for language in SAYINGS for size in SIZES]
    chosen = [name for name in names if EVERY or name == usual]
    assert chosen, usual
    made = [
        Variant(language="zh" if name.startswith("zh") else "en", size=name.partition("-")[2])
        for name in chosen
    ]
    return pytest.mark.parametrize("variant", made, ids=chosen)


@variants("en-phone")
def test_without_a_model_a_first_question_is_answered_in_the_pages_words(
    shell: Shell, tabs: Tabs, variant: Variant
) -> None:
    server = PageServer(shell)
    try:
        tab = variant.open(tabs, server.start())
        page = tab.page
        missing = {"zh": "没有找到模型服务", "en": "No model server is here"}[variant.language]
        expect(page.get_by_text(missing)).to_be_in_viewport()
        example = page.get_by_role("button", name=variant.word(labels.EXAMPLES[0]))
        tab.until_shown(example.click, tab.turn(0).whole)
        expect(tab.done(0).sources.locator("li").first).to_be_visible()
        quoted = {"zh": "来源原文摘录", "en": "uotes from"}[variant.language]
        expect(tab.turn(0).whole).to_contain_text(quoted)
    finally:
        server.stop()


@variants("zh-phone")
def test_a_model_is_pulled_answers_and_is_in_good_health(
    page_server: PageServer, tabs: Tabs, ollama: OllamaServer, variant: Variant
) -> None:
    ollama.models = []
    tab = variant.open(tabs, page_server.start())
    page = tab.page
    name = "deepseek-r1:1.5b"
    pull = page.get_by_role("button", name=name)
    here = page.get_by_text(Message("{name} is here", name=name).localize(variant.language))

    def press() -> None:
        # It is gone once it was pressed, while the model is still on its way.
        if pull.is_visible():
            pull.click()

    tab.until_shown(press, here)
    ollama.answer = variant.say.supported
    tab.ask(variant.say.question)
    expect(tab.done(0).answer.locator("[data-verdict=supported]")).to_be_visible()
    variant.go_to(tab, labels.HEALTH)
    variant.button(page, labels.CHECK_NOW).click()
    part = part_name("chat model").localize(variant.language)
    row = page.get_by_text(re.compile(f"^{re.escape(part)}$", re.IGNORECASE))
    expect(row).to_be_visible()
    expect(page.get_by_text(name).first).to_be_visible()


@variants("en-laptop")
def test_an_answer_is_checked_stopped_gone_on_with_lost_asked_again_and_reloaded(
    tabs: Tabs, url: str, ollama: OllamaServer, variant: Variant
) -> None:
    say, tab = variant.say, variant.open(tabs, url)
    page = tab.page
    ollama.answer = say.supported + say.unsupported
    tab.ask(say.question)
    turn = tab.done(0)
    sentences = turn.answer.locator(".qz-sentence")
    sign = variant.word(TURN["unsupported"])
    expect(sentences.nth(1).get_by_label(sign)).to_be_visible()
    expect(sentences.first.get_by_label(sign)).to_have_count(0)
    sentences.first.locator(".qz-cite").click()
    card = page.get_by_role("dialog")
    expect(card.locator("mark").first).to_contain_text(say.marked)
    expect(card.locator("mark").first).to_be_in_viewport()
    page.keyboard.press("Escape")
    # Stopped, and gone on with.
    ollama.answer, ollama.delay_s = lambda _: ("…", variant.long_answer(60)), 0.3
    tab.ask(say.more)
    expect(tab.turn(1).answer.locator(".qz-sentence").first).to_be_visible()
    page.get_by_role("button", name=variant.word(TURN["stop"])).click()
    expect(tab.turn(1).whole).to_have_attribute("data-state", "stopped")
    ollama.answer, ollama.delay_s = say.supported, 0.0
    tab.turn(1).action(variant.word(TURN["go_on"])).click()
    tab.done(2)
    # The model breaks off, and is asked again.
    ollama.fail("reset")
    tab.ask(say.more + "!")
    expect(tab.turn(3).whole.get_by_role("alert")).to_be_visible()
    ollama.heal()
    tab.turn(3).action(variant.word(TURN["again"])).click()
    tab.done(3)
    # Reloaded while it answers, with a second tab beside it.
    ollama.answer, ollama.delay_s = lambda _: ("…", variant.long_answer(30)), 0.05
    tab.ask(say.question + "!")
    expect(tab.turn(4).answer.locator(".qz-sentence").first).to_be_visible()
    page.reload()
    other = variant.open(tabs, page.url)
    for each in (other, tab):
        each.page.bring_to_front()
        expect(each.done(4).answer).to_contain_text(say.line.format(n=30).strip())
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[variant.size][0]


@variants("en-laptop")
def test_a_conversation_is_judged_renamed_exported_deleted_and_brought_back(
    tabs: Tabs,
    url: str,
    ollama: OllamaServer,
    shell_with_model: Shell,
    tmp_path: Path,
    variant: Variant,
) -> None:
    tab = variant.open(tabs, url)
    page = tab.page
    ollama.answer = variant.say.supported
    tab.ask(variant.say.question)
    turn = tab.done(0)
    variant.button(turn.whole, TURN["bad"]).click()
    turn.whole.get_by_label(variant.word(TURN["incomplete"])).check()
    turn.whole.get_by_label(variant.word(TURN["correction"])).fill("42")
    variant.button(turn.whole, TURN["save"]).click()
    expect(turn.whole.get_by_role("status")).to_contain_text("assistant feedback")
    variant.open_drawer(tab)
    row = page.locator(".qz-row")
    menu, rename = row.locator("summary"), variant.button(row, ROW["rename"])
    tab.until_shown(menu.click, rename)
    rename.click()
    page.get_by_role("textbox", name=variant.word(ROW["rename"])).fill("Ω 🌙 <b>")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("Ω 🌙 <b>")
    export = row.get_by_role("link", name=variant.word(ROW["export_md"]))
    tab.until_shown(menu.click, export)
    with page.expect_download() as download:
        export.click()
    download.value.save_as(tmp_path / "saved.md")
    assert variant.say.supported.strip() in (tmp_path / "saved.md").read_text("utf-8")
    delete = variant.button(row, ROW["delete"])
    tab.until_shown(menu.click, delete)
    delete.click()
    expect(row).to_have_count(0)
    undo = page.locator(".qz-undo")
    expect(undo).to_have_text(variant.word(ROW["restore"]))
    undo.click()
    expect(row).to_contain_text("Ω 🌙 <b>")
    expect(tab.done(0).answer).to_contain_text(variant.say.marked)
    assert '"42"' in shell_with_model("assistant", "feedback").stdout


@variants("zh-phone")
def test_a_pdf_is_dropped_asked_about_and_removed(
    tabs: Tabs, url: str, ollama: OllamaServer, tmp_path: Path, variant: Variant
) -> None:
    tab = variant.open(tabs, url)
    page = tab.page
    paper = tmp_path / "Manual.pdf"
    paper.write_bytes(pdf("The spare key of the server room is in drawer seven.", "Sign for it."))
    ollama.answer = "The spare key is in drawer seven [1]."
    if variant.size == "laptop":
        tab.settle()
        line = page.get_by_test_id("stChatInput")
        carried = [paper.name, b64encode(paper.read_bytes()).decode()]
        page.evaluate(DRAG, [["dragenter", "dragover"], *carried])
        expect(line).to_contain_text(variant.word(ROW["drop"]))
        page.evaluate(DRAG, [["drop"], *carried])
        expect(line).to_contain_text(paper.name)
        expect(line.get_by_test_id("stFileChipIconSpinner")).to_have_count(0)
    else:
        tab.attach(paper)
    tab.ask("Where is the spare key of the server room?")
    turn = tab.done(0)
    expect(turn.answer.locator("[data-verdict=supported]")).to_be_visible()
    files = turn.whole.get_by_role("group", name=variant.word(TURN["from_collections"]))
    expect(files).to_contain_text("Manual.pdf")
    variant.go_to(tab, labels.LIBRARY)
    table = page.get_by_test_id("stDataFrame").locator("canvas").first
    first_row: Position = {"x": 15, "y": 50}
    remove = variant.button(page, labels.REMOVE)
    # By force: its scroller lies above it.
    tab.until_shown(lambda: table.click(position=first_row, force=True), remove)
    undo = variant.button(page, labels.UNDO)
    tab.until_shown(remove.click, undo)
    expect(page.get_by_text(variant.word(labels.LIBRARY_EMPTY))).to_be_visible()
    variant.go_to(tab, labels.CHAT)
    tab.turn(0).action(variant.word(TURN["edit"])).click()
    question = page.get_by_role("textbox", name=variant.word(TURN["edit"]))
    question.fill("Where is the spare key of the server room now?")
    question.press("Enter")
    expect(tab.turn(0).whole).to_contain_text("room now?")
    expect(tab.turn(0).whole).to_have_attribute("data-state", re.compile("done|failed"))
    expect(tab.turn(0).sources).not_to_contain_text("Manual.pdf")
    expect(tab.turn(0).answer).not_to_contain_text("drawer")


@variants("en-phone")
def test_a_harsh_message_is_held_with_three_ways_on(
    tabs: Tabs, url: str, ollama: OllamaServer, variant: Variant
) -> None:
    ollama.answer = "no JSON"
    tab = variant.open(tabs, url)
    page = tab.page
    variant.go_to(tab, labels.NVC)
    line = page.get_by_label(variant.word(labels.NVC_MESSAGE), exact=True).first
    send = variant.button(page, labels.NVC_SEND).first
    said = page.locator(".st-key-nvc-said-1")
    line.fill(variant.say.kind)
    send.click()
    expect(said).to_contain_text(variant.say.kind)
    suggestion = page.get_by_label(variant.word(labels.NVC_SUGGESTION))
    for way in (labels.NVC_DISCARD, labels.NVC_USE, labels.NVC_AS_IT_IS):
        tab.settle()
        line.fill(variant.say.harsh)
        send.click()
        expect(suggestion).to_be_visible()
        expect(said).not_to_contain_text(variant.say.harsh)
        tab.settle()
        if way is labels.NVC_USE:
            suggestion.fill("42")
        variant.button(page, way).click()
        expect(suggestion).to_be_hidden()
    expect(said).to_contain_text("42")
    expect(said).to_contain_text(variant.say.harsh)
