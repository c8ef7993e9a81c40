"""Settings of the ingest half: the tables crawl, chunk, embed and index of assistant.toml.

Order of precedence: command-line option, environment (`ASSISTANT_<TABLE>__<KEY>`), assistant.toml,
default. Unknown keys are refused wherever they stand, but `ingest` leaves the assistant's tables
unread. Settings stop at the two `bootstrap.py`.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSource

from ingest.documents import RESPECTED
from ingest.foundation.about import PRODUCT, default_user_agent
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message, describe_os_error
from ingest.foundation.server_urls import base_url, is_callable
from ingest.foundation.settings_validation import (
    CALLABLE,
    ENV_PREFIX,
    unknown_setting,
    unusable_value,
)
from ingest.web.ssrf import WEB_PORTS

PATH_VARIABLES = frozenset({"ASSISTANT_HOME", "ASSISTANT_CONFIG"})
FILE_NAME = "assistant.toml"
ASSISTANT_TABLES = frozenset({"search", "model", "answer"})
"""Tables of the same file that belong to the floor above; `ingest` passes over them unread."""


def default_ollama_host() -> str:
    """Return Ollama's address as its own tools read it from $OLLAMA_HOST.

    Raises:
        SettingsError: no server can be called by it.
    """
    host = os.environ.get("OLLAMA_HOST", "")
    if not is_callable(host):
        raise SettingsError(
            Message("$OLLAMA_HOST cannot be {host!r}", host=host),
            hint=CALLABLE,
        )
    return base_url(host)


def _checked_host(host: str) -> str:
    if not is_callable(host):
        raise PydanticCustomError("host", "{hint}", {"hint": str(CALLABLE)})
    return host


ServerAddress = Annotated[str, AfterValidator(_checked_host)]
"""Of a model server; scheme and port may be left out."""


def home() -> Path:
    """Return the folder that holds all state: $ASSISTANT_HOME, else the platform's data folder."""
    named = os.environ.get("ASSISTANT_HOME")
    return Path(named).expanduser() if named else platformdirs.user_data_path(PRODUCT)


class Table(BaseModel):
    """One table of assistant.toml: frozen, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CrawlSettings(Table):
    """How pages are fetched."""

    user_agent: str = Field(
        default_factory=default_user_agent,
        min_length=3,
        description="Who we say we are, to robots.txt and to pages alike.",
    )
    timeout: float = Field(
        default=8.0, gt=0, description="Seconds for one page, redirects and all."
    )
    deadline: float = Field(
        default=12.0,
        gt=0,
        description="Seconds for searching and reading; the answer then starts with what is here.",
    )
    concurrency: int = Field(default=10, ge=1, le=64, description="Pages fetched side by side.")
    max_bytes: int = Field(
        default=5_000_000, ge=10_000, description="Largest page, unpacked, in bytes."
    )
    lenient_robots: bool = Field(
        default=False,
        description="Read pages whose robots.txt cannot be reached (RFC 9309 says not to).",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts that may be read though their address is private: names, addresses, "
        "host:port, or blocks such as 10.1.0.0/16.",
    )
    browser: Literal["auto", "never"] = Field(
        default="auto",
        description="auto: pages that only scripts can show are opened in Chromium, if installed.",
    )
    browser_path: str = Field(default="", description="The Chromium to start; empty: look for one.")
    ttl: float = Field(
        default=3_600,
        ge=0,
        le=604_800,
        description="Seconds for which a page in the index is not asked for again, where its site "
        "does not say.",
    )
    linger: float = Field(
        default=2.0,
        ge=0,
        le=60,
        description="Seconds that pages too late for the answer may take after it, to be there for "
        "the next question.",
    )
    respect: tuple[str, ...] = Field(
        default=RESPECTED,
        description="What X-Robots-Tag and <meta name=robots> may ask of us: pages that do are "
        "left out.",
    )
    per_host: int = Field(default=2, ge=1, le=16, description="Requests at once to one host.")
    host_gap: float = Field(
        default=0.0, ge=0, description="Least seconds between two requests to one host."
    )
    max_delay: float = Field(
        default=10.0, ge=0, description="Longest Crawl-delay or Retry-After that is waited out."
    )
    allowed_ports: tuple[int, ...] = Field(
        default=tuple(sorted(WEB_PORTS)), description="Ports that may be visited on public hosts."
    )
    read_timeout: float = Field(
        default=5.0, gt=0, description="Seconds for finding the text of one page, then it is left."
    )
    page_budget: int = Field(
        default=1_000,
        ge=100,
        description="Tokens of each page that are embedded for a question; the rest by words.",
    )
    question_budget: int = Field(
        default=8_000, ge=100, description="Tokens of all pages together that are so embedded."
    )


class ChunkSettings(Table):
    """How documents are cut."""

    size: int = Field(default=400, ge=50, le=8_000, description="Longest chunk, in characters.")
    overlap: int = Field(
        default=100, ge=0, description="Characters that neighbouring chunks share."
    )


class EmbedSettings(Table):
    """Which encoder turns chunks into vectors."""

    provider: Literal["auto", "ollama", "builtin", "none"] = Field(
        default="auto",
        description="auto: Ollama's model when it is there, else the built-in encoder, else none.",
    )
    model: str = Field(default="nomic-embed-text", description="Ollama's embedding model.")
    host: ServerAddress = Field(
        default_factory=default_ollama_host, description="Where Ollama listens ($OLLAMA_HOST)."
    )
    weights: str = Field(
        default="",
        description="Folder of all-MiniLM-L6-v2 for the built-in encoder; empty: the installed "
        "package.",
    )
    timeout: float = Field(default=60.0, gt=0, description="Seconds for one batch.")


class IndexSettings(Table):
    """Where the index lives."""

    folder: str = Field(default="", description="Empty: the folder index under $ASSISTANT_HOME.")

    @property
    def path(self) -> Path:
        """The folder of the index."""
        return Path(self.folder).expanduser() if self.folder else home() / "index"


def config_file() -> Path | None:
    """Return the settings file in force: $ASSISTANT_CONFIG, ./assistant.toml or the home's."""
    named = os.environ.get("ASSISTANT_CONFIG")
    if named:
        return Path(named).expanduser()
    return next((p for p in (Path(FILE_NAME), home() / FILE_NAME) if p.is_file()), None)


class _Toml(PydanticBaseSettingsSource):
    """The settings file as a source. pydantic-settings' own raises bare TOMLDecodeError."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False  # the protocol asks for it; __call__ gives all at once

    def __call__(self) -> dict[str, Any]:
        path = config_file()
        return read_toml(path) if path else {}


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of `path`, or raise `SettingsError` naming the line that is broken."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Notepad begins with a mark
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
        place = re.search(r"at line (\d+), column (\d+)", str(error))
        where = Message("the end of the file is missing")
        if place:
            where = Message("line {line}, column {column}", line=place[1], column=place[2])
        raise SettingsError(
            Message("{path} is not valid TOML", path=path),
            hint=Message("{where} ({error})", where=where, error=error),
        ) from error


class IngestSettings(BaseSettings):
    """What `ingest` needs; it ignores the assistant's tables in the same file."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="ignore", frozen=True
    )

    crawl: CrawlSettings = CrawlSettings()
    chunk: ChunkSettings = ChunkSettings()
    embed: EmbedSettings = Field(default_factory=EmbedSettings)
    index: IndexSettings = IndexSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _Toml(settings_cls)


S = TypeVar("S", bound=IngestSettings)


def load(kind: type[S], overrides: Mapping[str, Mapping[str, Any]]) -> S:
    """Return settings of `kind` from options, environment, file and defaults.

    Args:
        kind: The settings class.
        overrides: Table -> key -> value, from the command line.

    Raises:
        SettingsError: a key is unknown or a value cannot be used; the message names it.
    """
    _refuse_unknown(kind)
    options: dict[str, Any] = {name: dict(keys) for name, keys in overrides.items() if keys}
    try:
        settings = kind(**options)
    except ValidationError as error:
        raise unusable_value(error) from error
    except UnreadableSource as error:  # a list in the environment that is not JSON
        raise _no_list(kind, error) from error
    size, overlap = settings.chunk.size, settings.chunk.overlap
    if overlap >= size:
        raise SettingsError(
            Message(
                "chunk.overlap ({overlap}) must be smaller than chunk.size ({size})",
                overlap=overlap,
                size=size,
            )
        )
    return settings


def _refuse_unknown(kind: type[IngestSettings]) -> None:
    """Refuse keys that pydantic-settings would pass over in silence."""
    tables = tables_of(kind)
    names = [f"{table}.{key}" for table, keys in tables.items() for key in keys.model_fields]
    for source, name in _names_in_use():
        table = name.partition(".")[0]
        if name in names or (table in ASSISTANT_TABLES and table not in tables):
            continue
        raise unknown_setting(source, name, [*names, *tables])


def tables_of(kind: type[IngestSettings]) -> dict[str, type[Table]]:
    """Return table name -> class of its keys."""
    return {
        name: field.annotation
        for name, field in kind.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Table)
    }


def _names_in_use() -> Iterator[tuple[str, str]]:
    """Yield (where it stands, table.key) for each setting in environment and file."""
    for variable in os.environ:
        if variable.startswith(ENV_PREFIX) and variable not in PATH_VARIABLES:
            yield f"${variable}", variable.removeprefix(ENV_PREFIX).lower().replace("__", ".")
    path = config_file()
    for table, values in (read_toml(path) if path else {}).items():
        if not isinstance(values, dict):
            yield str(path), table
            continue
        for key in values:
            yield str(path), f"{table}.{key}"


def _no_list(kind: type[IngestSettings], error: UnreadableSource) -> SettingsError:
    """Return the error that names the variable, which pydantic-settings' own does not."""
    for table, keys in tables_of(kind).items():
        for key in keys.model_fields:
            variable = f"{ENV_PREFIX}{table}__{key}".upper()
            value = os.environ.get(variable, "")
            if value and isinstance(getattr(keys(), key), tuple) and not _is_json(value):
                words = json.dumps([word.strip() for word in value.split(",")])
                return SettingsError(
                    Message("${variable} is not a list", variable=variable),
                    hint=Message("write {variable}='{words}'", variable=variable, words=words),
                )
    return SettingsError(Message.verbatim(str(error)))


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True
