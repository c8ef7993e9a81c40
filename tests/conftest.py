"""What every test stands on: one event loop kind, and a home of its own."""

import itertools
import signal
from pathlib import Path

import hypothesis
import pytest

# A shell's background job ignores Ctrl-C, and so would each process that the tests start and end.
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("shared", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("shared")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


_HOME_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def home(homes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty $ASSISTANT_HOME, so that none can touch a person's index."""
    # Counted here: pytest's own mktemp looks through all folders before it for the next number.
    folder = homes / str(next(_HOME_NUMBERS))
    folder.mkdir()
    monkeypatch.setenv("ASSISTANT_HOME", str(folder))
    # The other encoder is converted for seconds in each new home; its own tests share one.
    monkeypatch.setenv("ASSISTANT_EMBED__ENCODER", "all-MiniLM-L6-v2")
    return folder
