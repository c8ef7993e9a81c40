"""Changes to assistant.toml that leave the rest of the file as it is, comments included."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from assistant.settings import Settings, load_settings
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message, describe_os_error
from ingest.foundation.private_files import make_private_file
from ingest.foundation.settings import FILE_NAME, config_file, home
from ingest.foundation.settings_errors import ENV_PREFIX
from ingest.settings import load_ingest_settings

Changes = Mapping[tuple[str, str], Any]
"""(table, key) -> value."""


def variable_of(table: str, key: str) -> str:
    """Return the environment variable that sets this key, and so wins over the file."""
    return f"{ENV_PREFIX}{table}__{key}".upper()


def is_set_outside(table: str, key: str) -> bool:
    """Whether the environment decides over this key, so that the file cannot."""
    return variable_of(table, key) in os.environ


def name_aside(path: Path) -> Path:
    """Return the name that a settings file gets when it is put aside: one that nothing has."""
    number, aside = 1, path.with_name(f"{path.name}.old")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.old{number}")
    return aside


class _EnvironmentSettings(Settings):
    """The settings that are in force without a file."""

    reads_file = False


def file_at_fault() -> Path | None:
    """Return the file to put aside where the settings cannot be read; None: it would not help."""
    path = config_file()
    # One that a variable names must be there.
    if path is None or os.environ.get("ASSISTANT_CONFIG"):
        return None
    try:
        load_settings()
    except SettingsError:
        pass
    else:
        return None  # it is read: what is wrong, such as a proxy's address, stands elsewhere
    try:
        load_ingest_settings(_EnvironmentSettings, {})
    except SettingsError:
        return None
    return path


def put_file_aside() -> None:
    """Rename the settings file, so that the next one or the defaults are in force.

    The next one may be broken, too: it is put aside by another call.

    Raises:
        SettingsError: it cannot be renamed, or the settings cannot be read without a file either;
            the file is as it was.
    """
    path = config_file()
    if path is None:
        return
    load_ingest_settings(_EnvironmentSettings, {})
    aside = name_aside(path)
    try:
        path.rename(aside)
        try:
            load_settings()
        except SettingsError:
            if config_file() in (None, path):
                aside.rename(path)
                raise
    except OSError as error:
        raise SettingsError(
            Message("cannot write {path}: {why}", path=path, why=describe_os_error(error)),
        ) from error


def save_settings(changes: Changes) -> Path:
    """Check the changes, and write them; a value that is the default leaves the file.

    Returns:
        The file.

    Raises:
        SettingsError: a value cannot be used, or the file cannot be read or written; it is as it
            was.
    """
    overrides: dict[str, dict[str, Any]] = {}
    for (table, key), value in changes.items():
        overrides.setdefault(table, {})[key] = value
    load_settings(overrides)  # in the same words as everywhere
    defaults = Settings.model_construct()
    # A link stays one, and what it leads to is changed.
    path = (config_file() or home() / FILE_NAME).resolve()
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8-sig") if path.exists() else "")
        for (table, key), value in changes.items():
            toml_value = list(value) if isinstance(value, tuple) else value
            if value == getattr(getattr(defaults, table), key):
                document.get(table, {}).pop(key, None)
            else:
                document.setdefault(table, tomlkit.table())[key] = toml_value
        # In one step: a server that reads it meanwhile finds the old file or the new one. It may
        # hold keys: no other user can read the new one, unless others could read the old one.
        beside = path.with_name(f"{path.name}.new")
        make_private_file(beside)
        beside.write_text(tomlkit.dumps(document), encoding="utf-8")
        if path.exists():
            beside.chmod(path.stat().st_mode & 0o777)
        beside.replace(path)
    except OSError as error:
        raise SettingsError(
            Message("cannot write {path}: {why}", path=path, why=describe_os_error(error)),
            hint=Message("set ASSISTANT_HOME to another folder"),
        ) from error
    return path
