"""What became of pages, as people and as pipes read it."""

import json
from dataclasses import replace

import pytest

from ingest.events import FileLeftOut, LeftOutReason, PageSkipped
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
