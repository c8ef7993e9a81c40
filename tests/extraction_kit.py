"""A download as the extractor is given it."""

from datetime import UTC, datetime
from pathlib import Path

from ingest.documents import Document, Page
from ingest.extract.extractor import extract

PAGES = Path(__file__).parent / "data" / "pages"
URL = "https://example.com/page"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def page(body: bytes | str, *, media_type: str = "text/html", charset: str | None = None) -> Page:
    return Page(
        url=URL,
        final_url=URL,
        media_type=media_type,
        charset=charset,
        body=body.encode() if isinstance(body, str) else body,
        fetched_at=NOW,
        fetcher="memory",
        robots="",
    )


def fixture(name: str) -> Document:
    return extract(page((PAGES / name).read_bytes()))
