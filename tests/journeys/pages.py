"""The page's server and its tabs, for tests that look at it in a browser."""

import re
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.journeys.conftest import Shell

NIGHT = "无人机夜间飞行需要什么条件?"
START_S = 120
EVENTUALLY_MS = 60_000
POPUP_MS = 3_000
"""After it, what a run of the page closed is opened again."""


@dataclass(kw_only=True)
class Tab:
    """One browser tab, the errors in its console, and the hosts of its requests."""

    page: Page
    errors: list[str] = field(default_factory=list)
    hosts: set[str | None] = field(default_factory=set)

    def settle(self) -> None:
        """Wait until the page's script has run: while it runs, widgets are drawn anew."""
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-script-state", "notRunning")

    def go_to(self, name: str) -> None:
        """Open another page of ours by its link."""
        self.page.get_by_role("link", name=name).click()
        expect(self.page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        self.settle()

    def choose(self, name: str, option: str) -> None:
        """Choose an option of a list, and wait until the list shows it."""
        box = self.page.get_by_role("combobox", name=name)
        end = time.monotonic() + EVENTUALLY_MS / 1000
        while box.input_value() != option:
            assert time.monotonic() < end, f"{option} cannot be chosen"
            self.settle()
            # A run that begins only now draws the list anew, and it is closed again.
            with suppress(PlaywrightTimeoutError, AssertionError):
                if box.get_attribute("aria-expanded") != "true":
                    box.click(timeout=POPUP_MS)
                self.page.get_by_role("option", name=option).click(timeout=POPUP_MS)
                expect(box).to_have_value(option, timeout=POPUP_MS)
        self.settle()

    def until_shown(self, click: Callable[[], None], shown: Locator) -> None:
        """Click on what shows something, and again where a run of the page took it away."""
        end = time.monotonic() + EVENTUALLY_MS / 1000
        while not shown.is_visible():
            assert time.monotonic() < end, f"{shown} is not shown"
            self.settle()
            click()
            with suppress(AssertionError):
                expect(shown).to_be_visible(timeout=POPUP_MS)

    def attach(self, file: Path) -> None:
        """Put a file into the line where questions are typed."""
        self.settle()
        line = self.page.get_by_test_id("stChatInput")
        line.locator("input[type=file]").set_input_files(file)
        expect(line).to_contain_text(file.name)
        expect(line.get_by_test_id("stFileChipIconSpinner")).to_have_count(0)

    def ask(self, question: str) -> None:
        self.settle()
        line = self.page.get_by_test_id("stChatInputTextArea")
        expect(line).to_be_enabled()
        line.fill(question)
        line.press("Enter")

    def turn(self, number: int) -> "Turn":
        return Turn(self.page, number)

    def done(self, number: int) -> "Turn":
        """Return a turn when it is answered."""
        turn = self.turn(number)
        expect(turn.whole).to_have_attribute("data-state", "done")
        return turn


class Turn:
    """Where one turn of the conversation stands on the page."""

    def __init__(self, page: Page, number: int) -> None:
        self.whole = page.locator(".qz-turn").nth(number)
        self.answer = self.whole.locator(".qz-answer")
        self.sources = self.whole.locator(".qz-sources")

    def action(self, name: str) -> Locator:
        return self.whole.locator(".qz-actions").get_by_role("button", name=name, exact=True)


class Tabs:
    """Opens tabs, each of a browser of its own."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.opened: list[Tab] = []

    def open(self, url: str, *, locale: str = "zh-CN", width: int = 1200, height: int = 860) -> Tab:
        context = self._browser.new_context(
            locale=locale, viewport={"width": width, "height": height}
        )
        context.set_default_timeout(EVENTUALLY_MS)
        expect.set_options(timeout=EVENTUALLY_MS)
        tab = Tab(page=context.new_page())
        tab.page.on("console", lambda message: _note(tab, message.type, message.text))
        tab.page.on("pageerror", lambda error: _note(tab, "error", str(error)))
        tab.page.on("request", lambda sent: tab.hosts.add(urlsplit(sent.url).hostname))
        tab.page.goto(url)
        self.opened.append(tab)
        return tab

    def close(self) -> None:
        """Close them; none may have logged an error or asked another host for anything."""
        for tab in self.opened:
            tab.page.context.close()
        errors = [error for tab in self.opened for error in tab.errors]
        assert errors == [], errors
        assert {host for tab in self.opened for host in tab.hosts} <= {"127.0.0.1", None}


def _note(tab: Tab, kind: str, text: str) -> None:
    # A server that was killed on purpose is missed by the pages that it served.
    if kind == "error" and not re.search(
        "ERR_CONNECTION|WebSocket connection|ERR_INCOMPLETE|dynamically imported|"
        "disconnected from server|server endpoint|server is not responding|ERR_CONTENT_LENGTH",
        text,
    ):
        tab.errors.append(text)


class PageServer:
    """Starts `assistant ui`, and ends it."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._process: subprocess.Popen[str] | None = None

    def start(self, *, port: int = 0) -> str:
        """Return the page's address, once it answers; `port` 0 is one that nobody has."""
        if not port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
        options = ["--server.headless", "true", "--server.port", str(port)]
        self._process = self._shell.start("assistant", "ui", *options)
        with httpx.Client(trust_env=False) as client:
            _wait_until_healthy(client, f"http://127.0.0.1:{port}/_stcore/health")
        return f"http://127.0.0.1:{port}/"

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate(timeout=START_S)
        self._process = None

    def stop(self) -> None:
        """End it as people do; it may have written no traceback."""
        if self._process is None:
            return
        self._process.terminate()
        output, errors = self._process.communicate(timeout=START_S)
        assert "Traceback" not in output + errors, errors


def _wait_until_healthy(client: httpx.Client, address: str) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            if client.get(address).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail("the page did not come up")
