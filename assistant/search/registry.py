"""All search engines by their name in `search.engines`, and the one way to build them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.search.base import SearchEngine
from assistant.settings import SearchApiSettings, SearchSettings
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message

if TYPE_CHECKING:
    from assistant.search.json_api import KeyedJsonEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """What a factory may build its engine from."""

    name: str
    """As it is in `search.engines`."""
    search: SearchSettings
    user_agent: str
    """Who we say we are where a server asks for it; result pages get a browser's instead."""

    def keyed(self, engine: type["KeyedJsonEngine"], table: SearchApiSettings) -> SearchEngine:
        """Return an engine with a key, built from its own settings table."""
        return engine(
            key=table.key,
            url=table.url,
            exclude=self.search.exclude,
            user_agent=self.user_agent,
        )


def build_engine(name: str, search: SearchSettings, *, user_agent: str) -> SearchEngine:
    """Return the engine called `name`.

    Raises:
        SettingsError: there is none of that name, or a setting that it needs is missing.
    """
    # A newer ddgs may bring engines that the table does not list; they work without a line here.
    factory = ENGINES.get(name, build_ddgs)
    return factory(EngineConfig(name=name, search=search, user_agent=user_agent))


def build_duckduckgo(config: EngineConfig) -> SearchEngine:
    """Return DuckDuckGo by its result page."""
    from assistant.search.engines.duckduckgo import DuckDuckGo

    return DuckDuckGo(exclude=config.search.exclude, region=config.search.region or None)


def build_searxng(config: EngineConfig) -> SearchEngine:
    """Return the user's own SearXNG server, or raise `SettingsError` without its address."""
    from assistant.search.engines.searxng import SearXNG

    if not config.search.searxng_url:
        raise SettingsError(
            Message("{setting} is not set", setting="search.searxng_url"),
            hint=Message('name the server: searxng_url = "http://127.0.0.1:8888"'),
        )
    return SearXNG(
        url=config.search.searxng_url, exclude=config.search.exclude, user_agent=config.user_agent
    )


def build_brave(config: EngineConfig) -> SearchEngine:
    """Return Brave: by its API with a key, else by its result page."""
    # A person with a key wants what is paid for; all others get the result page.
    if not config.search.brave.key.get_secret_value():
        return build_ddgs(config)
    from assistant.search.engines.brave import Brave

    return config.keyed(Brave, config.search.brave)


def build_bocha(config: EngineConfig) -> SearchEngine:
    """Return Bocha."""
    from assistant.search.engines.bocha import Bocha

    return config.keyed(Bocha, config.search.bocha)


def build_tavily(config: EngineConfig) -> SearchEngine:
    """Return Tavily."""
    from assistant.search.engines.tavily import Tavily

    return config.keyed(Tavily, config.search.tavily)


def build_ddgs(config: EngineConfig) -> SearchEngine:
    """Return an engine of the installed ddgs, or raise `SettingsError` if there is none."""
    from assistant.search.engines.ddgs_engines import DdgsEngine, installed_engines

    if config.name not in installed_engines():
        # ddgs switches its engines off and on again from release to release.
        ours = {name for name, factory in ENGINES.items() if factory is not build_ddgs} - {
            config.name
        }
        known = ", ".join(sorted({*installed_engines(), *ours}))
        raise SettingsError(
            Message("there is no search engine {name!r}", name=config.name),
            hint=Message("search.engines may name: {known}", known=known),
        )
    return DdgsEngine(config.name, exclude=config.search.exclude)


ENGINES: Mapping[str, Callable[[EngineConfig], SearchEngine]] = {
    "bocha": build_bocha,
    "brave": build_brave,
    "duckduckgo": build_duckduckgo,
    "grokipedia": build_ddgs,
    "mojeek": build_ddgs,
    "searxng": build_searxng,
    "startpage": build_ddgs,
    "tavily": build_tavily,
    "wikipedia": build_ddgs,
    "yahoo": build_ddgs,
}
"""Name -> factory, which imports its adapter when called: ddgs and httpx take 0.1 s each."""
