"""Which documents the index holds, page by page, and in which collections."""

import asyncio
import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime

from ingest.documents import (
    Chunk,
    Chunking,
    Document,
    PageValidators,
    Processing,
    ScoredChunk,
    StoredSummary,
)
from ingest.foundation.concurrency import in_thread
from ingest.index.store import memberships
from ingest.index.store.base import IndexStats
from ingest.index.store.catalog import Catalog
from ingest.index.store.postings.words_upkeep import WordsUpkeep
from ingest.index.store.rows import from_processing

LAST_CHARACTER = "\U0010ffff"
"""Sorts behind every other one, in SQLite as in UTF-8."""


def stored_summaries(
    connection: sqlite3.Connection,
    urls: Collection[str],
    *,
    space: str,
    processing: Processing,
    collection: str,
) -> dict[str, StoredSummary]:
    """Return what is known of documents without their texts, by URL."""
    extractor, splitter, size, overlap = from_processing(processing)
    rows = connection.execute(
        "SELECT d.url, d.title, d.kind, (SELECT COUNT(*) FROM chunks WHERE url = d.url),"
        " (SELECT COUNT(*) FROM embeddings WHERE space = :space"
        "  AND chunk IN (SELECT number FROM chunks WHERE url = d.url))"
        " FROM documents d WHERE d.url IN (SELECT value FROM json_each(:urls))"
        " AND d.extractor IS :extractor AND d.splitter IS :splitter"
        " AND d.chunk_size IS :size AND d.chunk_overlap IS :overlap AND EXISTS"
        " (SELECT 1 FROM collection_members WHERE document = d.url AND name = :collection)",
        {
            "urls": json.dumps(list(urls)),
            "space": space,
            "extractor": extractor,
            "splitter": splitter,
            "size": size,
            "overlap": overlap,
            "collection": collection,
        },
    ).fetchall()
    return {
        url: StoredSummary(title=title, kind=kind, chunks=chunks, embedded=embedded)
        for url, title, kind, chunks, embedded in rows
    }


class CollectionStore:
    """What of a `ChunkStore` needs no vector store: search by words, what is kept of pages."""

    catalog: Catalog
    words_upkeep: WordsUpkeep

    async def matching(
        self, words: Sequence[str], *, top_k: int, collections: Collection[str] = ()
    ) -> list[ScoredChunk]:
        """Return the chunks that match `words` best, by BM25."""
        found = await asyncio.to_thread(
            self.catalog.matching, words, top_k=top_k, collections=collections
        )
        # What was removed, put back or interrupted may have left an index without its files.
        await asyncio.to_thread(self.words_upkeep.wake_if_due)
        return found

    @in_thread
    def summaries(
        self, urls: Collection[str], *, space: str, processing: Processing, collection: str
    ) -> dict[str, StoredSummary]:
        """Return those of `urls` that were made by `processing` and are in `collection`, by URL."""
        with self.catalog.reading() as connection:
            return stored_summaries(
                connection, urls, space=space, processing=processing, collection=collection
            )

    @in_thread
    def urls_below(self, prefix: str, *, after: str = "", limit: int) -> list[str]:
        """Return URLs of documents that begin with `prefix` and sort behind `after`, in order."""
        with self.catalog.reading() as connection:
            # A range and not LIKE, whose wildcards are in URLs and which would read every row.
            rows = connection.execute(
                "SELECT url FROM documents WHERE url > ? AND url >= ? AND url < ?"
                " ORDER BY url LIMIT ?",
                (after, prefix, prefix + LAST_CHARACTER, limit),
            ).fetchall()
        return [url for (url,) in rows]

    @in_thread
    def put_in_collection(self, url: str, name: str) -> None:
        """Put a stored document into a collection, beside those that it is in already."""
        with self.catalog.reading() as connection:
            if memberships.is_member(connection, url, name):
                return  # the usual case, which needs no lock
        with self.catalog.writing() as connection:
            memberships.put_member(connection, url, name)

    @in_thread
    def check_collections(self, names: Collection[str]) -> None:
        """Raise `CollectionError` if one of `names` has no document."""
        with self.catalog.reading() as connection:
            memberships.check_known(connection, names)

    @in_thread
    def drop_expired(self, *, before: datetime, limit: int) -> int:
        """Delete up to `limit` pages that only questions have read, last confirmed before then."""
        with self.catalog.reading() as connection:
            urls = memberships.expired_urls(connection, before=before, limit=limit)
        # Their vectors wait in the journal: no caller is to wait for the vector store here.
        for url in urls:
            self.catalog.delete(url)
        if urls:
            self.words_upkeep.wake_if_due()
        return len(urls)

    async def near_misses(self, words: Sequence[str]) -> list[str]:
        """Return words of the index one edit from those of `words` that it does not have."""
        return await asyncio.to_thread(self.catalog.near_misses, words)

    async def unembedded(
        self,
        ids: Collection[str] | None = None,
        *,
        space: str,
        limit: int,
        with_failed: bool = True,
    ) -> list[Chunk]:
        """Return chunks without a vector in `space`."""
        return await asyncio.to_thread(
            self.catalog.unembedded, ids, space=space, limit=limit, with_failed=with_failed
        )

    async def documents(self, urls: Collection[str]) -> dict[str, Document]:
        """Return those of `urls` that are in the index, by URL."""
        return await asyncio.to_thread(self.catalog.documents, urls)

    async def chunks(self, url: str) -> list[Chunk]:
        """Return the chunks of one document in order."""
        return await asyncio.to_thread(self.catalog.chunks, url)

    async def processing(self, urls: Collection[str]) -> dict[str, Processing]:
        """Return what shaped those of `urls` that are in the index, by URL."""
        return await asyncio.to_thread(self.catalog.processing, urls)

    async def count_outdated(self, chunking: Chunking) -> int:
        """Return how many documents are cut otherwise than `chunking`."""
        return await asyncio.to_thread(self.catalog.count_outdated, chunking)

    async def outdated_urls(self, chunking: Chunking, *, after: str = "", limit: int) -> list[str]:
        """Return the URLs of such documents that sort behind `after`."""
        return await asyncio.to_thread(
            self.catalog.outdated_urls, chunking, after=after, limit=limit
        )

    async def recall(self, urls: Collection[str]) -> dict[str, PageValidators]:
        """Return the validators of these pages, by the URL that was requested."""
        return await asyncio.to_thread(self.catalog.recall, urls)

    async def current_space(self) -> str:
        """Return the vector space in use, "" while no vector has been stored."""
        return await asyncio.to_thread(self.catalog.current_space)

    async def stats(self) -> IndexStats:
        """Return how much the index holds."""
        return await asyncio.to_thread(self.catalog.stats)
