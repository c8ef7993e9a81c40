"""Settings of ingestion: the tables crawl, chunk, embed and index of assistant.toml."""

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ingest.documents import RESPECTED
from ingest.errors import CollectionError
from ingest.foundation.about import default_user_agent
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message
from ingest.foundation.settings import (
    ServerAddress,
    SettingsFile,
    SettingsTable,
    default_ollama_host,
    expand_user,
    home,
    load,
)
from ingest.foundation.settings_errors import ENV_PREFIX
from ingest.web.ssrf import WEB_PORTS

MAX_NAME_CHARACTERS = 64
BETWEEN_WORDS = "_ .-"
"""What a name may hold besides letters of any script, their marks, and digits. No "/" or ",": names
stand in lists and paths."""


class CrawlSettings(SettingsTable):
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
    # Two: what a person with two tabs asks of a site.
    per_host: int = Field(default=2, ge=1, le=16, description="Requests at once to one host.")
    host_gap: float = Field(
        default=0.0, ge=0, description="Least seconds between two requests to one host."
    )
    # With "Crawl-delay: 3600" no page could be read, so there is an end to what a site can ask.
    max_delay: float = Field(
        default=10.0, ge=0, description="Longest Crawl-delay or Retry-After that is waited out."
    )
    allowed_ports: tuple[int, ...] = Field(
        default=tuple(sorted(WEB_PORTS)), description="Ports that may be visited on public hosts."
    )
    # A long article takes 0.1 s; what takes longer than this was made to.
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


class ChunkSettings(SettingsTable):
    """How documents are cut."""

    size: int = Field(default=400, ge=50, le=8_000, description="Longest chunk, in characters.")
    overlap: int = Field(
        default=100, ge=0, description="Characters that neighbouring chunks share."
    )


class EmbedSettings(SettingsTable):
    """Which encoder turns chunks into vectors."""

    provider: Literal["auto", "ollama", "builtin", "none"] = Field(
        default="auto",
        description="auto: Ollama's model when it is there, else the built-in encoder, else none.",
    )
    model: str = Field(default="nomic-embed-text", description="Ollama's embedding model.")
    host: ServerAddress = Field(
        default_factory=default_ollama_host, description="Where Ollama listens ($OLLAMA_HOST)."
    )
    encoder: Literal["auto", "multilingual-e5-small", "all-MiniLM-L6-v2"] = Field(
        default="auto",
        description="The built-in encoder. auto: the one that the index was made with, else "
        "multilingual-e5-small, which knows Chinese and English, else all-MiniLM-L6-v2 (English).",
    )
    weights: str = Field(
        default="",
        description="Folder of the built-in encoder's files (e5-small-q4.bin or those of "
        "all-MiniLM-L6-v2); empty: the installed package.",
    )
    timeout: float = Field(default=60.0, gt=0, description="Seconds for one batch.")


class IndexSettings(SettingsTable):
    """Where the index lives."""

    folder: str = Field(default="", description="Empty: the folder index under $ASSISTANT_HOME.")
    url: ServerAddress = Field(
        default="",
        description="A Chroma server (chroma run) for the copy of the vectors that very large "
        "indexes are searched by; empty: a folder beside the index.",
    )
    collection: str = Field(
        default="default", description="The collection that `ingest` puts documents into."
    )
    web_days: float = Field(
        default=90.0,
        gt=0,
        description="Days after which a page that only questions have read is dropped. Whatever "
        "`ingest` has stored stays.",
    )

    @property
    def path(self) -> Path:
        """The folder of the index."""
        if not self.folder:
            return home() / "index"
        return expand_user(self.folder, source="index.folder")


class IngestSettings(SettingsFile):
    """What `ingest` needs; it leaves the tables of other packages in the same file unread."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="ignore", frozen=True
    )

    crawl: CrawlSettings = CrawlSettings()
    chunk: ChunkSettings = ChunkSettings()
    embed: EmbedSettings = Field(default_factory=EmbedSettings)
    index: IndexSettings = IndexSettings()


S = TypeVar("S", bound=IngestSettings)


def may_be_in_name(character: str) -> bool:
    """Return whether the name of a collection may hold a character."""
    # Vowels of Devanagari and others are marks, which \w leaves out.
    is_mark = unicodedata.category(character)[0] == "M"
    return character.isalnum() or is_mark or character in BETWEEN_WORDS


def collection_name(text: str) -> str:
    """Return the name of a collection as it is stored (NFC, no blanks around it).

    Raises:
        CollectionError: it is empty, too long, or holds other signs than letters (of any script),
            digits, blanks and "_", "-", ".".
    """
    name = unicodedata.normalize("NFC", text).strip()
    is_begun = name[:1].isalnum() or name[:1] == "_"
    if not is_begun or not all(map(may_be_in_name, name)) or len(name) > MAX_NAME_CHARACTERS:
        raise CollectionError(
            Message("{name!r} cannot be the name of a collection", name=text[:80]),
            hint=Message(
                "letters, digits, blanks, - _ and . make a name, {most} at most",
                most=MAX_NAME_CHARACTERS,
            ),
        )
    return name


def load_ingest_settings(kind: type[S], overrides: Mapping[str, Mapping[str, Any]]) -> S:
    """Return settings of `kind` as `ingest.foundation.settings.load` does, checked together.

    Raises:
        SettingsError: a setting cannot be used, or two do not fit each other.
    """
    settings = load(kind, overrides)
    # Here and not in a validator, whose errors have no translation.
    name = collection_name(settings.index.collection)
    if name != settings.index.collection:
        index = settings.index.model_copy(update={"collection": name})
        settings = settings.model_copy(update={"index": index})
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
