"""What people read is in their language, what the operating system said included."""

import errno
import os
from pathlib import Path

import pytest

from ingest.crawl_log import Ledger, LedgerError
from ingest.errors import SettingsError
from ingest.foundation.messages import Wording, system_words
from ingest.settings import read_toml
from ingest.text.words import language_of


@pytest.mark.parametrize(
    "code", [errno.ENOENT, errno.EACCES, errno.EISDIR, errno.ENOSPC, errno.EROFS]
)
def test_what_the_system_says_most_often_is_said_in_chinese(code: int) -> None:
    why = system_words(OSError(code, os.strerror(code)))
    assert why.en == os.strerror(code)
    assert why.zh != why.en
    assert language_of(why.zh) == "zh"


def test_rare_words_of_the_system_are_passed_on() -> None:
    assert system_words(OSError(errno.EMLINK, "Too many links")).zh == "Too many links"
    assert system_words(TimeoutError()) == Wording("TimeoutError", "TimeoutError")


def test_settings_and_ledger_that_are_folders_are_refused_in_chinese(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as settings:
        read_toml(tmp_path)
    with pytest.raises(LedgerError) as ledger:
        Ledger(tmp_path)
    for caught in (settings, ledger):
        assert "这是一个文件夹" in caught.value.to("zh")
        assert "Is a directory" not in caught.value.to("zh")
