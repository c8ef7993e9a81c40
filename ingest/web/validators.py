"""What is written down of a download, so that asking again costs little."""

from dataclasses import replace

from ingest.documents import Page, PageValidators
from ingest.errors import IngestError
from ingest.web.http_cache import fresh_until

GONE = 410
"""RFC 9110, 15.5.11: gone, and likely for good. A 404 may be a slip, and is not a withdrawal."""
SHOWN = (200, 304)
"""The page itself has spoken when it is left out after one of these."""


def validators_of(page: Page, *, ttl_s: float) -> PageValidators:
    """Return what to keep of a page that has been read.

    `ttl_s` is how long it is fresh, in seconds, where its site does not say.
    """
    return PageValidators(
        url=page.url,
        final_url=page.final_url,
        checked_at=page.fetched_at,
        fresh_until=fresh_until(page, default_ttl_s=ttl_s),
        body_hash=page.body_hash,
        etag=page.etag,
        last_modified=page.last_modified,
        fetcher=page.fetcher,
        robots=page.robots,
    )


def confirmed(before: PageValidators, page: Page, *, ttl_s: float) -> PageValidators:
    """Return what to keep of a page that is as it was.

    What a 304 leaves out stays as it was said before (RFC 9111, 4.3.4), how long it is fresh, too.
    """
    if page.status != 304:
        return replace(validators_of(page, ttl_s=ttl_s), final_url=before.final_url)
    if not (page.cache_control or page.expires):
        ttl_s = (before.fresh_until - before.checked_at).total_seconds()
    return replace(
        before,
        checked_at=page.fetched_at,
        fresh_until=fresh_until(page, default_ttl_s=ttl_s),
        etag=page.etag or before.etag,
        last_modified=page.last_modified or before.last_modified,
        robots=page.robots,
    )


def is_withdrawn(error: IngestError) -> bool:
    """Tell whether the site has taken the page back: what we hold of it is not to be quoted.

    robots.txt alone takes nothing back: it says what may be fetched (RFC 9309, 1).
    """
    status = error.hops[-1].status if error.hops else 0
    return status == GONE or (error.reason == "robots" and status in SHOWN)
