"""Pictures of the page on the replayed internet: `python -m tests.journeys.screenshots FOLDER`."""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.engines.ollama_server import OllamaServer
from tests.internet.demo import demo_internet
from tests.journeys.conftest import Shell, clean_environment
from tests.journeys.pages import NIGHT, PageServer, Tabs

ANSWERS = {
    "zh-CN": "夜间飞行应当开启灯光系统[1]。夜间飞行罚款是五十万元人民币[1]。",
    "en-US": "Brew green tea at about 75 to 85 degrees Celsius [1]. Boiling makes it sweeter.",
}
QUESTIONS = {"zh-CN": NIGHT, "en-US": "How hot should the water for green tea be?"}
SIZES = {"laptop": (1280, 800), "phone": (390, 844)}


def take_pictures(folder: Path) -> None:
    """Write one picture for each page, language and size that are shown in the docs."""
    folder.mkdir(parents=True, exist_ok=True)
    quiet = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"]
    temporary = tempfile.TemporaryDirectory()
    with (
        demo_internet().serve() as net,
        OllamaServer() as ollama,
        temporary as at,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=quiet)
        variables = clean_environment(Path(at) / "home") | net.variables
        shell = Shell(variables=variables | {"OLLAMA_HOST": ollama.url}, folder=Path(at))
        server, tabs = PageServer(shell), Tabs(browser)
        url = server.start()
        for locale, question in QUESTIONS.items():
            ollama.answer = lambda _, locale=locale: ("…", ANSWERS[locale])
            for size, (width, height) in SIZES.items():
                tab = tabs.open(url, locale=locale, width=width, height=height)
                name = f"{locale[:2]}-{size}"
                expect(tab.page.locator(".st-key-example-2")).to_be_visible()
                tab.page.screenshot(path=folder / f"{name}-first.png")
                tab.ask(question)
                turn = tab.done(0)
                tab.page.screenshot(path=folder / f"{name}-answer.png")
                turn.answer.locator(".qz-cite").first.click()
                tab.page.screenshot(path=folder / f"{name}-passage.png")
                tab.page.keyboard.press("Escape")
        tab = tabs.open(url, locale="en-US")
        for name in ("Library", "Kind words", "Settings", "Health"):
            tab.go_to(name)
            tab.page.wait_for_timeout(3_000)  # a table and a plot are drawn after the heading
            tab.page.screenshot(path=folder / f"en-{'-'.join(name.lower().split())}.png")
        tabs.close()
        server.stop()
        browser.close()


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]))
