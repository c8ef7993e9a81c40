"""Pages that were no use a moment ago, so that the same question does not ask for them again."""

import json

from ingest.cache import ExpiringCache
from ingest.errors import FetchError, IngestError, SkipReason
from ingest.wording import Wording

KEEP_S = 600.0
"""Sites mend their pages, so a refusal is good for minutes, not for the day."""
KEPT: frozenset[SkipReason] = frozenset({"refused", "unsupported", "too_large", "empty"})
"""What a site has answered once it answers again. Silence and slowness may be over by now, and
robots.txt has a memory of its own."""


class Refusals:
    """Remembers for some minutes what could not be used, across processes."""

    def __init__(self, *, cache: ExpiringCache) -> None:
        self._cache = cache

    def keep(self, url: str, error: IngestError) -> None:
        """Remember why the page at `url`, as it was asked for, could not be used."""
        if error.reason not in KEPT or not error.hops:
            return
        told = {
            "reason": error.reason,
            "message": [error.message.en, error.message.zh],
            "hint": [error.hint.en, error.hint.zh],
            "robots": error.robots,
        }
        self._cache.put(_key(url), json.dumps(told).encode(), ttl_s=KEEP_S)

    def recall(self, url: str) -> IngestError | None:
        """Return what was the matter with the page a moment ago, None if nothing is known."""
        kept = self._cache.get(_key(url))
        if kept is None:
            return None
        told = json.loads(kept)
        return FetchError(
            Wording(*told["message"]),
            url=url,
            reason=told["reason"],
            hint=Wording(*told["hint"]),
            robots=told["robots"],
        )


def _key(url: str) -> str:
    return f"refusal {url}"
