"""Vectors in memory: the twin of the persistent vector store, for tests and small jobs."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from ingest.index.embed.base import Vector


class MemoryVectors:
    """A `VectorStore` that compares the query with every vector: exact, and fast up to 10,000."""

    def __init__(self) -> None:
        self._spaces: dict[str, dict[str, NDArray[np.float32]]] = {}

    def upsert(self, vectors: Mapping[str, Vector], *, space: str) -> None:
        """Set the vectors of these ids."""
        held = self._spaces.setdefault(space, {})
        for id_, vector in vectors.items():
            array = np.asarray(vector, dtype=np.float32)
            # As Chroma's cosine space does it, also where a caller's vector is not of unit length.
            held[id_] = array / max(float(np.linalg.norm(array)), 1e-12)

    def delete(self, ids: Collection[str], *, space: str) -> None:
        """Delete the vectors of these ids; unknown ids are ignored."""
        held = self._spaces.get(space, {})
        for id_ in ids:
            held.pop(id_, None)

    def nearest(self, vector: Vector, *, top_k: int, space: str) -> list[tuple[str, float]]:
        """Return up to `top_k` (id, cosine similarity), best first, equal ones by id."""
        held = self._spaces.get(space, {})
        if not held or top_k < 1:
            return []
        query = np.asarray(vector, dtype=np.float32)
        query = query / max(float(np.linalg.norm(query)), 1e-12)
        scores = np.stack(list(held.values())) @ query
        scored = zip(held, scores.tolist(), strict=True)
        return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:top_k]

    def count(self, *, space: str) -> int:
        """Return how many vectors `space` holds."""
        return len(self._spaces.get(space, {}))

    def spaces(self) -> list[str]:
        """Return the spaces that are here, also those without a vector."""
        return list(self._spaces)

    def page(self, *, space: str, offset: int, limit: int) -> dict[str, NDArray[np.float32]]:
        """Return up to `limit` vectors by id, in an order that stays while nothing is written."""
        return dict(list(self._spaces.get(space, {}).items())[offset : offset + limit])

    def drop(self, space: str) -> None:
        """Delete one space with all its vectors; an unknown one is ignored."""
        self._spaces.pop(space, None)

    def clear(self) -> None:
        """Delete every space."""
        self._spaces.clear()

    def close(self) -> None:
        """Do nothing: there is no file, and the vectors stay for whoever opens the index again."""
