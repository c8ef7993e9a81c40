"""Files of the disk come in by the same guarded way as pages: bounded, and one event each."""

import os
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.mutated_files import read_all
from ingest.errors import FetchError
from ingest.events import IngestEvent, PageSkipped, PageStored
from ingest.extract import file_bytes
from ingest.extract.extractor import read_file
from ingest.extract.worker_pool import ReaderPool
from ingest.index.split import current_chunking
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.local_files import shown_url
from ingest.page_reader import PageReader
from ingest.pipeline import IndexingPipeline
from tests import file_samples
from tests.file_samples import SENTENCE
from tests.ingest_parts import tiered_fetcher

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pipeline() -> AsyncIterator[IndexingPipeline]:
    pool = ReaderPool(timeout_s=30, workers=1)
    store = Index(catalog=Catalog(None), vectors=MemoryVectors())
    yield IndexingPipeline(
        pages=PageReader(fetcher=tiered_fetcher({}), store=store, concurrency=1),
        store=store,
        embedder=None,
        chunking=current_chunking(size=400, overlap=100),
        read_file=pool.read_file,
    )
    await pool.close()
    await store.close()


async def stored_of(pipeline: IndexingPipeline, folder: Path) -> list[IngestEvent]:
    return [await pipeline.add_file(path) for path in sorted(folder.iterdir())]


def flipped(body: bytes) -> bytes:
    """Return a zip file whose parts no longer inflate, as bits rot."""
    start = body.index(b"word/document.xml")
    return body[:start] + bytes(255 - b for b in body[start : start + 600]) + body[start + 600 :]


async def test_damaged_files_are_a_line_each_and_the_rest_is_stored(
    pipeline: IndexingPipeline, tmp_path: Path
) -> None:
    (tmp_path / "a.docx").write_bytes(flipped(file_samples.docx(SENTENCE * 40)))
    with zipfile.ZipFile(tmp_path / "b.docx", "w") as file:
        file.writestr("word/document.xml", "<w:document><unclosed>")
    forwarded = file_samples.eml("Tides", SENTENCE).decode()
    (tmp_path / "c.eml").write_text(
        "Subject: Fwd\nContent-Type: multipart/mixed; boundary=x\n\n--x\n"
        f"Content-Type: message/rfc822\n\n{forwarded}\n--x--\n"
    )
    (tmp_path / "d.md").write_text(SENTENCE)
    events = await stored_of(pipeline, tmp_path)
    assert [type(event) for event in events[:2]] == [PageSkipped, PageSkipped]
    assert isinstance(events[-1], PageStored)
    assert len(events) == 4


async def test_what_a_file_said_before_it_was_emptied_is_not_kept(
    pipeline: IndexingPipeline, tmp_path: Path
) -> None:
    text, paper = tmp_path / "note.md", tmp_path / "paper.docx"
    text.write_text(SENTENCE)
    paper.write_bytes(file_samples.docx(SENTENCE))
    assert [type(event) for event in await stored_of(pipeline, tmp_path)] == [PageStored] * 2
    text.write_text("\n")
    paper.write_bytes(b"")
    events = await stored_of(pipeline, tmp_path)
    assert [event.reason for event in events if isinstance(event, PageSkipped)] == [
        "blank",
        "blank",
    ]
    # A download that broke off says nothing of what is in the document.
    async for urls in pipeline.stored_below(tmp_path):
        assert urls == [paper.as_uri()]


async def test_pipes_and_devices_are_refused_though_the_pipeline_is_asked(
    pipeline: IndexingPipeline, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    for path in (tmp_path / "pipe.md", Path("/dev/zero")):
        event = await pipeline.add_file(path)
        assert isinstance(event, PageSkipped)
        assert "a device, a pipe or a socket" in event.detail.localize("en")


def test_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_bytes, "MAX_FILE_BYTES", 1_000_000)
    (tmp_path / "log.txt").write_bytes(b"x" * 2_000_000)
    with pytest.raises(FetchError, match="2 MB, and at most 1 MB") as caught:
        read_file(tmp_path / "log.txt")
    assert caught.value.reason == "too_large"


async def test_text_longer_than_is_kept_says_how_much_is_stored(
    tmp_path: Path,
) -> None:
    (tmp_path / "long.md").write_text("The desk is open at night.\n\n" * 90_000)
    pool = ReaderPool(timeout_s=60, workers=1)
    try:
        document = await pool.read_file(tmp_path / "long.md")
    finally:
        await pool.close()
    (note,) = document.notes
    assert "only its first 1,9" in note.localize("en")
    assert len(document.text) > 1_900_000


async def test_damaged_files_of_every_kind_end_in_one_event_each() -> None:
    ends = await read_all(60, seed=7)
    assert sum(ends.values()) == 60
    assert not [end for end in ends if end.startswith("escaped")]
    assert any(end.startswith("listed") for end in ends)


def test_a_line_end_in_a_name_does_not_end_the_line_that_shows_it(tmp_path: Path) -> None:
    assert shown_url((tmp_path / "new\nline\t.md").as_uri()) == f"{tmp_path}/new\\nline\\t.md"
