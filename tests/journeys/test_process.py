"""Any locale, any encoding, and Ctrl-C from the first moment on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assistant.events import SearchFinished
from ingest.web.fetch.chromium import PROFILE_PREFIX
from tests.internet.net import Internet
from tests.internet.weird import page_by_script
from tests.journeys.conftest import LONGEST_S, Shell

NIGHT = "无人机夜间飞行需要什么条件?"
ROOT = Path(__file__).parents[2]
GBK = NIGHT.encode("gbk").decode("utf-8", "surrogateescape")
"""The question as a GBK terminal sends it."""


def searched(shell: Shell, question: str, *, stdin: str = "", locale: str = "C.UTF-8") -> str:
    shown = shell("assistant", "ask", question, "--web", "--json", stdin=stdin, LC_ALL=locale)
    return next(event.query for event in shown.events if isinstance(event, SearchFinished))


def test_question_from_a_pipe_of_gbk_is_understood(shell: Shell) -> None:
    assert searched(shell, "-", stdin=GBK + "\n") == NIGHT


@pytest.mark.parametrize("locale", ["C.UTF-8", "POSIX"])
def test_argument_in_gbk_is_understood(shell: Shell, locale: str) -> None:
    assert searched(shell, GBK, locale=locale) == NIGHT


def test_list_of_pages_from_a_pipe_of_gbk_is_understood(shell: Shell) -> None:
    comment = "# 茶".encode("gbk").decode("utf-8", "surrogateescape")
    shown = shell("ingest", "-", stdin=f"{comment}\nftp://tea.test/\n", code=2)
    assert "ftp" in shown.stderr


@pytest.mark.parametrize(("name", "value"), [("PYTHONIOENCODING", "gbk"), ("LC_ALL", "POSIX")])
def test_character_that_the_locale_lacks_stops_no_command(
    shell: Shell, name: str, value: str
) -> None:
    shown = shell("assistant", "doctor", "--lang", "en", code=None, **{name: value})
    assert "index" in shown.stdout
    assert "bug" not in shown.stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("assistant", "ask", "--nosuch"), "没有选项 '--nosuch'"),
        (("assistant", "frob"), "没有命令 'frob'"),
        (("assistant", "askk"), "没有命令 'askk'。是不是 'ask'？用法请见 assistant --help"),
        (("assistant", "index", "remove", "--older-than", "soon"), "不是时长"),
        (("assistant", "index", "remove", "--collection", ""), "空的名称"),
        (("ingest", "--recut", "a.txt"), "--recut 不接受来源"),
        (("assistant", "ask", "hi", "--lang", "fr"), "不可用，可选：'auto', 'zh', 'en'"),
        (("finetune", "train"), "缺少参数"),
    ],
)
def test_wrong_usage_is_said_in_chinese(shell: Shell, command: tuple[str, ...], said: str) -> None:
    shown = shell(*command, code=2, LC_ALL="zh_CN.UTF-8")
    assert said in shown.stderr
    assert "错误：" in shown.stderr


def test_output_that_a_full_disk_does_not_take_is_one_line(shell: Shell) -> None:
    command = [sys.executable, "-m", "assistant", "ask", "hello", "--lang", "en"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command,
            env=dict(shell.variables),
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=LONGEST_S,
        )
    assert done.returncode == 1
    assert "the system refuses: No space left on device" in done.stderr
    assert "bug" not in done.stderr


@pytest.mark.parametrize("imported", ["click.core", "asyncio.runners"])
def test_ctrl_c_in_the_first_moments_leaves_with_130(shell: Shell, imported: str) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "assistant", "ask", NIGHT, "--web"]
    run = subprocess.Popen(
        command, env=dict(shell.variables), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert run.stderr is not None
    while imported not in run.stderr.readline():
        assert run.poll() is None
    run.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=LONGEST_S)
    assert "Traceback" not in stderr
    assert "Aborted" not in stderr
    assert run.returncode == 130


def browsers_of(pid: int) -> list[str]:
    """Return the command lines of the browsers (and their supervisors) that a process started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        commands = [Path(f"/proc/{child}/cmdline").read_text() for child in children]
    except OSError:
        return []
    return [command for command in commands if PROFILE_PREFIX in command]


@pytest.mark.chromium
@pytest.mark.parametrize("moment_s", [0.0, 0.1, 0.5, 2.0])
def test_ctrl_c_while_the_browser_starts_says_stopped_and_nothing_else(
    shell: Shell, net: Internet, moment_s: float
) -> None:
    net.page("https://slow.test/", page_by_script(), delay=LONGEST_S)
    process = subprocess.Popen(
        shell.line(("assistant", "read", "https://slow.test/", "--fetcher", "browser")),
        env=dict(shell.variables) | {"ASSISTANT_CRAWL__BROWSER": "auto"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not browsers_of(process.pid):
        assert process.poll() is None
        time.sleep(0.005)
    time.sleep(moment_s)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: it is for all that we started
    stdout, stderr = process.communicate(timeout=LONGEST_S)
    assert (process.returncode, stdout, stderr.strip()) == (130, "", "stopped")
