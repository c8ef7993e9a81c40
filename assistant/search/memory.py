"""Search that knows a fixed list: the twins of every engine and every provider, for tests."""

from collections.abc import Sequence
from dataclasses import replace

from assistant.errors import SearchError
from assistant.values import SearchHit, SearchReply
from ingest.foundation.messages import Language
from ingest.web.urls import canonical_url


class MemoryEngine:
    """Answers every query with the same hits, each page once, or fails as it is told."""

    def __init__(self, hits: Sequence[SearchHit] = (), *, name: str = "memory") -> None:
        self.name = name
        self.queries: list[str] = []
        """What was asked, in order."""
        self.failure: SearchError | None = None
        """Raised instead of answering."""
        self._hits = tuple({canonical_url(hit.url): hit for hit in reversed(hits)}.items())[::-1]

    async def search(
        self, query: str, *, limit: int, language: Language, timeout_s: float = 1.0
    ) -> list[SearchHit]:
        self.queries.append(query)
        if self.failure is not None:
            raise self.failure
        if not query.strip():
            return []
        found = self._hits[: max(limit, 0)]
        return [replace(hit, rank=n, url=url) for n, (url, hit) in enumerate(found, start=1)]


class MemorySearch:
    """Provides what one `MemoryEngine` finds."""

    def __init__(self, hits: Sequence[SearchHit]) -> None:
        self.engine = MemoryEngine(hits)

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def queries(self) -> list[str]:
        """What was asked, in order."""
        return self.engine.queries

    async def search(
        self,
        query: str,
        *,
        limit: int,
        language: Language,
        fresh: bool = False,
        timeout_s: float | None = None,
    ) -> SearchReply:
        hits = await self.engine.search(query, limit=limit, language=language)
        return SearchReply(hits=tuple(hits), engine=self.name)
