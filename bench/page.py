"""Does the page stay quick, and does an answer survive what happens to it? `python -m bench.page`.

The real page in Chromium, on the replayed internet with a scripted model server:

* from Enter until one's own question is on the page, in a new conversation and in one of 50 turns,
  asked in turn;
* bytes that reach the browser while 2,000 tokens with a marker in each sentence are streamed;
* the page stopped, and reloaded, at random moments of an answer: is what is shown then right?
* the answer in the viewport, turn after turn, on a laptop and on a phone: its first line always,
  the line that grows while it grows;
* ten tabs of ten people at once, each asking again and again: whose questions and answers does
  each show, and does the server's memory grow?

With --floor it exits 1 where a figure is below its floor. `--turns`, `--moments`, `--sight` and
`--questions` make it shorter.
"""

import argparse
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
from playwright.sync_api import Browser, expect, sync_playwright

from assistant.conversations.store import ConversationStore
from tests.engines.ollama_server import OllamaServer
from tests.internet.demo import demo_internet
from tests.journeys.conftest import Shell, clean_environment
from tests.journeys.pages import NIGHT, PageServer, Tab, Tabs

MOST_SLOWER = 2.0
"""Turn 50 against turn 1, from Enter to the question."""
MOST_BYTES = 500_000
"""For 2,000 tokens. It was 3.6 MB when each frame sent the whole text."""
TOKENS = 2_000
SETTLED_S = 0.3
"""Seconds for which an answer is looked at when it is done."""
REPEATS = 7
"""Questions in each of the two conversations."""
SUPPORTED = "夜间飞行应当开启灯光系统[1]。"
SIZES = {"laptop": (1280, 800), "phone": (390, 844)}
WATCH_SIGHT = """number => {
  const place = (element) => element.getBoundingClientRect();
  const seen = window.sight = { frames: 0, first: 0, growing: 0 };
  const channel = new MessageChannel();
  // Twice in a row: a look may fall between a new line and the scrolling that follows it.
  const before = { first: false, growing: false };
  channel.port1.onmessage = () => {
    const turn = document.querySelectorAll('.qz-turn')[number];
    const parts = turn ? [...turn.querySelectorAll('.qz-answer .qz-part')] : [];
    if (parts.length && parts[0].textContent) {
      const top = place(document.querySelector('[data-testid="stHeader"]')).bottom;
      const bottom = place(document.querySelector('[data-testid="stBottom"]')).top;
      const first = place(parts[0]).top, last = place(parts[parts.length - 1]).bottom;
      const missed = {
        first: first < top - 1 || first + 20 > bottom,
        // Of an answer that is longer than the window, the first line stays and the end leaves.
        growing: turn.dataset.state === 'running' && last > bottom + 1 && first > top + 17,
      };
      seen.frames += 1;
      for (const name of ['first', 'growing']) {
        seen[name] += missed[name] && before[name];
        before[name] = missed[name];
      }
    }
    if (!seen.ended) requestAnimationFrame(look);
  };
  // After the frame is painted, when all that the page does in it is done.
  const look = () => channel.port2.postMessage(0);
  requestAnimationFrame(look);
}"""
"""Counts the frames in which an answer's first line, or the one that grows, is out of sight."""


@contextmanager
def opened(browser: Browser) -> Iterator[tuple[Tabs, str, Path, OllamaServer]]:
    """Yield tabs, the page's address, its home and the model server."""
    temporary = tempfile.TemporaryDirectory()
    with demo_internet().serve() as net, OllamaServer() as ollama, temporary as at:
        home = Path(at) / "home"
        variables = clean_environment(home) | net.variables
        shell = Shell(variables=variables | {"OLLAMA_HOST": ollama.url}, folder=Path(at))
        server, tabs = PageServer(shell), Tabs(browser)
        try:
            yield tabs, server.start(), home, ollama
        finally:
            tabs.close()
            server.stop()


def seconds_to_own_question(tab: Tab, number: int) -> float:
    """Ask, and return the seconds until the question stands on the page."""
    tab.page.evaluate(
        """n => {
          window.shown = null;
          const watch = () => {
            const turn = document.querySelectorAll('.qz-turn')[n];
            const text = turn?.querySelector('.qz-question-text')?.textContent;
            if (text) window.shown = performance.now();
            else requestAnimationFrame(watch);
          };
          document.addEventListener('keydown', e => {
            if (e.key === 'Enter') { window.entered = performance.now(); watch(); }
          }, { once: true, capture: true });
        }""",
        number,
    )
    tab.ask(NIGHT)
    tab.page.wait_for_function("window.shown !== null")
    return float(tab.page.evaluate("(window.shown - window.entered) / 1000"))


def measure_turns(browser: Browser, turns: int) -> float:
    """Print the delay in a new conversation and in a long one, asked in turn; return the ratio."""
    with opened(browser) as (tabs, url, home, ollama):
        ollama.answer = lambda _: ("先看段落。", SUPPORTED)
        first = tabs.open(url)
        first.ask(NIGHT)
        first.done(0)
        with ConversationStore(home / "conversations.sqlite") as store:
            (line,) = store.lines()
            (turn,) = store.turns(line.id)
            for number in range(turns):
                store.put_turn("long", replace(turn, number=number), title="long")
        long = tabs.open(f"{url}?c=long")
        long.done(turns - 1)
        delays: dict[str, list[float]] = {"new": [], "long": []}
        for number in range(REPEATS):
            new = tabs.open(url)
            delays["new"].append(seconds_to_own_question(new, 0))
            new.done(0)
            delays["long"].append(seconds_to_own_question(long, turns + number))
            long.done(turns + number)
        short, far = (statistics.median(delays[name]) for name in ("new", "long"))
        print(
            f"Enter to own question: {1000 * short:.0f} ms at turn 1, {1000 * far:.0f} ms at turn"
        )
        print(f"  {turns}, {far / short:.2f} times")
    return far / short


def measure_bytes(browser: Browser) -> int:
    """Print and return how many bytes reach the browser for one long answer."""
    with opened(browser) as (tabs, url, _, ollama):
        sentences = "".join(
            f"夜间飞行的第{n}个条件是应当开启灯光系统[1]。" + ("\n\n" if n % 6 == 0 else "")
            for n in range(1, TOKENS // 12)
        )
        ollama.answer, ollama.delay_s = lambda _: ("先看段落。", SUPPORTED + sentences), 0.02
        tab = tabs.open(url)
        expect(tab.page.get_by_test_id("stChatInputTextArea")).to_be_enabled()
        received = [0]
        session = tab.page.context.new_cdp_session(tab.page)
        session.send("Network.enable")
        session.on("Network.dataReceived", lambda e: received.append(e["dataLength"]))
        session.on(
            "Network.webSocketFrameReceived",
            lambda e: received.append(len(e["response"]["payloadData"])),
        )
        tab.ask(NIGHT)
        expect(tab.turn(0).whole).to_have_attribute("data-state", "done", timeout=180_000)
        print(f"{sum(received):,} bytes for some {TOKENS} tokens")
    return sum(received)


def measure_moments(browser: Browser, moments: int) -> int:
    """Stop and reload at random moments; print and return how often what is shown was wrong."""
    wrong = 0
    with opened(browser) as (tabs, url, _, ollama):
        text = SUPPORTED + "".join(f"第{n}个条件是开启灯光系统。" for n in range(1, 40))
        ollama.answer, ollama.delay_s = lambda _: ("先看段落。", text), 0.02
        tab = tabs.open(url)
        for number in range(moments):
            tab.ask(f"{NIGHT} 第{number}次")
            turn = tab.turn(number)
            expect(turn.whole).to_be_visible()
            time.sleep(random.uniform(0, 2))
            if number % 2:
                tab.page.reload()
                try:
                    tab.done(number)
                except AssertionError:
                    wrong += 1
                continue
            before = turn.whole.get_attribute("data-state")
            tab.page.keyboard.press("Escape")
            wanted = "stopped" if before in {"running", "waiting"} else "done"
            try:
                expect(turn.whole).to_have_attribute("data-state", f"{wanted}", timeout=10_000)
                expect(turn.whole).not_to_contain_text("正在")
            except AssertionError:
                # It had ended between the look and the key.
                wrong += turn.whole.get_attribute("data-state") != "done"
        print(f"{moments} answers stopped or reloaded at random moments: {wrong} shown wrong")
    return wrong


def measure_sight(browser: Browser, turns: int) -> int:
    """Print and return in how many frames an answer was out of sight, over `turns` turns."""
    lines = "".join(f"第{n}个条件是开启灯光系统。" for n in range(1, 13))
    missed = 0
    for name, (width, height) in SIZES.items():
        with opened(browser) as (tabs, url, _, ollama):
            ollama.answer, ollama.delay_s = lambda _: ("先看段落。", SUPPORTED + lines), 0.02
            tab = tabs.open(url, width=width, height=height)
            frames, first, growing = 0, list[int](), list[int]()
            for number in range(turns):
                tab.settle()
                tab.page.evaluate(WATCH_SIGHT, number)
                tab.ask(f"{NIGHT} 第{number}次")
                tab.done(number)
                time.sleep(SETTLED_S)
                seen = tab.page.evaluate("(window.sight.ended = true, window.sight)")
                frames += seen["frames"]
                first += [number] * seen["first"]
                growing += [number] * seen["growing"]
            missed += len(first) + len(growing) + (not frames)
            print(
                f"{name}, {turns} turns, {frames} frames: first line out of sight in {len(first)}"
                f" {sorted(set(first))}, growing line in {len(growing)} {sorted(set(growing))}"
            )
    return missed


def measure_sessions(browser: Browser, people: int, questions: int) -> int:
    """Let people ask at once, again and again; print and return how many see another one's words.

    Prints the server's memory after the first round and after the last one, too, and how many were
    not answered: on a busy machine a connection to the model server may take too long.
    """
    with opened(browser) as (tabs, url, _, ollama):
        ollama.answer = lambda _: ("先看段落。", SUPPORTED)
        everybody = [tabs.open(url) for _ in range(people)]
        mixed, failed, used = 0, 0, list[float]()
        for question in range(questions):
            for number, tab in enumerate(everybody):
                tab.ask(f"{NIGHT} 第{number}人{question}")
            for number, tab in enumerate(everybody):
                turn = tab.turn(question).whole
                expect(turn).to_have_attribute("data-state", re.compile("done|failed"))
                shown = turn.inner_text()
                failed += turn.get_attribute("data-state") == "failed"
                others = tab.page.locator(".qz-turn").count() != question + 1
                mixed += others or f"第{number}人{question}" not in shown
            used.append(server_megabytes())
        print(f"{people} people, {questions} questions each: {mixed} see what is not theirs,")
        print(
            f"  {failed} not answered, {used[0]:.0f} MB after the first, {used[-1]:.0f} at the end"
        )
    return mixed


def server_megabytes() -> float:
    """Return the resident memory of the page's server and its helpers."""
    this = psutil.Process()
    ours = [one for one in this.children(recursive=True) if "chrom" not in one.name()]
    # Playwright's driver is no part of the server.
    return sum(one.memory_info().rss for one in ours if "node" not in one.name()) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--floor", action="store_true", help="exit 1 where a floor is missed")
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--moments", type=int, default=70)
    parser.add_argument("--sight", type=int, default=20, help="turns, on a laptop and on a phone")
    parser.add_argument("--questions", type=int, default=50, help="of each of ten people")
    arguments = parser.parse_args()
    random.seed(7)
    with sync_playwright() as playwright:
        quiet = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=quiet)
        slower = measure_turns(browser, arguments.turns)
        received = measure_bytes(browser)
        wrong = measure_moments(browser, arguments.moments)
        hidden = measure_sight(browser, arguments.sight)
        mixed = measure_sessions(browser, 10, arguments.questions)
        browser.close()
    missed = slower > MOST_SLOWER or received > MOST_BYTES or wrong or hidden or mixed
    return int(bool(missed) and arguments.floor)


if __name__ == "__main__":
    sys.exit(main())
