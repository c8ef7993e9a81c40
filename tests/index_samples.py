"""Documents, chunks and vectors for tests of the index, and ways to open one."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ingest.documents import Chunk, Document, PageValidators
from ingest.index.store.base import VectorStore
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_scan import SCAN_BYTES
from ingest.index.store.vector_stores.chroma import ChromaVectors

SPACE = "test:3"


def document(slug: str, *paragraphs: str, title: str = "") -> Document:
    return Document(
        url=f"https://{slug}.example/",
        title=title,
        text="\n\n".join(paragraphs),
        fetched_at=datetime(2026, 11, 20, 8, 30, 15, 123456, tzinfo=UTC),
        language="en",
        published=date(2026, 11, 1),
        modified=date(2026, 11, 9),
        author="李雷, Ann",
        canonical=f"https://{slug}.example/canonical",
    )


def record(page: Document, *, url: str = "", hours: float = 0.0) -> PageValidators:
    """Return what is kept of `page`, which was checked so many hours after it was fetched."""
    checked_at = page.fetched_at + timedelta(hours=hours)
    return PageValidators(
        url=url or page.url,
        final_url=page.url,
        checked_at=checked_at,
        fresh_until=checked_at + timedelta(minutes=10),
        body_hash="0123abcd",
        etag='W/"é"',
        last_modified="Fri, 20 Nov 2026 08:00:00 GMT",
        fetcher="browser",
        robots="line 3: allow /",
    )


def chunks_of(page: Document, *, heading: str = "") -> list[Chunk]:
    """Return one chunk for each paragraph."""
    chunks: list[Chunk] = []
    start = 0
    for paragraph in page.text.split("\n\n") if page.text else []:
        chunks.append(
            Chunk(
                id=f"{page.url.split('/')[2]}_{len(chunks)}",
                url=page.url,
                title=page.title,
                position=len(chunks),
                start=start,
                end=start + len(paragraph),
                heading=heading,
                text=paragraph,
            )
        )
        start += len(paragraph) + 2
    return chunks


def at(degrees: float) -> list[float]:
    """Return a unit vector in the plane of the first two of three dimensions."""
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0.0]


def persistent(
    folder: Path,
    vectors: VectorStore | None = None,
    *,
    scan_bytes: int = SCAN_BYTES,
    **catalog: float,
) -> Index:
    """Open the index in `folder` as the program does, or with another vector store.

    Vectors are carried to the vector store after every write, so that a test can strike in between.
    With `scan_bytes` of 0 questions ask the vector store, as those to a large index do.
    """
    return Index(
        catalog=Catalog(folder / "index.sqlite", **catalog),  # type: ignore[arg-type]
        vectors=vectors or ChromaVectors(folder / "chroma"),
        mirror_every=1,
        scan_bytes=scan_bytes,
    )


async def store(index: Index, page: Document, degrees: Sequence[float] = ()) -> list[Chunk]:
    """Store a page, with a vector for each of its first chunks, and return its chunks."""
    chunks = chunks_of(page)
    vectors = {chunk.id: at(angle) for chunk, angle in zip(chunks, degrees, strict=False)}
    await index.replace(page, chunks, vectors, space=SPACE)
    return chunks


async def nearest(index: Index, degrees: float, *, top_k: int = 100) -> list[str]:
    found = await index.nearest(at(degrees), top_k=top_k, space=SPACE)
    return [scored.chunk.text for scored in found]


async def matching(index: Index, *words: str, top_k: int = 100) -> list[str]:
    return [scored.chunk.text for scored in await index.matching(words, top_k=top_k)]
