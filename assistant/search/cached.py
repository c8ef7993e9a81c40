"""A cache of search replies on disk, so that the same query is sent once an hour at most."""

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
"""For replies without hits and for those of a fallback engine: the first may soon do better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedReply:
    """A reply and how many hits it was asked for."""

    limit: int
    reply: SearchReply


_CACHED_REPLY = TypeAdapter(CachedReply)


class CachedSearch:
    """Answers from the cache where it can; else searches and caches the reply.

    A failed search is never cached.
    """

    def __init__(
        self,
        search: SearchProvider,
        *,
        cache: ExpiringCache,
        ttl_s: float,
        scope: Sequence[str] = (),
    ) -> None:
        """Cache replies of `search` for `ttl_s` seconds.

        `scope` names all that makes the same query another search: engines, region, excluded
        sites.
        """
        self._search = search
        self._cache = cache
        self._ttl_s = ttl_s
        self._scope = tuple(scope)

    @property
    def name(self) -> str:
        """The name of the provider behind the cache."""
        return self._search.name

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
        """Return the cached reply, marked so, or a new one; see `SearchProvider.search`."""
        # Case, width (NFKC) and white space do not change what engines find.
        words = " ".join(unicodedata.normalize("NFKC", query).casefold().split())
        whole = json.dumps([words, language, *self._scope])
        # Hashed, so that the file does not show what was searched for to whoever opens it.
        key = f"search.reply {hashlib.sha256(whole.encode()).hexdigest()}"
        cached = None if fresh else parse_cached_reply(self._cache.get(key))
        # Ten hits answer a search for three, but not the other way round.
        if cached is not None and cached.limit >= limit:
            hits = cached.reply.hits[: max(limit, 0)]
            # Which engines were skipped an hour ago says nothing about now.
            return replace(cached.reply, hits=hits, skipped=(), cached=True)
        reply = await self._search.search(
            query,
            limit=limit,
            language=language,
            fresh=fresh,
            timeout_s=timeout_s,
            model=model,
        )
        is_first_choice = bool(reply.hits) and not reply.skipped
        ttl_s = self._ttl_s if is_first_choice else min(self._ttl_s, SECOND_BEST_TTL_S)
        entry = CachedReply(limit=limit, reply=reply)
        self._cache.put(key, _CACHED_REPLY.dump_json(entry), ttl_s=ttl_s)
        return reply


def parse_cached_reply(entry: bytes | None) -> CachedReply | None:
    """Return the reply in a cache entry, None without one or if another version wrote it."""
    try:
        return _CACHED_REPLY.validate_json(entry) if entry else None
    except ValidationError:
        return None
