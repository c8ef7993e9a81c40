"""Which documents the index holds, page by page."""

from ingest.index.store.catalog import Catalog

LAST_CHARACTER = "\U0010ffff"
"""Sorts behind every other one, in SQLite as in UTF-8."""


def urls_below(catalog: Catalog, prefix: str, *, after: str, limit: int) -> list[str]:
    """Return up to `limit` URLs of documents that begin with `prefix`, behind `after`, in order."""
    with catalog.reading() as connection:
        # A range and not LIKE, whose wildcards stand in URLs and which would read every row.
        rows = connection.execute(
            "SELECT url FROM documents WHERE url > ? AND url >= ? AND url < ? ORDER BY url LIMIT ?",
            (after, prefix, prefix + LAST_CHARACTER, limit),
        ).fetchall()
    return [url for (url,) in rows]
