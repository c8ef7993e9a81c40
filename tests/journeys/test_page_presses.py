"""What is asked or pressed happens once, also where a part of the page polls at that moment.

Streamlit's browser keeps a press until a timer of 0 ms sends it; a part that polls and comes in
between sends it, too, and the server gets it twice.
"""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.engines.ollama_server import OllamaServer
from tests.file_samples import pdf
from tests.journeys.pages import NIGHT, PageServer, Tab, Tabs

pytestmark = pytest.mark.chromium

POLL_AT_EACH_PRESS = """
  const polls = new Map();
  const set = window.setInterval, clear = window.clearInterval, later = window.setTimeout;
  // As on a busy machine: what polls is answered before the press itself is sent.
  window.setTimeout = (run, ms, ...given) => later(run, ms || 600, ...given);
  window.setInterval = (poll, ms, ...given) => {
    const id = set(poll, ms, ...given);
    polls.set(id, poll);
    return id;
  };
  window.clearInterval = (id) => { polls.delete(id); clear(id); };
  // Whoever listens to a press has heard of it when it comes to the window.
  const pollAll = () => { for (const poll of polls.values()) poll(); };
  window.addEventListener("click", pollAll);
  window.addEventListener("keydown", (event) => { if (event.key === "Enter") pollAll(); });
"""

SEND_LATER = """
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (...given) {
    setTimeout(() => send.apply(this, given), 2000);
  };
"""
"""Streamlit's browser sends files by this alone."""


@pytest.fixture
def polling_tab(page_server: PageServer, tabs: Tabs, ollama: OllamaServer) -> Tab:
    """A tab in which all that polls does so in the middle of each press."""
    ollama.models = []  # as long as there is none, the empty page looks for one
    tab = tabs.open(page_server.start())
    tab.page.add_init_script(POLL_AT_EACH_PRESS)
    tab.page.reload()
    expect(tab.page.get_by_role("button", name="下载 ")).to_be_visible()
    return tab


def questions(tab: Tab) -> list[str]:
    return tab.page.locator(".qz-question-text").all_inner_texts()


def test_a_question_is_asked_once_and_again_for_who_asks_it_again(polling_tab: Tab) -> None:
    tab = polling_tab
    typed = [NIGHT, f"{NIGHT}!", f"{NIGHT}!"]
    for number, question in enumerate(typed):
        tab.ask(question)
        tab.done(number)
    assert questions(tab) == typed


def test_an_example_is_asked_once(polling_tab: Tab) -> None:
    tab = polling_tab
    tab.settle()
    tab.page.locator("[class*=st-key-example-0] button").dblclick()
    tab.done(0)
    tab.ask(NIGHT)
    tab.done(1)
    assert len(questions(tab)) == 2


def test_enter_counts_while_the_file_of_the_question_is_on_its_way(
    tab: Tab, ollama: OllamaServer, tmp_path: Path
) -> None:
    ollama.answer = "The spare key is in drawer seven [1]."
    page = tab.page
    page.add_init_script(SEND_LATER)
    page.reload()
    tab.settle()
    paper = tmp_path / "Manual.pdf"
    paper.write_bytes(pdf("The spare key of the server room is in drawer seven.", "Sign for it."))
    line = page.get_by_test_id("stChatInput")
    line.locator("input[type=file]").set_input_files(paper)
    expect(line.get_by_test_id("stFileChipIconSpinner")).to_be_visible()
    tab.ask("Where is the spare key of the server room?")
    turn = tab.done(0)
    expect(turn.whole.locator(".qz-files")).to_contain_text("Manual.pdf")
    expect(turn.sources).to_contain_text("Manual.pdf")
