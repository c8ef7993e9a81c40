"""A catalogue filled with paragraphs, and what is found in it."""

import sqlite3
from pathlib import Path

from ingest.index.store.catalog import Catalog
from tests.index_samples import SPACE, chunks_of, document


def tables_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, FTS5's own tables too."""
    connection = sqlite3.connect(path)
    names = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'words'"
    ).fetchall()
    rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names}
    connection.close()
    return rows


def fill(catalog: Catalog, slug: str, *paragraphs: str) -> None:
    page = document(slug, *paragraphs)
    catalog.replace(page, chunks_of(page), {}, space=SPACE)


def found(catalog: Catalog, *words: str) -> list[str]:
    return [scored.chunk.text for scored in catalog.matching(words, top_k=100)]
