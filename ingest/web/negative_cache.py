"""Pages that were no use a moment ago, so that the same question does not ask for them again."""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from ingest.errors import FetchError, IngestError, SkipReason
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message

KEEP_S = 600.0
"""Sites mend their pages, so a refusal is good for minutes, not for the day."""
KEPT: frozenset[SkipReason] = frozenset({"refused", "unsupported", "empty"})
"""What a site has answered once it answers again. Silence and slowness may be over by now, limits
are the user's to change, and robots.txt has a memory of its own."""
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that speak of the moment, not of the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """An error as it is written down."""

    reason: SkipReason
    message: Message
    hint: Message
    robots: str


_REFUSAL = TypeAdapter(_Refusal)


class NegativeCache:
    """Remembers for some minutes what could not be used, across processes."""

    def __init__(self, *, cache: ExpiringCache) -> None:
        self._cache = cache

    def keep(self, url: str, error: IngestError) -> None:
        """Remember why the page at `url`, as it was asked for, could not be used.

        A part that is missing here says nothing of the page: it may be installed in a minute.
        """
        ours = isinstance(error.__cause__, MissingDependencyError)
        if ours or error.reason not in KEPT or not error.hops:
            return
        if error.hops[-1].status in PASSING:
            return
        refusal = _Refusal(
            reason=error.reason, message=error.message, hint=error.hint, robots=error.robots
        )
        self._cache.put(_key(url), _REFUSAL.dump_json(refusal), ttl_s=KEEP_S)

    def recall(self, url: str) -> IngestError | None:
        """Return what was the matter with the page a moment ago, None if nothing is known."""
        refusal = _read(self._cache.get(_key(url)))
        if refusal is None:
            return None
        return FetchError(
            refusal.message,
            url=url,
            reason=refusal.reason,
            hint=refusal.hint,
            robots=refusal.robots,
        )


def _read(kept: bytes | None) -> _Refusal | None:
    """Return the refusal, None where there is none or another version of us wrote it."""
    try:
        return _REFUSAL.validate_json(kept) if kept else None
    except ValidationError:
        return None


def _key(url: str) -> str:
    return f"refusal {url}"
