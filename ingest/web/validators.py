"""Cache validators: what is kept of a download, so that the next request for it costs little."""

from dataclasses import replace

from ingest.documents import Page, PageValidators
from ingest.errors import IngestError
from ingest.web.http_cache import fresh_until

GONE = 410
"""RFC 9110, 15.5.11: gone, and likely permanently. A 404 may be a slip, and is not a withdrawal."""
PAGE_STATUSES = (200, 304)
"""Statuses after which a robots directive comes from the page itself, not from robots.txt."""


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


def refresh_validators(before: PageValidators, page: Page, *, ttl_s: float) -> PageValidators:
    """Return what to keep of a page that has not changed; `ttl_s` as in `validators_of`.

    What a 304 leaves out stays as it was (RFC 9111, 4.3.4), the lifetime too.
    """
    if page.status != 304:
        # The same bytes with 200, from a site that knows no conditions: its headers are all new.
        # The final URL stays that of the document, which is not read again.
        return replace(validators_of(page, ttl_s=ttl_s), final_url=before.final_url)
    if not (page.cache_control or page.expires):
        # The 304 does not repeat the lifetime, so the one of the 200 holds again.
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
    """Return whether the site has withdrawn the page, so that no copy of it may be quoted."""
    # robots.txt alone withdraws nothing: it says what may be fetched (RFC 9309, 1). So a robots
    # error counts only after the page was there, by X-Robots-Tag or <meta name=robots>.
    status = error.hops[-1].status if error.hops else 0
    return status == GONE or (error.reason == "robots" and status in PAGE_STATUSES)
