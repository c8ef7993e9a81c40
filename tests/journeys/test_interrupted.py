"""Ctrl-C and a reader that leaves: the command ends at once, and the index is whole."""

import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.events import PageStored
from tests.engines.ollama_server import OllamaServer
from tests.internet.demo import sample_pages
from tests.internet.duckduckgo import HOST, DuckDuckGoSite, fixed
from tests.internet.net import Internet, Reply
from tests.journeys.conftest import LONGEST_S, Shell, Shown

NIGHT = "无人机夜间飞行需要什么条件?"


def search_finds(net: Internet, *urls: str) -> None:
    DuckDuckGoSite(fixed(*urls)).install(net)


# Ctrl-C


def wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_S
    while not reached():
        assert time.monotonic() < end, "the stage was never reached"
        time.sleep(0.02)


def interrupted(run: subprocess.Popen[str]) -> Shown:
    run.send_signal(signal.SIGINT)
    stdout, stderr = run.communicate(timeout=20)
    assert "Traceback" not in stderr
    return Shown(code=run.returncode, stdout=stdout, stderr=stderr)


def test_ctrl_c_while_searching_stops_at_once(shell: Shell, net: Internet) -> None:
    site = DuckDuckGoSite(fixed())
    site.mode = "hang"
    site.install(net)
    run = shell.start("assistant", "ask", NIGHT, "--web", ASSISTANT_SEARCH__TIMEOUT="60")
    wait_until(lambda: bool(net.hits(HOST)))
    assert interrupted(run).code == 130


@pytest.mark.parametrize("command", [("assistant", "read", "-"), ("ingest", "-")])
def test_ctrl_c_while_urls_are_typed_stops_at_once(shell: Shell, command: tuple[str, ...]) -> None:
    run = shell.start(*command)
    wait_until(lambda: is_running_a_loop(run.pid))
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    try:
        assert run.wait(timeout=60) == 130
    finally:
        run.communicate()


def is_running_a_loop(pid: int) -> bool:
    """Tell whether a process has got as far as its event loop."""
    return any("eventpoll" in opened(file) for file in Path(f"/proc/{pid}/fd").iterdir())


def opened(file: Path) -> str:
    try:
        return str(file.readlink())
    except FileNotFoundError:  # the process, which imports modules, has closed it meanwhile
        return ""


def test_ctrl_c_while_reading_leaves_the_index_whole(
    shell: Shell, net: Internet, home: Path
) -> None:
    pages = [page for page in sample_pages() if page.language == "zh" and not page.location]
    net.robots("hang.test", "")
    net.page("https://hang.test/page", Reply(fault="hang"))
    search_finds(net, *[page.url for page in pages], "https://hang.test/page")
    run = shell.start(
        "assistant", "ask", NIGHT, "--web", "--deadline", "80", ASSISTANT_CRAWL__TIMEOUT="70"
    )
    wait_until(lambda: "/page" in net.hits("hang.test"))
    assert interrupted(run).code == 130
    assert whole(home)
    shown = shell("assistant", "ask", NIGHT, "--json", code=None)  # what was read decides
    assert not [event for event in shown.events if isinstance(event, PageStored)]


def whole(home: Path) -> bool:
    """Tell whether every document has all its chunks and every chunk its document."""
    with sqlite3.connect(home / "index" / "index.sqlite") as connection:
        intact = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    return intact and not orphans


def test_ctrl_c_while_answering_stops_the_model_too(
    shell_with_model: Shell, ollama: OllamaServer
) -> None:
    ollama.answer = "很长的回答。" * 200
    ollama.delay_s = 0.1
    run = shell_with_model.start("assistant", "ask", NIGHT, "--web")
    wait_until(lambda: any(r.body.get("messages") for r in ollama.requests))
    time.sleep(0.5)
    assert interrupted(run).code == 130
    assert ollama.hung_up.wait(30)


def test_answer_into_a_closed_pipe_ends_quietly(shell: Shell) -> None:
    command = shell.line(["assistant", "ask", NIGHT, "--web", "--json"])
    run = subprocess.Popen(
        command, env=dict(shell.variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert run.stdout is not None
    run.stdout.readline()
    run.stdout.close()
    assert run.stderr is not None
    stderr = run.stderr.read().decode()
    run.wait(LONGEST_S)
    assert "Traceback" not in stderr
    assert "BrokenPipe" not in stderr
