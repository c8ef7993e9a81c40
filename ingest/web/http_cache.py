"""Until when a page need not be requested again: freshness by RFC 9111, for a private cache.

Cache-Control or Expires decide; for pages without them, a default of ours does. The RFC's
heuristic, a tenth of the time since Last-Modified (4.2.2), is left out: a page that is made on
request was modified just now, one on a file server years ago, and neither date says when it will
change. A stated default does what its reader expects.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from ingest.documents import Page

MAX_FRESHNESS = timedelta(days=7)
"""Sites send max-age=31536000 for pages that change; a conditional request a week costs little."""

_DIRECTIVE = re.compile(r'([^\s,;="]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;"]*)))?')
_SECONDS = re.compile(r"[0-9]+")
_MAX_DIGITS = 10
_OVERFLOW_S = 2**31
"""What longer numbers stand for, as RFC 9111 (1.2.2) has it; int() refuses thousands of digits."""


def fresh_until(page: Page, *, default_ttl_s: float) -> datetime:
    """Return until when `page` may be used without a request, `page.fetched_at` if it may not.

    `default_ttl_s` (seconds) holds for pages whose headers do not say. The result lies at most
    `MAX_FRESHNESS` after `fetched_at`. Headers that cannot be read count as stale (RFC 9111,
    4.2.1); an Age header is not known here, so a page from another cache may be taken as fresh for
    as long again as it lay there.
    """
    # RFC 9111, 4.2.1: max-age overrides Expires.
    lifetime = _parse_cache_control(page.cache_control)
    if lifetime is None and page.expires.strip():
        try:
            expires = parsedate_to_datetime(page.expires)
            # "-0000" gives a datetime without a zone: it is UTC from an unknown place (RFC 5322,
            # 3.3).
            expires = expires if expires.tzinfo else expires.replace(tzinfo=UTC)
            lifetime = expires - page.fetched_at
        except (TypeError, ValueError, OverflowError):
            # RFC 9111, 5.3: a bad date, "0" above all, is one in the past.
            lifetime = timedelta()
    if lifetime is None:
        lifetime = timedelta(seconds=min(default_ttl_s, MAX_FRESHNESS.total_seconds()))
    # Not below zero: an Expires in the past must not make a page older than it is.
    return page.fetched_at + min(max(lifetime, timedelta()), MAX_FRESHNESS)


def _parse_cache_control(header: str) -> timedelta | None:
    """Return the lifetime that Cache-Control grants, None if it has no directive about it.

    s-maxage is for shared caches. must-revalidate forbids what we never do: to use stale pages.
    """
    directives: dict[str, str] = {}
    for name, quoted, bare in _DIRECTIVE.findall(header):
        # Of two with one name the first counts (RFC 9111, 4.2.1).
        directives.setdefault(name.lower(), quoted or bare)
    # A no-cache that names fields may be taken as one without (5.2.2.4).
    if {"no-store", "no-cache"} & directives.keys():
        return timedelta()
    if "max-age" not in directives:
        return None
    seconds = directives["max-age"]
    if not _SECONDS.fullmatch(seconds):
        return timedelta()
    return timedelta(seconds=int(seconds) if len(seconds) <= _MAX_DIGITS else _OVERFLOW_S)
