"""Conversion between rows of the catalogue's tables and values."""

import json
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from ingest.documents import (
    Chunk,
    Chunking,
    Document,
    FetcherName,
    PageKind,
    PageValidators,
    Processing,
)
from ingest.index.embed.base import Vector

CHUNK = "c.id, c.url, d.title, c.position, c.first, c.past, c.heading, c.text"
"""The columns that `to_chunk` reads."""
CHUNKS = "chunks c JOIN documents d ON d.url = c.url"
"""The tables that they come from."""
DOCUMENT = (
    "url, title, text, fetched_at, language, published, modified, author, canonical, kind,"
    " page_starts"
)
"""The columns that `to_document` reads and `from_document` fills."""
PROCESSING = "extractor, splitter, chunk_size, chunk_overlap"
"""The columns that `to_processing` reads and `from_processing` fills."""
PAGE = "url, document, checked_at, fresh_until, body_hash, etag, last_modified, fetcher, robots"
"""The columns that `to_validators` reads and `from_validators` fills."""

ChunkRow = tuple[str, str, str, int, int, int, str, str]
DocumentRow = tuple[str, str, str, str, str, str | None, str | None, str, str, PageKind, str]
ProcessingRow = tuple[int | None, int | None, int | None, int | None]
PageRow = tuple[str, str, str, str, str, str, str, FetcherName, str]


def to_chunk(row: ChunkRow) -> Chunk:
    """Return the chunk in a row of `CHUNK`."""
    id_, url, title, position, first, past, heading, text = row
    return Chunk(
        id=id_,
        url=url,
        title=title,
        position=position,
        start=first,
        end=past,
        heading=heading,
        text=text,
    )


def to_document(row: DocumentRow) -> Document:
    """Return the document in a row of `DOCUMENT`."""
    url, title, text, fetched_at, language, published, modified, author, canonical, kind, starts = (
        row
    )
    return Document(
        url=url,
        title=title,
        text=text,
        fetched_at=datetime.fromisoformat(fetched_at),
        language=language,
        published=date.fromisoformat(published) if published else None,
        modified=date.fromisoformat(modified) if modified else None,
        author=author,
        canonical=canonical,
        kind=kind,
        page_starts=tuple(json.loads(starts)),
    )


def from_document(document: Document) -> DocumentRow:
    """Return the row of `DOCUMENT` that holds `document`."""
    return (
        document.url,
        document.title,
        document.text,
        timestamp(document.fetched_at),
        document.language,
        document.published.isoformat() if document.published else None,
        document.modified.isoformat() if document.modified else None,
        document.author,
        document.canonical,
        document.kind,
        json.dumps(document.page_starts),
    )


def to_processing(row: ProcessingRow) -> Processing:
    """Return what a row of `PROCESSING` holds."""
    extractor, splitter, size, overlap = row
    if splitter is None or size is None or overlap is None:
        return Processing(extractor=extractor)
    chunking = Chunking(size=size, overlap=overlap, version=splitter)
    return Processing(extractor=extractor, chunking=chunking)


def from_processing(processing: Processing) -> ProcessingRow:
    """Return the row of `PROCESSING` that holds `processing`."""
    chunking = processing.chunking
    if chunking is None:
        return processing.extractor, None, None, None
    return processing.extractor, chunking.version, chunking.size, chunking.overlap


def to_validators(row: PageRow) -> PageValidators:
    """Return the validators in a row of `PAGE`."""
    url, document, checked_at, fresh_until, body_hash, etag, last_modified, fetcher, robots = row
    return PageValidators(
        url=url,
        final_url=document,
        checked_at=datetime.fromisoformat(checked_at),
        fresh_until=datetime.fromisoformat(fresh_until),
        body_hash=body_hash,
        etag=etag,
        last_modified=last_modified,
        fetcher=fetcher,
        robots=robots,
    )


def from_validators(record: PageValidators) -> PageRow:
    """Return the row of `PAGE` that holds the validators `record`."""
    return (
        record.url,
        record.final_url,
        timestamp(record.checked_at),
        timestamp(record.fresh_until),
        record.body_hash,
        record.etag,
        record.last_modified,
        record.fetcher,
        record.robots,
    )


def timestamp(moment: datetime) -> str:
    """Return an aware moment in UTC as text; later moments sort after earlier ones."""
    # Microseconds always: without them "08:30:15+00:00" would sort before "08:30:15.1+00:00".
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def packed(vector: Vector) -> bytes:
    """Return a vector as 32-bit floats, little-endian: 4 bytes a dimension."""
    return np.asarray(vector, dtype="<f4").tobytes()


def to_array(blob: bytes) -> NDArray[np.float32]:
    """Return the vector that `packed` made the bytes of; a torn one is one of another length."""
    return np.frombuffer(blob[: len(blob) // 4 * 4], "<f4")


def unpacked(blob: bytes | None) -> Vector | None:
    """Return the same as a list; None stays None."""
    if blob is None:
        return None
    vector: list[float] = to_array(blob).tolist()
    return vector
