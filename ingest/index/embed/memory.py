"""Vectors without a model: the deterministic twin of the real embedders, for tests and demos."""

import hashlib
import math
from collections.abc import Sequence

from ingest.foundation.messages import Language
from ingest.index.embed.base import Vector
from ingest.text.words import words

DIMENSIONS = 256


class HashingEmbedder:
    """An `Embedder` in which each word adds a sign to one of 256 dimensions (feature hashing).

    Texts that share words are near each other, in any language.
    Method: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
    """

    space = f"hashing:{DIMENSIONS}"

    def language_coverage(self, text: str) -> float:
        """Return 1: it has no vocabulary that could lack a language."""
        del text
        return 1.0

    def pair_weight(self, *, question: Language, text: Language) -> float:
        """Return 1: it ranks every language alike, by the words that two texts share."""
        del question, text
        return 1.0

    def noise_floor(self, *, question: Language, text: Language) -> float:
        """Return 0: texts without a common word are about orthogonal."""
        del question, text
        return 0.0

    def preload(self, *, documents: bool = True) -> None:
        """Nothing to load."""

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector of 256 dimensions per text."""
        return [_hashed(text) for text in texts]

    async def embed_query(self, text: str) -> Vector:
        """Return the vector that the same text has as a document."""
        return _hashed(text)

    async def close(self) -> None:
        """Nothing to close."""


def _hashed(text: str) -> Vector:
    vector = [0.0] * DIMENSIONS
    for word in words(text):
        # Not hash(): Python salts it again in each process, and vectors are kept between them.
        digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
        vector[digest[0]] += 1.0 if digest[1] & 1 else -1.0
    length = math.sqrt(math.fsum(value * value for value in vector))
    if not length:  # no words, or signs that cancel out: any fixed direction will do
        return [1.0, *([0.0] * (DIMENSIONS - 1))]
    return [value / length for value in vector]
