"""What is asked of a collection of Chroma, in a folder as on a server."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.index.embed.base import Vector

BATCH = 2_000  # vectors in one call; chromadb itself allows 5,461


def nearest_in(collection: Any, vector: Vector, top_k: int, count: int) -> list[tuple[str, float]]:
    """Return up to `top_k` (id, cosine similarity) of a collection of `count`, best first."""
    size = min(top_k, count)
    if size < 1:
        return []
    found = collection.query(query_embeddings=[list(vector)], n_results=size, include=["distances"])
    # Cosine distance is 1 - similarity.
    return [
        (id_, 1.0 - float(distance))
        for id_, distance in zip(found["ids"][0], found["distances"][0], strict=True)
    ]


def page_of(collection: Any, offset: int, limit: int) -> dict[str, NDArray[np.float32]]:
    """Return up to `limit` vectors of a collection by id."""
    found = collection.get(limit=limit, offset=offset, include=["embeddings"])
    return {
        id_: np.asarray(vector, dtype=np.float32)
        for id_, vector in zip(found["ids"], found["embeddings"], strict=True)
    }


def chroma_errors() -> tuple[type[Exception], ...]:
    """Return what chromadb raises; evaluated only when something was raised."""
    from chromadb.errors import ChromaError

    # AttributeError: "'RustBindingsAPI' object has no attribute 'bindings'", a client half made.
    return (ChromaError, OSError, ValueError, RuntimeError, LookupError, AttributeError)
