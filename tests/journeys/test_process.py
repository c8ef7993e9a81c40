"""Any locale, any encoding, and Ctrl-C from the first moment on."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.events import SearchFinished
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
