"""The promise that every search engine keeps."""

from typing import Protocol

from assistant.answers import SearchHit
from ingest.wording import Language


class SearchProvider(Protocol):
    """Finds pages."""

    @property
    def name(self) -> str:
        """The engine's name, as people know it."""
        ...

    async def search(self, query: str, *, limit: int, language: Language) -> list[SearchHit]:
        """Return at most `limit` hits, best first, each page once; [] when there are none.

        Raises:
            SearchError: the engine did not answer; `kind` says how.
        """
        ...
