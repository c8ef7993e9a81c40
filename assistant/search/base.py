"""The two promises of searching: an engine is one site, a provider is whom the assistant asks."""

from typing import Protocol

from assistant.values import SearchHit, SearchReply
from ingest.foundation.messages import Language


class SearchEngine(Protocol):
    """Finds pages with the help of one site."""

    @property
    def name(self) -> str:
        """The engine's name, as people know it."""
        ...

    async def search(
        self, query: str, *, limit: int, language: Language, timeout_s: float
    ) -> list[SearchHit]:
        """Return at most `limit` hits, best first, each page once; [] when there are none.

        It takes at most about `timeout_s` seconds; what was found by then is returned.

        Raises:
            SearchError: the engine did not answer; `kind` says how.
        """
        ...


class SearchProvider(Protocol):
    """Finds pages, and says which engine found them."""

    @property
    def name(self) -> str:
        """The names of those who may be asked, as people know them."""
        ...

    async def search(
        self,
        query: str,
        *,
        limit: int,
        language: Language,
        fresh: bool = False,
        timeout_s: float | None = None,
    ) -> SearchReply:
        """Return at most `limit` hits, best first, each page once, ranked from 1.

        With `fresh` the engines are asked though a reply to the same query is kept. `timeout_s`
        shortens the time that the provider was made with, for all engines together.

        Raises:
            SearchError: no engine answered; `kind` says how the first one failed.
        """
        ...
