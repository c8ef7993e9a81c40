"""What the page says of reading: counts, failures, and an end in each case."""

import asyncio
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote
from zipfile import ZipFile

from ingest.index.store.inventory import DocumentLine
from tests.file_samples import docx
from ui.jobs.ingest_job import MAX_FAILURES, IngestJob
from ui.jobs.refresh import jobs_that_read_again


def test_files_are_stored_and_what_cannot_be_read_is_listed(home: Path, tmp_path: Path) -> None:
    good = tmp_path / "note.md"
    good.write_text("# 笔记\n\n机房的备用钥匙放在三号柜的第二层抽屉里，取用要登记。\n")
    bad = tmp_path / "bad.docx"
    bad.write_bytes(b"PK\x03\x04 no document")
    job = IngestJob(sources=(str(good), str(bad)))
    asyncio.run(job.run(language="en"))
    assert (job.stored, job.failed, job.is_over) == (1, 1, True)
    assert "bad.docx" in job.failures[0].source
    assert job.failures[0].reason
    again = IngestJob(sources=(str(good),))
    asyncio.run(again.run(language="en"))
    assert (again.stored, again.unchanged) == (0, 1)


def test_blank_file_is_no_failure(home: Path, tmp_path: Path) -> None:
    blank = tmp_path / "blank.md"
    blank.write_text("\n")
    job = IngestJob(sources=(str(blank),))
    asyncio.run(job.run(language="en"))
    assert (job.stored, job.blank, job.failed, job.message) == (0, 1, 0, "")
    assert "is empty" in job.last_blank


def test_sources_that_cannot_be_handed_over_end_the_job_with_a_message(home: Path) -> None:
    job = IngestJob(sources=(f"https://{'x' * 3_000_000}",))
    asyncio.run(job.run(language="zh"))
    assert job.is_over
    assert "无法读取" in job.message


def test_a_line_that_means_nothing_is_listed_and_the_others_are_read(
    home: Path, tmp_path: Path
) -> None:
    good = tmp_path / "note.md"
    good.write_text("# Note\n\nThe spare key is in the second drawer of cabinet three.\n")
    nothing = ["not a url", "/nowhere/x.pdf", "-", "a\0b", "x" * 3_000]
    job = IngestJob(sources=(*nothing, str(good)))
    asyncio.run(job.run(language="en"))
    assert (job.stored, job.failed, job.message) == (1, len(nothing), "")
    assert [failure.source for failure in job.failures] == nothing
    assert all("https://" in failure.reason for failure in job.failures)


def test_what_is_read_once_more_goes_where_it_was_to_go() -> None:
    job = IngestJob(sources=("a.md", "b.md"), options=("--collection", "papers"))
    job.apply_event({"type": "page_stored", "path": "a.md"})
    job.apply_event({"type": "file_left_out", "path": "b.md", "detail": "locked"})
    (again,) = job.again()
    assert (again.sources, again.options) == (("b.md",), ("--collection", "papers"))


def test_documents_are_read_again_into_the_collections_that_they_are_in() -> None:
    in_each = [
        ("https://a.test/1", "web"),
        ("file:///a/b%20c.md", "papers"),
        ("https://b.test", "web"),
    ]
    lines = [
        DocumentLine(
            url=url,
            title="t",
            language="en",
            fetched_at=datetime.now(UTC),
            characters=1,
            chunks=1,
            collections=(name, "z"),
        )
        for url, name in in_each
    ]
    assert [(job.sources, job.options) for job in jobs_that_read_again(lines)] == [
        (("https://a.test/1", "https://b.test"), ("--refresh", "--collection", "web")),
        (("/a/b c.md",), ("--refresh", "--collection", "papers")),
    ]


def test_what_failed_is_read_once_it_can_be_also_in_an_archive(home: Path, tmp_path: Path) -> None:
    archive, broken = tmp_path / "年 报 [1].zip", tmp_path / "broken.docx"
    broken.write_bytes(b"PK\x03\x04 no document")
    with ZipFile(archive, "w") as made:
        made.writestr("五月 (1).docx", b"PK\x03\x04 no document")
        made.writestr("other.md", "# Other\n\nThe museum opens at nine in the morning.\n")
        made.writestr("__MACOSX/._other.md", b"\0")
        made.writestr("run.exe", b"MZ")
    job = IngestJob(sources=(str(broken), str(archive)))
    asyncio.run(job.run(language="zh"))
    assert (job.stored, job.failed) == (1, 3)
    said = {Path(unquote(each.source)).name: each.reason for each in job.failures}
    assert said["run.exe"] == "没有读取这种文件的程序"
    broken.write_bytes(docx("The spare key is in the second drawer of cabinet three."))
    with ZipFile(archive, "w") as made:
        made.writestr("五月 (1).docx", docx("In May the meeting is in the blue room."))
        made.writestr("other.md", "# Other\n\nThe museum opens at ten, says another text.\n")
    (again,) = job.again()
    asyncio.run(again.run(language="zh"))
    assert (again.stored, again.failed, again.message) == (2, 1, "")
    # It has left the archive since.
    assert "run.exe" in again.failures[0].source
    assert "没有这个文件" in again.failures[0].reason


def test_one_document_of_an_archive_is_read_again_and_none_beside_it(
    home: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "a.zip"
    inner = BytesIO()
    with ZipFile(inner, "w") as made:
        made.writestr("notes/* d?.md", "# Deep\n\nThe boat leaves at six from the old pier.\n")
        made.writestr("tab.md\t", "# Tab\n\nThe lamp of the pier is lit at seven.\n")
        made.writestr("!b.md", "# Inner B\n\nThe inner museum opens at ten.\n")
    with ZipFile(archive, "w") as made:
        made.writestr("in ner.zip", inner.getvalue())
        # Called as one within is, and not read with it.
        made.writestr("notes/* d?.md", "# Shallow\n\nThe boat is painted blue in spring.\n")
        made.writestr("!b.md", "# B\n\nThe museum opens at nine in the morning.\n")
    asyncio.run(IngestJob(sources=(str(archive),)).run(language="en"))
    lines = [
        DocumentLine(
            url=(archive / name).as_uri(),
            title="t",
            language="en",
            fetched_at=datetime.now(UTC),
            characters=1,
            chunks=1,
            collections=("default",),
        )
        for name in ("in ner.zip/notes/* d?.md", "in ner.zip/tab.md\t", "!b.md")
    ]
    for chosen in ([lines[0]], [lines[1]], [lines[2]], lines):
        (job,) = jobs_that_read_again(chosen)
        asyncio.run(job.run(language="en"))
        assert (job.stored, job.failures, job.message) == (len(chosen), [], "")


def test_what_an_archive_does_not_hold_any_more_is_listed_and_the_rest_is_read(
    home: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "a.zip"
    with ZipFile(archive, "w") as made:
        made.writestr("here.md", "# Here\n\nThe museum opens at nine in the morning.\n")
    wanted = [f"{archive}/{name}" for name in ("gone.md", "here.md", "../../outside.md")]
    job = IngestJob(sources=tuple(wanted))
    asyncio.run(job.run(language="en"))
    assert (job.stored, job.failed, job.message) == (1, 2, "")
    said = {Path(unquote(each.source)).name: each.reason for each in job.failures}
    assert "No such file" in said["gone.md"]


def test_what_nobody_wants_of_an_archive_is_no_failure_and_the_rest_says_why() -> None:
    job = IngestJob(sources=("a.zip",))
    for reason in ("hidden", "excluded", "encrypted"):
        job.apply_event({"type": "file_left_out", "path": "/a.zip/b ü", "reason": reason})
    assert job.failed == 1
    assert job.failures[0].source == "file:///a.zip/b%20%C3%BC"
    assert "password" in job.failures[0].reason


def test_failures_are_counted_beyond_those_that_are_listed() -> None:
    job = IngestJob(sources=())
    for number in range(MAX_FAILURES + 5):
        job.apply_event(
            {"type": "page_skipped", "url": f"https://a.test/{number}", "detail": "gone"}
        )
    assert (job.failed, len(job.failures)) == (MAX_FAILURES + 5, MAX_FAILURES)
