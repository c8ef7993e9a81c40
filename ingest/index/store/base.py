"""Protocols of the index: `ChunkStore`, and the `VectorStore` that holds a copy of its vectors."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.documents import (
    UNKNOWN_PROCESSING,
    Chunk,
    Chunking,
    Document,
    PageValidators,
    Processing,
    ScoredChunk,
    StoredSummary,
)
from ingest.foundation.messages import Message
from ingest.index.embed.base import Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStats:
    """Counts of what the index holds."""

    documents: int
    chunks: int
    embedded: int
    """Chunks with a vector in the current space."""
    space: str
    """The vector space in use, "" while no vector has been stored."""
    failed: int = 0
    """Chunks that could not be embedded in it when that was last tried."""


class ChunkStore(Protocol):
    """Keeps documents, their chunks, the words of these and their vectors.

    Vectors are of unit length and belong to a named space (`Embedder.space`); spaces do not mix.
    Raises `StoreError` only.
    """

    async def replace(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Mapping[str, Vector],
        *,
        space: str,
        processing: Processing = UNKNOWN_PROCESSING,
        collection: str = "",
        validators: PageValidators | None = None,
    ) -> None:
        """Make `chunks` the only chunks of `document.url`, all at once or not at all.

        `vectors` maps chunk ids to unit vectors of `space`; chunks without one are found by words.
        Chunks that are as they were are left alone, vectors and all. `processing` is kept with the
        document; by default it is unknown, so that the document is cut again when it is next used.

        With the same write the document is put into `collection` (`put_in_collection`), if one is
        given, and its `validators` are kept (`remember`).
        """
        ...

    async def recut(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Mapping[str, Vector],
        *,
        space: str,
        chunking: Chunking,
    ) -> bool:
        """Replace the chunks of a stored document as `replace` does, and nothing else of it.

        Returns False, with nothing changed, if the document has another text by now or is gone.
        """
        ...

    async def processing(self, urls: Collection[str]) -> dict[str, Processing]:
        """Return what shaped those of `urls` that are in the index, by URL."""
        ...

    async def summaries(
        self, urls: Collection[str], *, space: str, processing: Processing, collection: str
    ) -> dict[str, StoredSummary]:
        """Return those of `urls` that were made by `processing` and are in `collection`, by URL."""
        ...

    async def count_outdated(self, chunking: Chunking) -> int:
        """Return how many documents are cut otherwise than `chunking`, or in an unknown way."""
        ...

    async def outdated_urls(self, chunking: Chunking, *, after: str = "", limit: int) -> list[str]:
        """Return up to `limit` URLs of such documents that sort behind `after`, in order."""
        ...

    async def add_vectors(
        self, chunks: Sequence[Chunk], vectors: Sequence[Vector], *, space: str
    ) -> None:
        """Add the vector of each of `chunks`, unless it is gone or reads otherwise by now.

        The first vector of an index makes its space the current one, and none after it does.

        Raises:
            VectorError: one is not finite, not of unit length, or not as long as its space's.
        """
        ...

    async def note_failures(
        self, reasons: Mapping[str, Message], *, space: str, is_of_text: bool = True
    ) -> None:
        """Keep why chunks (by id) could not be embedded, and when the next try is due.

        At once, if it was for the server and not for the text.
        """
        ...

    async def nearest(
        self, vector: Vector, *, top_k: int, space: str, collections: Collection[str] = ()
    ) -> list[ScoredChunk]:
        """Return the `top_k` chunks of highest cosine similarity in `space`, best first.

        Of documents in one of `collections`; (): of all.

        Raises:
            VectorError: `vector` is not one of `space`.
        """
        ...

    async def matching(
        self, words: Sequence[str], *, top_k: int, collections: Collection[str] = ()
    ) -> list[ScoredChunk]:
        """Return the `top_k` chunks by BM25 over `ingest.text.words.words`, best first.

        Of documents in one of `collections`; (): of all.
        """
        ...

    async def put_in_collection(self, url: str, name: str) -> None:
        """Put a stored document into a collection, beside those that it is in already."""
        ...

    async def check_collections(self, names: Collection[str]) -> None:
        """Raise `CollectionError` if one of `names` has no document."""
        ...

    async def drop_expired(self, *, before: datetime, limit: int) -> int:
        """Delete up to `limit` pages that only questions have read, last confirmed before then."""
        ...

    async def near_misses(self, words: Sequence[str]) -> list[str]:
        """Return words of the index that are one edit from those of `words` that it does not have.

        For typos in long words: [] where the index has every word, which costs next to nothing.
        """
        ...

    async def unembedded(
        self,
        ids: Collection[str] | None = None,
        *,
        space: str,
        limit: int,
        with_failed: bool = True,
    ) -> list[Chunk]:
        """Return up to `limit` chunks without a vector in `space`, among `ids` if given.

        Without `with_failed` those are left out whose last try failed and whose next is not due.
        """
        ...

    async def urls_below(self, prefix: str, *, after: str = "", limit: int) -> list[str]:
        """Return up to `limit` URLs of documents that begin with `prefix` and sort behind `after`.

        In order.
        """
        ...

    async def documents(self, urls: Collection[str]) -> dict[str, Document]:
        """Return those of `urls` that are in the index, by URL."""
        ...

    async def chunks(self, url: str) -> list[Chunk]:
        """Return the chunks of one document in order, [] if it is not here."""
        ...

    async def recall(self, urls: Collection[str]) -> dict[str, PageValidators]:
        """Return the validators of these pages, by the URL that was requested.

        Pages whose document has left the index are not among them.
        """
        ...

    async def remember(self, record: PageValidators) -> None:
        """Keep the validators of a page, and set the date of its document to `checked_at` if later.

        The document's chunks, words and vectors are not touched. Without a document at
        `record.final_url` nothing is kept, and former validators of `record.url` are removed.
        """
        ...

    async def delete(self, url: str) -> int:
        """Delete the document at `url` and return how many chunks it had."""
        ...

    async def current_space(self) -> str:
        """Return the vector space in use, "" while no vector has been stored."""
        ...

    async def stats(self) -> IndexStats:
        """Return how much the index holds."""
        ...

    async def close(self) -> None:
        """Close files. May be called twice."""
        ...


class VectorStore(Protocol):
    """Ids and vectors of one or more spaces, nothing else: a copy that can be rebuilt.

    The caller holds a lock against other threads and other processes. What another process has
    written since the last call is seen. Raises `StoreError` only.
    """

    def upsert(self, vectors: Mapping[str, Vector], *, space: str) -> None:
        """Set the vectors of these ids."""
        ...

    def delete(self, ids: Collection[str], *, space: str) -> None:
        """Delete the vectors of these ids; unknown ids are ignored."""
        ...

    def nearest(self, vector: Vector, *, top_k: int, space: str) -> list[tuple[str, float]]:
        """Return up to `top_k` (id, cosine similarity), best first."""
        ...

    def count(self, *, space: str) -> int:
        """Return how many vectors `space` holds."""
        ...

    def spaces(self) -> list[str]:
        """Return the spaces that are here, also those without a vector."""
        ...

    def page(self, *, space: str, offset: int, limit: int) -> dict[str, NDArray[np.float32]]:
        """Return up to `limit` vectors by id, in an order that stays while nothing is written."""
        ...

    def drop(self, space: str) -> None:
        """Delete one space with all its vectors; an unknown one is ignored."""
        ...

    def clear(self) -> None:
        """Delete every space. Also repairs a store that is damaged."""
        ...

    def close(self) -> None:
        """Close files. May be called twice."""
        ...
