"""What people read is in their language, what the operating system said included."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from ingest.crawl_log import CrawlLog, CrawlLogError
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import (
    LANGUAGES,
    Message,
    describe_os_error,
    escape_json,
    join_messages,
    printable,
)
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


def test_settings_and_crawl_log_that_are_folders_are_refused_in_chinese(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as settings:
        read_toml(tmp_path)
    with pytest.raises(CrawlLogError) as crawl_log:
        CrawlLog(tmp_path)
    for caught in (settings, crawl_log):
        assert "这是一个文件夹" in caught.value.localize("zh")
        assert "Is a directory" not in caught.value.localize("zh")


IN_JAPANESE = """
import sys
from pathlib import Path
import ingest
from ingest.foundation.messages import Message, add_catalogue, join_messages

error = Message("cannot read {path}", path="a.txt")
assert error.localize("ja") == "cannot read a.txt"
add_catalogue(Path(sys.argv[1]))
known = Message("{sum} of {path}", sum=Message("permission denied"), path="a.txt")
for message in (error, known, join_messages([error, Message("no such file or folder")])):
    print(message.localize("ja"))
print(error.localize("zh"))
"""
"""In a process of its own: a catalogue stays permanently once it is added."""


def test_the_catalogue_of_a_third_language_is_used_and_english_stands_in(tmp_path: Path) -> None:
    words = {"cannot read {path}": "{path} を読めません", "permission denied": "許可がありません"}
    (tmp_path / "ja.json").write_text(json.dumps(words), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", IN_JAPANESE, str(tmp_path)],
        capture_output=True, encoding="utf-8", timeout=60, check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert (done.stderr, done.stdout.splitlines()) == (
        "",
        [
            "a.txt を読めません",
            "許可がありません of a.txt",
            "a.txt を読めませんno such file or folder",
            "无法读取 a.txt",
        ],
    )


def test_what_is_written_down_is_in_both_languages_and_is_read_back() -> None:
    message = join_messages([Message("no such file or folder"), Message.verbatim("a.txt")])
    written = message.in_each_language()
    assert list(written) == ["en", "zh"]
    assert set(written) == set(LANGUAGES)
    assert Message.bilingual(**written) == message


def test_a_file_of_another_version_may_have_fewer_languages_or_more() -> None:
    read = TypeAdapter(Message).validate_python
    assert read({"en": "a"}).localize("zh") == "a"
    assert read({"en": "a", "ja": "b"}).localize("ja") == "b"
    for value in ({"zh": "a"}, {"en": "a", "zh": 5}, {}, 5):
        with pytest.raises(ValueError, match="not a message"):
            read(value)


def test_braces_stand_for_themselves_where_there_is_no_value() -> None:
    assert Message("a {b}").localize("en") == "a {b}"
    assert Message("a {b}", b="{c}").localize("en") == "a {c}"


def test_nothing_invisible_reaches_a_terminal_but_what_spelling_needs() -> None:
    hidden = "a\u200bb\u2060c\ufeffd\u200de\U000e0041f\u202eg\x1b[2J\x9b"
    assert printable(hidden) == "abcdefg[2J"
    persian, family = (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f468\u200d\U0001f469",
    )
    assert printable(persian + family) == persian + family
    written = json.dumps({"title": hidden}, ensure_ascii=False)
    assert printable(escape_json(written)) == escape_json(written)
    assert json.loads(escape_json(written)) == {"title": hidden}


@pytest.mark.parametrize(
    ("count", "english"),
    [
        (0, "0 pages are late"),
        (1, "1 page is late"),
        (2, "2 pages are late"),
        (1_000, "1,000 pages are late"),
    ],
)
def test_what_is_counted_agrees_with_its_number_in_english(count: int, english: str) -> None:
    late = Message("{count:,} {count:?page is|pages are} late", count=count)
    assert late.localize("en") == english
    assert Message("{why}; {rest}", why="a|b", rest=late).localize("en") == f"a|b; {english}"
