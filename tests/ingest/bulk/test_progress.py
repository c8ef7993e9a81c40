"""The line that says how far a run is."""

import pytest

from ingest.bulk.progress import ProgressLine, cut_to_width, progress_text
from ingest.report import Report


def test_progress_names_rate_counts_and_the_time_left() -> None:
    report = Report(language="en")
    report.stored, report.unchanged = 10, 2
    text = progress_text(report, done=12, total=90, seconds=6.0)
    assert text.localize("en") == (
        "12/90, 2.0/s, stored 10, unchanged 2, skipped 0, failed 0, 0:39 left"
    )
    long = progress_text(report, done=1, total=40_000, seconds=1.0)
    assert "11:06:39" in long.localize("zh")


def test_line_fits_the_terminal_in_each_script() -> None:
    assert cut_to_width("12/90, 2.0/s", 5) == "12/90"
    assert cut_to_width("收录 10 页", 5) == "收录 "


def test_nothing_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine(Report(language="en"), "en", hidden=True)
    line.draw(done=1, total=2)
    line.clear()
    assert capsys.readouterr().err == ""
