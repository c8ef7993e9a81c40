"""The chat page as a reader of English has it on a phone."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.engines.ollama_server import OllamaServer
from tests.journeys.pages import Tabs

pytestmark = pytest.mark.chromium


def test_a_reader_of_english_asks_reads_and_stops_on_a_phone(
    tabs: Tabs, url: str, ollama: OllamaServer, tmp_path: Path
) -> None:
    tab = tabs.open(url, locale="en-GB", width=390, height=844)
    page = tab.page
    ollama.answer = lambda _: (
        "Look first.",
        "Use water at 80 °C [1]. It is sold for 900 euros [1].",
    )
    tab.ask("How hot should the water for green tea be?")
    turn = tab.done(0)
    unsupported = turn.answer.locator("[data-verdict=unsupported]")
    expect(unsupported.get_by_label("This sentence stands in no source")).to_be_visible()
    turn.answer.get_by_role("button", name="Source 1").first.click()
    card = page.get_by_role("dialog")
    expect(card.locator("mark")).to_be_in_viewport()
    width = page.evaluate("document.querySelector('[role=dialog]').getBoundingClientRect().right")
    assert width <= 390
    page.keyboard.press("Escape")
    ollama.answer, ollama.delay_s = lambda _: ("Look first.", "Wait for a minute. " * 200), 0.3
    tab.ask("How long should it be steeped?")
    expect(tab.turn(1).answer).to_contain_text("Wait for")
    page.get_by_role("button", name="Stop").click()
    expect(tab.turn(1).whole).to_have_attribute("data-state", "stopped")
    ollama.delay_s = 0.0
    ollama.fail("reset")
    tab.turn(1).action("Ask again").click()
    expect(tab.turn(1).whole.get_by_role("alert")).to_be_visible()
    ollama.heal()
    tab.turn(1).action("Ask again").click()
    tab.done(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_test_id("stExpandSidebarButton").click()
    row = page.locator(".qz-row")
    as_json = row.get_by_role("link", name="JSON")
    tab.until_shown(row.get_by_label("More").click, as_json)
    with page.expect_download() as download:
        as_json.click()
    download.value.save_as(tmp_path / "saved.json")
    assert len(json.loads((tmp_path / "saved.json").read_text())["turns"]) == 2
