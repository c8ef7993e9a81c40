"""Journeys run the installed commands as subprocesses; the environment alone says where."""

import contextlib
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assistant.events import ANSWER_EVENT, AnswerEvent, AnswerFinished
from ingest.index.embed.weights import SHA256
from tests.engines.ollama_server import OllamaServer
from tests.internet.demo import CLOSED, demo_internet
from tests.internet.net import Internet

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.journeys.pages import PageServer, Tab, Tabs

BIN = Path(sys.executable).parent
LONGEST_S = 180


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Try a browser's test once more: the summary counts each such rerun.

    A page's script runs whenever it likes, and on two busy cores a click may meet a run that takes
    its target away. What is broken fails twice.
    """
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=1))


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def events(self) -> list[AnswerEvent]:
        """The events of a run with --json."""
        return [ANSWER_EVENT.validate_json(line) for line in self.stdout.splitlines()]

    @property
    def answer(self) -> AnswerFinished:
        last = self.events[-1]
        assert isinstance(last, AnswerFinished)
        return last


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Runs our commands in one environment."""

    variables: Mapping[str, str]
    folder: Path

    def __call__(self, *command: str, stdin: str = "", code: int | None = 0, **extra: str) -> Shown:
        """Run a command to its end; `code` is the exit code it must have, None for any."""
        done = subprocess.run(
            self.line(command),
            env=dict(self.variables) | extra,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",  # so that a test can send and see other bytes, too
            timeout=LONGEST_S,
            check=False,
        )
        shown = Shown(code=done.returncode, stdout=done.stdout, stderr=done.stderr)
        assert "Traceback" not in shown.stderr, shown.stderr
        assert code is None or shown.code == code, shown
        return shown

    def start(self, *command: str, **extra: str) -> subprocess.Popen[str]:
        """Start a command and return at once."""
        return subprocess.Popen(
            self.line(command),
            env=dict(self.variables) | extra,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def on_a_terminal(self, *command: str, **extra: str) -> str:
        """Return what a command writes to stderr when that is a terminal."""
        ours, theirs = pty.openpty()
        run = subprocess.Popen(
            self.line(command),
            env=dict(self.variables) | extra,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )
        os.close(theirs)
        written = b""
        try:
            while piece := os.read(ours, 4096):
                written += piece
        except OSError:  # how Linux says that nobody has the terminal open any more
            os.close(ours)
        run.wait(LONGEST_S)
        return written.decode()

    def line(self, command: Sequence[str]) -> list[str]:
        return [str(BIN / command[0]), *command[1:]]


def clean_environment(home: Path) -> dict[str, str]:
    """Return this machine's environment without anything that is meant for us or for proxies."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ASSISTANT_", "OLLAMA_")) and not name.lower().endswith("_proxy")
    }
    return kept | {
        "ASSISTANT_HOME": str(home),
        "ASSISTANT_CRAWL__BROWSER": "never",
        "ASSISTANT_EMBED__ENCODER": "all-MiniLM-L6-v2",  # needs no seconds in each new home
        "OLLAMA_HOST": CLOSED,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def net() -> Iterator[Internet]:
    """The sample internet. Whoever asks for anything else is found out at the end."""
    with demo_internet().serve() as served:
        yield served
        assert served.refused == []


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        yield server


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the built-in encoder lies once a shell has converted it, for all workers of a run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "converted"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def shell(net: Internet, home: Path, tmp_path: Path, converted: Path) -> Iterator[Shell]:
    """A shell on the sample internet, with no model server."""
    # In a new home each first question converts the weights: 0.6 s of CPU and 90 MB, a tenth of
    # what all journeys compute. The file is named by their digest, and replaced, never written to.
    models = home / "models"
    for file in converted.iterdir():
        models.mkdir(exist_ok=True)
        os.link(file, models / file.name)
    yield Shell(variables=clean_environment(home) | net.variables, folder=tmp_path)
    for file in models.glob(f"encoder-{SHA256[:12]}.onnx"):
        with contextlib.suppress(FileExistsError):
            os.link(file, converted / file.name)


@pytest.fixture
def shell_with_model(shell: Shell, ollama: OllamaServer) -> Shell:
    """The same with a loopback Ollama."""
    return Shell(variables=dict(shell.variables) | {"OLLAMA_HOST": ollama.url}, folder=shell.folder)


@pytest.fixture(scope="module")  # its event loop runs as long as it: no longer than its own tests
def browser() -> Iterator["Browser"]:
    """Debian's Chromium, without any proxy: the page is on this machine."""
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium")
    assert found is not None, "apt-get install chromium"
    quiet = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=quiet)
        yield launched
        launched.close()


@pytest.fixture
def page_server(shell_with_model: Shell) -> Iterator["PageServer"]:
    from tests.journeys.pages import PageServer

    server = PageServer(shell_with_model)
    yield server
    server.stop()


@pytest.fixture
def url(page_server: "PageServer") -> str:
    return page_server.start()


@pytest.fixture
def tabs(browser: "Browser") -> Iterator["Tabs"]:
    from tests.journeys.pages import Tabs

    opened = Tabs(browser)
    yield opened
    opened.close()


@pytest.fixture
def tab(tabs: "Tabs", url: str) -> "Tab":
    """A tab of a Chinese reader. It must log no error and request nothing from other hosts."""
    return tabs.open(url)
