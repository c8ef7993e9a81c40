"""Replies to the same search, kept on disk for a while: no engine is asked twice in an hour."""

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from assistant.search.base import SearchProvider
from assistant.values import SearchReply
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.messages import Language

SECOND_BEST_TTL_S = 300.0
"""For replies without hits and for those of a stand-in: the first engine may soon do better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A reply and how many hits it was asked for."""

    limit: int
    reply: SearchReply


_KEPT = TypeAdapter(Kept)


class CachedSearch:
    """Answers from what was found before, where it is not too old; else asks and keeps the reply.

    A failed search is never kept.
    """

    def __init__(
        self,
        search: SearchProvider,
        *,
        cache: ExpiringCache,
        ttl_s: float,
        scope: Sequence[str] = (),
    ) -> None:
        """Keep replies of `search` for `ttl_s` seconds.

        `scope` names all that makes the same query another search: engines, region, excluded
        sites.
        """
        self._search = search
        self._cache = cache
        self._ttl_s = ttl_s
        self._scope = tuple(scope)

    @property
    def name(self) -> str:
        return self._search.name

    async def search(
        self,
        query: str,
        *,
        limit: int,
        language: Language,
        fresh: bool = False,
        timeout_s: float | None = None,
    ) -> SearchReply:
        key = self._key(query, language)
        kept = None if fresh else _read(self._cache.get(key))
        if kept is not None and kept.limit >= limit:
            hits = kept.reply.hits[: max(limit, 0)]
            return replace(kept.reply, hits=hits, skipped=(), cached=True)
        reply = await self._search.search(
            query, limit=limit, language=language, fresh=fresh, timeout_s=timeout_s
        )
        first_choice = bool(reply.hits) and not reply.skipped
        ttl_s = self._ttl_s if first_choice else min(self._ttl_s, SECOND_BEST_TTL_S)
        self._cache.put(key, _KEPT.dump_json(Kept(limit=limit, reply=reply)), ttl_s=ttl_s)
        return reply

    def _key(self, query: str, language: Language) -> str:
        """Return a key that does not tell the question to whoever opens the file."""
        words = " ".join(unicodedata.normalize("NFKC", query).casefold().split())
        whole = json.dumps([words, language, *self._scope])
        return f"search.reply {hashlib.sha256(whole.encode()).hexdigest()}"


def _read(kept: bytes | None) -> Kept | None:
    """Return the reply, None where there is none or another version of us wrote it."""
    try:
        return _KEPT.validate_json(kept) if kept else None
    except ValidationError:
        return None
