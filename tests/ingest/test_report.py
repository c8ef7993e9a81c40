"""What became of pages, as people and as pipes read it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.bulk.folders import scan_folder
from ingest.events import FileLeftOut, LeftOutReason, PageSkipped, PageStored, SourceScanned
from ingest.foundation.messages import Language, Message
from ingest.report import Report, page_line

PAGE = PageSkipped(
    url="https://a.test/", reason="too_large", detail=Message.bilingual("6 MB", "6 兆字节")
)


@pytest.mark.parametrize(("language", "detail"), [("en", "6 MB"), ("zh", "6 兆字节")])
def test_detail_of_a_skipped_page_is_in_the_language_of_the_command(
    language: Language, detail: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Report(language=language, as_json=True).add(PAGE)
    assert json.loads(capsys.readouterr().out)["detail"] == detail
    assert detail in page_line(PAGE, language)


@pytest.mark.parametrize(
    ("reason", "is_complete"),
    [("hidden", True), ("empty", True), ("no_reader", True), ("encrypted", False)],
)
def test_a_run_that_could_not_read_all_it_was_given_is_not_complete(
    reason: LeftOutReason, *, is_complete: bool
) -> None:
    report = Report(language="en")
    report.add(FileLeftOut(path="/a.zip/b.md", reason=reason))
    assert report.is_complete is is_complete


def test_files_with_nothing_in_them_are_no_failure() -> None:
    report = Report(language="en")
    report.add(replace(PAGE, reason="blank"))
    assert report.is_complete
    assert (report.not_stored, report.failed) == (1, 0)
    report.add(PAGE)
    assert not report.is_complete


@pytest.mark.parametrize(
    ("url", "title", "name"),
    [
        ("file:///n/04%20stock.xlsx", "Stock", "04 stock.xlsx (Stock)"),
        ("file:///n/04%20stock.xlsx", "04 stock.xlsx", "04 stock.xlsx"),
        ("https://a.test/04.pdf", "Stock", "Stock"),
    ],
)
def test_note_on_a_file_names_it(
    url: str, title: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = (Message("line {line} cannot be read", line=4),)
    Report(language="en").add(
        PageStored(
            url=url, title=title, chunks=1, embedded=1, robots="", fetcher="file", notes=notes
        )
    )
    assert capsys.readouterr().err == f"note: {name}: line 4 cannot be read\n"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "left out: 2 system, lock or cache files (Thumbs.db, ~$a.docx)"),
        ("zh", "未收录：2 项是系统文件、锁文件或缓存（Thumbs.db, ~$a.docx）"),
    ],
)
def test_files_that_programs_keep_for_themselves_are_not_said_to_be_ignored_by_a_file(
    language: Language, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("Thumbs.db", "~$a.docx"):
        (tmp_path / name).write_bytes(b"\0")
    report = Report(language=language)
    for item in scan_folder(tmp_path):
        assert isinstance(item, FileLeftOut)
        report.add(item)
    report.add(SourceScanned(name=str(tmp_path), kind="folder", count=0, left_out=2))
    assert text in capsys.readouterr().err
