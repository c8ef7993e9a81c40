"""Between rows of the catalogue and our values."""

from datetime import date, datetime

import numpy as np

from ingest.documents import Chunk, Document
from ingest.embed.base import Vector

CHUNK = "c.id, c.url, d.title, c.position, c.first, c.past, c.heading, c.text"
"""The columns that `to_chunk` reads."""
CHUNKS = "chunks c JOIN documents d ON d.url = c.url"
"""The tables that they come from."""
DOCUMENT = "url, title, text, fetched_at, language, published"
"""The columns that `to_document` reads and `from_document` fills."""

ChunkRow = tuple[str, str, str, int, int, int, str, str]
DocumentRow = tuple[str, str, str, str, str, str | None]


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
    url, title, text, fetched_at, language, published = row
    return Document(
        url=url,
        title=title,
        text=text,
        fetched_at=datetime.fromisoformat(fetched_at),
        language=language,
        published=date.fromisoformat(published) if published else None,
    )


def from_document(document: Document) -> DocumentRow:
    """Return the row of `DOCUMENT` that holds `document`."""
    return (
        document.url,
        document.title,
        document.text,
        document.fetched_at.isoformat(),
        document.language,
        document.published.isoformat() if document.published else None,
    )


def packed(vector: Vector) -> bytes:
    """Return the vector as 32-bit floats, little-endian."""
    return np.asarray(vector, dtype="<f4").tobytes()


def unpacked(blob: bytes | None) -> Vector | None:
    """Undo `packed`; None stays None."""
    if blob is None:
        return None
    vector: list[float] = np.frombuffer(blob, "<f4").tolist()
    return vector
