"""The chat page in a real browser, started as people start it."""

import re
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.engines.ollama_server import OllamaServer
from tests.internet.net import Internet
from tests.journeys.conftest import Shell
from ui import labels

pytestmark = pytest.mark.chromium

NIGHT = "无人机夜间飞行需要什么条件?"
START_S = 60
EVENTUALLY_MS = 30_000
HOSTILE = (
    "Night flights need lights [1].\n\n![pixel](https://evil.test/pixel.gif) "
    '<img src="https://evil.test/x.png" onerror="alert(1)"> [click](https://evil.test/login) '
    "https://evil.test/bare www.evil.test me@evil.test <https://evil.test/auto> "
    "[ref]: https://evil.test/ref\n\n`code`https://evil.test `![x](https://evil.test/y.gif)` "
    ":material/home: $\\href{https://evil.test}{x}$ :red[red]"
)


@dataclass(kw_only=True)
class Tab:
    """One browser tab, the errors in its console, and the hosts of its requests."""

    page: Page
    errors: list[str] = field(default_factory=list)
    hosts: set[str | None] = field(default_factory=set)

    def ask(self, question: str) -> None:
        line = self.page.get_by_test_id("stChatInputTextArea")
        expect(line).to_be_enabled()
        line.fill(question)
        line.press("Enter")

    def turn(self, number: int) -> "Turn":
        return Turn(self.page, number)


class Turn:
    """Where one turn of the conversation stands on the page."""

    def __init__(self, page: Page, number: int) -> None:
        self.whole = page.get_by_test_id("stChatMessage").nth(number * 2 + 1)
        self.answer = page.locator(f".st-key-answer-{number}")
        self.sources = page.locator(f".st-key-sources-{number}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without any proxy: the page is on this machine."""
    found = shutil.which("chromium")
    assert found is not None, "apt-get install chromium"
    quiet = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=quiet)
        yield launched
        launched.close()


@pytest.fixture
def url(shell_with_model: Shell) -> Iterator[str]:
    """The page's address, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--server.headless", "true", "--server.port", str(port)]
    process = shell_with_model.start("assistant", "ui", *options)
    try:
        with httpx.Client(trust_env=False) as client:
            wait_until_healthy(client, f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        output, errors = process.communicate(timeout=START_S)
    assert "Traceback" not in output + errors, errors


def wait_until_healthy(client: httpx.Client, address: str) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            if client.get(address).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail("the page did not come up")


@pytest.fixture
def tab(browser: Browser, url: str) -> Iterator[Tab]:
    """A tab of a Chinese reader. It must log no error and request nothing from other hosts."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1200, "height": 860})
    context.set_default_timeout(EVENTUALLY_MS)
    opened = Tab(page=context.new_page())
    opened.page.on("console", lambda message: record_error(opened, message.type, message.text))
    opened.page.on("pageerror", lambda error: record_error(opened, "error", str(error)))
    opened.page.on("request", lambda sent: opened.hosts.add(urlsplit(sent.url).hostname))
    expect.set_options(timeout=EVENTUALLY_MS)
    opened.page.goto(url)
    yield opened
    context.close()
    assert opened.errors == []
    assert opened.hosts <= {"127.0.0.1", None}


def record_error(tab: Tab, kind: str, text: str) -> None:
    if kind == "error":
        tab.errors.append(text)


def test_asking_in_chinese_shows_stages_a_streamed_answer_and_sources_and_stop_stops(
    tab: Tab, net: Internet, ollama: OllamaServer
) -> None:
    net.latency = 0.3  # every stage can be seen
    ollama.delay_s = 0.1
    ollama.answer = lambda _: ("先看段落。", "夜间飞行应当开启灯光系统[1]。" * 3)
    tab.ask(NIGHT)
    first = tab.turn(0)
    expect(first.whole).to_contain_text("正在搜索网页")
    expect(first.whole).to_contain_text("正在阅读网页")
    expect(first.answer).to_contain_text("夜间飞行应当开启灯光")
    stop = tab.page.get_by_role("button", name="停止")
    expect(stop).to_be_visible()  # the answer is on its way, and can be stopped
    expect(first.sources).to_contain_text("来源")
    expect(stop).to_be_hidden()
    expect(first.whole).to_contain_text(re.compile(r"阅读了 \d+ 个网页"))
    expect(first.whole).to_contain_text("思考过程")
    expect(tab.page.get_by_text("先看段落")).to_be_hidden()
    expect(first.sources).to_contain_text(re.compile(r"\[1\] .+读取于 \d{4}-\d\d-\d\d"))
    citation = first.answer.get_by_role("link", name="[1]").first
    expect(citation).to_have_attribute("target", "_blank")
    source = first.sources.get_by_role("link").first
    assert citation.get_attribute("href") == source.get_attribute("href")

    # So long that it is not at its end when the key is pressed, whatever the machine does beside.
    sentences = "".join(f"夜间飞行的第{number}个条件。" for number in range(1, 100))
    ollama.answer = lambda _: ("先看段落。", sentences)
    ollama.delay_s = 0.5
    ollama.hung_up.clear()
    tab.ask("它有重量限制吗?")
    second = tab.turn(1)
    expect(second.answer).to_contain_text("夜间")
    tab.page.keyboard.press("Escape")
    expect(second.whole).to_contain_text("回答未完成，已停止")
    expect(second.sources).not_to_contain_text("来源")
    assert ollama.hung_up.wait(10), "the model server is still talking"
    expect(first.sources).to_contain_text("来源")
    expect(tab.page.get_by_test_id("stChatInputTextArea")).to_be_enabled()


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
    turn = tab.turn(0)
    expect(turn.sources).to_contain_text("来源")
    expect(turn.answer).to_contain_text("red[red]")  # to its end, and the addresses are gone
    expect(turn.answer).not_to_contain_text("evil.test/bare")
    assert turn.answer.locator("img").count() == 0
    links = turn.answer.locator("a").evaluate_all("links => links.map(link => link.href)")
    cited = turn.sources.locator("a").evaluate_all("links => links.map(link => link.href)")
    assert links
    assert set(links) <= set(cited)
