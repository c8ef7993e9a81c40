"""Downloads for tests of the reader: pages of one invented site."""

from datetime import UTC, datetime

from ingest.documents import Page

URL = "https://example.com/page"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def page(
    body: bytes | str,
    *,
    media_type: str = "text/html",
    charset: str | None = None,
    url: str = URL,
) -> Page:
    return Page(
        url=url,
        final_url=url,
        media_type=media_type,
        charset=charset,
        body=body.encode() if isinstance(body, str) else body,
        fetched_at=NOW,
        fetcher="memory",
        robots="",
    )
