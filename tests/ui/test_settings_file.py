"""Settings are changed in their file, and nothing else about it is."""

import tomllib
from pathlib import Path

import pytest

from assistant.settings import load_settings
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message
from ui.markup.safe_markdown import escape_settings_error
from ui.settings_file import file_at_fault, put_file_aside, save_settings


def test_what_else_stands_in_the_file_stays_and_defaults_leave_it(home: Path) -> None:
    path = home / "assistant.toml"
    path.write_text('# mine\n[model]\nname = "a:1b"\n\n[answer]\npassages = 3 # few\n')
    assert save_settings({("answer", "unsupported"): "drop", ("model", "name"): "b:2b"}) == path
    assert "# mine" in path.read_text()
    assert "# few" in path.read_text()
    save_settings({("answer", "unsupported"): "mark", ("answer", "passages"): 6})
    assert tomllib.loads(path.read_text()) == {"model": {"name": "b:2b"}, "answer": {}}


def test_a_value_that_cannot_be_used_changes_nothing(home: Path) -> None:
    path = home / "assistant.toml"
    path.write_text("[answer]\npassages = 3\n")
    with pytest.raises(SettingsError, match="passages"):
        save_settings({("answer", "passages"): 10_000})
    assert path.read_text() == "[answer]\npassages = 3\n"


def test_nobody_else_can_read_it_and_a_link_stays_one(home: Path, tmp_path: Path) -> None:
    save_settings({("answer", "passages"): 3})
    path = home / "assistant.toml"
    assert path.stat().st_mode & 0o077 == 0
    target = tmp_path / "real.toml"
    path.rename(target)
    target.chmod(0o640)
    path.symlink_to(target)
    save_settings({("answer", "passages"): 4})
    assert path.is_symlink()
    assert tomllib.loads(target.read_text()) == {"answer": {"passages": 4}}
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_broken_file_is_put_aside_and_kept_and_a_good_one_stays(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home / "assistant.toml"
    for broken in ("[model\n", "[answer]\npassages = 'x'\n"):
        path.write_text(broken)
        put_file_aside()
        load_settings()
    assert sorted(file.name for file in home.iterdir()) == [
        "assistant.toml.old",
        "assistant.toml.old2",
    ]
    assert (home / "assistant.toml.old").read_text() == "[model\n"
    # The environment is to blame: without the file it is as bad.
    path.write_text("[answer]\npassages = 3\n")
    monkeypatch.setenv("ASSISTANT_ANSWER__PASSAGES", "x")
    assert file_at_fault() is None
    with pytest.raises(SettingsError):
        put_file_aside()
    assert path.read_text() == "[answer]\npassages = 3\n"


def test_broken_settings_are_told_with_the_way_on_where_there_is_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "assistant.toml").write_text("[model\n")
    with pytest.raises(SettingsError) as broken:
        load_settings()
    assert "“设置”页" in escape_settings_error(broken.value, "zh")
    monkeypatch.setenv("ASSISTANT_ANSWER__PASSAGES", "x")
    assert "“设置”页" not in escape_settings_error(broken.value, "zh")


def test_of_two_broken_files_one_is_put_aside_after_the_other(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, home):
        (folder / "assistant.toml").write_text("[answer]\npassages = 'x'\n")
    for _ in range(2):
        assert file_at_fault() is not None
        put_file_aside()
    load_settings()
    assert file_at_fault() is None
    assert [(folder / "assistant.toml.old").exists() for folder in (tmp_path, home)] == [True, True]


def test_a_file_that_a_variable_names_is_not_put_aside(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[model\n")
    monkeypatch.setenv("ASSISTANT_CONFIG", str(path))
    assert file_at_fault() is None
    with pytest.raises(SettingsError):
        put_file_aside()
    assert path.read_text() == "[model\n"


def test_a_file_that_can_be_read_is_not_at_fault(home: Path) -> None:
    (home / "assistant.toml").write_text("[answer]\npassages = 3\n")
    proxy = SettingsError(Message.verbatim("$HTTPS_PROXY is no address"))
    assert file_at_fault() is None
    assert "Settings" not in escape_settings_error(proxy, "en")
    (home / "assistant.toml").write_text("[answer\n")
    assert "Settings" in escape_settings_error(proxy, "en")
