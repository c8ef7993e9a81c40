"""Pictures of the page on the replayed internet: `python -m tests.journeys.screenshots FOLDER`.

With --every it takes each page in each state, in both languages and schemes, on laptop and phone:
not for the docs, but for whoever changes the page, to look at each.
"""

import argparse
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, expect, sync_playwright

from assistant.cli.health import part_name
from tests.engines.ollama_server import OllamaServer
from tests.internet.demo import demo_internet
from tests.journeys.conftest import Shell, clean_environment
from tests.journeys.pages import NIGHT, PageServer, Tab, Tabs
from ui import labels

ANSWERS = {
    "zh": "夜间飞行应当开启灯光系统[1]。夜间飞行罚款是五十万元人民币[1]。",
    "en": "Use water at 80 °C and 3 grams of leaf [1]. Boiling water makes it sweeter.",
}
LONG_ANSWERS = {
    "zh": """## 条件

夜间飞行应当开启灯光系统[1]，操控员要能看见航空器。

- 高度不超过 **120 米**
- 速度 \\(v \\le 30\\) 千米每小时

| 项目 | 值 |
|---|--:|
| 高度 | 120 |
| 重量 | 0.25 |

```python
def allowed(height: float) -> bool:  # metres
    return height < 120
```

$$E = mc^2$$""",
    "en": """## Steps

Brew green tea at about 75 to 85 degrees Celsius [1].

- Steep for **2 to 3 minutes**
- Ratio \\(m / V = 3\\) grams

| Tea | Degrees |
|---|--:|
| Green | 80 |
| Black | 95 |

```python
def steep(minutes: float) -> bool:  # in a pot
    return minutes < 3
```

$$E = mc^2$$""",
}
QUESTIONS = {"zh": NIGHT, "en": "How hot should the water for green tea be?"}
LOCALES: dict[Literal["zh", "en"], str] = {"zh": "zh-CN", "en": "en-US"}
SIZES = {"laptop": (1280, 800), "phone": (390, 844)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HARSH = {"zh": "你怎么又迟到了，一点都不尊重人！", "en": "You never listen, you are so selfish!"}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A server of the page with what it looks at."""

    ollama: OllamaServer
    server: PageServer
    tabs: Tabs
    folder: Path


@contextmanager
def opened_stage(browser: Browser) -> Iterator[Stage]:
    """Open a new home with its server, and close both."""
    temporary = tempfile.TemporaryDirectory()
    with demo_internet().serve() as net, OllamaServer() as ollama, temporary as at:
        variables = clean_environment(Path(at) / "home") | net.variables
        shell = Shell(variables=variables | {"OLLAMA_HOST": ollama.url}, folder=Path(at))
        server, tabs = PageServer(shell), Tabs(browser)
        try:
            yield Stage(ollama=ollama, server=server, tabs=tabs, folder=Path(at))
        finally:
            tabs.close()
            server.stop()


def wait_until_drawn(tab: Tab) -> None:
    """Wait until the empty page stands still: its last question, the line, and the icons' font."""
    expect(tab.page.locator(".st-key-example-2")).to_be_visible()
    expect(tab.page.get_by_test_id("stChatInputTextArea")).to_be_enabled()
    tab.settle()
    tab.page.evaluate("document.fonts.ready.then(() => true)")
    expect(tab.page.get_by_test_id("stSkeleton")).to_have_count(0)


def take_pictures(browser: Browser, folder: Path) -> None:
    """Write one picture for each page, language and size that are shown in the docs."""
    with opened_stage(browser) as stage:
        url = stage.server.start()
        for language, locale in LOCALES.items():
            stage.ollama.answer = lambda _, language=language: ("…", ANSWERS[language])
            for size, (width, height) in SIZES.items():
                tab = stage.tabs.open(url, locale=locale, width=width, height=height)
                name = f"{language}-{size}"
                wait_until_drawn(tab)
                tab.page.screenshot(path=folder / f"{name}-first.png")
                tab.ask(QUESTIONS[language])
                turn = tab.done(0)
                tab.page.screenshot(path=folder / f"{name}-answer.png")
                turn.answer.locator(".qz-cite").first.click()
                tab.page.screenshot(path=folder / f"{name}-passage.png")
                tab.page.keyboard.press("Escape")
        width, height = SIZES["laptop"]
        tab = stage.tabs.open(url, locale="en-US", width=width, height=height)
        for page in (labels.LIBRARY, labels.NVC, labels.SETTINGS, labels.HEALTH):
            name = page.localize("en")
            tab.go_to(name)
            tab.page.wait_for_timeout(3_000)  # a table and a plot are drawn after the heading
            tab.page.screenshot(path=folder / f"en-{'-'.join(name.lower().split())}.png")


@dataclass(frozen=True, kw_only=True)
class Album:
    """Takes the pictures of one language, size and scheme."""

    stage: Stage
    tab: Tab
    folder: Path
    language: Literal["zh", "en"]
    size: str
    scheme: str

    def take(self, state: str) -> None:
        """Take what is in the window."""
        name = f"{state}-{self.language}-{self.size}-{self.scheme}.png"
        self.tab.page.screenshot(path=self.folder / name)

    def go_to(self, page: labels.Message) -> None:
        """Open another page, with the drawer's help on a phone."""
        name = page.localize(self.language)
        if self.size == "phone":
            self.open_drawer()
        self.tab.go_to(name)
        self.tab.page.wait_for_timeout(1_500)  # a table and a plot are drawn after the heading

    def open_drawer(self) -> None:
        """Open the side bar where it is a drawer."""
        page = self.tab.page
        button = page.get_by_test_id("stExpandSidebarButton")
        if button.is_visible():
            button.click()
        link = page.get_by_role("link", name=labels.HEALTH.localize(self.language))
        expect(link).to_be_in_viewport()
        page.wait_for_timeout(500)  # it slides in

    def take_chat(self) -> None:
        """Take the conversation in its states."""
        tab, page, ollama = self.tab, self.tab.page, self.stage.ollama
        wait_until_drawn(tab)
        self.take("chat-1-first")
        # So slow that the picture shows it at work.
        ollama.answer, ollama.delay_s = (lambda _: ("…", LONG_ANSWERS[self.language])), 0.5
        tab.ask(QUESTIONS[self.language])
        turn = tab.turn(0)
        expect(turn.answer.locator(".qz-sentence").first).to_be_visible()
        self.take("chat-2-answering")
        ollama.delay_s = 0.0
        page.reload()
        tab.done(0)
        page.wait_for_timeout(1_000)
        self.take("chat-3-answered")
        ollama.answer = lambda _: ("…", ANSWERS[self.language])
        tab.ask(QUESTIONS[self.language] + "!")
        turn = tab.done(1)
        turn.answer.locator(".qz-cite").first.click()
        self.take("chat-4-card")
        page.keyboard.press("Escape")
        turn.whole.locator("[data-rating=down]").click()
        turn.whole.locator("summary").first.click()
        self.take("chat-5-form-and-steps")
        ollama.fail("reset")
        tab.ask(QUESTIONS[self.language] + "?")
        expect(tab.turn(2).whole).to_have_attribute("data-state", "failed")
        page.wait_for_timeout(500)
        self.take("chat-6-failed")
        ollama.heal()
        if self.size == "phone":
            self.open_drawer()
            self.take("chat-7-drawer")
        page.locator(".qz-row summary").first.click()
        self.take("chat-8-menu")
        page.keyboard.press("Escape")

    def take_other_pages(self) -> None:
        """Take the library, kind words, settings and health."""
        tab, page = self.tab, self.tab.page
        for state, name in (("settings", labels.SETTINGS), ("health", labels.HEALTH)):
            self.go_to(name)
            if name is labels.HEALTH:
                check = labels.CHECK_NOW.localize(self.language)
                page.get_by_role("button", name=check).click()
                part = re.escape(part_name("chat model").localize(self.language))
                # A line of the page begins with a capital letter.
                named = page.get_by_text(re.compile(f"^{part}$", re.IGNORECASE))
                expect(named).to_be_visible()
                tab.settle()
            self.take(state)
            page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 1e6)")
            self.take(f"{state}-2-end")
        self.go_to(labels.LIBRARY)
        self.take("library")
        page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 1e6)")
        page.wait_for_timeout(500)
        self.take("library-1-end")
        page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
        addresses = page.get_by_label(labels.ADDRESSES.localize(self.language))
        tab.until_shown(page.get_by_text(labels.ADD.localize(self.language)).click, addresses)
        self.take("library-2-adding")
        self.go_to(labels.NVC)
        page.get_by_label(labels.NVC_MESSAGE.localize(self.language), exact=True).first.fill(
            HARSH[self.language]
        )
        page.get_by_role("button", name=labels.NVC_SEND.localize(self.language)).first.click()
        expect(page.get_by_label(labels.NVC_SUGGESTION.localize(self.language))).to_be_visible()
        tab.settle()
        self.take("nvc")


def take_every_picture(browser: Browser, folder: Path, only: str) -> None:
    """Write each page in each state, once for each language, size and scheme."""
    for language, locale in LOCALES.items():
        for size, (width, height) in SIZES.items():
            for scheme in SCHEMES:
                if only not in f"{language}-{size}-{scheme}":
                    continue
                with opened_stage(browser) as stage:
                    url = stage.server.start()
                    tab = stage.tabs.open(url, locale=locale, width=width, height=height)
                    tab.page.emulate_media(color_scheme=scheme)
                    tab.page.reload()
                    album = Album(
                        stage=stage,
                        tab=tab,
                        folder=folder,
                        language=language,
                        size=size,
                        scheme=scheme,
                    )
                    album.take_chat()
                    album.take_other_pages()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", action="store_true", help="each page in each state")
    parser.add_argument("--only", default="", help="such as zh-phone-dark")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    quiet = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=quiet)
        if arguments.every:
            take_every_picture(browser, arguments.folder, arguments.only)
        else:
            take_pictures(browser, arguments.folder)
        browser.close()


if __name__ == "__main__":
    main()
