"""The words leg: chunks by BM25 over the full-text index."""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import re
import sqlite3
from collections.abc import Sequence

from ingest.documents import ScoredChunk
from ingest.index.store.rows import CHUNK, to_chunk

HEADING_WEIGHT = 0.5  # of a word in the title or heading, against one in the text
MAX_QUERY_WORDS = 64  # a 100 kB question must not become a query of thousands of words

_WORD = re.compile(r"\w+")
"""What `ingest.text.words.words` returns; in quotes it cannot be read as FTS5's query syntax."""


def best_matches(
    connection: sqlite3.Connection, words: Sequence[str], *, top_k: int
) -> list[ScoredChunk]:
    """Return the `top_k` chunks of highest BM25 score (FTS5: k1 1.2, b 0.75), best first."""
    distinct = list(dict.fromkeys(filter(_WORD.fullmatch, words)))[:MAX_QUERY_WORDS]
    if not distinct or top_k < 1:
        return []
    # OR, not AND: a chunk that lacks one word of a question may still answer it, and BM25 ranks
    # the chunks that have more of them first.
    query = " OR ".join(f'"{word}"' for word in distinct)
    rows = connection.execute(
        f"SELECT {CHUNK}, w.score FROM ("
        " SELECT rowid AS number, -rank AS score FROM words"
        f" WHERE words MATCH ? AND rank MATCH 'bm25(1.0, {HEADING_WEIGHT})'"
        " ORDER BY rank LIMIT ?) w"
        " JOIN chunks c ON c.number = w.number JOIN documents d ON d.url = c.url",
        (query, top_k),
    ).fetchall()
    found = [ScoredChunk(chunk=to_chunk(row[:8]), score=row[8]) for row in rows]
    # A join does not keep the order of its subquery, and equal scores need a stable one.
    return sorted(found, key=lambda scored: (-scored.score, scored.chunk.id))
