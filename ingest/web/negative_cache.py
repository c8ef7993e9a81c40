"""Pages that could not be used a moment ago, so that no question requests them again at once."""

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from ingest.errors import FetchError, IngestError, SkipReason
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message
from ingest.web.validators import PAGE_STATUSES

KEEP_S = 600.0
"""Sites repair their pages, so a failure is good for minutes, not for the day."""
KEPT: frozenset[SkipReason] = frozenset(
    {"refused", "unsupported", "empty", "paywall", "consent_wall"}
)
"""Failures that a site repeats, as does a page that asks to be left out. Silence and slowness may
be over by now, limits are the user's to change, and robots.txt has a cache of its own."""
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of a moment, not of the page (RFC 9110, 15.5 and 15.6; 425: RFC 8470)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _StoredFailure:
    """An error as it is kept."""

    reason: SkipReason
    message: Message
    hint: Message
    robots: str


_STORED = TypeAdapter(_StoredFailure)


class NegativeCache:
    """Keeps for some minutes which pages could not be used and why, across processes.

    Args:
        cache: Holds them.
        respected: Directives of pages that are obeyed: where others are, other pages can be used.
    """

    def __init__(self, *, cache: ExpiringCache, respected: Collection[str] = ()) -> None:
        self._cache = cache
        self._scope = "".join(f"{directive} " for directive in sorted(respected))

    def keep(self, url: str, error: IngestError) -> None:
        """Keep why the page at `url`, as it was requested, could not be used.

        Errors that may be over soon, or that are not the page's, are not kept.
        """
        # A missing dependency is ours, not the page's: it may be installed in a minute.
        ours = isinstance(error.__cause__, MissingDependencyError)
        # Without a request there is nothing that a site has answered.
        if ours or not error.hops:
            return
        asks_to_be_left_out = error.reason == "robots" and error.hops[-1].status in PAGE_STATUSES
        if error.reason not in KEPT and not asks_to_be_left_out:
            return
        if error.hops[-1].status in PASSING:
            return
        failure = _StoredFailure(
            reason=error.reason, message=error.message, hint=error.hint, robots=error.robots
        )
        self._cache.put(self._key(url), _STORED.dump_json(failure), ttl_s=KEEP_S)

    def recall(self, url: str) -> IngestError | None:
        """Return why the page could not be used a moment ago, None if nothing is known.

        The error has no `hops`: nothing was requested for it.
        """
        kept = self._cache.get(self._key(url))
        try:
            failure = _STORED.validate_json(kept) if kept else None
        except ValidationError:  # another version of the program wrote it
            return None
        if failure is None:
            return None
        return FetchError(
            failure.message,
            url=url,
            reason=failure.reason,
            hint=failure.hint,
            robots=failure.robots,
        )

    def _key(self, url: str) -> str:
        return f"failure {self._scope}{url}"
