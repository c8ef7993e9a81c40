"""The copy of the vectors on a Chroma server (`chroma run`) instead of in a folder.

The server keeps its own files whole and lets several machines in; what is left to us is less than
in a folder (`chroma`): collections of our own names among those of others, and an answer for a
server that is away. SQLite stays the truth, so that a server may be emptied or replaced.
"""

import base64
import hashlib
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import httpx
import numpy as np
from numpy.typing import NDArray

from ingest.errors import VectorServerError
from ingest.foundation.messages import Message
from ingest.foundation.server_urls import base_url, hide_userinfo
from ingest.foundation.telemetry import disable_telemetry
from ingest.index.embed.base import Vector
from ingest.index.store import schema
from ingest.index.store.catalog import Catalog
from ingest.index.store.vector_stores.chroma_collections import (
    BATCH,
    chroma_errors,
    nearest_in,
    page_of,
)

CHROMA_PORT = 8000
"""Where `chroma run` listens."""
IDENTITY = "identity"
"""Key in `meta` of a random name of the index."""
OWNER = "index"
"""Key in the metadata of a collection: whose copy it is."""

R = TypeVar("R")


def copy_owner(catalog: Catalog) -> str:
    """Return a name for the copy of this index, which distinguishes it from others on a server.

    The folder is part of it: a copied index has the same identity, and another copy.
    """
    with catalog.reading() as connection:
        identity = schema.get_meta(connection, IDENTITY)
    if not identity:
        with catalog.writing() as connection:
            # Read again under the lock: another process may have named it meanwhile.
            identity = schema.get_meta(connection, IDENTITY) or uuid.uuid4().hex
            schema.put_meta(connection, IDENTITY, identity)
    place = catalog.path.resolve() if catalog.path else ""
    return hashlib.sha256(f"{identity} {place}".encode(errors="surrogateescape")).hexdigest()[:16]


class ChromaServerVectors:
    """A `VectorStore` on a Chroma server: one collection (cosine) for each space of one index."""

    def __init__(self, url: str, *, owner: Callable[[], str]) -> None:
        """Name the server; it is called on first use.

        Args:
            url: Where it listens, as people write it; port 8000 where none is named.
            owner: Returns which collections are ours (`copy_owner`).
        """
        address = base_url(url, port=CHROMA_PORT)
        self._address = hide_userinfo(address)
        self._headers = _credentials(url)
        self._find_owner = owner
        self._owner = ""
        self._client: Any = None
        self._collections: dict[str, Any] = {}

    def preload(self) -> None:
        """Import chromadb (1 to 2 s) before the first question needs it. Any thread may call."""
        disable_telemetry()
        import chromadb  # noqa: F401  heavy: 1-2 s

    def upsert(self, vectors: Mapping[str, Vector], *, space: str) -> None:
        """Set the vectors of these ids, `BATCH` at a time."""
        ids = list(vectors)
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            rows = [list(vectors[id_]) for id_ in batch]
            self._with_collection(space, partial(_upsert, ids=batch, rows=rows))

    def delete(self, ids: Collection[str], *, space: str) -> None:
        """Delete the vectors of these ids; unknown ids are ignored."""
        names = list(ids)
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            self._with_collection(space, partial(_delete, ids=batch))

    def nearest(self, vector: Vector, *, top_k: int, space: str) -> list[tuple[str, float]]:
        """Return up to `top_k` (id, cosine similarity), best first."""
        return self._with_collection(space, lambda one: nearest_in(one, vector, top_k, one.count()))

    def count(self, *, space: str) -> int:
        """Return how many vectors `space` holds."""
        return self._with_collection(space, lambda one: int(one.count()))

    def spaces(self) -> list[str]:
        """Return the spaces that are here, also those without a vector."""
        with self._server_errors():
            return [str(one.metadata["space"]) for one in self._ours()]

    def page(self, *, space: str, offset: int, limit: int) -> dict[str, NDArray[np.float32]]:
        """Return up to `limit` vectors by id, in an order that stays while nothing is written."""
        return self._with_collection(space, lambda one: page_of(one, offset, limit))

    def drop(self, space: str) -> None:
        """Delete one space with all its vectors; an unknown one is ignored."""
        with self._server_errors():
            self._drop([one for one in self._ours() if one.metadata["space"] == space])

    def clear(self) -> None:
        """Delete every space of this index; collections of others stay."""
        with self._server_errors():
            self._drop(self._ours())

    def close(self) -> None:
        """Close the client. May be called twice; the next use opens another."""
        self._client = None
        self._collections.clear()

    def _with_collection(self, space: str, ask: Callable[[Any], R]) -> R:
        """Return what `ask` does with the collection of `space`."""
        from chromadb.errors import NotFoundError

        with self._server_errors():
            try:
                return ask(self._collection(space))
            except NotFoundError:
                # Another process has emptied the copy since: there is a new one of that name.
                self._collections.clear()
                return ask(self._collection(space))

    def _collection(self, space: str) -> Any:
        if space not in self._collections:
            client = self._open()
            digest = hashlib.sha256(f"{self._owner} {space}".encode()).hexdigest()[:24]
            self._collections[space] = client.get_or_create_collection(
                f"qiuzheng-{digest}",
                metadata={"space": space, OWNER: self._owner},
                configuration={"hnsw": {"space": "cosine"}},
                embedding_function=None,
            )
        return self._collections[space]

    def _ours(self) -> list[Any]:
        collections = self._open().list_collections()
        return [one for one in collections if (one.metadata or {}).get(OWNER) == self._owner]

    def _drop(self, collections: list[Any]) -> None:
        for one in collections:
            self._client.delete_collection(one.name)
        self._collections.clear()

    def _open(self) -> Any:
        if self._client is None:
            disable_telemetry()
            import chromadb
            from chromadb.config import Settings

            self._owner = self._owner or self._find_owner()
            self._client = chromadb.HttpClient(
                self._address,
                headers=self._headers,
                settings=Settings(anonymized_telemetry=False),
            )
        return self._client

    @contextmanager
    def _server_errors(self) -> Iterator[None]:
        """Turn what the client raises in the block into a `VectorServerError`."""
        try:
            yield
        except _failures() as error:
            self.close()
            raise VectorServerError(
                Message(
                    "the Chroma server at {url} cannot be used ({error})",
                    url=self._address,
                    error=str(error)[:200],
                ),
                hint=Message(
                    "start it (chroma run --path FOLDER) or empty index.url: its vectors are a copy"
                ),
            ) from error


def _upsert(collection: Any, *, ids: list[str], rows: list[list[float]]) -> None:
    collection.upsert(ids=ids, embeddings=rows)


def _delete(collection: Any, *, ids: list[str]) -> None:
    collection.delete(ids=ids)


def _failures() -> tuple[type[Exception], ...]:
    """Return what the client raises; evaluated only when something was raised."""
    return (*chroma_errors(), httpx.HTTPError)


def _credentials(url: str) -> dict[str, str]:
    """Return the header for the name and password in an address (RFC 7617), {} without."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
