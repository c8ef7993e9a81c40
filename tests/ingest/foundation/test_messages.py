"""What people read is in their language, what the operating system said included."""

import errno
import os
from pathlib import Path

import pytest

from ingest.crawl_log import CrawlLog, CrawlLogError
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message, describe_os_error
from ingest.foundation.settings import read_toml
from ingest.text.language import language_of


@pytest.mark.parametrize(
    "code", [errno.ENOENT, errno.EACCES, errno.EISDIR, errno.ENOSPC, errno.EROFS]
)
def test_what_the_system_says_most_often_is_said_in_chinese(code: int) -> None:
    why = describe_os_error(OSError(code, os.strerror(code)))
    assert why.localize("en") == os.strerror(code)
    assert why.localize("zh") != why.localize("en")
    assert language_of(why.localize("zh")) == "zh"


def test_rare_words_of_the_system_are_passed_on() -> None:
    assert (
        describe_os_error(OSError(errno.EMLINK, "Too many links")).localize("zh")
        == "Too many links"
    )
    assert describe_os_error(TimeoutError()) == Message.bilingual("TimeoutError", "TimeoutError")


def test_settings_and_ledger_that_are_folders_are_refused_in_chinese(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as settings:
        read_toml(tmp_path)
    with pytest.raises(CrawlLogError) as ledger:
        CrawlLog(tmp_path)
    for caught in (settings, ledger):
        assert "这是一个文件夹" in caught.value.localize("zh")
        assert "Is a directory" not in caught.value.localize("zh")
