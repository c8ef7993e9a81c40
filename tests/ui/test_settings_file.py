"""Settings are changed in their file, and nothing else about it is."""

import tomllib
from pathlib import Path

import pytest

from ingest.foundation.errors import SettingsError
from ui.settings_file import save_settings


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
