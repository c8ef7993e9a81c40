"""What the page says of reading: counts, failures, and an end in each case."""

import asyncio
from pathlib import Path

from ui.jobs.ingest_job import MAX_FAILURES, IngestJob


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


def test_sources_that_cannot_be_handed_over_end_the_job_with_a_message(home: Path) -> None:
    for source in ("x" * 3_000_000, "a\0b"):
        job = IngestJob(sources=(source,))
        asyncio.run(job.run(language="zh"))
        assert job.is_over
        assert "无法读取" in job.message


def test_a_missing_source_is_the_commands_own_line(home: Path) -> None:
    job = IngestJob(sources=("/nowhere/x.pdf",))
    asyncio.run(job.run(language="en"))
    assert job.is_over
    assert "no such file" in job.message


def test_failures_are_counted_beyond_those_that_are_listed() -> None:
    job = IngestJob(sources=())
    for number in range(MAX_FAILURES + 5):
        job.apply_event(
            {"type": "page_skipped", "url": f"https://a.test/{number}", "detail": "gone"}
        )
    assert (job.failed, len(job.failures)) == (MAX_FAILURES + 5, MAX_FAILURES)
