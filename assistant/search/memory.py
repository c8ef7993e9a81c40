"""A search engine that knows a fixed list: the twin of every other one, for tests."""

from collections.abc import Sequence
from dataclasses import replace

from assistant.answers import SearchHit
from ingest.urls import canonical_url
from ingest.wording import Language


class MemorySearch:
    """Answers every query with the same hits, each page once."""

    name = "memory"

    def __init__(self, hits: Sequence[SearchHit]) -> None:
        self.queries: list[str] = []
        """What was asked, in order."""
        self._hits = tuple({canonical_url(hit.url): hit for hit in reversed(hits)}.items())[::-1]

    async def search(self, query: str, *, limit: int, language: Language) -> list[SearchHit]:
        self.queries.append(query)
        if not query.strip():
            return []
        found = self._hits[: max(limit, 0)]
        return [replace(hit, rank=n, url=url) for n, (url, hit) in enumerate(found, start=1)]
