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


LONG_FILES = (
    "tests/finetune/improve/test_improve.py",
    "tests/journeys/test_page.py",
    "tests/journeys/test_evaluate.py",
    "tests/journeys/test_finetune.py",
    "tests/journeys/test_other_pages.py",
    "tests/finetune/test_walk.py",
    "tests/journeys/test_doctor_setup.py",
    "tests/journeys/test_index.py",
    "tests/journeys/test_ingest.py",
    "tests/ingest/index/store/test_hybrid.py",
    "tests/finetune/train/test_resume.py",
    "tests/journeys/test_ingest_ray.py",
    "tests/journeys/test_explain.py",
    "tests/journeys/test_nothing_found.py",
    "tests/journeys/test_page_variants.py",
    "tests/journeys/test_weather.py",
    "tests/finetune/train/test_training.py",
    "tests/journeys/test_ask.py",
    "tests/contracts/test_file_reader.py",
    "tests/journeys/test_page_access.py",
    "tests/ingest/web/fetch/test_browser_limits.py",
    "tests/journeys/test_page_kept.py",
    "tests/finetune/synthesize/test_synthesis.py",
    "tests/finetune/test_shipped_recipes_walk.py",
    "tests/journeys/test_memory.py",
    "tests/ingest/web/fetch/test_browser.py",
    "tests/journeys/test_bad_models.py",
    "tests/ui/test_background_jobs.py",
    "tests/journeys/test_page_presses.py",
    "tests/ui/test_ingest_job.py",
    "tests/ingest/extract/test_ocr.py",
    "tests/journeys/test_privacy.py",
    "tests/finetune/model/test_chat_format.py",
    "tests/finetune/test_bench_gpu.py",
    "tests/journeys/test_read.py",
    "tests/journeys/test_process.py",
    "tests/ingest/model_servers/test_dialects.py",
)
"""Files of fifty seconds or more beside three others, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files: one that began last would leave the other processors idle.

    `make` tells xdist to keep this order, which it would sort by the number of tests in a file.
    """
    places = {name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


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
