"""What the server does beside answering: a removal that can be undone, and jobs in their order."""

import asyncio
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from assistant.models.extractive import ExtractiveModel
from assistant.settings import load_settings
from ingest.library import open_library
from tests.engines.ollama_server import OllamaServer
from tests.ui.answered import service_of, wait
from tests.ui.page_in_memory import opening
from ui import labels
from ui.jobs.ingest_job import IngestJob
from ui.service import AssistantService
from ui.session import Conversation
from ui.turn_fields import display_place, path_of_file
from ui.uploads import keep_upload

LONGEST_S = 180


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
        job = IngestJob(sources=(str(folder / f"{name}.md"),), options=("--collection", name))
        service.jobs.start_ingest(job, language="en")
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


def test_a_removed_upload_leaves_no_copy_and_a_file_elsewhere_stays(
    home: Path, tmp_path: Path
) -> None:
    service = with_notes(tmp_path, "attic")
    upload = keep_upload("cellar.md", b"# Cellar\n\nThe spare key of the cellar is in drawer 8.\n")
    job = IngestJob(sources=(str(upload),))
    service.jobs.start_ingest(job, language="en")
    until(lambda: job.is_over)
    service.jobs.start_removal(load_settings(), urls_in_index(service))
    service.close()
    assert (upload.exists(), (tmp_path / "attic.md").exists()) == (False, True)


def test_a_job_that_comes_while_the_collections_are_listed_is_read(
    home: Path, tmp_path: Path
) -> None:
    service = service_of(opening(ExtractiveModel()))
    jobs = service.jobs
    note = tmp_path / "note.md"
    note.write_text("# Note\n\nThe spare key is in the second drawer of cabinet three.\n")
    first, second = IngestJob(sources=("no such.md",)), IngestJob(sources=(str(note),))

    async def start_both() -> None:
        await jobs._start_ingest((first,), "en")
        await asyncio.sleep(0)  # the first ends at once, its task does not
        assert first.is_over
        assert jobs._ingesting is not None
        assert not jobs._ingesting.done()
        await jobs._start_ingest((second,), "en")

    service.run(start_both())
    until(lambda: second.is_over)
    assert second.stored == 1


def test_what_several_jobs_could_not_read_is_told_of_all_and_tried_again(
    home: Path, tmp_path: Path
) -> None:
    jobs = service_of(opening(ExtractiveModel())).jobs
    note = tmp_path / "note.md"
    note.write_text("# Note\n\nThe spare key is in the second drawer of cabinet three.\n")
    named = {"papers": ("no such.md", str(note)), "web": ("nor this.md",)}
    given = [
        IngestJob(sources=sources, options=("--collection", name))
        for name, sources in named.items()
    ]
    jobs.start_ingest(*given, language="en")
    until(lambda: jobs.batch.is_over)
    assert (jobs.batch.stored, jobs.batch.failed, jobs.batch.total) == (1, 2, 3)
    assert [failure.source for failure in jobs.batch.failures] == ["no such.md", "nor this.md"]
    again = jobs.batch.again()
    assert [(job.sources, job.options[1]) for job in again] == [
        (("no such.md",), "papers"),
        (("nor this.md",), "web"),
    ]
    # Another try is told of by itself.
    jobs.start_ingest(*again, language="en")
    until(lambda: jobs.batch.is_over)
    assert (jobs.batch.stored, jobs.batch.failed) == (0, 2)


def read_uploads(service: AssistantService, *paths: Path) -> None:
    job = IngestJob(sources=tuple(map(str, paths)))
    service.jobs.start_ingest(job, language="en")
    until(lambda: job.is_over)
    assert not job.failed


def remove_now(service: AssistantService, urls: list[str]) -> None:
    service.jobs.start_removal(load_settings(), urls)
    service.run(service.jobs.finish_removal())
    assert service.jobs.removal is not None
    assert service.jobs.removal.error is None


def test_a_file_of_ones_own_in_the_folder_of_copies_stays(home: Path) -> None:
    service = service_of(opening(ExtractiveModel()))
    thesis, replaced = home / "library" / "thesis.md", keep_upload("notes.md", b"# Notes\n")
    for path in (thesis, replaced):
        path.write_bytes(b"# Mine\n\nThe spare key of the attic is in drawer 9.\n")
    assert keep_upload("thesis.md", thesis.read_bytes()) == thesis
    read_uploads(service, thesis, replaced)
    remove_now(service, urls_in_index(service))
    assert urls_in_index(service) == []
    assert (thesis.exists(), replaced.exists()) == (True, True)


def test_the_copy_of_an_archive_goes_with_its_last_file(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By a link and a relative path, as documents never name it.
    (tmp_path / "link").symlink_to(home)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSISTANT_HOME", "link")
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("attic", "cellar"):
            archive.writestr(f"{name}.md", f"# {name}\n\nThe spare key of {name} is here.\n")
    service = service_of(opening(ExtractiveModel()))
    upload = keep_upload("keys.zip", packed.read_bytes())
    read_uploads(service, upload)
    attic, cellar = urls_in_index(service)
    assert display_place(attic) == "keys.zip/attic.md"
    remove_now(service, [attic])
    assert upload.exists()
    remove_now(service, [cellar])
    assert not upload.exists()
    assert [path for path in (home / "library").rglob("*") if path.is_file()] == []


def test_a_file_that_is_added_again_while_its_removal_waits_stays(home: Path) -> None:
    service = service_of(opening(ExtractiveModel()))
    content = b"# Cellar\n\nThe spare key of the cellar is in drawer 8.\n"
    read_uploads(service, keep_upload("cellar.md", content))
    service.jobs.start_removal(load_settings(), urls_in_index(service))
    conversation = Conversation(id="c")

    def script(service: "AssistantService", conversation: "Conversation", content: bytes) -> None:
        from types import SimpleNamespace

        from ui.question_line import ask

        file = SimpleNamespace(name="cellar.md", getbuffer=lambda: memoryview(content))
        ask(service, conversation, "Which drawer?", uploads=[file])

    parts = {"service": service, "conversation": conversation, "content": content}
    assert not AppTest.from_function(script, kwargs=parts, default_timeout=30).run().exception
    wait(conversation.turns[0])
    assert service.jobs.removal is not None
    assert service.jobs.removal.state == "removed"
    (url,) = urls_in_index(service)
    assert path_of_file(url).read_bytes() == content


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


def test_a_model_server_that_answers_after_the_settings_changed_is_not_believed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OllamaServer() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        server.fail("hang", path="/api/tags", times=1)
        jobs = service_of(opening(ExtractiveModel())).jobs
        assert jobs.missing_model is None
        until(lambda: bool(server.asked("/api/tags")))
        jobs.forget_model()
        assert jobs.missing_model is None
        until(lambda: jobs.knows_model)
        server.closing.set()  # only now it hangs up on who asked first
        until(lambda: not jobs._probes)
        assert jobs.missing_model is None
