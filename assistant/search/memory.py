"""In-memory twins of every engine and every provider, with a fixed list of hits, for tests."""

from collections.abc import Sequence
from dataclasses import replace

from assistant.errors import SearchError
from assistant.values import SearchHit, SearchReply
from ingest.foundation.messages import Language
from ingest.web.urls import canonical_url


class MemoryEngine:
    """Answers every query with the same hits, each page once, or with `failure`."""

    def __init__(self, hits: Sequence[SearchHit] = (), *, name: str = "memory") -> None:
        self.name = name
        self.queries: list[str] = []
        """Every query searched for, in order."""
        self.failure: SearchError | None = None
        """Raised instead of answering."""
        # Twice reversed, the first of two hits for one page stays, at its place.
        self._hits = tuple({canonical_url(hit.url): hit for hit in reversed(hits)}.items())[::-1]

    async def search(
        self, query: str, *, limit: int, language: Language, timeout_s: float = 1.0
    ) -> list[SearchHit]:
        """Return the first `limit` hits; a blank query has none."""
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
        """The name of its engine."""
        return self.engine.name

    @property
    def queries(self) -> list[str]:
        """Every query searched for, in order."""
        return self.engine.queries

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
        """Return the first `limit` hits; a blank query has none."""
        hits = await self.engine.search(query, limit=limit, language=language)
        return SearchReply(hits=tuple(hits), engine=self.name)
