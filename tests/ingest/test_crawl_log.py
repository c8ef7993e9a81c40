"""The crawl log as a file: whole lines, and one clear error when the disk is full."""

import json
from pathlib import Path

import pytest

from ingest.crawl_log import CrawlLog, CrawlLogError, log_entry
from ingest.events import PageSkipped
from ingest.foundation.messages import Message

PAGE = PageSkipped(url="https://a.test/", reason="robots", robots="line 1: Disallow: /")


def test_lines_are_added_and_each_is_whole_at_once(tmp_path: Path) -> None:
    path = tmp_path / "crawl.jsonl"
    path.write_text('{"url": "https://before.test/"}\n')
    log = CrawlLog(path)
    log.write(PAGE)
    urls = [json.loads(line)["url"] for line in path.read_text().splitlines()]
    assert urls == ["https://before.test/", PAGE.url]
    log.close()
    log.close()


def test_full_disk_is_one_clear_error_and_closing_adds_none(tmp_path: Path) -> None:
    path = tmp_path / "crawl.jsonl"
    path.symlink_to("/dev/full")
    log = CrawlLog(path)
    assert CrawlLogError.code == "crawl_log"
    with pytest.raises(CrawlLogError, match="No space left"):
        log.write(PAGE)
    log.close()


def test_details_are_in_english_in_whatever_language_the_question_was() -> None:
    detail = Message.bilingual("{too large}", "太大")
    assert log_entry(PageSkipped(url=PAGE.url, reason="too_large", detail=detail))["detail"] == str(
        detail
    )
