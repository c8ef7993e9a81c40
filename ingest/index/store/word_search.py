"""The words leg: chunks by BM25 over the full-text index, in time that hardly grows with it.

FTS5 scores every chunk that holds any word of a question, and the frequent words are in most of
them. So chunks are found by the rare words alone, whose postings are counted beforehand, and the
best of these are scored again with the frequent words that still tell something (the idea of WAND:
Broder et al., "Efficient query evaluation using a two-level retrieval process", CIKM 2003).
"""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import math
import re
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ingest.documents import ScoredChunk
from ingest.index.store import counts
from ingest.index.store.memberships import IS_MEMBER, member_values
from ingest.index.store.postings.segment import HEADING_WEIGHT, K1, B
from ingest.index.store.postings.segmented import SegmentedPostings
from ingest.index.store.rows import CHUNK, to_chunk

MAX_QUERY_WORDS = 64  # a 100 kB question must not become a query of thousands of words

POSTINGS_PER_ROOT = 64
"""Chunks that rare words may name, times the root of the chunks there are: each costs FTS5 1 µs.
With 32 and less, headings of Python's FAQ lose their page among its manual (28,000 chunks:
recall@5 .386 instead of .421, `bench.words_leg`)."""
MIN_POSTINGS = 1_000
"""Chunks that rare words may name in any case: a small index is searched whole."""
RESCORED = 50
"""Chunks beyond those wanted that are scored with the frequent words, too."""
ENDS = (" ", "s ", ", ", ". ")
"""What follows most English words."""
MAX_GROWTH = 0.1
"""Share by which the index may grow before the words are counted again."""
MAX_CACHED_WORDS = 20_000
"""Words whose counts are kept, 2 MB."""

_WORD = re.compile(r"\w+")
"""What `ingest.text.words.words` returns; in quotes it cannot be read as FTS5's query syntax."""


class WordSearch:
    """Searches the full-text index; remembers in how many chunks words are.

    The caller lets one thread in at a time.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Name the folder of the files of postings; None: FTS5 answers all questions."""
        self._postings = SegmentedPostings(folder)
        self._chunks = 0
        self._count_of_word: dict[str, int] = {}

    def best_matches(
        self,
        connection: sqlite3.Connection,
        words: Sequence[str],
        *,
        top_k: int,
        collections: Collection[str] = (),
    ) -> list[ScoredChunk]:
        """Return the `top_k` chunks of highest BM25 score (k1 1.2, b 0.75), best first.

        Only documents in one of `collections` are searched; (): all.
        """
        distinct = list(dict.fromkeys(filter(_WORD.fullmatch, words)))[:MAX_QUERY_WORDS]
        if not distinct or top_k < 1:
            return []
        found = self._postings.best_matches(
            connection, distinct, top_k=top_k, collections=collections
        )
        if found is None:
            found = self._fts5_matches(connection, distinct, top_k, collections)
        # A join does not keep the order of its subquery, and equal scores need a stable one.
        return sorted(found, key=lambda scored: (-scored.score, scored.chunk.id))[:top_k]

    def _fts5_matches(
        self,
        connection: sqlite3.Connection,
        distinct: Sequence[str],
        top_k: int,
        collections: Collection[str],
    ) -> list[ScoredChunk]:
        chunks = counts.count_of(connection, counts.CHUNKS)
        # In how many chunks each of the words is, about.
        if abs(chunks - self._chunks) > MAX_GROWTH * self._chunks or chunks < MIN_POSTINGS:
            self._count_of_word.clear()
            self._chunks = chunks
        if len(self._count_of_word) > MAX_CACHED_WORDS:
            self._count_of_word.clear()
        for word in distinct:
            # One that was nowhere a moment ago may be in the page that was just stored.
            if not self._count_of_word.get(word):
                (self._count_of_word[word],) = connection.execute(
                    "SELECT COUNT(*) FROM words WHERE words MATCH ?", (f'"{word}"',)
                ).fetchone()
        rare, frequent = _split_by_frequency(
            {word: self._count_of_word[word] for word in distinct}, chunks
        )
        if not rare:
            return []
        limit = top_k + RESCORED if frequent else top_k
        found = _search_any(connection, rare, limit=limit, collections=collections)
        if collections and len(found) < limit and len(rare) < len(distinct):
            # Counted over the whole index: within a small collection a rare word may be nowhere.
            found = _search_any(connection, distinct, limit=top_k, collections=collections)
            frequent = {}
        if frequent:
            found = _rescored(found, frequent, chunks)
        return found


def _split_by_frequency(
    count_of: Mapping[str, int], chunks: int
) -> tuple[list[str], dict[str, int]]:
    """Return the words that find chunks, and the more frequent ones that only order them."""
    budget = max(MIN_POSTINGS, POSTINGS_PER_ROOT * math.isqrt(chunks))
    known = sorted((word for word, count in count_of.items() if count), key=count_of.__getitem__)
    if sum(count_of.values()) <= budget:
        return known, {}
    rare: list[str] = []
    frequent: dict[str, int] = {}
    for word in known:
        if rare and count_of[word] > budget:
            # BM25's weight of a word that is in half of the chunks is zero.
            if count_of[word] < chunks / 2:
                frequent[word] = count_of[word]
        else:
            rare.append(word)
            budget -= count_of[word]
    return rare, frequent


def _search_any(
    connection: sqlite3.Connection,
    words: Sequence[str],
    *,
    limit: int,
    collections: Collection[str],
) -> list[ScoredChunk]:
    # OR, not AND: a chunk that lacks one word of a question may still answer it, and BM25 ranks
    # the chunks that have more of them first.
    query = " OR ".join(f'"{word}"' for word in words)
    # "+": not a look-up in the full-text index for each chunk of the collection.
    among = f"AND +rowid IN (SELECT number FROM chunks WHERE {IS_MEMBER.format(url='url')})"
    rows = connection.execute(
        f"SELECT {CHUNK}, w.score FROM ("
        " SELECT rowid AS number, -rank AS score FROM words"
        f" WHERE words MATCH :query AND rank MATCH 'bm25(1.0, {HEADING_WEIGHT})'"
        f" {among if collections else ''} ORDER BY rank LIMIT :top_k) w"
        " JOIN chunks c ON c.number = w.number JOIN documents d ON d.url = c.url",
        {"query": query, "top_k": limit, **member_values(collections)},
    ).fetchall()
    return [ScoredChunk(chunk=to_chunk(row[:8]), score=row[8]) for row in rows]


def _rescored(
    found: Sequence[ScoredChunk], count_of: Mapping[str, int], chunks: int
) -> list[ScoredChunk]:
    """Return the chunks with what the frequent words add to their scores.

    Their number is taken from the text itself: cutting it into its words would take 70 µs a chunk,
    seven times as long. What is written in another way than it is looked up (irregular plurals,
    traditional characters) counts for nothing here.
    """
    weight_of = {
        word: math.log((chunks - count + 0.5) / (count + 0.5)) for word, count in count_of.items()
    }
    # English words between spaces, with what often follows them: a regular expression that
    # knows all of it takes five times as long.
    forms = {
        word: [f" {word}{end}" for end in ENDS] if word.isascii() else [word] for word in weight_of
    }
    average = sum(len(scored.chunk.text) for scored in found) / max(1, len(found))
    rescored = []
    for scored in found:
        chunk = scored.chunk
        text = f" {chunk.text} ".replace("\n", " ").casefold()
        head = f" {chunk.title} {chunk.heading} ".casefold()
        norm = K1 * (1 - B + B * len(chunk.text) / average)
        more = 0.0
        for word, weight in weight_of.items():
            count = sum(
                text.count(form) + HEADING_WEIGHT * head.count(form) for form in forms[word]
            )
            more += weight * count * (K1 + 1) / (count + norm)
        rescored.append(replace(scored, score=scored.score + more))
    return rescored
