"""How settings are found and read: options, environment, assistant.toml, defaults.

Order of precedence: command-line option, environment (`ASSISTANT_<TABLE>__<KEY>`), assistant.toml,
default. Each package declares its tables as a subclass of `SettingsFile`; nothing here knows their
names. Settings stop at each package's `bootstrap.py`.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSource

from ingest.foundation.about import PRODUCT
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message, describe_os_error
from ingest.foundation.server_urls import base_url, is_server_address, note_secret
from ingest.foundation.settings_errors import (
    ENV_PREFIX,
    HOST_HINT,
    resembles,
    unknown_setting,
    unusable_value,
)

PATH_VARIABLES = frozenset({"ASSISTANT_HOME", "ASSISTANT_CONFIG"})
FILE_NAME = "assistant.toml"

_KEY = re.compile(r"[!-~]+")
"""Visible ASCII: all that a header may hold (RFC 9110, 5.5) and a key is made of."""


def default_ollama_host() -> str:
    """Return Ollama's address as its own tools read it from $OLLAMA_HOST.

    Raises:
        SettingsError: it is no address that can be called.
    """
    host = os.environ.get("OLLAMA_HOST", "")
    if not is_server_address(host):
        raise SettingsError(
            Message("$OLLAMA_HOST cannot be {host!r}", host=host),
            hint=HOST_HINT,
        )
    return base_url(host)


def _check_host(host: str) -> str:
    if not is_server_address(host):
        # `unusable_value` knows this type and shows the hint in the reader's language.
        raise PydanticCustomError("host", "{hint}", {"hint": str(HOST_HINT)})
    return host


ServerAddress = Annotated[str, AfterValidator(_check_host)]
"""Address of a model server; scheme and port may be left out."""


def expand_user(path: str, *, source: str) -> Path:
    """Return `path` with the home folder in place of "~" or "~user".

    Raises:
        SettingsError: there is no such user; the message names `source`, the setting or variable.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # what pathlib raises where the password database has no entry
        raise SettingsError(
            Message("{source}: there is no user {user}", source=source, user=Path(path).parts[0]),
            hint=Message("write the path in full: {path}", path=path),
        ) from error


def check_key(key: str, *, setting: str, hint: Message) -> None:
    """Raise unless `key` can be in an HTTP header. The error names `setting`, not the key.

    Raises:
        SettingsError: a character in it is none that a key has.
    """
    # Before a request is made: the HTTP client's own error for such a header quotes it whole.
    if not _KEY.fullmatch(key):
        raise SettingsError(
            Message("{setting} holds a character that no key has", setting=setting), hint=hint
        )
    # A server may quote it in its answer.
    note_secret(key)


def home() -> Path:
    """Return the folder that holds all state: $ASSISTANT_HOME, else the platform's data folder."""
    named = os.environ.get("ASSISTANT_HOME")
    if not named:
        return platformdirs.user_data_path(PRODUCT)
    return expand_user(named, source="$ASSISTANT_HOME")


class SettingsTable(BaseModel):
    """One table of assistant.toml: frozen, and strict about its keys."""

    # What is hidden in pydantic's errors may be a key; our own error says what can be shown.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def config_file() -> Path | None:
    """Return the settings file in force: $ASSISTANT_CONFIG, ./assistant.toml or the home's."""
    named = os.environ.get("ASSISTANT_CONFIG")
    if named:
        return expand_user(named, source="$ASSISTANT_CONFIG")
    return next((p for p in (Path(FILE_NAME), home() / FILE_NAME) if p.is_file()), None)


class _TomlSource(PydanticBaseSettingsSource):
    """The settings file as a source. pydantic-settings' own raises bare TOMLDecodeError."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False  # abstract in the base class, unused: see __call__

    def __call__(self) -> dict[str, Any]:
        path = config_file()
        return read_toml(path) if path else {}


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of `path`.

    Raises:
        SettingsError: it cannot be read or is no TOML; the message names the line.
    """
    try:
        # "-sig": Notepad begins a UTF-8 file with a byte order mark, which TOML forbids.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(
            Message("cannot read {path}", path=path),
            hint=describe_os_error(error),
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            Message("{path} is not in UTF-8", path=path),
            hint=Message("save it as UTF-8"),
        ) from error
    except tomllib.TOMLDecodeError as error:
        # The exception has the place as a number from Python 3.14 on; before, in its text only.
        problem = str(error)
        place = re.search(r"\s*\(at line (\d+), column (\d+)\)$", problem)
        where = Message("the end of the file is missing")
        if place:
            where = Message("line {line}, column {column}", line=place[1], column=place[2])
            problem = problem[: place.start()]
        raise SettingsError(
            Message("{path} is not valid TOML", path=path),
            hint=Message("{where} ({error})", where=where, error=problem),
        ) from error


class SettingsFile(BaseSettings):
    """The tables of assistant.toml that one command knows, as fields.

    `extra="ignore"` in `model_config` leaves the tables of other packages unread; a name that is
    nearly one of ours is an error anyway, since it is a slip of the keyboard.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    renamed: ClassVar[Mapping[str, str]] = {}
    """Setting of an older version -> the one in its place."""
    reads_file: ClassVar[bool] = True
    """Whether the file counts; False where the environment is looked at by itself."""

    # The order is the precedence, the strongest first. No .env file and no secrets folder: settings
    # that come from an unexpected place cannot be explained.
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from, the strongest source first."""
        return init_settings, env_settings, *([_TomlSource(settings_cls)] if cls.reads_file else [])


S = TypeVar("S", bound=SettingsFile)


def load(kind: type[S], overrides: Mapping[str, Mapping[str, Any]]) -> S:
    """Return settings of `kind` from options, environment, file and defaults.

    Args:
        kind: The settings class.
        overrides: Table -> key -> value, from the command line.

    Raises:
        SettingsError: a key is unknown or a value cannot be used; the message names it.
    """
    tables = tables_of(kind)
    names = list(_iter_keys(tables))
    lenient = kind.model_config.get("extra") == "ignore"
    # Looked up here because pydantic-settings passes over a misspelt table in the environment, and
    # names a misspelt key without the file it stands in.
    path = config_file() if kind.reads_file else None
    in_use = [
        (f"${variable}", variable.removeprefix(ENV_PREFIX).lower().replace("__", "."))
        for variable in os.environ
        if variable.startswith(ENV_PREFIX) and variable not in PATH_VARIABLES
    ]
    in_use += [(str(path), name) for name in _dotted_names(read_toml(path))] if path else []
    for source, name in in_use:
        table = name.partition(".")[0]
        if name in names or (lenient and table not in tables and not resembles(table, tables)):
            continue
        raise unknown_setting(source, kind.renamed.get(name, name), [*names, *tables], written=name)
    options: dict[str, Any] = {name: dict(keys) for name, keys in overrides.items() if keys}
    try:
        return kind(**options)
    except ValidationError as error:
        raise unusable_value(error) from error
    except UnreadableSource as error:  # a list or table in the environment that is not JSON
        raise _unreadable_variable(kind, error) from error


def _iter_keys(tables: Mapping[str, type[SettingsTable]]) -> Iterator[str]:
    """Yield "table.key" for each key, and "table.table.key" where a key is a table itself."""
    for table, keys in tables.items():
        for key, field in keys.model_fields.items():
            yield f"{table}.{key}"
            if isinstance(field.annotation, type) and issubclass(field.annotation, SettingsTable):
                yield from (f"{table}.{name}" for name in _iter_keys({key: field.annotation}))


def tables_of(kind: type[SettingsFile]) -> dict[str, type[SettingsTable]]:
    """Return table name -> class of its keys."""
    return {
        name: field.annotation
        for name, field in kind.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, SettingsTable)
    }


def _dotted_names(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield "table.key" for each key of a TOML document, "table.table.key" for an inner table's."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _dotted_names(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def _unreadable_variable(kind: type[SettingsFile], error: UnreadableSource) -> SettingsError:
    """Return the error that names the variable, which pydantic-settings' own does not."""
    for table, keys in tables_of(kind).items():
        for key in keys.model_fields:
            variable = f"{ENV_PREFIX}{table}__{key}".upper()
            value = os.environ.get(variable, "")
            default = getattr(keys(), key)
            if not value or _is_json(value):
                continue
            if isinstance(default, tuple):
                words = json.dumps([word.strip() for word in value.split(",")])
                return SettingsError(
                    Message("${variable} is not a list", variable=variable),
                    hint=Message("write {variable}='{words}'", variable=variable, words=words),
                )
            if isinstance(default, SettingsTable):
                name = f"{table}.{key}"
                return SettingsError(
                    Message("{source}: unknown setting {name}", source=f"${variable}", name=name),
                    hint=Message("did you mean {near}?", near=f"{variable}__<KEY>"),
                )
    return SettingsError(Message.verbatim(str(error)))


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True
