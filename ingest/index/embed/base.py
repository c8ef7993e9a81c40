"""What every embedder offers: vectors, and whether it knows the language of a text."""

from collections.abc import Sequence
from typing import Protocol

from ingest.foundation.messages import Language

Vector = Sequence[float]

LANGUAGE_COVERAGE_FLOOR = 0.8
"""Below this language coverage an embedder's vectors mislead: text is found by words alone.

all-MiniLM-L6-v2 does not know 51 % of the tokens of Chinese text and ranks it near chance; in
English it knows more than 99 % (bench/retrieval.py).
"""


class Embedder(Protocol):
    """Turns text into vectors of unit length."""

    @property
    def space(self) -> str:
        """Name of the vector space: embedder, model, weights, prefixes. Spaces do not mix."""
        ...

    def language_coverage(self, text: str) -> float:
        """Return how well the model knows the language of `text`, 0 (not at all) to 1.

        A model that cannot be used answers by the script: why it cannot is said when it embeds.
        """
        ...

    def pair_weight(self, *, question: Language, text: Language) -> float:
        """Return what the model's ranking of texts in one language is worth for a question.

        0: never use it, 1: as good as any. Knowing the tokens of a language is not enough: a model
        that knew all of Chinese and ranked it badly cost .961 -> .865 of recall@1 when it was fused
        (Universal Sentence Encoder).
        """
        ...

    def noise_floor(self, *, question: Language, text: Language) -> float:
        """Return the cosine up to which a text in one language says nothing about a question.

        Unrelated texts are not orthogonal in all models: those of multilingual-e5-small have a
        cosine of .82 in Chinese. 0 where it was not measured.
        """
        ...

    def preload(self, *, documents: bool = True) -> None:
        """Load what the first text would wait for. Blocks; any thread may call.

        Args:
            documents: False: texts of documents are not expected, and what only they need is left.

        Raises:
            EmbedError: the model cannot be used, or is not installed any more.
        """
        ...

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector per text, in order. A text of any length is embedded to its end.

        Raises:
            EmbedError: the model cannot answer.
        """
        ...

    async def embed_query(self, text: str) -> Vector:
        """Return the vector of a question, with the prefix that the model wants before it.

        Raises:
            EmbedError: the model cannot answer.
        """
        ...

    async def close(self) -> None:
        """Close connections and free memory. May be called twice."""
        ...
