"""The protocols of web search: an engine asks one site, a provider chooses among engines."""

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

        Args:
            query: As a person wrote it; a blank one finds nothing and costs no request.
            limit: 0 or less finds nothing either.
            language: Of the question; the engine picks its region or language by it.
            timeout_s: Seconds, about, after which what was found until then is returned.

        Raises:
            SearchError: the engine did not answer; `kind` says how.
        """
        ...


class SearchProvider(Protocol):
    """Finds pages, and says which engine found them."""

    @property
    def name(self) -> str:
        """The names of the engines that may be asked, as people know them."""
        ...

    async def search(
        self,
        query: str,
        *,
        limit: int,
        language: Language,
        fresh: bool = False,
        timeout_s: float | None = None,
        model: str | None = None,
    ) -> SearchReply:
        """Return at most `limit` hits, best first, each page once, ranked from 1.

        Args:
            query: As a person wrote it; a blank one finds nothing.
            limit: 0 or less finds nothing either.
            language: Of the question.
            fresh: Ask the engines though a reply to the same query is in the cache.
            timeout_s: Shortens the time that the provider was made with, for all engines together.
            model: The chat model that proposes further queries, where the provider asks one.

        Raises:
            SearchError: no engine answered; `kind` says how the first one failed.
        """
        ...
