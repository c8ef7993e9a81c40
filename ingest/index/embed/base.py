"""The promise that every embedder keeps."""

from collections.abc import Sequence
from typing import Protocol

Vector = Sequence[float]

LANGUAGE_COVERAGE_FLOOR = 0.8
"""Below this language_coverage an encoder's vectors mislead: text is found by words alone.

all-MiniLM-L6-v2 does not know 51 % of the tokens of Chinese text and ranks it near chance; in
English it knows more than 99 % (bench/retrieval.py).
"""


class Embedder(Protocol):
    """Turns text into vectors of unit length."""

    @property
    def space(self) -> str:
        """Names the vector space: model, dimension and prefixes. Other spaces do not mix."""
        ...

    def language_coverage(self, text: str) -> float:
        """Return how well the model knows the language of `text`, 0 (not at all) to 1."""
        ...

    def preload(self) -> None:
        """Load what the first text would wait for. Blocks; any thread may call.

        Raises:
            EmbedError: the model cannot be used.
            MissingDependencyError: it is not installed.
        """
        ...

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector per text, in order, or raise `EmbedError`. Never truncates silently."""
        ...

    async def embed_query(self, text: str) -> Vector:
        """Return the vector to look up with, or raise `EmbedError`."""
        ...

    async def close(self) -> None:
        """Give back connections. May be called twice."""
        ...
