"""What the server does beside answering: a removal that can be undone, and jobs in their order."""

import time
from collections.abc import Callable
from pathlib import Path

from assistant.models.extractive import ExtractiveModel
from assistant.settings import load_settings
from ingest.library import open_library
from tests.ui.answered import service_of
from tests.ui.page_in_memory import opening
from ui import labels
from ui.jobs.ingest_job import IngestJob
from ui.service import AssistantService

LONGEST_S = 60


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_S
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def with_notes(folder: Path, *names: str) -> AssistantService:
    """Return a service whose index holds a note of each name, each read by a job of its own."""
    service = service_of(opening(ExtractiveModel()))
    for name in names:
        (folder / f"{name}.md").write_text(f"# {name}\n\nThe spare key of {name} is in drawer 7.\n")
        job = IngestJob(sources=(str(folder / f"{name}.md"),))
        service.jobs.start_ingest(job, language="en", options=("--collection", name))
    until(lambda: set(names) <= set(service.jobs.collections))
    return service


def urls_in_index(service: AssistantService) -> list[str]:
    async def list_urls() -> list[str]:
        async with open_library(load_settings()) as library:
            return [line.url for line in await library.lines()]

    return service.run(list_urls())


def test_jobs_run_one_after_the_other_and_a_removal_can_be_undone(
    home: Path, tmp_path: Path
) -> None:
    service = with_notes(tmp_path, "attic", "cellar")
    jobs, settings = service.jobs, load_settings()
    attic, cellar = sorted(urls_in_index(service))
    jobs.start_removal(settings, [attic])
    assert urls_in_index(service) == [attic, cellar]
    jobs.undo_removal()
    until(lambda: jobs.removal is not None and jobs.removal.state == "undone")
    assert urls_in_index(service) == [attic, cellar]
    # Another removal does not wait for the one before, and neither is forgotten at the end.
    jobs.start_removal(settings, [attic])
    jobs.start_removal(settings, [cellar])
    assert urls_in_index(service) == [cellar]
    service.close()
    other = service_of(opening(ExtractiveModel()))
    assert urls_in_index(other) == []


def test_the_time_that_is_left_is_told_once_the_speed_is_known() -> None:
    job = IngestJob(sources=("https://a.test/sitemap.xml",))
    job.apply_event({"type": "source_scanned", "count": 40})
    assert (job.total, job.seconds_left) == (40, 0.0)
    for _ in range(10):
        job.apply_event({"type": "page_stored", "url": "https://a.test/1"})
    job._started -= 20.0
    assert 50 < job.seconds_left < 70
    assert labels.time_left(job.seconds_left).localize("zh").startswith("还需 6")
    assert labels.time_left(600).localize("en") == "10 min left"
