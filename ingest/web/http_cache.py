"""Until when a page need not be asked for again: the freshness of RFC 9111, for a private cache.

The site decides where it speaks, by Cache-Control or Expires; where it does not, a default of ours
does. The RFC's heuristic, a tenth of the time since Last-Modified (4.2.2), is left out: a page that
is made on request says it was modified just now, one on a file server years ago, and neither tells
when it will change. A stated default does what its reader expects.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from ingest.documents import Page

LONGEST = timedelta(days=7)
"""max-age=31536000 is said of pages that change; a conditional request in a week costs little."""

_DIRECTIVE = re.compile(r'([^\s,;="]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;"]*)))?')
_SECONDS = re.compile(r"[0-9]+")
_COUNTED_DIGITS = 10
_UNCOUNTABLE_S = 2**31
"""What longer numbers stand for, as RFC 9111 (1.2.2) has it; int() refuses thousands of digits."""


def fresh_until(page: Page, *, default_ttl_s: float) -> datetime:
    """Return until when `page` may be used unasked: `page.fetched_at` if it must be asked for.

    `default_ttl_s` (seconds) holds for pages whose headers say nothing. The answer lies at most
    `LONGEST` after `fetched_at`. Headers that cannot be read count as stale (RFC 9111, 4.2.1); an
    Age header is not known here, so a page from another cache may be taken as fresh for as long
    again as it lay there.
    """
    lifetime = _from_cache_control(page.cache_control)
    if lifetime is None:
        lifetime = _from_expires(page.expires, page.fetched_at)
    if lifetime is None:
        lifetime = timedelta(seconds=min(default_ttl_s, LONGEST.total_seconds()))
    return page.fetched_at + min(max(lifetime, timedelta()), LONGEST)


def _from_cache_control(header: str) -> timedelta | None:
    """Return the lifetime that Cache-Control grants, None if it says nothing of it.

    s-maxage is for shared caches. must-revalidate forbids what we never do: to use stale pages. A
    no-cache that names fields may be taken as one without (5.2.2.4).
    """
    directives = _directives(header)
    if {"no-store", "no-cache"} & directives.keys():
        return timedelta()
    if "max-age" not in directives:
        return None
    seconds = directives["max-age"]
    if not _SECONDS.fullmatch(seconds):
        return timedelta()
    return timedelta(seconds=int(seconds) if len(seconds) <= _COUNTED_DIGITS else _UNCOUNTABLE_S)


def _directives(header: str) -> dict[str, str]:
    """Return name -> value; of two with one name the first counts (RFC 9111, 4.2.1)."""
    found: dict[str, str] = {}
    for name, quoted, bare in _DIRECTIVE.findall(header):
        found.setdefault(name.lower(), quoted or bare)
    return found


def _from_expires(header: str, fetched_at: datetime) -> timedelta | None:
    """Return the lifetime that Expires grants, None without one; a bad date, as "0", is stale."""
    if not header.strip():
        return None
    try:
        expires = parsedate_to_datetime(header)
        return (expires if expires.tzinfo else expires.replace(tzinfo=UTC)) - fetched_at
    except (TypeError, ValueError, OverflowError):
        return timedelta()
