"""Settings of the whole assistant: the ingest tables, and search, model and answer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from assistant.values import Unsupported
from ingest.foundation.messages import Language
from ingest.foundation.settings import ServerAddress, SettingsTable, default_ollama_host, home
from ingest.foundation.settings_errors import ENV_PREFIX
from ingest.settings import IngestSettings, load_ingest_settings

DEFAULT_MODEL = "deepseek-r1:1.5b"


class SearchApiSettings(SettingsTable):
    """The account at a search engine that is asked by its API."""

    key: SecretStr = Field(
        default=SecretStr(""), description="The account's key, by which the engine knows who asks."
    )
    url: ServerAddress = Field(
        default="", description="Another server with this API, such as a proxy; empty: its own."
    )


class SearchSettings(SettingsTable):
    """How the web is searched."""

    engines: tuple[str, ...] = Field(
        default=("duckduckgo", "mojeek", "brave"),
        min_length=1,
        description="Asked in this order: the question goes to the next one only if the one before "
        "fails or finds nothing. These three need no key and promise to keep no profile of who "
        "asks.",
    )
    searxng_url: ServerAddress = Field(
        default="", description="Your SearXNG server, for the engine searxng."
    )
    limit: int = Field(default=10, ge=1, le=50, description="Pages wanted for one question.")
    exclude: tuple[str, ...] = Field(
        default=("youtube.com", "britannica.com", "vimeo.com"),
        description="Sites left out of the results, subdomains included.",
    )
    region: str = Field(
        default="", description="DuckDuckGo region such as cn-zh; empty: by language."
    )
    timeout: float = Field(
        default=8.0, gt=0, description="Seconds for the search, all engines and result pages."
    )
    ttl: float = Field(
        default=3_600.0,
        ge=0,
        description="Seconds for which results are kept and no engine is asked again; 0: never.",
    )
    queries: int = Field(
        default=1,
        ge=1,
        le=3,
        description="Searches for one question: above 1 the model adds queries of its own.",
    )
    brave: SearchApiSettings = Field(
        default=SearchApiSettings(),
        description="The engine brave: with a key its API is asked, billed by request; without "
        "one its result page. Keys: https://api-dashboard.search.brave.com.",
    )
    bocha: SearchApiSettings = Field(
        default=SearchApiSettings(),
        description="The engine bocha (博查): an API for the Chinese web, billed by request. Keys: "
        "https://open.bochaai.com.",
    )
    tavily: SearchApiSettings = Field(
        default=SearchApiSettings(),
        description="The engine tavily: an API made for programs, billed by request. Keys: "
        "https://app.tavily.com.",
    )


class ModelSettings(SettingsTable):
    """Which chat model answers."""

    provider: Literal["auto", "ollama", "openai", "extractive"] = Field(
        default="auto",
        description="auto: Ollama when it has the model, else quotes from the pages; "
        "extractive: always quotes, and no hint that a server is missing; openai: any "
        "server with that API (llama.cpp, vLLM).",
    )
    name: str = Field(default=DEFAULT_MODEL, min_length=1, description="The model's name there.")
    host: ServerAddress = Field(
        default_factory=default_ollama_host,
        description="Where the server listens ($OLLAMA_HOST); for openai the URL up to /v1.",
    )
    api_key: SecretStr = Field(
        default=SecretStr(""), description="For openai servers that want one."
    )
    context_tokens: int = Field(
        default=8_192, ge=1_024, description="Prompt and reply together; sent as num_ctx."
    )
    reply_tokens: int = Field(default=2_048, ge=64, description="Longest reply, thinking included.")
    temperature: float = Field(default=0.6, ge=0, le=2, description="DeepSeek advises 0.5 to 0.7.")
    thinking: Literal["auto", "on", "off"] = Field(
        default="auto", description="auto: models that can think do."
    )
    timeout: float = Field(
        default=120.0, gt=0, description="Seconds of silence after which we give up."
    )
    size: Literal["auto", "tiny", "small", "large"] = Field(
        default="auto",
        description="How it is asked: small ones get the evidence and one instruction, large ones "
        "whole passages, tiny ones are asked twice where the first reply is none; auto: small up "
        "to about 4 billion parameters, tiny up to 1.",
    )
    # Go's durations, and whole seconds; a word would only fail when the first question is asked.
    keep_alive: str = Field(
        default="10m",
        pattern=r"^-?(\d+|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+)$",
        description='How long Ollama keeps the model loaded: "10m", "1h30m", "0", "-1" for ever.',
    )

    @property
    def asks_ollama(self) -> bool:
        """Whether the chat model is served by Ollama, or would be if one were there."""
        return self.provider in ("auto", "ollama")


class AnswerSettings(SettingsTable):
    """How answers are made."""

    passages: int = Field(default=6, ge=1, le=30, description="Passages shown to the model.")
    language: Literal["auto", Language] = Field(
        default="auto", description="Language of answers and messages; auto: the question's."
    )
    unsupported: Unsupported = Field(
        default="mark",
        description="What becomes of a sentence of the answer that stands in no passage: mark "
        'shows it with a sign, "(?)"; drop leaves it out and says how many.',
    )
    reranker: str = Field(
        default="",
        description="Folder of a cross-encoder in ONNX (model.onnx, tokenizer.json) that orders "
        "what the search found; empty: none.",
    )
    reranker_budget: int = Field(
        default=1_000,
        ge=1,
        le=4_000,
        description="Milliseconds for that; what is not read by then keeps its place behind.",
    )


class SnapshotSettings(SettingsTable):
    """What is kept of answers, on this machine: for `assistant explain`, `replay`, `history`."""

    enabled: bool = Field(
        default=True, description="Keep of each answer what it was made of; false: nothing."
    )
    keep: int = Field(
        default=500,
        ge=0,
        le=1_000_000,
        description="Answers at most, the oldest go first; 0: none is kept. One takes about 10 kB.",
    )
    days: float = Field(default=90.0, gt=0, description="Days after which an answer goes.")

    @property
    def path(self) -> Path:
        """The file that they are kept in."""
        return home() / "snapshots.sqlite"


class PageSettings(SettingsTable):
    """The page of `assistant ui`."""

    theme: Literal["system", "light", "dark"] = Field(
        default="system", description="Colours of the page; system: as the computer has them."
    )


class Settings(IngestSettings):
    """Everything in assistant.toml."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    renamed: ClassVar[Mapping[str, str]] = {"search.provider": "search.engines"}

    search: SearchSettings = SearchSettings()
    model: ModelSettings = Field(default_factory=ModelSettings)
    answer: AnswerSettings = AnswerSettings()
    snapshots: SnapshotSettings = SnapshotSettings()
    page: PageSettings = PageSettings()


def load_settings(overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Settings:
    """Return the settings in force; see `ingest.foundation.settings.load`."""
    return load_ingest_settings(Settings, overrides or {})
